"""An experiment that was built from drawn stimuli, and what serves it."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from humanlike import studies
from humanlike.commands import experiment
from humanlike.errors import HumanlikeError
from humanlike.people import trials

ROOT = Path(__file__).parents[3]
SIDE = 32
PAIRS = [["anger", "disgust"], ["fear", "surprise"]]


def stimuli_table(each: int, pairs: list[list[str]] = PAIRS) -> pd.DataFrame:
    """A table with so many stimuli of each expression of each pair."""
    rows = [
        (expression, other)
        for one, two in pairs
        for expression, other in ((one, two), (two, one))
        for _ in range(each)
    ]
    table = pd.DataFrame(rows, columns=["expression", "other"])
    table["stimulus"] = [f"s{number:03d}" for number in range(len(table))]
    table["file"] = table["stimulus"] + ".png"
    return trials.typed(
        table.assign(subject="x", kind="render", face=""), trials.STIMULI, "stimuli"
    )


def change_experiment(folder: Path, **values: object) -> None:
    """Change values of the section experiment in a project's people/params.yaml."""
    yaml = YAML()
    path = folder / studies.PARAMS
    params = yaml.load(path)
    params["experiment"].update(values)
    yaml.dump(params, path)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with texts, a small experiment in its params, and stimuli of noise."""
    folder = tmp_path_factory.mktemp("people")
    shutil.copytree(ROOT / "people" / "texts", folder / "people" / "texts")
    shutil.copy(ROOT / studies.PARAMS, folder / studies.PARAMS)
    change_experiment(
        folder, pairs=PAIRS, faces=3, practice=2, trials=8, observers=4, radius=6.0, break_every=5
    )
    table = stimuli_table(3)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (len(table), SIDE, SIDE), np.uint8)
    landmarks = random.uniform(0, SIDE, (len(table), 68, 2)).astype(np.float32)
    studies.write_stimuli(folder / "stimuli", table, images, landmarks)
    return folder


Build = Callable[..., Path]


@pytest.fixture(scope="session")
def build(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Builds the experiment in some mode, with other values in its params."""
    brought: list[Path] = []

    def build(mode: str = "server", **values: object) -> Path:
        home = tmp_path_factory.mktemp("built")
        shutil.copytree(project / "people", home / "people")
        change_experiment(home, **values)
        if brought:
            # npm is asked once.
            shutil.copytree(brought[0], home / "experiment" / "page" / "vendor")
            shutil.copy(brought[0].parents[1] / "study.json", home / "experiment")
        with chdir(home):
            try:
                experiment.build(Path("experiment"), project / "stimuli", mode)
            except HumanlikeError as error:
                if "npm" in str(error):
                    pytest.skip(f"jsPsych cannot be had here: {error}")
                raise
        if mode != "jatos" and not brought:
            brought.append(home / "experiment" / "page" / "vendor")
        return home / "experiment"

    return build


@pytest.fixture(scope="session")
def built(build: Build) -> Path:
    """The experiment as it is built for a server."""
    return build()


class Server:
    """`humanlike experiment serve`, in a process of its own, on a port that stays the same."""

    def __init__(self, folder: Path, database: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.database = database
        self._command = [
            *(sys.executable, "-m", "humanlike.cli", "experiment", "serve", str(folder)),
            *("--port", str(self.port), "--database", str(database)),
        ]
        self.start()

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        self._process = subprocess.Popen(
            self._command, env=environment, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert self.address in said
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("the server does not listen")

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()


@pytest.fixture
def server(built: Path, tmp_path: Path) -> Iterator[Server]:
    running = Server(built, tmp_path / "answers.sqlite")
    yield running
    running.kill()
