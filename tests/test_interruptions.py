"""Killed at any moment and spread over any machines, the pipeline ends with the same bytes."""

import json
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from project import (
    PROGRAMS,
    SMALLEST,
    Project,
    change_params,
    commit,
    copy,
    copy_sources,
    stages_run,
)

pytestmark = pytest.mark.slow

#: Forty or so explanations of half a second or so for ten: four chunks for each of two folds.
PARAMS = {
    **SMALLEST,
    "train.networks": "[weinet]",
    "train.folds": "[0, 1]",
    "explain.positives_per_class": "36",
    "lime.samples": "30",
}
MADE = ("artifacts/explanations", "artifacts/predictions", "artifacts/models", "metrics", "plots")
LONG_ENOUGH = 600


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose faces are found, with nothing trained."""
    project = Project(tmp_path_factory.mktemp("home") / "project")
    copy_sources(project)
    project.run("humanlike", "synthesize", "data/sample", "--subjects", "4", "--images", "3")
    project.run("dvc", "add", "-q", "data")
    (project.folder / "dvc.lock").unlink(missing_ok=True)
    change_params(project, PARAMS)
    project.run("dvc", "repro", "preprocess")
    commit(project)
    return project


@pytest.fixture(scope="module")
def undisturbed(prepared: Project) -> Project:
    """The same project, run from end to end."""
    project = copy(prepared, prepared.folder.with_name("undisturbed"))
    project.repro()
    return project


def start(folder: Path, *command: str, **environment: str) -> subprocess.Popen[bytes]:
    """Start a command in a process group of its own; what it says goes to a file of its name."""
    with (folder / f"{'-'.join(command[:2])}.log").open("ab") as log:
        return subprocess.Popen(
            [str(PROGRAMS / command[0]), *command[1:]],
            cwd=folder,
            env={**Project(folder).environment, **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a command and all that it started, as `kill -9` does: nothing is asked or told."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(happened: Callable[[], object]) -> None:
    end = time.monotonic() + LONG_ENOUGH
    while not happened():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def chunks(project: Project) -> set[Path]:
    return set((project.folder / "artifacts/unfinished").glob("*/[0-9]*.npz"))


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A Dask scheduler and two workers of one thread, as the README starts them."""
    folder.mkdir()
    found = folder / "scheduler.json"
    everyone = [
        start(folder, "dask", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
              "--scheduler-file", str(found))
    ]  # fmt: skip
    try:
        wait_until(lambda: found.exists() and found.stat().st_size)
        address = json.loads(found.read_text())["address"]
        workers = [start(folder, "dask", "worker", "--nthreads", "1", address) for _ in range(2)]
        everyone += workers
        yield address, workers
    finally:
        for process in everyone:
            if process.poll() is None:
                kill(process)


def test_explain_killed_three_times_ends_with_the_same_bytes(
    prepared: Project, undisturbed: Project
) -> None:
    project = copy(prepared, prepared.folder.with_name("killed"))
    moment = random.Random(1)
    for _ in range(3):
        before = chunks(project)
        running = start(project.folder, "dvc", "repro")
        wait_until(lambda: chunks(project) - before)  # noqa: B023
        time.sleep(moment.uniform(0, 1.5))
        assert running.poll() is None
        kill(running)
        assert before <= chunks(project) or explained(project)

    kept = chunks(project)
    assert kept or explained(project)
    said = project.run("dvc", "repro")
    if kept:
        assert re.search(rf"explain weinet fold \d:[^\r\n]* {min(10 * len(kept), 36)}/36 ", said)
    assert project.files(*MADE) == undisturbed.files(*MADE)
    assert lock(project) == lock(undisturbed)
    assert not chunks(project)


def explained(project: Project) -> list[Path]:
    return list((project.folder / "artifacts/explanations").glob("*/*.npz"))


def lock(project: Project) -> dict[str, Any]:
    """What is recorded; the order of the stages is the order in which they ended."""
    return yaml.safe_load((project.folder / "dvc.lock").read_text())


def test_a_dask_worker_killed_while_it_explains_costs_no_byte(undisturbed: Project) -> None:
    project = copy(undisturbed, undisturbed.folder.with_name("cluster"))
    with cluster(project.folder.with_name("explaining")) as (address, workers):
        running = start(
            project.folder, "dvc", "repro", "-f", "-s", "explain@weinet-0",
            DASK_SCHEDULER_ADDRESS=address,
        )  # fmt: skip
        wait_until(lambda: chunks(project))
        assert running.poll() is None
        kill(workers[0])
        assert running.wait(LONG_ENOUGH) == 0, (project.folder / "dvc-repro.log").read_text()
    assert project.files(*MADE) == undisturbed.files(*MADE)


def test_dispatch_killed_half_way_records_what_was_done_and_then_the_rest(
    prepared: Project, undisturbed: Project
) -> None:
    project = copy(prepared, prepared.folder.with_name("dispatched"))

    def log() -> str:
        return (project.folder / "humanlike-dispatch.log").read_text()

    with cluster(project.folder.with_name("dispatching")) as (address, workers):
        running = start(project.folder, "humanlike", "dispatch", DASK_SCHEDULER_ADDRESS=address)
        wait_until(lambda: "done and recorded" in log())
        kill(running)
        recorded = set(re.findall(r"(\w+@[\w-]+): done and recorded", log()))
        assert recorded

        running = start(project.folder, "humanlike", "dispatch", DASK_SCHEDULER_ADDRESS=address)
        wait_until(lambda: chunks(project))
        kill(workers[0])
        assert running.wait(LONG_ENOUGH) == 0, log()
        again = re.findall(r"(\w+@[\w-]+): done and recorded", log())
        assert len(again) == len(set(again)), "a stage that was recorded ran once more"
        assert set(again) >= {"explain@weinet-0", "explain@weinet-1"}
        running = start(project.folder, "humanlike", "dispatch", DASK_SCHEDULER_ADDRESS=address)
        assert running.wait(LONG_ENOUGH) == 0
        assert "every stage is up to date" in log()

    ran = stages_run(project.run("dvc", "repro"))
    assert sorted(ran) == ["score", "standardize@weinet-0", "standardize@weinet-1"]
    assert project.files(*MADE) == undisturbed.files(*MADE)
    assert lock(project) == lock(undisturbed)


def test_what_was_made_from_params_edited_meanwhile_is_not_recorded(prepared: Project) -> None:
    project = copy(prepared, prepared.folder.with_name("edited"))
    with cluster(project.folder.with_name("editing")) as (address, _):
        running = start(project.folder, "humanlike", "dispatch", DASK_SCHEDULER_ADDRESS=address)
        wait_until(lambda: chunks(project))
        change_params(project, {"lime.samples": "61"})
        assert running.wait(LONG_ENOUGH) == 1
    said = (project.folder / "humanlike-dispatch.log").read_text()
    refused = set(
        re.findall(r"(\w+@[\w-]+): not recorded, as params.yaml changed while it ran", said)
    )
    assert refused and all(stage.startswith("explain@") for stage in refused)
    stale = set(json.loads(project.run("dvc", "status", "--json")))
    assert refused <= stale
    assert not stale & set(re.findall(r"(\w+@[\w-]+): done and recorded", said))


def test_a_stage_that_fails_on_a_worker_is_told_in_one_line(prepared: Project) -> None:
    project = copy(prepared, prepared.folder.with_name("failing"))
    change_params(project, {"train.networks": "[mobilenetv3]", "train.weights": "nowhere"})
    with cluster(project.folder.with_name("failed")) as (address, _):
        running = start(project.folder, "humanlike", "dispatch", DASK_SCHEDULER_ADDRESS=address)
        assert running.wait(LONG_ENOUGH) == 1
    said = (project.folder / "humanlike-dispatch.log").read_text()
    assert "Traceback" not in said
    assert re.search(r"train@mobilenetv3-0: failed: .*nowhere", said)
    assert "explain@mobilenetv3-0: not run, as train@mobilenetv3-0 failed" in said
    assert "humanlike: 4 of 4 stages failed" in said
