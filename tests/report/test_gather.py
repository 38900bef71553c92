"""From a run's folders to what its page shows."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from humanlike import artifacts
from humanlike.canonical.geometry import HEIGHT, LANDMARKS, WIDTH
from humanlike.canonical.warp import warp
from humanlike.errors import HumanlikeError
from humanlike.report.gather import LEAST_PEOPLE_IN_A_MEAN, gather
from humanlike.report.page import render

LABELS = ["anger", "fear"]
SIZE = 32
FACES = 12


def write_run(root: Path) -> None:
    """Write what a run of one network and two folds leaves behind."""
    rng = np.random.default_rng(0)
    kept = root / artifacts.ARTIFACTS
    scores = pd.DataFrame({"network": "net", "expression": LABELS, "iou": [0.2, 0.3]})
    artifacts.write_table(root / "plots/score/scores.csv", scores)
    told = pd.DataFrame(
        {
            "expression": ["anger", "fear", "fear", "fear"],
            "predicted": ["anger", "anger", "fear", "fear"],
            "network": "net",
            "fold": [0, 0, 0, 1],
        }
    )
    artifacts.write_table(root / "plots/train/confusion.csv", told)
    history = pd.DataFrame({"epoch": [1], "accuracy": [0.5]})
    artifacts.write_table(root / "plots/train/history/my_net_fold1.csv", history)
    artifacts.write_json(root / "plots/score/summary.json", {"iou": 0.25})
    for fold in (0, 1):
        for label in LABELS:
            picture = np.full((HEIGHT, WIDTH), 100 * fold + 10, np.uint8)
            artifacts.write_picture(kept / f"heatmaps/net/fold{fold}_{label}.png", picture)
        faces = np.arange(FACES // 2) + fold * FACES // 2
        artifacts.write_arrays(
            kept / f"standardized/net/fold{fold}.npz",
            face=faces,
            mean_face=np.full((HEIGHT, WIDTH), 100 + fold * 20, np.uint8),
        )
    np.save(kept / "faces.npy", 0)
    (kept / "faces").mkdir()
    np.save(kept / "faces/images.npy", rng.integers(0, 255, (FACES, SIZE, SIZE), dtype=np.uint8))
    landmarks = LANDMARKS * SIZE / HEIGHT + rng.normal(0, 0.2, (FACES, 68, 2))
    np.save(kept / "faces/landmarks.npy", landmarks.astype(np.float32))
    truths = ["fear", "anger", "anger", *["fear"] * (FACES - 3)]
    artifacts.write_table(kept / "faces/faces.csv", pd.DataFrame({"expression": truths}))
    artifacts.write_arrays(
        kept / "explanations/net/fold0.npz",
        face=np.array([0, 2, 4]),
        predicted=np.array(["anger", "anger", "fear"]),
        segments=np.repeat(np.arange(16, dtype=np.uint8)[None], 3, axis=0)
        .repeat(16, axis=1)[:, :256]
        .reshape(3, 16, 16),
        weights=rng.normal(size=(3, 16)).astype(np.float32),
        r2=np.array([0.1, 0.5, np.nan], np.float32),
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_run(tmp_path)
    return tmp_path


def test_what_a_run_left_is_found(root: Path) -> None:
    content = gather(root, LABELS)
    assert content.networks == ["net"]
    assert content.references[0].summary["iou"] == 0.25
    np.testing.assert_array_equal(content.heatmaps["net", "fear"], np.full((HEIGHT, WIDTH), 60))
    assert content.accuracy.to_dict("list") == {
        "network": ["net"] * 2,
        "fold": [0, 1],
        "accuracy": [2 / 3, 1],
    }
    assert list(content.histories) == [("my_net", 1)]
    assert set(content.face.ravel()) == {110}
    assert any("action_units.csv is not here" in line for line in content.missing)
    assert "Where net looks for fear" in render(content)


def test_the_face_that_was_rightly_told_is_the_example(root: Path) -> None:
    anger, fear = gather(root, LABELS).examples
    explained = artifacts.read_arrays(root / "artifacts/explanations/net/fold0.npz")
    assert (anger.predicted, anger.truth, anger.network, anger.fold) == ("anger", "anger", "net", 0)
    assert (fear.predicted, fear.truth, fear.r2) == ("fear", "fear", None)
    assert anger.r2 == 0.5
    np.testing.assert_array_equal(anger.weights, explained["weights"][1])
    assert anger.segments.shape == anger.importance.shape == (SIZE, SIZE)
    positive = np.maximum(explained["weights"][1], 0)
    wanted = (positive / positive.max())[explained["segments"][1]].astype(np.float32)
    landmarks = np.load(root / "artifacts/faces/landmarks.npy")[2]
    seen = (landmarks + 0.5) / 2 - 0.5
    np.testing.assert_allclose(anger.standardised, warp(wanted, seen, order=0))


def test_photographs_only_where_they_may_be_shown(root: Path) -> None:
    assert all(example.face is None for example in gather(root, LABELS).examples)
    shown = gather(root, LABELS, faces=True).examples
    images = np.load(root / "artifacts/faces/images.npy")
    np.testing.assert_array_equal(shown[0].face, images[2])


def test_a_mean_of_few_people_is_not_shown(root: Path) -> None:
    path = root / "artifacts/standardized/net/fold1.npz"
    arrays = artifacts.read_arrays(path)
    assert FACES >= LEAST_PEOPLE_IN_A_MEAN > FACES // 2
    # Many faces of the same few people are few people still.
    artifacts.write_arrays(path, **arrays, subject=np.array(["a", "b", "a", "b", "a", "b"]))
    assert gather(root, LABELS).face is None


def test_maps_without_superpixels(root: Path) -> None:
    maps = np.random.default_rng(1).normal(0, 40, (1, 16, 16)).astype(np.float32)
    artifacts.write_arrays(
        root / "artifacts/explanations/net/fold0.npz",
        face=np.array([4]),
        predicted=np.array(["fear"]),
        maps=maps,
    )
    (example,) = gather(root, LABELS).examples
    assert example.segments is None and example.weights is None
    assert example.importance.shape == (SIZE, SIZE)
    assert example.importance.min() >= 0 and example.importance.max() <= 1


def test_a_clone_without_artifacts_still_has_its_figures(root: Path) -> None:
    shutil.rmtree(root / "artifacts")
    content = gather(root, LABELS)
    assert content.heatmaps == {} and content.examples == [] and content.face is None
    assert len(content.references[0].scores) == 2
    said = " ".join(content.missing)
    assert "artifacts/heatmaps is not here" in said and "One face step by step" in said
    assert said.split() == " ".join(line for line in render(content).split("<li>")).split() or (
        "`dvc pull` brings it" in render(content)
    )


def test_nothing_scored_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(HumanlikeError, match="nothing was scored here yet; run `dvc repro`"):
        gather(tmp_path, LABELS)


@pytest.mark.parametrize(
    "name", ["artifacts/heatmaps/net/fold0_fear.png", "plots/score/summary.json",
             "artifacts/standardized/net/fold0.npz"],
)  # fmt: skip
def test_a_damaged_file_is_named(root: Path, name: str) -> None:
    (root / name).write_bytes(b"\x89PNG damaged")
    with pytest.raises(HumanlikeError, match=f"{Path(name).name}: damaged"):
        gather(root, LABELS)


def test_a_face_without_a_label_is_said_to_have_none(root: Path) -> None:
    assert "labelled anger, taken for anger" in render(gather(root, LABELS))
    unknown = pd.DataFrame({"expression": [np.nan] * FACES}, dtype=object)
    artifacts.write_table(root / "artifacts/faces/faces.csv", unknown)
    content = gather(root, LABELS)
    assert {example.truth for example in content.examples} == {None}
    assert "without a label, taken for anger" in render(content)


@pytest.mark.parametrize(
    "name", ["plots/score/scores.csv", "plots/train/history/net_fold0.csv"]
)  # fmt: skip
def test_a_table_that_breaks_off_is_damaged(root: Path, name: str) -> None:
    artifacts.write_table(root / name, pd.DataFrame({"network": ["net"], "iou": [0.5]}))
    gather(root, LABELS)
    (root / name).write_bytes((root / name).read_bytes()[:-2])
    with pytest.raises(HumanlikeError, match=f"{Path(name).name}: damaged"):
        gather(root, LABELS)


def test_each_reference_has_its_own_tables(root: Path) -> None:
    folder = root / "plots/score/mine"
    artifacts.write_json(folder / "summary.json", {"iou": 0.5})
    artifacts.write_bytes(root / "plots/score/answers.txt", b"It looks at neither.\n")
    masks = {"fear": np.eye(HEIGHT, WIDTH, dtype=bool), "anger": np.zeros((HEIGHT, WIDTH), bool)}
    content = gather(root, LABELS, references={"ekman": {}, "mine": masks})
    ekman, mine = content.references
    assert (ekman.summary["iou"], mine.summary["iou"]) == (0.25, 0.5)
    assert mine.question == "Do the networks look where mine says?"
    assert list(mine.masks) == ["fear"] and mine.scores is None
    assert content.together == "It looks at neither."
    assert "Do the networks look where mine says?" in render(content)


def test_evidence_is_shown_where_it_is_known(root: Path) -> None:
    assert gather(root, LABELS).evidence == {}
    effect = np.stack([np.ones((HEIGHT, WIDTH)), np.full((HEIGHT, WIDTH), np.nan)])
    artifacts.write_arrays(
        root / artifacts.EVIDENCE,
        expressions=np.array(["fear", "anger"]),
        effect=effect.astype(np.float16),
        reliability=np.array([0.9, np.nan]),
    )
    content = gather(root, LABELS)
    assert list(content.evidence) == ["fear"] and content.evidence_reliability == {"fear": 0.9}


def test_expressions_without_a_mask_are_shown_without_one(root: Path) -> None:
    content = gather(root, [*LABELS, "neutral"])
    assert set(content.references[0].masks) == set(LABELS)
    assert "no face was taken for neutral" in render(content)
