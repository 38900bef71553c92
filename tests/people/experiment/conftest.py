"""An experiment that was built from drawn stimuli, and what serves it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
from experiments import PAIRS, ROOT, SIDE, Inside, Server, change_experiment, stimuli_table

from humanlike import studies
from humanlike.canonical.geometry import HEIGHT, LANDMARKS, WIDTH
from humanlike.commands import experiment
from humanlike.errors import HumanlikeError


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with texts, a small experiment in its params, and stimuli of noise."""
    folder = tmp_path_factory.mktemp("people")
    shutil.copytree(ROOT / "people" / "texts", folder / "people" / "texts")
    shutil.copy(ROOT / studies.PARAMS, folder / studies.PARAMS)
    change_experiment(
        folder, pairs=PAIRS, practice=2, trials=8, observers=4, radius=6.0, break_every=5
    )
    table = stimuli_table(6)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (len(table), SIDE, SIDE), np.uint8)
    landmarks = LANDMARKS * [SIDE / WIDTH, SIDE / HEIGHT]
    landmarks = landmarks + random.normal(0, 0.5, (len(table), 68, 2))
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


@pytest.fixture
def inside(built: Path, tmp_path: Path) -> Iterator[Inside]:
    """The server in this process, which starts at once."""
    running = Inside(built, tmp_path / "answers.sqlite")
    yield running
    running.close()


@pytest.fixture
def server(built: Path, tmp_path: Path) -> Iterator[Server]:
    """The server as a process, which can be killed."""
    running = Server(built, tmp_path / "answers.sqlite")
    yield running
    running.kill()
