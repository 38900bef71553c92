"""The whole path under real DVC, in a copy of the project with a handful of drawn faces."""

import json
import re
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest
from project import Project, change_params, commit, copy, stages_run

from humanlike.expressions import EXPRESSIONS

NETWORKS = ("weinet", "songnet")
#: One of them is enough where each of its stages runs several times.
ONE = {"train.networks": "[weinet]"}
JOINED = (("history", "csv"), ("predictions", "csv"), ("standardized", "npz"))

#: A terminal's.
COLUMNS, LINES = 160, 40


@pytest.fixture(scope="module")
def project(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy(finished, tmp_path_factory.mktemp("home") / "project")


def test_first_run_makes_every_stage_and_every_file(project: Project, finished: Project) -> None:
    first_run = stages_run(finished.folder.with_name("first_run.log").read_text())
    units = [f"{s}@{n}-0" for s in ("train", "explain", "standardize") for n in NETWORKS]
    assert sorted(first_run) == sorted(["preprocess", *units, "evidence", "guidance", "score"])
    assert project.metrics("preprocess.json")["faces"] == 24
    scores = project.metrics("score.json")
    assert 0 <= scores["iou"] <= 1
    tables = pd.read_csv(project.folder / "plots/score/scores.csv")
    assert set(tables["network"]) == set(NETWORKS)
    assert scores["iou"] == pytest.approx(tables["iou"].mean(), abs=6e-4)
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
    assert re.search(r"score\.json +iou ", compared)
    assert len(compared.splitlines()) <= LINES
    project.restore()
    assert project.metrics("score.json") == before
    for stage in ("score", "standardize", "preprocess"):
        code = (
            f"import sys, humanlike.cli, humanlike.stages.{stage}; "
            "sys.exit('tensorflow' in sys.modules)"
        )
        project.run("python", "-c", code)


@pytest.mark.slow
def test_references_rerun_score_alone_and_change_nothing_of_the_first(project: Project) -> None:
    made = ("artifacts/heatmaps", "metrics", "plots")
    before, metrics = project.files(*made), project.metrics("score.json")
    assert project.experiment(**{"score.references": "[ekman]"}) == ["score"]
    after = project.files(*made)
    changed = {name for name in before if before[name] != after.get(name)}
    theirs = {name for name in changed if name.startswith("plots/score/evidence/")}
    assert theirs and changed - theirs == {
        "metrics/score.json",
        "plots/score/action_units.csv",
        "plots/score/answers.txt",
        "plots/score/references.csv",
    }
    assert set(after) <= set(before)
    del metrics["evidence"]
    assert project.metrics("score.json") == metrics
    table = "plots/score/action_units.csv"
    with_evidence, without = (pd.read_csv(BytesIO(found[table])) for found in (before, after))
    pd.testing.assert_frame_equal(with_evidence.drop(columns="evidence"), without)
    project.restore()


@pytest.mark.slow
def test_evidence_trains_nothing_where_nothing_is_guided(project: Project) -> None:
    ran = project.experiment(**{"evidence.smoothing": "0.02"})
    assert sorted(ran) == ["evidence", "guidance", "score"]
    project.restore()
    ran = project.experiment(**{"train.guidance.reference": "ekman"})
    assert ran == ["guidance"]
    project.restore()


@pytest.mark.slow
def test_guidance_trains_again_and_so_does_the_evidence_it_names(project: Project) -> None:
    on = {"train.guidance.reference": "evidence", "train.guidance.weight": "0.5", **ONE}
    trained = {"guidance", "train", "explain", "standardize", "score"}
    assert {stage.split("@")[0] for stage in project.experiment(**on)} == trained
    # That its networks would be trained again is known without training them.
    change_params(project, {"evidence.smoothing": "0.05"})
    assert stages_run(project.run("dvc", "repro", "guidance")) == ["evidence", "guidance"]
    assert "train@weinet-0" in json.loads(project.run("dvc", "status", "--json"))
    project.restore()


@pytest.mark.slow
def test_samples_rerun_explanations_and_train_nothing(project: Project) -> None:
    ran = project.experiment(**{"lime.samples": "22"})
    assert {stage.split("@")[0] for stage in ran} == {"explain", "standardize", "score"}
    project.restore()


@pytest.mark.slow
def test_another_method_explains_again_and_its_section_alone_counts(project: Project) -> None:
    ran = project.experiment(**{"explain.method": "gradcam++"}, **ONE)
    assert {stage.split("@")[0] for stage in ran} == {"explain", "standardize", "score"}
    found = project.metrics("explain.json")
    assert found["r2"] is None and found["stability"] == 1
    scores = project.metrics("score.json")
    assert 0 <= scores["iou"] <= 1 and scores["ceiling"] is None
    other = {"explain.method": "gradcam++", "lime.samples": "23"}
    assert project.experiment(**other, **ONE) == []
    project.restore()


def columns(project: Project, path: str) -> list[str]:
    """The names under which DVC shows the figures of a file of metrics."""
    return list(pd.json_normalize(project.metrics(Path(path).name)))


@pytest.mark.slow
def test_experiments_fit_a_terminal(finished: Project, tmp_path: Path) -> None:
    project = copy(finished, tmp_path / "project")
    assert project.experiment(**{"score.threshold": "0.4"}) == ["score"]
    shown = project.run("dvc", "exp", "show", "--only-changed").splitlines()
    assert len(experiments(shown)) == 1
    # A name that two files of metrics have is shown with its file's.
    names = [name for path in project.files("metrics") for name in columns(project, path)]
    assert len(set(names)) == len(names)
    # Some figures are unknown here, with one fold and few faces; each would take its own column.
    unseen = set(columns(project, "metrics/score.json")) - set(shown[1].split())
    assert width(shown, unseen) <= COLUMNS
    assert len(project.run("dvc", "metrics", "diff").splitlines()) <= LINES

    # Where networks were explained anew, DVC shows digests too, as wide as a terminal each.
    assert len(project.experiment(**{"lime.samples": "23"})) > 1
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    (drop,) = re.findall(r"add `--drop '(.+?)'`", readme)
    shown = project.run("dvc", "exp", "show", "--only-changed", "--drop", drop).splitlines()
    assert len(experiments(shown)) == 2 and "lime.samples" in shown[1]
    assert width(shown, {name for name in unseen if not re.match(drop, name)}) <= COLUMNS


def experiments(shown: list[str]) -> list[str]:
    """The rows of experiments in a table of DVC's."""
    return [line for line in shown if "[" in line]


def width(shown: list[str], unseen: set[str]) -> int:
    """Characters of a table, with more columns of figures."""
    more = sum(max(len(name), len("0.123")) + len("   ") for name in unseen)
    return max(map(len, shown)) + more


@pytest.mark.slow
def test_fewer_networks_leave_no_trace_of_the_others(finished: Project, tmp_path: Path) -> None:
    """Score reads what the params name; it neither reads nor touches what else there is."""
    project = copy(finished, tmp_path / "project")
    change_params(project, {"train.networks": "[weinet]"})
    uncached = project.folder / "artifacts/predictions/vgg16/fold0.csv"
    notes = [
        project.folder / "artifacts/history/notes.txt",
        project.folder / "artifacts/history/weinet/notes.txt",
        project.folder / "artifacts/standardized/.ipynb_checkpoints/fold0-checkpoint.npz",
    ]
    for path in (uncached, *notes):
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    others = project.files("artifacts")
    assert project.repro() == ["score"]
    for name, content in project.files("metrics", "plots").items():
        assert "songnet" not in name
        assert b"songnet" not in content
    for name, content in others.items():
        if "heatmaps" not in name:
            assert (project.folder / name).read_bytes() == content
    assert len(project.files("plots/dendrograms")) == len(EXPRESSIONS)

    notes[0].write_text("more")
    assert project.repro() == []
    uncached.unlink()
    assert project.repro() == ["score"]


@pytest.mark.slow
def test_a_fresh_clone_scores_with_other_params_and_trains_nothing(
    finished: Project, tmp_path: Path
) -> None:
    project = copy(finished, tmp_path / "project")
    embed = ("python", "-m", "humanlike.commands.embed")
    assert "has no place in the repository" in project.run(*embed, fails=True)
    with (project.folder / "data.dvc").open("a") as data:
        data.write("  remote: embedded\n")
    stale = project.folder / f"remote/files/md5/{'0' * 2}/{'0' * 30}"
    theirs = stale.with_name("1" * 30)
    stale.parent.mkdir(parents=True)
    stale.touch()
    project.run("git", "add", "-f", "remote")
    theirs.touch()
    said = project.run(*embed)
    results = [f"artifacts/{kind}/{n}/fold0.{suffix}" for kind, suffix in JOINED for n in NETWORKS]
    results.append("artifacts/evidence/maps.npz")
    photographs = len(list((project.folder / "data").rglob("*.*")))
    assert f"{len(results) + photographs + 1} objects added" in said and "1 removed" in said
    assert theirs.exists() and not stale.exists()
    commit(project)

    second = Project(tmp_path / "clone")
    project.run("git", "clone", "-q", ".", str(second.folder))
    second.run("git", "config", "user.email", "test@localhost")
    second.run("git", "config", "user.name", "test")
    options = ("--pull", "--allow-missing")
    assert stages_run(second.run("dvc", "repro", *options)) == []
    assert not (second.folder / "artifacts").exists()
    said = second.run("dvc", "exp", "run", *options, "-S", "score.threshold=0.5")
    assert stages_run(said) == ["score"]
    made = set(second.files("artifacts"))
    assert {name for name in made if "heatmaps" not in name} == set(results)
    assert stages_run(second.run("dvc", "repro", *options)) == []
    assert project.experiment(**{"score.threshold": "0.5"}) == ["score"]
    assert second.files("metrics", "plots") == project.files("metrics", "plots")

    # What is made from here on is the user's own.
    before = second.files("remote")
    second.run("dvc", "remote", "add", "-q", "-d", "store", str(tmp_path / "store"))
    second.run("dvc", "push", "-q", *results)
    assert second.files("remote") == before
    assert len([path for path in (tmp_path / "store").rglob("*") if path.is_file()]) == len(results)


@pytest.mark.slow
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
