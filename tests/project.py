"""A copy of the whole project in a folder of its own, for tests that work as a user does."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
PROGRAMS = Path(sys.executable).parent
#: How many threads numerical libraries take, where nothing else says so.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
SMALLEST = {
    "preprocess.folds": "2",
    "train.networks": "[weinet,songnet]",
    "train.folds": "[0]",
    # Wide inputs, on which so few steps end in a network that always answers the same.
    "train.input_scaling": "native",
    "train.limit": "8",
    "train.optimisation.weinet.epochs": "1",
    "train.optimisation.songnet.epochs": "1",
    "explain.positives_per_class": "2",
    "explain.checked_per_class": "1",
    # No trial of a lower one, which takes as long as so few explanations.
    "explain.precision": "float32",
    "lime.samples": "20",
    "lime.superpixels": "10",
}


class Project:
    """A copy of the project in which commands run as a user runs them."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        # DVC starts the stages' commands by name.
        self.environment = {
            "PATH": f"{PROGRAMS}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(folder.parent),
            # The code beside these tests, whatever is installed.
            "PYTHONPATH": str(ROOT / "src"),
            # Several tests run at once: `make test` gives each one core.
            **{name: os.environ[name] for name in THREADS if name in os.environ},
            **(environment or {}),
        }

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command at the head of a process group of its own."""
        program, *arguments = command
        return subprocess.Popen(
            [program if program == "git" else str(PROGRAMS / program), *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *command: str, fails: bool = False) -> str:
        process = self.start(*command)
        said, _ = process.communicate()
        assert (process.returncode != 0) == fails, said
        return said

    def repro(self) -> list[str]:
        said = self.run("dvc", "repro", "--verbose")
        # Shown where a test fails: why a stage ran that should not have.
        print(*re.findall(r".* changed because .*", said), sep="\n")
        return stages_run(said)

    def experiment(self, **values: str) -> list[str]:
        return stages_run(self.run("dvc", "exp", "run", *as_options(values)))

    def restore(self) -> None:
        """Go back to the committed state, in files of git and of DVC."""
        self.run("git", "checkout", "-q", ".")
        self.run("dvc", "checkout", "-q")

    def metrics(self, name: str) -> dict:
        return json.loads((self.folder / "metrics" / name).read_text())

    def files(self, *folders: str) -> dict[str, bytes]:
        """What is in some folders, but for the page, which names the commit, and for times."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for folder in folders
            for path in sorted((self.folder / folder).rglob("*"))
            if path.is_file() and path.name not in ("report.html", "times.jsonl")
        }


def as_options(values: dict[str, str]) -> list[str]:
    return [word for key, value in values.items() for word in ("-S", f"{key}={value}")]


def stages_run(output: str) -> list[str]:
    return re.findall(r"Running stage '([^']+)'", output)


def copy_sources(project: Project) -> None:
    """Copy the project's own files, without its sample data, into a fresh git repository."""
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


def change_params(project: Project, values: dict[str, str]) -> None:
    """Change values of params.yaml in place, as an editor would."""
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


def run_once(folder: Path) -> None:
    """Make a project of four drawn subjects, and run it once with the smallest params.

    What the run said is kept in `first_run.log` beside the project.
    """
    project = Project(folder)
    copy_sources(project)
    project.run("humanlike", "synthesize", "data/sample", "--subjects", "4", "--images", "1")
    for name in ("data.dvc", "people/data.dvc"):
        (folder / name).unlink()
    project.run("dvc", "add", "-q", "data")
    change_params(project, SMALLEST)
    commit(project)
    said = project.run("dvc", "repro")
    folder.with_name("first_run.log").write_text(said)
    commit(project)


def copy(project: Project, folder: Path) -> Project:
    """A copy with all that DVC cached."""
    shutil.copytree(project.folder, folder, symlinks=True)
    return Project(folder)
