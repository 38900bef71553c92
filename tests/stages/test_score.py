import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from humanlike import artifacts
from humanlike.alignment.ceiling import perfect_heatmap
from humanlike.alignment.intervals import subject_influences
from humanlike.alignment.scores import iou, mark, stretch
from humanlike.canonical.geometry import HEIGHT, WIDTH
from humanlike.commands import show
from humanlike.params import load
from humanlike.report.explanations import Checks
from humanlike.report.pictures import read_reference
from humanlike.report.tables import rounded
from humanlike.stages import score

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_accuracy_is_the_mean_over_folds_then_networks() -> None:
    params = load(ROOT / "params.yaml")
    first, second = params.train.networks
    right = {(first, 0): 1, (first, 1): 3, (second, 0): 4, (second, 1): 2}
    for (network, fold), n in right.items():
        truth = ["anger"] * 4
        said = ["anger"] * n + ["fear"] * (4 - n)
        artifacts.write_table(
            artifacts.unit("predictions", network, fold, ".csv"),
            pd.DataFrame({"face": range(4), "expression": truth, "predicted": said}),
        )
        history = pd.DataFrame({"epoch": [1], "loss": [0.5], "accuracy": [n / 4]})
        artifacts.write_table(artifacts.unit("history", network, fold, ".csv"), history)
    score.join_training(params)
    assert json.loads((artifacts.METRICS / "train.json").read_text()) == {"accuracy": 0.625}
    written = pd.read_csv(artifacts.PLOTS / "train" / "accuracy.csv").to_dict("records")
    assert {(row["network"], row["fold"]): 4 * row["accuracy"] for row in written} == right
    confusion = pd.read_csv(artifacts.PLOTS / "train" / "confusion.csv")
    assert len(confusion) == 16


def test_fit_and_superpixels_are_means_of_faces_not_of_heatmaps() -> None:
    params = load(ROOT / "params.yaml")
    predicted = np.array(["anger"] * 9 + ["fear"])
    arrays = {
        "predicted": predicted,
        "r2": np.array([0.9] * 9 + [0.1], np.float32),
        "n_superpixels": np.array([30] * 9 + [10]),
        "checked": np.zeros(10, bool),
        "curves": np.zeros((0, 3, 21), np.float32),
    }
    checks = Checks()
    checks.add("weinet", arrays, [])
    cells = [
        score.count(("weinet", 0, label), arrays, predicted == label) for label in params.labels
    ]
    precision = {"network": "weinet", "fold": 0, "precision": "bfloat16", "error": 0.0123456}
    score.join_explanations(
        pd.DataFrame(cells), score.fits("weinet", arrays), checks, [precision], params
    )
    written = json.loads((artifacts.METRICS / "explain.json").read_text())
    assert written["r2"] == 0.82
    explanations = json.loads((artifacts.PLOTS / "score" / "explanations.json").read_text())
    assert explanations["r2"] == pytest.approx({"mean": 0.82, "weinet": 0.82})
    assert explanations["superpixels"] == 28
    assert explanations["precision"] == [pytest.approx(precision, abs=1e-4)]
    table = pd.read_csv(artifacts.PLOTS / "score" / "explained.csv").set_index("expression")
    assert table.loc["fear", "r2"] == pytest.approx(0.1)
    assert table.loc["sadness", "explained"] == 0 and np.isnan(table.loc["sadness", "r2"])


def test_row_by_row_the_faces_tell_what_they_tell_together(tmp_path: Path) -> None:
    """Against the whole stacks of maps and superpixels; some faces are of no mask's expression."""
    params = load(ROOT / "params.yaml")
    rng = np.random.default_rng(0)
    predicted = rng.choice(["anger", "neutral", "fear"], 24)
    subjects = rng.choice(["a", "b", "c", "d"], 24)
    superpixels = rng.integers(0, 9, (24, HEIGHT // 25, WIDTH // 28)).astype(np.uint8)
    superpixels = superpixels.repeat(25, axis=1).repeat(28, axis=2)
    maps = rng.random((24, 9)).astype(np.float32)[np.arange(24)[:, None, None], superpixels]
    path = tmp_path / "fold0.npz"
    arrays = {"predicted": predicted, "subject": subjects, "n_superpixels": np.full(24, 9)}
    artifacts.write_arrays(path, superpixels=superpixels, maps=maps, **arrays)

    regions = {"ekman": read_reference("ekman", params.labels).masks(params.score.threshold)}
    means = {label: maps[predicted == label].mean(axis=0, dtype=float) for label in set(predicted)}
    ceilings = score.ceilings(path, arrays, regions, params)
    influences = score.influences(path, arrays, means, regions, params)
    assert ceilings.keys() == influences.keys() == {("ekman", "anger"), ("ekman", "fear")}
    for name, label in ceilings:
        mask = regions[name][label]
        rows = predicted == label
        perfect = mark(stretch(perfect_heatmap(superpixels[rows], mask)), params.score.threshold)
        assert ceilings[name, label] == iou(perfect, mask)
        expected = subject_influences(
            maps[rows], subjects[rows], regions[name], label, params.score.threshold
        )
        assert np.ptp(expected["iou"]) > 0
        pd.testing.assert_frame_equal(influences[name, label], expected)

    del arrays["n_superpixels"]
    assert score.ceilings(path, arrays, regions, params) == {}


def test_numbers_are_rounded_wherever_they_stand() -> None:
    nested = {"a": 0.123456789, "b": {"c": [0.1], "d": None, "e": 2}}
    assert rounded(nested) == {"a": 0.123457, "b": {"c": [0.1], "d": None, "e": 2}}


def test_where_nothing_can_be_scored_the_reason_is_said(capsys: pytest.CaptureFixture) -> None:
    heatmaps = {("weinet", 0, "neutral"): np.ones((HEIGHT, WIDTH))}
    ekman = read_reference("ekman", ["neutral", "anger", "fear"])
    known = {"ekman": score.Known({}, {})}
    score.score(heatmaps, [ekman], known, load(ROOT / "params.yaml"))
    assert json.loads((artifacts.METRICS / "score.json").read_text()) == {"iou": None}

    unknown = {"mean": None}
    explained = {
        "heatmaps_missing": 2,
        "stability": {"maps": unknown, "heatmaps": unknown},
        **dict.fromkeys(("r2", "deletion", "insertion", "random"), unknown),
    }
    accuracy = pd.DataFrame({"network": ["weinet"], "fold": [0], "accuracy": [0.5]})
    artifacts.write_json(artifacts.PLOTS / "score" / "explanations.json", explained)
    artifacts.write_table(artifacts.PLOTS / "train" / "accuracy.csv", accuracy)
    show.show()
    said = capsys.readouterr().out
    assert "there is nothing to score" in said
    assert "2 heatmaps are missing" in said
    assert said.count("unknown") == 6
