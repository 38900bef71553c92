"""Run the stale train and explain stages on a Dask cluster, and record them in DVC.

DVC runs one stage at a time. The trainings and explanations of different networks and folds do not
wait for each other, so this hands them to the cluster's workers, which see the project's folder
under the same path, and commits each as it ends: `dvc repro` then finds it done.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from humanlike.errors import HumanlikeError
from humanlike.params import Params, load
from humanlike.stages import cluster
from humanlike.stages.score import units

Unit = tuple[str, int]


def dispatch() -> None:
    """Run what `dvc repro` would train and explain on the workers of the configured cluster.

    Raises
    ------
    HumanlikeError
        No scheduler is configured or answers, a stage before them fails, or stages failed on the
        workers; those that ended well are recorded all the same.
    """
    if cluster.scheduler() is None:
        raise HumanlikeError(
            "no Dask scheduler is configured: install the extra `humanlike[dask]`, start "
            "`dask scheduler` and `dask worker`, and set DASK_SCHEDULER_ADDRESS"
        )
    params = load()
    dvc("repro", "--quiet", "preprocess")
    stale = stale_stages(params)
    if not stale:
        typer.echo("nothing to train or explain: every stage is up to date")
        return
    failed = []
    with cluster.client() as connection:
        for stage, error in run_on(connection, stale):
            if error:
                failed.append(stage)
                typer.echo(f"{stage}: failed: {error}", err=True)
            else:
                dvc("commit", "--quiet", "--force", stage)
                typer.echo(f"{stage}: done and recorded")
    if failed:
        raise HumanlikeError(
            f"{len(failed)} of {len(stale)} stages failed ({', '.join(failed)}); the others are "
            "recorded: mend the cause and run `humanlike dispatch` again"
        )


def stale_stages(params: Params) -> list[str]:
    """The train and explain stages that `dvc repro` would run, each after what it needs."""
    changed = json.loads(dvc("status", "--json"))
    stages = []
    for unit in units(params):
        train, explain = (stage_name(kind, unit) for kind in ("train", "explain"))
        if train in changed:
            stages.append(train)
        if train in changed or explain in changed:
            stages.append(explain)
    return stages


def run_on(connection: Any, stages: list[str]) -> Iterator[tuple[str, str | None]]:
    """Yield each stage as it ends, with the last line of what it said where it failed."""
    from distributed import as_completed

    futures: dict[str, Any] = {}
    for stage in stages:
        kind, _, unit = stage.partition("@")
        # An explanation waits for its own training and for no other.
        needs = futures.get(f"train@{unit}") if kind == "explain" else None
        futures[stage] = connection.submit(
            run_stage, str(Path.cwd()), stage, needs, pure=False, retries=2
        )
    names = {future.key: stage for stage, future in futures.items()}
    for future in as_completed(futures.values()):
        error = future.exception()
        yield names[future.key], str(error).splitlines()[-1] if error else None


def run_stage(project: str, stage: str, _after: None) -> None:
    """Run one stage's command in the project's folder, on the worker that this is called on."""
    kind, network, fold = stage.replace("@", "-").split("-")
    # The worker is where the work is done: the stage must not send it to the cluster once more.
    environment = {key: v for key, v in os.environ.items() if key != "DASK_SCHEDULER_ADDRESS"}
    done = subprocess.run(
        [sys.executable, "-m", "humanlike.cli", kind, network, fold],
        cwd=project,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"exit status {done.returncode}")


def stage_name(kind: str, unit: Unit) -> str:
    """DVC's name of a stage of one network and fold."""
    network, fold = unit
    return f"{kind}@{network}-{fold}"


def dvc(*arguments: str) -> str:
    """Run a DVC command and give what it prints."""
    done = subprocess.run([sys.executable, "-m", "dvc", *arguments], capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise HumanlikeError(f"dvc {' '.join(arguments)}: {said[-1] if said else 'failed'}")
    return done.stdout
