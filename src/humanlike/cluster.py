"""Run tasks here, or on a Dask cluster when Dask's own configuration names a scheduler.

Where a task ran must not change what it made: no tracked parameter says where, and a worker that
has other code than this machine is refused.
"""

from __future__ import annotations

import hashlib
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from functools import lru_cache
from itertools import islice
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import humanlike
from humanlike.errors import HumanlikeError

Task = Callable[[int], dict[str, Any]]

#: Seconds that a scheduler has to answer.
PATIENCE = 10

_one_at_a_time = Lock()


def scheduler() -> str | None:
    """The address of the Dask scheduler that Dask's own configuration names, if it names one.

    Raises
    ------
    HumanlikeError
        One is named in the environment, and Dask is not installed.
    """
    try:
        import dask
        import distributed  # noqa: F401
    except ModuleNotFoundError:
        if os.environ.get("DASK_SCHEDULER_ADDRESS"):
            raise HumanlikeError(
                "DASK_SCHEDULER_ADDRESS is set, but Dask is not installed: pip install "
                "'humanlike[dask]', or unset it to work on this machine alone"
            ) from None
        return None
    return dask.config.get("scheduler-address", None) or None


def run(
    function: Callable[..., Any], model: Path, numbers: Iterable[int], task: Task
) -> Iterator[tuple[int, Any]]:
    """Yield `(number, function(model, **task(number)))` for each number, as each is done.

    On a cluster the model travels by its bytes, once to each worker, so that workers need no folder
    in common; a worker that dies costs its tasks' time and nothing else.

    Parameters
    ----------
    function
        Takes the path of a model and what `task` gives; must be importable on the workers.
    model
        The model's file.
    numbers
        The tasks that are to be done.
    task
        Gives the keyword arguments of a task; called when the task is sent off.

    Raises
    ------
    HumanlikeError
        The cluster cannot be reached or is lost, a worker's code is not the code here, or a task
        fails on a worker.
    """
    if scheduler() is None:
        for number in numbers:
            yield number, function(model, **task(number))
    else:
        yield from _on_dask(function, model, list(numbers), task)


def client() -> Any:
    """Connect to the configured scheduler, and say so where it has no workers yet.

    Raises
    ------
    HumanlikeError
        Nobody answers at the configured address.
    """
    from distributed import Client

    try:
        connection = Client(timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise HumanlikeError(
            f"no Dask scheduler answers at {scheduler()} ({error}); start one with `dask "
            "scheduler`, or unset DASK_SCHEDULER_ADDRESS to work on this machine alone"
        ) from None
    if not connection.nthreads():
        print(f"{scheduler()} has no workers yet: waiting for them", file=sys.stderr, flush=True)
    return connection


def result(future: Any) -> Any:
    """Give what a future's task gave; what went wrong is told in one line."""
    from distributed import KilledWorker

    try:
        return future.result()
    except HumanlikeError:
        raise
    except KilledWorker as error:
        raise HumanlikeError(
            f"a task was given up, as {error.allowed_failures + 1} workers died of it: they may "
            "lack memory (see their logs); what was finished is kept"
        ) from None
    except CancelledError:
        raise HumanlikeError(
            f"the Dask scheduler at {scheduler()} went away; what was finished is kept: start it "
            "again, then run the same command"
        ) from None
    except Exception as error:
        raise HumanlikeError(
            f"a task failed on a Dask worker: {type(error).__name__}: {error}"
        ) from error


@lru_cache(maxsize=1)
def code() -> str:
    """Digest of the source files of this installation of the project."""
    folder = Path(humanlike.__path__[0])
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def check_code(expected: str) -> None:
    """Refuse, on a worker, work from a machine with other code."""
    if code() != expected:
        raise HumanlikeError(
            f"a Dask worker ({os.uname().nodename}, {Path(humanlike.__path__[0])}) has other code "
            "than this machine: bring both to the same state and restart the worker"
        )


def end_with_parent() -> None:
    """End this process when its standard input closes, as it does when its parent ends."""

    def follow() -> None:
        sys.stdin.read()
        os._exit(1)

    Thread(target=follow, daemon=True).start()


def _on_dask(
    function: Callable[..., Any], model: Path, numbers: list[int], task: Task
) -> Iterator[tuple[int, Any]]:
    from distributed import as_completed

    waiting = iter(numbers)
    with client() as connection:
        # A task gives the model, not `scatter`: should all workers that hold it die, it runs again.
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            content = connection.submit(_same, model.read_bytes(), pure=False)

        def submit(number: int) -> Any:
            future = connection.submit(
                _with_model, code(), function, content, model.suffix, task(number), pure=False
            )
            future.number = number
            return future

        # A few tasks more than there are threads keep every worker busy and the images few.
        ahead = 2 * max(1, sum(connection.nthreads().values())) + 2
        running = as_completed([submit(number) for number in islice(waiting, ahead)])
        for future in running:
            yield future.number, result(future)
            for number in waiting:
                running.add(submit(number))
                break


def _same(content: bytes) -> bytes:
    return content


def _with_model(
    expected: str, function: Callable[..., Any], content: bytes, suffix: str, task: dict[str, Any]
) -> Any:
    check_code(expected)
    # A loaded model serves one task at a time; what makes use of more threads is more workers.
    with _one_at_a_time:
        return function(_on_this_worker(content, suffix), **task)


@lru_cache(maxsize=1)
def _on_this_worker(content: bytes, suffix: str) -> Path:
    from distributed import get_worker

    # The worker's own folder, which goes when the worker does.
    name = hashlib.sha256(content).hexdigest()
    path = Path(get_worker().local_directory) / f"{name}{suffix}"
    path.write_bytes(content)
    return path
