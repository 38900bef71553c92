import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from humanlike import cli
from humanlike.expressions import EXPRESSIONS

#: METHOD of the study: total parameters with six outputs.
PUBLISHED = {
    "silnet": 184_852_038,
    "weinet": 1_728_230,
    "alexnet": 88_718_726,
    "songnet": 172_678,
    "inceptionv3": 21_815_078,
    "vgg19": 20_027_462,
    "vgg16": 14_717_766,
    "resnet50": 23_600_006,
    "resnet101v2": 42_638_854,
    "xception": 20_873_774,
    "mobilenetv3": 3_002_118,
    "efficientnetv2": 5_926_998,
}


def run(*arguments: str) -> str:
    done = CliRunner().invoke(cli.app, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_networks_as_json_are_the_published_twelve() -> None:
    rows = json.loads(run("networks", "--json"))
    assert [set(row) for row in rows] == [{"key", "name", "input_size", "parameters"}] * 12
    assert {row["key"]: row["parameters"] for row in rows} == PUBLISHED


def test_networks_as_a_table_has_a_line_each() -> None:
    lines = run("networks").splitlines()
    assert len(lines) == 13
    assert "184,852,038" in lines[1]


@pytest.mark.parametrize(
    "command",
    [
        *("preprocess", "evidence", "guidance", "train", "explain", "standardize", "score"),
        "report",
        *("masks", "paper", "score-heatmaps"),
    ],
)
def test_every_command_explains_itself(command: str) -> None:
    assert command in run(command, "--help")
    assert command in run("--help")


def test_masks_are_the_published_ones(shared: Path, tmp_path: Path) -> None:
    run("masks", "--output", str(tmp_path / "masks"))
    for expression in EXPRESSIONS:
        ours, published = (
            cv2.imread(str(folder / f"{expression}.png"), cv2.IMREAD_UNCHANGED)
            for folder in (tmp_path / "masks", shared / "golden" / "ekman_masks")
        )
        off = int((ours != published).sum())
        assert off <= (23 if expression == "disgust" else 0), expression
        assert set(np.unique(ours)) == {0, 255}


def test_published_tables_come_out_of_the_published_heatmaps(shared: Path, tmp_path: Path) -> None:
    run("score-heatmaps", str(shared / "golden" / "heatmaps_by_fold"), "--output", str(tmp_path))
    key = ["network", "expression"]
    ours = pd.read_csv(tmp_path / "scores.csv").set_index(key)
    published = pd.read_csv(shared / "golden" / "published_tables_3_4.csv").set_index(key)
    assert list(ours.columns) == ["iou", "f1", "precision", "recall"]
    assert len(ours) == 36
    # The published figures have four digits, the last of them rounded.
    assert (ours - published.loc[ours.index]).abs().max(axis=None) < 1.01e-4
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["iou"] == pytest.approx(ours["iou"].mean(), abs=1e-6)


def test_a_folder_without_heatmaps_ends_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "humanlike.cli", "score-heatmaps", str(tmp_path), "-o", "out"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "no heatmap found" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_heatmap_of_another_size_is_named(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    cv2.imwrite(str(tmp_path / "net" / "fold0_anger.png"), np.zeros((10, 20), np.uint8))
    done = CliRunner().invoke(cli.app, ["score-heatmaps", str(tmp_path), "-o", str(tmp_path / "o")])
    assert "fold0_anger.png: 20 wide and 10 high" in str(done.exception)


def test_help_and_scores_never_load_tensorflow() -> None:
    code = "import sys; from humanlike import cli; cli.app(['networks'], standalone_mode=False); "
    subprocess.run(
        [sys.executable, "-c", code + "assert 'tensorflow' not in sys.modules"], check=True
    )
