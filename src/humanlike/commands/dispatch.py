"""Run the stale train and explain stages on a Dask cluster, and record them in DVC.

DVC runs one stage at a time. The trainings and explanations of different networks and folds do not
wait for each other, so this hands them to the cluster's workers, which see the project's folder
under the same path, and commits each as it ends: `dvc repro` then finds it done. What was made from
params or files that were changed meanwhile is not recorded.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from humanlike import cluster
from humanlike.errors import HumanlikeError
from humanlike.params import Params, load
from humanlike.progress import bar
from humanlike.storage import dvc, inputs

Unit = tuple[str, int]

#: A stage's command, until it ends or the worker that started it does.
WITH_PARENT = """
from humanlike import cli, cluster
cluster.end_with_parent()
cli.main()
"""


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
    with cluster.client() as connection:
        dvc("repro", "--quiet", "guidance")
        stale = stale_stages(params)
        if not stale:
            print("nothing to train or explain: every stage is up to date")
            return
        failed = []
        with bar(total=len(stale), title="dispatch", unit="stage") as progress:
            for stage, error, read in run_on(connection, stale):
                error = error or record(stage, read)
                if error:
                    failed.append(stage)
                # Unlike standard output, shown at once even where it goes to a file.
                progress.write(f"{stage}: {error or 'done and recorded'}", file=sys.stderr)
                progress.update()
    if failed:
        raise HumanlikeError(
            f"{len(failed)} of {len(stale)} stages failed ({', '.join(failed)}); the rest is "
            "recorded: mend the cause and run `humanlike dispatch` again"
        )


def record(stage: str, read: dict[str, str]) -> str | None:
    """Record a stage that ran as current, or say why it is not: what it `read` is other now."""
    now = inputs(stage)
    changed = [name for name in {**read, **now} if read.get(name) != now.get(name)]
    if changed:
        return f"not recorded, as {', '.join(changed)} changed while it ran"
    dvc("commit", "--quiet", "--force", stage)
    return None


def stale_stages(params: Params) -> list[str]:
    """The train and explain stages that `dvc repro` would run, each after what it needs."""
    changed = json.loads(dvc("status", "--json"))
    stages = []
    for unit in params.units:
        trained, explained = (stage_name(kind, unit) for kind in ("train", "explain"))
        if trained in changed:
            stages.append(trained)
        if trained in changed or explained in changed:
            stages.append(explained)
    return stages


def run_on(connection: Any, stages: list[str]) -> Iterator[tuple[str, str | None, dict[str, str]]]:
    """Yield each stage as it ends, with what went wrong where it failed, and what it read."""
    from distributed import as_completed

    futures: dict[str, Any] = {}
    for stage in stages:
        kind, _, unit = stage.partition("@")
        # An explanation waits for its own training and for no other.
        needs = futures.get(f"train@{unit}") if kind == "explain" else None
        futures[stage] = connection.submit(
            run_stage, cluster.code(), str(Path.cwd()), stage, needs, pure=False
        )
    names = {future.key: stage for stage, future in futures.items()}
    failed: set[str] = set()
    for future in as_completed(futures.values()):
        stage = names[future.key]
        trained = f"train@{stage.partition('@')[2]}"
        try:
            yield stage, None, cluster.result(future)
        except HumanlikeError as error:
            yield (
                stage,
                f"not run, as {trained} failed" if trained in failed else f"failed: {error}",
                {},
            )
            failed.add(stage)


def run_stage(code: str, project: str, stage: str, _after: object) -> dict[str, str]:
    """Run one stage's command in the project's folder, on the worker that this is called on.

    Returns
    -------
    dict
        `storage.inputs` of the stage when it began.
    """
    from distributed import get_worker

    cluster.check_code(code)
    if not Path(project, "params.yaml").exists():
        raise HumanlikeError(
            f"the worker on {os.uname().nodename} does not see {project}: dispatch needs a folder "
            "that all workers share under one path"
        )
    read = inputs(stage, Path(project))
    worker = get_worker()
    task = worker.get_current_task()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [sys.executable, "-c", WITH_PARENT, *stage.replace("@", "-").split("-")],
            cwd=project,
            # The worker is where the work is done: the stage must not hand it to the cluster again.
            env={**os.environ, "DASK_SCHEDULER_ADDRESS": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            while process.poll() is None:
                # When the one who asked is gone, the next one may ask again at once.
                if worker.state.tasks[task].state == "cancelled":
                    return read
                time.sleep(0.5)
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        lines = said.read().strip().splitlines()
    if process.returncode:
        reason = lines[-1] if lines else f"exit status {process.returncode}"
        raise HumanlikeError(reason.removeprefix("humanlike: "))
    return read


def stage_name(kind: str, unit: Unit) -> str:
    """DVC's name of a stage of one network and fold."""
    network, fold = unit
    return f"{kind}@{network}-{fold}"
