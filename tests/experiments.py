"""An experiment of a few faces of noise, and the server as a process, for tests."""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import uvicorn
from ruamel.yaml import YAML

from humanlike import studies
from humanlike.commands.experiment import read_page, read_study
from humanlike.people import trials
from humanlike.people.experiment.lists import Trial
from humanlike.people.experiment.server import make_app
from humanlike.people.experiment.store import Store
from humanlike.people.experiment.study import Study

ROOT = Path(__file__).parents[1]
SIDE = 32
PAIRS = [["anger", "disgust"], ["fear", "surprise"]]


#: A study that is made by hand, and an answer to it.
TRIALS = [Trial("s1", "anger", "fear"), Trial("s2", "fear", "anger")]
STUDY = Study(
    study="0123456789abcdef",
    title="A study",
    task="uncover",
    side=32,
    radius=6.0,
    clicks=3,
    confidence=5,
    choices=["anger", "fear"],
    lists=[TRIALS],
    expressions={"s1": "anger", "s2": "fear"},
)
ANSWER = {
    "stimulus": "s1",
    "response": "fear",
    "rt": 2.5,
    "confidence": 0.75,
    "clicks": [[0, 31.5, 0.5], [3.25, -0.5, 0.5]],
}
ENVELOPE = {
    "study": STUDY.study,
    "session": "a" * 22,
    "observer": "",
    "withdrawal": "b" * 16,
    "list": 0,
    "trial": 1,
}


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
    yaml = YAML(typ="safe", pure=True)
    path = folder / studies.PARAMS
    params = yaml.load(path)
    params["experiment"].update(values)
    yaml.dump(params, path)


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


class Inside:
    """The same server, in a thread of the tests."""

    def __init__(self, folder: Path, database: Path) -> None:
        study = read_study(folder)
        self.database = database
        self._store = Store(database, study)
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        app = make_app(study, read_page(folder), self._store, frozenset(["127.0.0.1", "localhost"]))
        self._server = uvicorn.Server(
            uvicorn.Config(app, log_level="error", lifespan="off", server_header=False)
        )
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listening]})
        self._thread.start()

    def close(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
        self._store.close()
