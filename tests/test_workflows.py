"""The workflow of continuous integration, its steps run one by one."""

import os
import subprocess
from pathlib import Path

import pytest
from project import PROGRAMS, ROOT, Project, copy
from ruamel.yaml import YAML

JOBS = YAML(typ="safe").load(ROOT / ".github/workflows/ci.yaml")["jobs"]


def test_the_tests_are_those_that_run_here() -> None:
    runs = [step["run"] for step in JOBS["test"]["steps"] if "run" in step]
    assert runs == ["bash .ci/run"]
    assert (ROOT / ".ci" / "run").exists()


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """A finished project in which nothing is to be installed, and a `cml` that keeps its words."""
    project = copy(finished, tmp_path / "project")
    environment = project.folder / ".venv"
    environment.mkdir(exist_ok=True)
    (environment / "bin").symlink_to(PROGRAMS)
    for name in ("pyproject.toml", "requirements.lock"):
        os.utime(project.folder / name, (0, 0))
    (environment / "ready").touch()
    cml = tmp_path / "bin" / "cml"
    cml.parent.mkdir()
    cml.write_text('#!/bin/sh\necho "$@" > "$SAID" && cp "$3" "$SAID.md"\n')
    cml.chmod(0o755)
    return project


@pytest.mark.slow
def test_the_steps_reproduce_and_comment(project: Project, tmp_path: Path) -> None:
    environment = {
        **project.environment,
        "PATH": f"{tmp_path / 'bin'}:{project.environment['PATH']}",
        "BASE": "HEAD",
        "SAID": str(tmp_path / "said"),
    }
    for step in JOBS["reproduce"]["steps"]:
        if "run" not in step:
            continue
        # As the runner does: bash, which stops at the first error.
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", step["run"]],
            cwd=project.folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "said").read_text().split() == ["comment", "create", "changed.md"]
    comment = (tmp_path / "said.md").read_text()
    assert comment.startswith("## Metrics against HEAD")
    for line in comment.splitlines():
        if line.startswith("!["):
            assert (project.folder / line.split("(")[1].rstrip(")")).exists()
