"""What a person is told of the state of a project, under real DVC."""

import re
import time
from pathlib import Path

import pytest
from project import Project, change_params, copy

from humanlike.commands.status import in_words
from humanlike.storage import State, _split


@pytest.fixture(scope="module")
def project(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy(finished, tmp_path_factory.mktemp("home") / "project")


def lines(project: Project) -> dict[str, str]:
    """Each stage's line."""
    said = project.run("humanlike", "status").splitlines()
    return {line.split()[0]: " ".join(line.split()[1:]) for line in said[: said.index("")]}


def test_after_a_run_all_is_done(project: Project) -> None:
    began = time.monotonic()
    said = project.run("humanlike", "status")
    assert time.monotonic() - began < 10
    found = lines(project)
    assert found.pop("people/dvc.yaml") == "never run here; `dvc repro people/dvc.yaml` does"
    assert set(found.values()) == {"done"}
    assert "Nothing is left to be run." in said
    verdict = (project.folder / "plots/score/verdict.txt").read_text().splitlines()[0]
    assert f"The last verdict: {verdict}" in said


def test_what_was_changed_and_what_follows_has_a_time(project: Project) -> None:
    change_params(project, {"lime.samples": "40"})
    said, found = project.run("humanlike", "status"), lines(project)
    assert found["train"] == found["evidence"] == "done"
    assert re.fullmatch(r"\d+ (s|min) 2 of 2 stale: params.yaml \(lime\)", found["explain"])
    assert re.fullmatch(r"\d+ s 2 of 2 after what is stale", found["standardize"])
    assert re.search(r"5 stages to be run: about \d+ (s|min) on this machine, and \d\.\d GB", said)
    assert "The last verdict (before what was changed): " in said
    (project.folder / "plots/score/verdict.txt").write_text("")
    assert project.run("humanlike", "status").endswith("(before what was changed): \n")
    project.run("humanlike", "show")
    project.restore()


def test_what_never_ran_here_is_said_to_be_unknown(project: Project) -> None:
    change_params(project, {"train.networks": "[weinet, songnet, vgg16]"})
    said = project.run("humanlike", "status")
    assert "Not counted, as nothing like it has run here: train@vgg16-0, explain@vgg16-0" in said
    assert lines(project)["train"].startswith("unknown 1 of 3 stale")
    project.restore()


def test_files_that_are_not_here_are_no_change(project: Project, tmp_path: Path) -> None:
    bare = copy(project, tmp_path / "bare")
    (bare.folder / "artifacts/standardized/weinet/fold0.npz").unlink()
    assert lines(bare)["standardize"].endswith("1 of 2 not here: 1 file")
    assert lines(bare)["score"] == "done"
    (bare.folder / "artifacts/models/weinet/fold0.keras").unlink()
    found = lines(bare)
    assert found["train"].endswith("1 of 2 not here: 1 file") and found["explain"] == "done"


def test_outside_a_project_it_ends_in_one_line(project: Project, tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_bytes((project.folder / "params.yaml").read_bytes())
    said = Project(tmp_path, project.environment).run("humanlike", "status", fails=True)
    assert said.startswith("humanlike: dvc: ") and said.count("\n") == 1


def test_every_kind_of_difference_that_dvc_tells() -> None:
    entries = [
        {"changed deps": {"data": "modified", "params.yaml": {"train.seed": "modified"}}},
        {"changed deps": {"folder": "modified", "model": "deleted", "src/a.py": "deleted"}},
        {"changed outs": {"a": "deleted", "b": "not in cache", "c": "modified"}},
        "changed command",
    ]
    changed, gone = _split(entries, {"folder/file", "model", "a", "b"})
    assert changed == ("changed command", "data", "params.yaml (train.seed)", "src/a.py", "c")
    assert gone == ("a", "b")


def test_many_reasons_are_counted() -> None:
    group = [State(f"train@n-{k}", (f"src/{k}.py",), (), False) for k in range(5)]
    assert in_words(group) == "5 of 5 stale: src/0.py, src/1.py, src/2.py and 2 more"


def test_photographs_that_changed_or_are_missing_say_what_brings_them() -> None:
    assert "dvc pull data.dvc" in in_words([State("data.dvc", (), ("data",), False)])
    assert "dvc add data" in in_words([State("data.dvc", ("data",), (), False)])
    assert in_words([State("data.dvc", (), (), False)]) == "done"
