"""What goes wrong around a run ends in one line or a stated limit, and costs no finished work."""

import csv
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd
import pytest
from builders import BASIC, draw_face, save
from PIL import Image, ImageOps
from project import SMALLEST, Project, change_params, commit, copy, copy_sources, stages_run

pytestmark = pytest.mark.slow

MADE = ("artifacts", "metrics", "plots")
#: Stage -> for how many seconds it works before it is killed.
KILLED = {"preprocess": 2, "train@weinet-0": 6, "standardize@weinet-0": 0.2, "score": 3}
root = pytest.mark.skipif(os.getuid() != 0, reason="only root may mount a file system")


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    return copy(finished, tmp_path / "project")


def wait_until(happened: Callable[[], object]) -> None:
    end = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def at_work(group: int) -> bool:
    """Whether a stage's command runs in a process group."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"humanlike" in map(os.path.basename, words) and (
                os.getpgid(int(process.name)) == group
            ):
                return True
    return False


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    subprocess.run(["mount", *options, str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def assert_one_line(said: str) -> None:
    assert "Traceback" not in said
    assert sum(line.startswith("humanlike: ") for line in said.splitlines()) == 1


@pytest.mark.parametrize("stage", KILLED)
def test_a_killed_stage_runs_again_and_ends_with_the_same_bytes(
    project: Project, finished: Project, stage: str
) -> None:
    running = project.start("dvc", "repro", "-f", "-s", stage)
    wait_until(lambda: at_work(running.pid))
    time.sleep(KILLED[stage])
    # Not while DVC writes its lock file, which it does in place.
    assert at_work(running.pid), running.communicate()
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()

    # Forced, or DVC would take the result of the first run from its cache.
    assert stages_run(project.run("dvc", "repro", "-f", "-s", stage)) == [stage]
    assert project.repro() == []
    assert project.files(*MADE) == finished.files(*MADE)


@root
def test_a_full_disk_is_told_in_one_line_and_nothing_is_lost(
    project: Project, finished: Project
) -> None:
    artifacts = project.folder / "artifacts"
    shutil.rmtree(artifacts)
    artifacts.mkdir()
    with mounted(artifacts, "-t", "tmpfs", "-o", "size=1m", "tmpfs"):
        said = project.run("dvc", "repro", "--no-run-cache", "-s", "preprocess", fails=True)
        assert_one_line(said)
        assert "artifacts/faces/images.npy: cannot be written (No space left on device)" in said
        subprocess.run(["mount", "-o", "remount,size=100m", str(artifacts)], check=True)
        project.run("dvc", "checkout")
        assert project.repro() == ["preprocess"]
        assert project.files(*MADE) == finished.files(*MADE)


@root
def test_read_only_artifacts_are_told_in_one_line(project: Project, finished: Project) -> None:
    artifacts = project.folder / "artifacts"
    with mounted(artifacts, "--bind", str(artifacts)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(artifacts)], check=True)
        said = project.run("humanlike", "standardize", "weinet", "0", fails=True)
        assert_one_line(said)
        assert "fold0.npz: cannot be written (Read-only file system)" in said
        said = project.run("dvc", "repro", "-f", "-s", "standardize@weinet-0", fails=True)
        assert "Read-only file system" in said
        assert "Traceback" not in said
    assert project.repro() == []
    assert project.files(*MADE) == finished.files(*MADE)


def test_a_second_run_at_once_is_refused(project: Project, finished: Project) -> None:
    first = project.start("dvc", "repro", "-f", "-s", "standardize@weinet-0", "score")
    wait_until(lambda: "standardize" in lock(project) or "score" in lock(project))
    said = project.run("dvc", "repro", fails=True)
    assert "is busy, it is being blocked by" in said
    assert "Traceback" not in said
    first.communicate()
    assert first.returncode == 0
    assert project.repro() == []
    assert project.files(*MADE) == finished.files(*MADE)


def test_a_lock_file_that_dvc_could_not_end_is_taken_from_git(project: Project) -> None:
    """DVC writes it in place: killed meanwhile, it leaves nothing, or the first part."""
    change_params(project, {"standardize.positive_only": "false"})
    units = [f"standardize@{network}-0" for network in ("weinet", "songnet")]
    assert sorted(project.repro()) == sorted([*units, "score"])
    made = project.files(*MADE)
    (project.folder / "dvc.lock").write_text("")
    said = project.run("dvc", "repro", fails=True)
    assert "dvc.lock' validation failed" in said
    assert "Traceback" not in said
    project.run("git", "checkout", "-q", "dvc.lock")
    # DVC takes from its cache what is nowhere else.
    assert project.repro() == ["score"]
    assert project.files(*MADE) == made


def lock(project: Project) -> str:
    path = project.folder / ".dvc/tmp/rwlock"
    return path.read_text() if path.exists() else ""


STAGES = ("preprocess", "evidence", "guidance", "train", "explain", "standardize", "score")


def test_a_changed_photograph_runs_everything_that_saw_it(project: Project) -> None:
    faces = pd.read_csv(project.folder / "artifacts/faces/faces.csv")
    path = project.folder / "data" / faces["source"][0]
    mirrored = ImageOps.mirror(Image.open(path))
    path.unlink()
    mirrored.save(path)
    change_params(project, {"train.networks": "[weinet]"})
    ran = [stage.partition("@")[0] for stage in project.repro()]
    assert sorted(set(ran)) == sorted(STAGES)


def test_a_network_that_predicts_one_expression_only(project: Project) -> None:
    """What it never predicts has no heatmap and no score, and the metrics say how many lack."""
    path = project.folder / "artifacts/predictions/weinet/fold0.csv"
    predictions = pd.read_csv(path).assign(predicted="happiness")
    predictions.to_csv(path, index=False, quoting=csv.QUOTE_NONNUMERIC)
    change_params(
        project,
        {"train.networks": "[weinet]", "explain.positives_per_class": f"{len(predictions) + 1}"},
    )
    project.run("dvc", "commit", "-q", "-f", "train@weinet-0")
    said = project.run("dvc", "repro")
    assert stages_run(said) == ["explain@weinet-0", "standardize@weinet-0", "score"]
    assert "Traceback" not in said

    explained = project.metrics("explain.json")
    assert explained["explained"] == len(predictions)
    assert explained["missing"] == len(BASIC) - 1
    scores = pd.read_csv(project.folder / "plots/score/scores.csv")
    assert list(scores["expression"]) == ["happiness"]
    accuracy = (predictions["expression"] == "happiness").mean()
    assert project.metrics("train.json")["accuracy"] == pytest.approx(accuracy, abs=6e-4)
    for file, content in project.files("metrics").items():
        json.loads(content, parse_constant=lambda name, file=file: pytest.fail(f"{name} in {file}"))


def test_a_loss_that_is_no_number_ends_in_one_line(project: Project) -> None:
    weinet = "train.optimisation.weinet"
    change_params(
        project,
        {
            f"{weinet}.optimizer": "sgd",
            f"{weinet}.learning_rate": "0.99",
            f"{weinet}.schedule": "constant",
            f"{weinet}.epochs": "9",
        },
    )
    said = project.run("dvc", "repro", "train@weinet-0", fails=True)
    assert_one_line(said)
    assert "humanlike: weinet: the loss became " in said
    assert "try a learning rate below 0.99" in said
    assert not (project.folder / "artifacts/models/weinet/fold0.keras").exists()


#: Names of files and subjects that would do harm in a page, a table, a shell or a message.
HOSTILE = [
    "<script>alert(1)<",
    "quo\"te's $(touch harm) `touch harm`",
    "new\nline",
    "=1+1,a;b",
    "naïve 顔 😀",
]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Photographs with hostile names; one subject alone shows all expressions. Nothing is run."""
    project = Project(tmp_path_factory.mktemp("home") / "project")
    copy_sources(project)
    folder = project.folder / "data/a <b>set"
    for subject, name in enumerate(HOSTILE):
        for expression in BASIC if subject == 0 else ("anger", "fear"):
            save(folder / expression / f"{name}_1.png", draw_face(subject, expression, 1.0))
    broken = folder / "fear<" / "script><img src=x onerror=alert(2)>.png"
    broken.parent.mkdir()
    broken.touch()
    change_params(project, SMALLEST | {"train.networks": "[weinet]", "train.folds": "[0, 1]"})
    project.run("dvc", "add", "-q", "data")
    commit(project)
    return project


def test_hostile_names_and_folds_without_an_expression(hostile: Project) -> None:
    said = hostile.run("dvc", "repro")
    assert "Traceback" not in said
    lacking = "disgust, happiness, sadness, surprise"
    faces = pd.read_csv(hostile.folder / "artifacts/faces/faces.csv")
    with_all = faces.loc[faces["expression"] == "sadness", "fold"].item()
    assert f"train weinet fold {with_all}: no training faces of {lacking}" in said
    assert f"train weinet fold {1 - with_all}: no test faces of {lacking}" in said

    assert {subject.partition("/")[2] for subject in faces["subject"]} == set(HOSTILE)
    rejected = pd.read_csv(hostile.folder / "plots/rejected.csv")
    assert rejected["source"].item() == "a <b>set/fear</script><img src=x onerror=alert(2)>.png"
    found = pd.read_csv(hostile.folder / "plots/train/accuracy.csv")
    for fold, accuracy in zip(found["fold"], found["accuracy"], strict=True):
        table = pd.read_csv(hostile.folder / f"artifacts/predictions/weinet/fold{fold}.csv")
        right = (table["expression"] == table["predicted"]).mean()
        assert accuracy == pytest.approx(right, abs=1e-6)

    hostile.run("dvc", "plots", "show")
    page = (hostile.folder / "dvc_plots/index.html").read_text()
    assert "alert(" not in page
    assert not (hostile.folder / "harm").exists()
    assert hostile.repro() == []


IMPOSSIBLE = {
    "train.networks=[nonet]": "train.networks: 'nonet' is not a network; allowed: silnet, weinet",
    "train.folds=[2]": "train.folds: 2 is not a fold; allowed: 0 to 1, as preprocess.folds is 2",
    "lime.samples=0": "lime.samples: 0 is not allowed; give auto or an integer greater than",
    "score.threshold=1.5": "score.threshold: 1.5 is not allowed; give otsu or a number from 0 to 1",
}


@pytest.mark.parametrize("setting", IMPOSSIBLE)
def test_impossible_params_end_any_command_in_one_line(project: Project, setting: str) -> None:
    key, _, value = setting.partition("=")
    change_params(project, {key: value})
    for command in (["preprocess"], ["train", "weinet", "0"], ["score"]):
        said = project.run("humanlike", *command, fails=True)
        assert said.startswith("humanlike: params.yaml: ")
        assert IMPOSSIBLE[setting] in said
        assert said.count("\n") == 1


def test_params_that_are_no_yaml_are_told_by_dvc_and_by_every_command(project: Project) -> None:
    (project.folder / "params.yaml").write_text("train: [")
    said = project.run("dvc", "repro", fails=True)
    assert "ERROR: unable to read: 'params.yaml', YAML file structure is corrupted" in said
    assert "Traceback" not in said
    said = project.run("humanlike", "train", "weinet", "0", fails=True)
    assert said.startswith("humanlike: params.yaml is not valid YAML")
    assert said.count("\n") == 1
