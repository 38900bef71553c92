from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from humanlike.errors import HumanlikeError
from humanlike.networks.registry import NETWORKS
from humanlike.params import ModelFile, Optimisation, Params, load, parse

ROOT = Path(__file__).parents[1]
SHIPPED = [ROOT / "params.yaml", *sorted((ROOT / "profiles").glob("*.yaml"))]


def values() -> dict:
    return YAML(typ="safe", pure=True).load(ROOT / "params.yaml")


def with_value(key: str, value: object) -> dict:
    changed = section = values()
    *sections, last = key.split(".")
    for name in sections:
        section = section[name]
    section[last] = value
    return changed


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_params_are_valid(path: Path) -> None:
    assert isinstance(load(path), Params)


def test_default_has_two_networks_and_two_folds() -> None:
    params = load(ROOT / "params.yaml")
    assert len(params.train.networks) >= 2
    assert len(params.train.folds) >= 2


def test_paper_profile_is_the_published_setting() -> None:
    params = load(ROOT / "profiles" / "paper.yaml")
    assert params.train.networks == list(NETWORKS)
    assert params.train.folds == [0, 1, 2, 3, 4]
    assert (params.lime.samples, params.lime.superpixels, params.lime.compactness) == (1000, 30, 20)
    assert (params.lime.sampling, params.explain.positives_per_class) == ("bernoulli", 100)
    for key, network in NETWORKS.items():
        fitted = params.train.optimisation[key]
        assert isinstance(fitted, Optimisation)
        assert fitted.optimizer == network.optimizer
        assert fitted.learning_rate == network.learning_rate
        assert (fitted.epochs, fitted.batch_size) == (network.epochs, 128)
        assert (fitted.schedule, fitted.dropout) == ("constant", None)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("train.networks", ["resnet5"], ["train.networks", "'resnet5'", "weinet"]),
        ("train.networks", [], ["train.networks", "[]"]),
        ("train.networks", ["weinet", "weinet"], ["train.networks", "'weinet'", "twice"]),
        ("train.folds", [5], ["train.folds", "5", "0 to 4"]),
        ("train.folds", [-1], ["train.folds", "-1"]),
        (
            "train.input_scaling",
            "raw",
            ["train.input_scaling", "'raw'", "'paper', 'native' or 'wide'"],
        ),
        ("lime.samples", 0, ["lime.samples", "0", "greater"]),
        ("lime.samples", 12.5, ["lime.samples", "12.5", "integer"]),
        ("lime.samples", "some", ["lime.samples", "some", "auto", "2"]),
        ("lime.error", 1, ["lime.error", "1", "less than 1"]),
        ("lime.sampling", "sobol", ["lime.sampling", "'sobol'", "'orthogonal'"]),
        ("lime.kernel_width", 0.01, ["lime.kernel_width", "0.01", "0.05"]),
        ("lime.kernel_width", float("inf"), ["lime.kernel_width", "finite"]),
        ("lime.compactness", 1e-300, ["lime.compactness", "1e-300", "0.01"]),
        ("lime.superpixels", 251, ["lime.superpixels", "251", "250"]),
        ("score.threshold", 1.5, ["score.threshold", "1.5", "otsu", "0 to 1"]),
        ("score.threshold", -0.1, ["score.threshold", "-0.1", "otsu", "0 to 1"]),
        ("score.threshold", "otzu", ["score.threshold", "'otzu'", "otsu", "0 to 1"]),
        ("expressions", ["anger", "joy"], ["expressions", "'joy'", "'happiness'"]),
        ("lime.smaples", 100, ["lime.smaples", "no such key"]),
        ("preprocess.folds", 1, ["preprocess.folds", "1"]),
    ],
)
def test_impossible_values_end_in_one_line_that_says_what_is_allowed(
    key: str, value: object, said: list[str]
) -> None:
    with pytest.raises(HumanlikeError) as error:
        parse(with_value(key, value))
    message = str(error.value)
    assert "\n" not in message
    for part in said:
        assert part in message


FILE = {
    "file": "models/mine.hdf5",
    "sha256": "0" * 64,
    "classes": ["angry", "scared", "happy"],
    "input": "-1..1",
}


def with_file(**changes: object) -> dict:
    changed = with_value("train.networks", ["weinet", "mine"])
    changed["train"]["optimisation"]["mine"] = {**FILE, **changes}
    return changed


def test_a_network_may_be_a_file() -> None:
    origin = parse(with_file()).train.optimisation["mine"]
    assert isinstance(origin, ModelFile)
    assert (origin.file, origin.input, origin.size) == (FILE["file"], "-1..1", None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"input": "0..2"}, "train.optimisation.mine.input: '0..2' is not allowed"),
        ({"sha256": "12"}, "train.optimisation.mine.sha256"),
        ({"classes": ["angry", "tired"]}, "train.optimisation.mine.classes: 'tired' is no expr"),
        ({"epochs": 3}, "train.optimisation.mine.epochs: there is no such key"),
    ],
)
def test_impossible_entries_of_a_file_end_in_one_line(changes: dict, said: str) -> None:
    with pytest.raises(HumanlikeError) as error:
        parse(with_file(**changes))
    assert said in str(error.value)


def test_a_name_that_no_folder_may_have() -> None:
    changed = with_file()
    changed["train"]["networks"] = ["../mine"]
    changed["train"]["optimisation"]["../mine"] = changed["train"]["optimisation"].pop("mine")
    with pytest.raises(HumanlikeError, match="a name is letters"):
        parse(changed)


def test_a_missing_key_is_named() -> None:
    changed = values()
    del changed["lime"]["samples"]
    with pytest.raises(HumanlikeError, match=r"lime\.samples: the key is missing"):
        parse(changed)


def test_a_network_without_settings_is_named() -> None:
    changed = values()
    del changed["train"]["optimisation"]["weinet"]
    with pytest.raises(HumanlikeError, match="no entry for 'weinet'"):
        parse(changed)


def test_labels_follow_the_order_of_the_field_whatever_the_file_says() -> None:
    params = parse(with_value("expressions", ["neutral", "happiness"]))
    assert params.labels == ["happiness", "neutral"]


@pytest.mark.parametrize("content", [b"a: [1", b"\xff\xfe\x00", b"", b"- 1\n- 2\n", b"a: &a [*a]"])
def test_a_broken_file_ends_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(HumanlikeError, match=r"params\.yaml"):
        load(path)


def test_a_missing_file_says_where_to_go(tmp_path: Path) -> None:
    with pytest.raises(HumanlikeError, match="project's root"):
        load(tmp_path / "params.yaml")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.sampled_from(["expressions", "preprocess", "train", "explain", "lime", "score", "extra"]),
)
def test_any_value_is_taken_or_refused_in_one_line(value: object, section: str) -> None:
    try:
        parse(values() | {section: value})
    except HumanlikeError as error:
        assert "\n" not in str(error)


def test_samples_come_bit_by_bit_unless_they_are_orthogonal() -> None:
    values = with_value("lime.samples", "auto")
    assert parse(values).lime.samples == "auto"
    values["lime"]["sampling"] = "orthogonal"
    with pytest.raises(HumanlikeError, match=r"lime: samples: auto .* sampling: paired"):
        parse(values)
