"""Run tasks here, or on a Dask cluster when Dask's own configuration names a scheduler.

Where a task ran must not change what it made, so no tracked parameter says where.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from humanlike.errors import HumanlikeError

Task = Callable[[int], dict[str, Any]]


def scheduler() -> str | None:
    """The address of the Dask scheduler that Dask's own configuration names, if it names one."""
    try:
        import dask
    except ModuleNotFoundError:
        return None
    return dask.config.get("scheduler-address", None)


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
    """
    if scheduler() is None:
        for number in numbers:
            yield number, function(model, **task(number))
    else:
        yield from _on_dask(function, model, list(numbers), task)


def client() -> Any:
    """Connect to the configured scheduler.

    Raises
    ------
    HumanlikeError
        Nobody answers at the configured address.
    """
    from distributed import Client

    try:
        return Client(timeout="30s")
    except OSError as error:
        raise HumanlikeError(
            f"no Dask scheduler answers at {scheduler()} ({error}); start one with `dask "
            "scheduler`, or unset DASK_SCHEDULER_ADDRESS to work on this machine alone"
        ) from None


def _on_dask(
    function: Callable[..., Any], model: Path, numbers: list[int], task: Task
) -> Iterator[tuple[int, Any]]:
    from distributed import as_completed

    waiting = iter(numbers)
    with client() as connection:
        # On every worker, so that the death of one loses nothing the others need.
        content = connection.scatter(model.read_bytes(), broadcast=True)

        def submit(number: int) -> Any:
            future = connection.submit(
                _with_model, function, content, model.suffix, task(number), pure=False, retries=5
            )
            future.number = number
            return future

        # A few tasks more than there are threads keep every worker busy and the images few.
        ahead = 2 * max(1, sum(connection.nthreads().values())) + 2
        running = as_completed(
            [submit(number) for number, _ in zip(waiting, range(ahead), strict=False)]
        )
        for future in running:
            yield future.number, future.result()
            for number in waiting:
                running.add(submit(number))
                break


def _with_model(
    function: Callable[..., Any], content: bytes, suffix: str, task: dict[str, Any]
) -> Any:
    return function(_on_this_worker(content, suffix), **task)


@lru_cache(maxsize=1)
def _on_this_worker(content: bytes, suffix: str) -> Path:
    path = Path(tempfile.gettempdir()) / f"humanlike-{hashlib.sha256(content).hexdigest()}{suffix}"
    if not path.exists():
        temporary = Path(tempfile.mkdtemp(dir=path.parent)) / path.name
        temporary.write_bytes(content)
        temporary.replace(path)
    return path
