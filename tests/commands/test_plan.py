"""How long other params would take, told in a small project that was run."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from project import Project, change_params, copy

from humanlike import times
from humanlike.commands import plan
from humanlike.params import load
from humanlike.report import made


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    return copy(finished, tmp_path / "project")


def recorded(project: Project) -> list[times.Took]:
    return times.read(project.folder / times.TIMES)


def test_what_ran_is_known(project: Project) -> None:
    before = (project.folder / times.TIMES).read_bytes()
    said = project.run("humanlike", "plan")
    assert [line.split()[0] for line in said.splitlines()[:6]] == list(times.STAGES)
    assert re.search(r"params\.yaml: about \d+ (s|min) on this machine, .* and \d\.\d GB", said)
    assert "unknown" not in said and "Not counted" not in said
    assert (project.folder / times.TIMES).read_bytes() == before


@pytest.mark.slow
def test_what_has_not_run_here_is_measured_once(project: Project) -> None:
    mine = project.folder / "mine.yaml"
    batches_of_8 = {"train.optimisation.weinet.batch_size": "8"}
    change_params(project, {"train.networks": "[weinet]", **batches_of_8, "lime.samples": "30"})
    (project.folder / "params.yaml").rename(mine)
    project.run("git", "checkout", "-q", "params.yaml")
    (project.folder / times.TIMES).unlink()
    bare = project.run("humanlike", "plan", "mine.yaml", "--no-measure")
    assert "Not counted, as nothing like it has run here: preprocess, train@weinet-0" in bare

    said = project.run("humanlike", "plan", "mine.yaml")
    assert "Not counted, as nothing like it has run here: score." in said
    found = {took.stage: took for took in recorded(project)}
    assert set(found) == {
        *("preprocess@measured", "evidence@measured"),
        *(f"{stage}@weinet-measured" for stage in times.OF_UNITS),
    }
    training = found["train@weinet-measured"]
    kind = {"network": "weinet", "batch_size": 8, "precision": "auto"}
    assert training.work.kind == kind
    assert training.work.items == 8 + plan.TRAINED  # whole batches
    explained = found["explain@weinet-measured"]
    assert explained.work.items == plan.MORE and explained.work.size == 30
    assert 0 < explained.working < explained.seconds and explained.memory > 2**27

    lines = len(recorded(project))
    again = project.run("humanlike", "plan", "mine.yaml")
    assert len(recorded(project)) == lines  # known now
    assert again.splitlines()[-3:] == said.splitlines()[-3:]


def test_what_was_measured_is_no_run_of_the_project(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.folder)
    before = times.of_run(load())
    for stage in ("train@weinet-0", "preprocess"):
        took = next(each for each in recorded(project) if each.stage == stage)
        slow = times.Took(stage, 9e9, 9e9, 1, took.work, made.machine())
        times.add(plan.renamed([slow]))
    assert times.of_run(load()) == before


def test_a_few_faces_are_parted_as_the_project_is(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(project.folder)
    params = load()
    plan.few_faces(params, "songnet", tmp_path / "few")
    table = pd.read_csv(tmp_path / "few/artifacts/faces/faces.csv")
    batch = params.train.optimisation["songnet"].batch_size
    shown = batch + plan.TRAINED
    assert (table["fold"] == 1).sum() == shown
    assert (table["fold"] == 0).sum() == shown / (params.preprocess.folds - 1)
    images = np.load(tmp_path / "few/artifacts/faces/images.npy")
    assert len(images) == len(table) and table["face"].tolist() == list(range(len(table)))
    own = np.load("artifacts/faces/images.npy")
    assert {image.tobytes() for image in images} <= {image.tobytes() for image in own}


def test_without_faces_one_line_says_what_to_do(project: Project) -> None:
    shutil.rmtree(project.folder / "artifacts")
    said = project.run("humanlike", "plan", fails=True)
    assert said.splitlines()[-1] == (
        "humanlike: artifacts/faces: there are no faces to measure with; run `dvc repro preprocess`"
    )
    assert "Traceback" not in said
    missing = project.run("humanlike", "plan", "none.yaml", fails=True)
    assert "none.yaml: no such file" in missing
