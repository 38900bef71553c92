"""The whole path under real DVC, in a copy of the project with a handful of drawn faces."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
NETWORKS = ("weinet", "songnet")
SMALLEST = {
    "preprocess.folds": "2",
    "train.networks": "[weinet,songnet]",
    "train.folds": "[0]",
    "train.limit": "8",
    "train.optimisation.weinet.epochs": "1",
    "train.optimisation.songnet.epochs": "1",
    "explain.positives_per_class": "2",
    "lime.samples": "20",
    "lime.superpixels": "10",
}


class Project:
    """A copy of the project in which commands run as a user runs them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.first_run: list[str] = []

    def run(self, *command: str, fails: bool = False) -> str:
        program, *arguments = command
        program = str(Path(sys.executable).parent / program) if program != "git" else program
        # DVC starts the stages' commands by name.
        path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
        done = subprocess.run(
            [program, *arguments],
            cwd=self.folder,
            env={"PATH": path, "HOME": str(self.folder.parent)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout

    def repro(self) -> list[str]:
        return stages_run(self.run("dvc", "repro"))

    def experiment(self, **values: str) -> list[str]:
        return stages_run(self.run("dvc", "exp", "run", *as_options(values)))

    def restore(self) -> None:
        """Go back to the committed state, in files of git and of DVC."""
        self.run("git", "checkout", "-q", ".")
        self.run("dvc", "checkout", "-q")

    def metrics(self, name: str) -> dict:
        return json.loads((self.folder / "metrics" / name).read_text())

    def files(self, *folders: str) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for folder in folders
            for path in sorted((self.folder / folder).rglob("*"))
            if path.is_file()
        }


def as_options(values: dict[str, str]) -> list[str]:
    return [word for key, value in values.items() for word in ("-S", f"{key}={value}")]


def stages_run(output: str) -> list[str]:
    return re.findall(r"Running stage '([^']+)'", output)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project's own files with four drawn subjects, run once with the smallest params."""
    project = Project(tmp_path_factory.mktemp("home") / "project")
    listed = subprocess.check_output(
        ["git", "ls-files", "-coz", "--exclude-standard", "--", ":!remote"], cwd=ROOT, text=True
    )
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (project.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, project.folder / name)
    project.run("git", "init", "-q")
    project.run("git", "config", "user.email", "test@localhost")
    project.run("git", "config", "user.name", "test")
    project.run("humanlike", "synthesize", "data/sample", "--subjects", "4", "--images", "1")
    project.run("dvc", "add", "-q", "data")
    change_params(project, SMALLEST)
    commit(project)
    project.first_run = project.repro()
    commit(project)
    return project


def change_params(project: Project, values: dict[str, str]) -> None:
    """Change values of params.yaml in place, as an editor would."""
    from ruamel.yaml import YAML

    yaml = YAML()
    path = project.folder / "params.yaml"
    params = yaml.load(path)
    for key, value in values.items():
        *sections, last = key.split(".")
        section = params
        for name in sections:
            section = section[name]
        section[last] = YAML(typ="safe").load(value)
    yaml.dump(params, path)


def commit(project: Project) -> None:
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "a state")


def test_first_run_makes_every_stage_and_every_file(project: Project) -> None:
    units = [f"{s}@{n}-0" for s in ("train", "explain", "standardize") for n in NETWORKS]
    assert sorted(project.first_run) == sorted(["preprocess", *units, "score"])
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
