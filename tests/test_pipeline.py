"""The whole path under real DVC, in a copy of the project with a handful of drawn faces."""

from pathlib import Path

import pandas as pd
import pytest
from project import Project, copy, stages_run

NETWORKS = ("weinet", "songnet")


@pytest.fixture(scope="module")
def project(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy(finished, tmp_path_factory.mktemp("home") / "project")


def test_first_run_makes_every_stage_and_every_file(project: Project, finished: Project) -> None:
    first_run = stages_run(finished.folder.with_name("first_run.log").read_text())
    units = [f"{s}@{n}-0" for s in ("train", "explain", "standardize") for n in NETWORKS]
    assert sorted(first_run) == sorted(["preprocess", *units, "score"])
    assert project.metrics("preprocess.json")["faces"] == 24
    scores = project.metrics("score.json")
    assert set(scores["iou"]) == {"mean", "weinet", "songnet"}
    assert 0 <= scores["iou"]["mean"] <= 1
    tables = pd.read_csv(project.folder / "plots/score/scores.csv")
    assert scores["iou"]["mean"] == pytest.approx(tables["iou"].mean(), abs=2e-6)
    assert (project.folder / "plots/heatmaps/heatmaps.png").stat().st_size > 1000


def test_second_run_runs_nothing(project: Project) -> None:
    assert project.repro() == []


def test_show_prints_both_networks(project: Project) -> None:
    printed = project.run("humanlike", "show")
    assert "weinet" in printed and "songnet" in printed and "heatmaps.png" in printed


def test_threshold_reruns_score_alone_and_never_loads_tensorflow(project: Project) -> None:
    before = project.metrics("score.json")
    assert project.experiment(**{"score.threshold": "0.5"}) == ["score"]
    assert project.metrics("score.json") != before
    compared = project.run("dvc", "metrics", "diff", "HEAD")
    assert "iou.mean" in compared
    project.restore()
    assert project.metrics("score.json") == before
    for stage in ("score", "standardize", "preprocess"):
        code = (
            f"import sys, humanlike.cli, humanlike.stages.{stage}; "
            "sys.exit('tensorflow' in sys.modules)"
        )
        project.run("python", "-c", code)


def test_samples_rerun_explanations_and_train_nothing(project: Project) -> None:
    ran = project.experiment(**{"lime.samples": "22"})
    assert {stage.split("@")[0] for stage in ran} == {"explain", "standardize", "score"}
    project.restore()


def test_another_method_explains_again_and_its_section_alone_counts(project: Project) -> None:
    ran = project.experiment(**{"explain.method": "gradcam++"})
    assert {stage.split("@")[0] for stage in ran} == {"explain", "standardize", "score"}
    found = project.metrics("explain.json")
    assert found["r2"]["mean"] is None and found["superpixels"] is None
    assert found["stability"]["maps"]["mean"] == 1
    assert found["deletion"]["mean"] is not None
    scores = project.metrics("score.json")
    assert 0 <= scores["iou"]["mean"] <= 1 and scores["ceiling"] is None
    assert project.experiment(**{"explain.method": "gradcam++", "lime.samples": "23"}) == []
    ran = project.experiment(**{"explain.method": "cam"})
    assert {stage.split("@")[0] for stage in ran} == {"explain", "standardize", "score"}
    project.restore()


def test_fewer_networks_leave_no_trace_of_the_others(project: Project) -> None:
    assert project.experiment(**{"train.networks": "[weinet]"}) == ["score"]
    for name, content in project.files("metrics", "plots").items():
        assert "songnet" not in name
        assert b"songnet" not in content
    assert project.repro() == []
    project.restore()


def test_explain_and_score_twice_give_the_same_bytes(project: Project) -> None:
    made = ("artifacts/explanations", "artifacts/standardized", "metrics", "plots")
    before = project.files(*made)
    ran = stages_run(project.run("dvc", "repro", "-f", "-s", "explain@weinet-0"))
    ran += stages_run(project.run("dvc", "repro", "-f", "-s", "standardize@weinet-0", "score"))
    assert ran == ["explain@weinet-0", "standardize@weinet-0", "score"]
    assert project.files(*made) == before


def test_an_impossible_value_ends_in_one_line(project: Project) -> None:
    printed = project.run("dvc", "exp", "run", "-S", "lime.samples=0", fails=True)
    assert "params.yaml: lime.samples: 0 is not allowed" in printed
    assert "Traceback" not in printed
    project.restore()


def test_file_names_never_become_part_of_a_page(finished: Project, tmp_path: Path) -> None:
    project = copy(finished, tmp_path / "project")
    hostile = "</script><script>alert(1)</script>"
    with (project.folder / "data/sample/labels.csv").open("a") as labels:
        labels.write(f'"{hostile}.png",s1,anger\n')
    project.run("humanlike", "preprocess")
    assert hostile in (project.folder / "plots/rejected.csv").read_text()
    page = Path(project.run("dvc", "plots", "show").splitlines()[-1].removeprefix("file://"))
    assert "alert(1)" not in page.read_text()
