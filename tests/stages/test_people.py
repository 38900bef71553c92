"""The people's stages one after another, on a handful of random faces and a tiny network."""

import json
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from humanlike import artifacts, people_files
from humanlike.canonical.geometry import HEIGHT, LANDMARKS, WIDTH
from humanlike.commands import people
from humanlike.errors import HumanlikeError
from humanlike.expressions import EXPRESSIONS
from humanlike.networks.files import save
from humanlike.people.discs import covered, shown
from humanlike.report.pictures import read_reference
from humanlike.stages import choices, compare, machines, stimuli
from humanlike.training import predict

ROOT = Path(__file__).parents[2]
SIDE = 64


def change(path: Path, target: Path, **values: dict) -> None:
    yaml = YAML(typ="safe", pure=True)
    params = yaml.load(path)
    for section, changed in values.items():
        params[section] |= changed
    target.parent.mkdir(exist_ok=True)
    with target.open("w") as file:
        yaml.dump(params, file)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((32, 32, 3))
    scaled = keras.layers.Rescaling(1 / 255)(inputs)
    seen = keras.layers.Conv2D(6, 5, 2, activation="relu")(scaled)
    flat = keras.layers.Flatten()(seen)
    return keras.Model(inputs, keras.layers.Dense(6, activation="softmax")(flat))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, network: keras.Model) -> Path:
    """A folder in which the main pipeline seems to have run."""
    root = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        train = {"networks": ["weinet"], "folds": [0]}
        change(ROOT / "params.yaml", Path("params.yaml"), train=train)
        change(
            ROOT / "people/params.yaml",
            Path("people/params.yaml"),
            experiment={
                "pairs": [["anger", "fear"]],
                "faces": 4,
                "practice": 0,
                "trials": 8,
                "radius": 6.0,
            },
            choices={"resamples": 100},
            compare={"resamples": 100},
            simulate={"observers": 3},
        )
        rng = np.random.default_rng(0)
        count = 24
        faces = pd.DataFrame(
            {
                "face": range(count),
                "dataset": "d",
                "subject": [f"d/{i // 4}" for i in range(count)],
                "expression": ["anger", "fear"] * (count // 2),
                "fold": [0] * 16 + [1] * 8,
                "source": "x",
                "detector": "hog",
            }
        )
        artifacts.write_table(artifacts.FACES / "faces.csv", faces)
        np.save(artifacts.FACES / "images.npy", rng.integers(0, 256, (count, SIDE, SIDE), np.uint8))
        moved = LANDMARKS * 0.22 + 6 + rng.normal(0, 0.3, (count, 68, 2))
        np.save(artifacts.FACES / "landmarks.npy", moved.astype(np.float32))
        model = artifacts.unit("models", "weinet", 0, ".keras")
        model.parent.mkdir(parents=True)
        save(network, model)
        artifacts.write_arrays(
            artifacts.unit("standardized", "weinet", 0, ".npz"),
            predicted=np.array(["anger", "fear", "fear"]),
            maps=rng.random((3, HEIGHT, WIDTH), np.float32),
        )
        artifacts.write_arrays(
            artifacts.EVIDENCE,
            expressions=np.array(EXPRESSIONS),
            effect=rng.random((6, HEIGHT, WIDTH), np.float32),
        )
        stimuli.run()
        people.simulate(people_files.DATA)
        choices.run()
        machines.run("weinet", 0)
        compare.run()
    return root


@pytest.fixture(autouse=True)
def inside(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def metrics(name: str) -> dict:
    return json.loads((people_files.METRICS / f"{name}.json").read_text())


def test_stimuli_are_of_faces_that_were_held_out() -> None:
    table = people_files.stimuli().table
    assert sorted(table["expression"]) == ["anger"] * 4 + ["fear"] * 4
    assert (table["face"] < 16).all() and table["face"].is_unique


def test_all_that_is_made_says_that_nobody_lived() -> None:
    assert metrics("choices")["simulated"] and metrics("compare")["simulated"]
    trials = pd.read_csv(people_files.CHOICES / "trials.csv")
    assert trials["observer"].str.startswith("simulated").all() and len(trials) == 24
    assert all("simulated" in path.name for path in (people_files.DATA / "data").iterdir())


def test_choices_are_those_of_the_trials() -> None:
    trials = pd.read_csv(people_files.CHOICES / "trials.csv")
    assert metrics("choices")["percent_correct"] == pytest.approx(
        trials["correct"].mean(), abs=1e-4
    )
    clicks = pd.read_csv(people_files.CHOICES / "clicks.csv")
    assert metrics("choices")["clicks"] == pytest.approx(len(clicks) / len(trials), abs=1e-4)


def test_the_network_saw_what_the_observer_saw(network: keras.Model) -> None:
    trials = pd.read_csv(people_files.CHOICES / "trials.csv")
    clicks = pd.read_csv(people_files.CHOICES / "clicks.csv")
    answers = pd.read_csv(people_files.MACHINES / "weinet/fold0.csv")
    stimuli = people_files.stimuli()
    for _, trial in trials.iloc[::8].iterrows():
        mine = (clicks["session"] == trial["session"]) & (clicks["trial"] == trial["trial"])
        discs = clicks.loc[mine, ["x", "y", "radius"]].to_numpy()
        theirs = answers[
            (answers["session"] == trial["session"]) & (answers["trial"] == trial["trial"])
        ]
        assert theirs["after"].tolist() == list(range(len(discs) + 1))
        face = stimuli.images[stimuli.rows[trial["stimulus"]]]
        for after in (0, len(discs)):
            picture = covered(face, shown(discs[:after], SIDE))
            found = predict(network, picture[None])[0]
            two = {label: found[EXPRESSIONS.index(label)] for label in ("anger", "fear")}
            row = theirs.iloc[after]
            assert row["response"] == max(two, key=lambda label: two[label])
            truth = stimuli.table["expression"][stimuli.rows[trial["stimulus"]]]
            assert row["share"] == pytest.approx(two[truth] / sum(two.values()), abs=1e-4)
            assert row["correct"] == (row["response"] == truth)


def test_clicks_needed_by_hand() -> None:
    answers = pd.DataFrame(
        [("o", "s", 1, k, c) for k, c in enumerate([1, 0, 1, 1])]  # right from the 2nd on
        + [("o", "s", 2, k, c) for k, c in enumerate([0, 1])]  # from the 1st
        + [("o", "s", 3, k, c) for k, c in enumerate([1, 0])],  # wrong at the end
        columns=["observer", "session", "trial", "after", "correct"],
    )
    assert compare.needed(answers) == pytest.approx(1.5)


def test_maps_are_compared_with_the_observers() -> None:
    table = pd.read_csv(people_files.PLOTS / "compare/agreement.csv")
    assert set(table["map"]) == {"weinet", "evidence", "ekman", "ellipse"}
    assert set(table["expression"]) == {"anger", "fear", "mean"}
    mean = table[table["expression"] == "mean"].set_index("map")
    # They looked where the action units are; the networks' maps here are noise.
    assert mean["agreement"].idxmax() == "ekman" and abs(mean["agreement"]["weinet"]) < 0.2
    assert (table["low"] < table["agreement"]).all() and (table["agreement"] < table["high"]).all()
    assert metrics("compare")["ceiling"]["lower"] <= metrics("compare")["ceiling"]["upper"]
    parts = table[(table["map"] == "ekman") & (table["expression"] != "mean")]
    assert mean["agreement"]["ekman"] == pytest.approx(parts["agreement"].mean(), abs=1e-4)


def test_the_same_params_give_the_same_bytes(project: Path) -> None:
    made = [path for folder in ("people/plots", "people/metrics", "artifacts/people")
            for path in sorted((project / folder).rglob("*")) if path.is_file()]  # fmt: skip
    before = [path.read_bytes() for path in made]
    stimuli.run()
    choices.run()
    machines.run("weinet", 0)
    compare.run()
    assert [path.read_bytes() for path in made] == before


def test_people_become_a_reference() -> None:
    with pytest.raises(HumanlikeError, match="`humanlike people reference`, puts them there"):
        read_reference("people", EXPRESSIONS)
    people.reference()
    found = read_reference("people", EXPRESSIONS)
    assert set(found.maps) == {"anger", "fear"} and found.gray


@pytest.mark.parametrize("weighting", ["equal", "gain"])
def test_other_weightings_make_other_maps(weighting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown_faces = people_files.stimuli()
    study = people_files.read_study(people_files.DATA, shown_faces)
    params = choices.people_params.choices()
    monkeypatch.setattr(people_files, "CHOICES", Path("other/choices"))
    monkeypatch.setattr(people_files, "PLOTS", Path("other/plots"))
    choices.look(study, shown_faces, params)
    usual = artifacts.read_arrays(people_files.CHOICES / "attention.npz")["maps"]
    choices.look(study, shown_faces, params.model_copy(update={"attention": weighting}))
    assert (artifacts.read_arrays(people_files.CHOICES / "attention.npz")["maps"] != usual).any()


def test_a_published_table_is_read_beside_the_study(project: Path) -> None:
    votes = people_files.DATA / "votes.csv"
    votes.write_text("file,r1,r2,r3\nx,happy,happy,sad\ny,fear,0,surprise\n")
    original = (project / "people/params.yaml").read_text()
    table = {"file": "votes.csv", "layout": "wide", "stimulus": "file", "raters": ["r*"],
             "answers": {"0": "-"}}  # fmt: skip
    try:
        change(Path("people/params.yaml"), Path("people/params.yaml"), choices={"tables": [table]})
        choices.run()
        found = metrics("choices")["published"]["votes"]
        assert found["stimuli"] == 2 and found["choices"] == 5
        assert found["modal_share"] == pytest.approx((2 / 3 + 1 / 2) / 2, abs=1e-4)
        assert any(line.startswith("noise ceiling") for line in found["unsaid"])
    finally:
        votes.unlink()
        (project / "people/params.yaml").write_text(original)
        choices.run()


def test_published_tables_alone_are_enough(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATA", "CHOICES", "MACHINES", "PLOTS", "METRICS"):
        monkeypatch.setattr(people_files, name, Path("alone") / name)
    people_files.DATA.mkdir(parents=True)
    (people_files.DATA / "votes.csv").write_text("file,r1\nx,happy\n")
    original = (project / "people/params.yaml").read_text()
    table = {"file": "votes.csv", "layout": "wide", "stimulus": "file", "raters": ["r*"]}
    try:
        change(Path("people/params.yaml"), Path("people/params.yaml"), choices={"tables": [table]})
        choices.run()
        machines.run("weinet", 0)
        compare.run()
    finally:
        (project / "people/params.yaml").write_text(original)
    assert metrics("choices")["published"]["votes"]["choices"] == 1
    assert metrics("compare")["weinet"]["percent_correct"] is None
    with pytest.raises(HumanlikeError, match="nobody uncovered a face"):
        people.reference()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("again.csv", None, "session simulated01 is in"),
        ("materials/stimuli.csv", "stimulus\nother\n", "of other stimuli than"),
    ],
)
def test_broken_studies_are_told_in_one_line(name: str, content: str | None, said: str) -> None:
    path = people_files.DATA / name
    before = path.read_text() if path.exists() else None
    (first, *_) = sorted((people_files.DATA / "data").glob("*uncover_data.csv"))
    path.write_text(first.read_text() if content is None else content)
    try:
        with pytest.raises(HumanlikeError, match=said):
            people_files.read_study(people_files.DATA, people_files.stimuli())
    finally:
        path.unlink() if before is None else path.write_text(before)


def test_nothing_is_simulated_over_anything() -> None:
    with pytest.raises(HumanlikeError, match="already there"):
        people.simulate(people_files.DATA)
