import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from humanlike import artifacts
from humanlike.canonical.masks import ekman_mask
from humanlike.commands.power import power
from humanlike.errors import HumanlikeError
from humanlike.expressions import EXPRESSIONS

PARAMS = Path(__file__).parents[2] / "params.yaml"


def test_the_published_study_could_have_seen_a_difference(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    power(tmp_path, 0.1, shared / "golden" / "heatmaps_by_fold")
    written = json.loads((tmp_path / "power.json").read_text())
    assert written["power"] > 0.95
    assert written["observed"] == pytest.approx(0.01, abs=0.002)
    assert "6 networks and 5 folds" in capsys.readouterr().out


def test_a_run_whose_heatmaps_are_the_masks_needs_few_subjects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMS.read_text())
    rng = np.random.default_rng(0)
    labels = np.repeat(EXPRESSIONS, 6)
    masks = np.stack([ekman_mask(str(label)) for label in labels]).astype(np.float32)
    for network in ("weinet", "songnet"):
        for fold in (0, 1):
            noise = rng.standard_normal((36, 11, 9)).astype(np.float32)
            blobs = np.stack([cv2.resize(n, (224, 275)) for n in noise])
            artifacts.write_arrays(
                artifacts.unit("standardized", network, fold, ".npz"),
                maps=masks + 0.5 * blobs,
                predicted=labels,
                subject=np.tile([f"s{i}" for i in range(6)], 6),
            )
    power(tmp_path / "out", 0.6)
    written = json.loads((tmp_path / "out" / "power.json").read_text())
    assert written["observed"] > 0.3
    assert written["subjects"] == 6
    assert written["power"] > 0.9
    assert (tmp_path / "out" / "power.png").stat().st_size > 1000


def test_too_few_expressions_are_told_in_one_line(tmp_path: Path) -> None:
    for expression in ("anger", "fear"):
        picture = np.random.default_rng(0).integers(0, 255, (275, 224)).astype(np.uint8)
        artifacts.write_picture(tmp_path / "in" / "net" / f"fold0_{expression}.png", picture)
    with pytest.raises(HumanlikeError, match="4 to 8 expressions"):
        power(tmp_path / "out", heatmaps=tmp_path / "in")


def test_heatmaps_that_each_lack_an_expression_are_told_so(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (275, 224)).astype(np.uint8)
    for network, expression in (("net", "anger"), ("other", "fear")):
        artifacts.write_picture(tmp_path / "in" / network / f"fold0_{expression}.png", picture)
    with pytest.raises(HumanlikeError, match="lacks one that another has"):
        power(tmp_path / "out", heatmaps=tmp_path / "in")
