import re
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

from humanlike import artifacts, cluster
from humanlike.canonical.geometry import HEIGHT, WIDTH
from humanlike.errors import HumanlikeError
from humanlike.explainers import precision, runtimes
from humanlike.explainers.methods import METHODS
from humanlike.explainers.quantization import Trial
from humanlike.stages import explain, standardize

LABELS = ["anger", "fear"]
PARAMS = Path(__file__).parents[2] / "params.yaml"


def test_tensorflow_came_after_what_tells_it_how_to_compute() -> None:
    """Else a file run alone computes without oneDNN where there is no VNNI; workers never do."""
    imported = list(sys.modules)
    assert imported.index("humanlike") < imported.index("tensorflow")


def predictions(anger: int, fear: int) -> pd.DataFrame:
    predicted = ["anger"] * anger + ["fear"] * fear
    return pd.DataFrame({"face": range(10, 10 + len(predicted)), "predicted": predicted})


def test_as_many_faces_are_chosen_as_asked_where_there_are_enough() -> None:
    chosen = explain.choose(predictions(anger=9, fear=2), LABELS, per_class=4, checked=1, seed=1)
    assert chosen["predicted"].value_counts().to_dict() == {"anger": 4, "fear": 2}
    assert chosen["face"].is_unique
    assert chosen["checked"].groupby(chosen["predicted"]).sum().to_dict() == {"anger": 1, "fear": 1}


def test_the_choice_depends_on_the_seed_alone() -> None:
    table = predictions(anger=40, fear=40)
    first = explain.choose(table, LABELS, 5, 2, seed=1)
    assert first.equals(explain.choose(table, LABELS, 5, 2, seed=1))
    assert not first.equals(explain.choose(table, LABELS, 5, 2, seed=2))


def test_a_class_that_was_never_predicted_is_left_out() -> None:
    chosen = explain.choose(predictions(anger=3, fear=0), LABELS, 5, 2, seed=1)
    assert set(chosen["predicted"]) == {"anger"}


def test_a_faces_seed_is_its_own() -> None:
    faces = pd.Series([3, 8, 5])
    together = explain.seeds(faces, 1)
    apart = np.concatenate([explain.seeds(faces[[i]], 1) for i in range(3)])
    np.testing.assert_array_equal(together, apart)
    assert len({*together, *explain.seeds(faces, 1, again=True)}) == 6


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with 24 random faces and a tiny model for weinet, fold 0."""
    monkeypatch.chdir(tmp_path)
    text = PARAMS.read_text()
    for old, new in (
        (
            "expressions: [anger, disgust, fear, happiness, sadness, surprise]",
            "expressions: [anger, fear]",
        ),
        ("networks: [weinet, songnet]", "networks: [weinet]"),
    ):
        assert old in text
        text = text.replace(old, new)
    text = pd.Series(text.splitlines()).replace(r"^  samples: \S+", "  samples: 24", regex=True)
    text = text.replace(r"^  superpixels: \S+", "  superpixels: 8", regex=True)
    text = text.replace(r"^  positives_per_class: \S+", "  positives_per_class: 12", regex=True)
    Path("params.yaml").write_text("\n".join(text))

    rng = np.random.default_rng(0)
    artifacts.FACES.mkdir(parents=True)
    np.save(artifacts.FACES / "images.npy", rng.integers(0, 256, (24, 80, 80), dtype=np.uint8))
    table = pd.DataFrame(
        {"face": range(24), "expression": "anger", "predicted": ["anger", "fear"] * 12}
    )
    artifacts.write_table(artifacts.unit("predictions", "weinet", 0, ".csv"), table)
    people = pd.DataFrame({"dataset": "lab", "subject": [f"lab/{face % 6}" for face in range(24)]})
    artifacts.write_table(artifacts.FACES / "faces.csv", people)
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((64, 64, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(2, 5, strides=4, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    path = artifacts.unit("models", "weinet", 0, ".keras")
    path.parent.mkdir(parents=True)
    model.save(path)
    return artifacts.unit("explanations", "weinet", 0, ".npz")


def ask_for_precision(precision: str) -> None:
    params = Path("params.yaml")
    before, explain_section = params.read_text().split("\nexplain:\n")
    asked = re.sub(r"precision: \w+", f"precision: {precision}", explain_section, count=1)
    params.write_text(f"{before}\nexplain:\n{asked}")


def stop_at_the_second_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Explain weinet's fold 0 until one chunk is done."""
    done = []
    real = explain.explain_chunk

    def dies_at_the_second(*args: object, **chunk: object) -> dict:
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(chunk)
        return real(*args, **chunk)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(explain, "explain_chunk", dies_at_the_second)
        explain.run("weinet", 0)


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(
    unit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    explain.run("weinet", 0)
    undisturbed = unit.read_bytes()
    assert len(artifacts.read_arrays(unit)["face"]) == 24
    unit.unlink()

    stop_at_the_second_chunk(monkeypatch)
    assert not unit.exists()

    rest, real = [], explain.explain_chunk
    monkeypatch.setattr(
        explain, "explain_chunk", lambda *args, **chunk: rest.append(1) or real(*args, **chunk)
    )
    explain.run("weinet", 0)
    assert len(rest) == 2
    assert unit.read_bytes() == undisturbed
    assert not any(explain.UNFINISHED.iterdir())


def test_chunks_of_another_seed_are_not_taken(unit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = Path("params.yaml")
    before = re.sub(r"checked_per_class: \d+", "checked_per_class: 0", params.read_text())
    # All faces are explained and none checked: the seed does not change which.
    after = before.replace("  seed: 1\n  runtime:", "  seed: 2\n  runtime:")
    assert after != before
    params.write_text(after)
    explain.run("weinet", 0)
    undisturbed = unit.read_bytes()
    unit.unlink()

    params.write_text(before)
    stop_at_the_second_chunk(monkeypatch)
    params.write_text(after)
    explain.run("weinet", 0)
    assert unit.read_bytes() == undisturbed


def test_chunks_of_other_params_are_not_taken(unit: Path) -> None:
    chosen = explain.choose(predictions(2, 2), LABELS, 2, 1, seed=1)
    model = artifacts.unit("models", "weinet", 0, ".keras")
    first = explain.fingerprint(model, chosen, {"samples": 10})
    assert first == explain.fingerprint(model, chosen, {"samples": 10})
    assert first != explain.fingerprint(model, chosen, {"samples": 11})
    assert first != explain.fingerprint(model, chosen.iloc[:3], {"samples": 10})
    model.write_bytes(model.read_bytes() + b"x")
    assert first != explain.fingerprint(model, chosen, {"samples": 10})


def test_a_network_or_fold_that_params_do_not_name_is_refused(unit: Path) -> None:
    with pytest.raises(HumanlikeError, match=r"songnet is not in train\.networks .* weinet"):
        explain.run("songnet", 0)
    with pytest.raises(HumanlikeError, match=r"7 is not in train\.folds"):
        explain.run("weinet", 7)


def test_an_unreachable_scheduler_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    dask = pytest.importorskip("dask")
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    with (
        dask.config.set(
            {"scheduler-address": "tcp://127.0.0.1:1", "distributed.comm.timeouts.connect": "1s"}
        ),
        pytest.raises(HumanlikeError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1"),
    ):
        cluster.client()


def explain_by(method: str) -> None:
    """Let params.yaml ask for a method, with little work."""
    text = Path("params.yaml").read_text()
    text = text.replace("  method: lime", f"  method: {method}")
    text = re.sub(r"iterations: \d+", "iterations: 4", text)
    Path("params.yaml").write_text(re.sub(r"(masks|steps): \d+", r"\1: 8", text))


@pytest.mark.parametrize("method", ["gradcam", "extremal"])
def test_a_method_without_superpixels_killed_and_resumed_ends_with_the_same_bytes(
    unit: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], method: str
) -> None:
    explain_by(method)
    explain.run("weinet", 0)
    assert f"{method} needs gradients, which TensorFlow computes" in capsys.readouterr().err
    undisturbed = unit.read_bytes()
    found = artifacts.read_arrays(unit)
    assert found["maps"].shape == (24, 64, 64) and found["maps"].dtype == np.float32
    assert found["maps_again"].shape == (found["checked"].sum(), 64, 64)
    assert found["curves"].shape == (found["checked"].sum(), 3, 21)
    assert np.ptp(found["maps"], axis=(1, 2)).any()
    unit.unlink()

    stop_at_the_second_chunk(monkeypatch)
    explain.run("weinet", 0)
    assert unit.read_bytes() == undisturbed


@pytest.mark.parametrize("method", METHODS)
def test_every_method_goes_all_the_way_to_the_standard_face(unit: Path, method: str) -> None:
    explain_by(method)
    params = Path("params.yaml")
    per_class = re.sub(r"positives_per_class: \d+", "positives_per_class: 2", params.read_text())
    params.write_text(per_class)
    landmarks = np.random.default_rng(0).uniform(0, 80, (24, 68, 2)).astype(np.float32)
    np.save(artifacts.FACES / "landmarks.npy", landmarks)
    explain.run("weinet", 0)
    standardize.run("weinet", 0)
    found = artifacts.read_arrays(artifacts.unit("standardized", "weinet", 0, ".npz"))
    assert found["maps"].shape == (4, HEIGHT, WIDTH)
    assert found["maps"].min() >= 0 and found["maps"].max() <= 1
    assert found["maps_again"].shape == (2, HEIGHT, WIDTH)
    assert ("superpixels" in found) == METHODS[method].superpixels
    if method in ("occlusion", "cam", "gradcam", "gradcam++", "integrated_gradients"):
        np.testing.assert_array_equal(found["maps_again"], found["maps"][found["checked"]])


def test_the_precision_that_a_trial_chose_computes_and_is_kept(
    unit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    explain_by("lime")
    ask_for_precision("float32")
    explain.run("weinet", 0)
    assert "precision" not in artifacts.read_arrays(unit)

    ask_for_precision("auto")
    tried, used = [], []
    real = explain.explain_chunk

    def choose(
        model: Path, runtime: str, asked: str, images: np.ndarray, trial: Trial, n: int
    ) -> tuple[str, float]:
        tried.append((runtime, asked, images, trial, n))
        return "float32", 0.25

    def notes(*args: object, **chunk: Any) -> dict:
        used.append(chunk["settings"]["precision"])
        return real(*args, **chunk)

    monkeypatch.setattr(precision, "choose", choose)
    monkeypatch.setattr(explain, "explain_chunk", notes)
    explain.run("weinet", 0)
    [(runtime, asked, images, trial, n)] = tried
    assert (runtime, asked, n) == ("openvino", "auto", 24)
    # What a network in integers is fitted to is not what it is judged by, and of all expressions.
    own = np.load(artifacts.FACES / "images.npy")[artifacts.read_arrays(unit)["face"]]
    np.testing.assert_array_equal(images, own[:2])
    assert trial == Trial.of(own[[2, 8, 14, 20]])
    assert set(used) == {"float32"}
    landmarks = np.random.default_rng(0).uniform(0, 80, (24, 68, 2)).astype(np.float32)
    np.save(artifacts.FACES / "landmarks.npy", landmarks)
    standardize.run("weinet", 0)
    passed_on = artifacts.unit("standardized", "weinet", 0, ".npz")
    for path in (unit, passed_on):
        arrays = artifacts.read_arrays(path)
        assert str(arrays["precision"]) == "float32"
        assert arrays["precision_error"] == 0.25


@pytest.mark.slow
def test_explanations_in_integers_are_nearly_those_in_float32(
    unit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openvino = pytest.importorskip("openvino")
    if "INT8" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("OpenVINO does not compute in integers on this processor")
    explain_by("lime")
    ask_for_precision("float32")
    explain.run("weinet", 0)
    exact = artifacts.read_arrays(unit)["weights"]
    ask_for_precision("int8")
    explain.run("weinet", 0)
    found = artifacts.read_arrays(unit)
    assert str(found["precision"]) == "int8" and 0 < found["precision_error"] < 0.2
    moved = np.linalg.norm(np.nan_to_num(found["weights"] - exact))
    assert 0 < moved / np.linalg.norm(np.nan_to_num(exact)) < 0.2

    undisturbed, model = unit.read_bytes(), artifacts.unit("models", "weinet", 0, ".keras")
    unit.unlink()
    stop_at_the_second_chunk(monkeypatch)
    runtimes.load(model, "openvino", "float32")  # a new process has none in integers yet
    explain.run("weinet", 0)
    assert unit.read_bytes() == undisturbed


def test_chunks_are_put_together_in_their_order(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    chunks = [
        {
            "segments": rng.integers(0, d, (faces, 6, 5)).astype(np.uint8),
            "weights": rng.random((faces, d)).astype(np.float32),
            "maps_again": rng.random((again, 6, 5)).astype(np.float32),
            "curves": rng.random((again, 3, 21)).astype(np.float32),
        }
        for faces, again, d in ((3, 1, 4), (2, 0, 6), (4, 2, 5))
    ]
    paths = [tmp_path / f"{number}.npz" for number in range(len(chunks))]
    for path, arrays in zip(paths, chunks, strict=True):
        artifacts.write_arrays(path, **arrays)
    target = tmp_path / "fold0.npz"
    with explain.join(paths, "lime", target) as found:
        artifacts.write_arrays(target, **found)
    made = artifacts.read_arrays(target)
    assert list(made) == list(chunks[0])
    for key in ("segments", "maps_again", "curves"):
        expected = np.concatenate([chunk[key] for chunk in chunks])
        np.testing.assert_array_equal(made[key], expected, strict=True)
    first, widest = chunks[0]["weights"], made["weights"]
    assert widest.shape == (9, 6)
    np.testing.assert_array_equal(widest[:3, :4], first)
    assert np.isnan(widest[:3, 4:]).all() and np.isnan(widest[5:, 5]).all()
    assert not np.isnan(widest[3:5]).any()


def test_no_face_at_all_is_no_explanation(unit: Path) -> None:
    for method, row in METHODS.items():
        with explain.join([], method, unit) as found:
            assert len(found["weights" if row.superpixels else "maps"]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("method", ["gradcam", "extremal"])
def test_a_cluster_gives_the_same_bytes_without_superpixels(unit: Path, method: str) -> None:
    dask = pytest.importorskip("dask")
    distributed = pytest.importorskip("distributed")
    explain_by(method)
    explain.run("weinet", 0)
    here = unit.read_bytes()
    unit.unlink()
    with (
        distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None) as local,
        dask.config.set({"scheduler-address": local.scheduler_address}),
    ):
        explain.run("weinet", 0)
    assert unit.read_bytes() == here


@pytest.mark.slow
def test_a_cluster_gives_the_same_bytes_as_this_machine(unit: Path) -> None:
    dask = pytest.importorskip("dask")
    distributed = pytest.importorskip("distributed")
    explain.run("weinet", 0)
    here = artifacts.read_arrays(unit)
    unit.unlink()
    with (
        distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None) as local,
        dask.config.set({"scheduler-address": local.scheduler_address}),
    ):
        explain.run("weinet", 0)
    there = artifacts.read_arrays(unit)
    for name in here:
        if here[name].dtype.kind == "f":
            np.testing.assert_allclose(here[name], there[name], atol=1e-5)
        else:
            np.testing.assert_array_equal(here[name], there[name])


def test_a_finished_unit_forgets_its_own_chunks_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    old = explain.UNFINISHED / f"weinet-fold1-{'a' * 16}"
    noted = explain.UNFINISHED / f"weinet-fold1-{'b' * 16}"
    kept = [
        noted / "notes.txt",
        explain.UNFINISHED / f"weinet-fold10-{'a' * 16}" / "00000.npz",
        explain.UNFINISHED / f"songnet-fold1-{'a' * 16}" / "00000.npz",
        explain.UNFINISHED / "weinet-fold1-copy" / "00000.npz",
    ]
    for path in (old / "00000.npz", old / ".00001.4321.npz", noted / "00000.npz", *kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    explain.forget_chunks("weinet", 1)
    assert not old.exists()
    assert {path for path in explain.UNFINISHED.rglob("*") if path.is_file()} == set(kept)
