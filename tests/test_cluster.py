"""Where work runs, and what is said when it cannot."""

import sys
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from humanlike import cluster
from humanlike.errors import HumanlikeError

ADDRESS = "tcp://127.0.0.1:1"


class Failed:
    """Stands for a future whose task raised an error."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def result(self) -> None:
        raise self.error


def test_without_a_scheduler_tasks_run_here_and_one_after_the_other() -> None:
    found = cluster.run(lambda model, x: (model.name, x), Path("m"), [2, 0], lambda n: {"x": n})
    assert list(found) == [(2, ("m", 2)), (0, ("m", 0))]


def test_an_empty_address_names_no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    dask = pytest.importorskip("dask")
    with dask.config.set({"scheduler-address": ""}):
        assert cluster.scheduler() is None
    with dask.config.set({"scheduler-address": ADDRESS}):
        assert cluster.scheduler() == ADDRESS


def test_an_address_without_dask_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    assert cluster.scheduler() is None
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", ADDRESS)
    with pytest.raises(HumanlikeError, match=r"Dask is not installed.*humanlike\[dask\]"):
        cluster.scheduler()


def test_a_worker_with_other_code_is_refused() -> None:
    cluster.check_code(cluster.code())
    with pytest.raises(HumanlikeError, match="other code than this machine"):
        cluster.check_code("0" * 64)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (HumanlikeError("no such precision"), r"^no such precision$"),
        (CancelledError(), "scheduler .* went away; what was finished is kept"),
        (MemoryError("too\nmuch"), r"^a task failed on a Dask worker: MemoryError: too much$"),
    ],
)
def test_what_goes_wrong_on_a_worker_is_told_in_one_line(error: BaseException, told: str) -> None:
    pytest.importorskip("distributed")
    with pytest.raises(HumanlikeError, match=told):
        cluster.result(Failed(error))


def test_workers_that_die_of_a_task_are_told_in_one_line() -> None:
    distributed = pytest.importorskip("distributed")
    killed = distributed.KilledWorker("explain", "tcp://127.0.0.1:2", 3)
    with pytest.raises(HumanlikeError, match="4 workers died of it"):
        cluster.result(Failed(killed))


def test_every_task_is_done_once_however_many_are_sent_ahead(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    model = tmp_path / "model.txt"
    model.write_text("model")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
        ) as local,
        dask.config.set({"scheduler-address": local.scheduler_address}),
    ):
        found = dict(cluster.run(_read, model, range(12), lambda n: {"n": n}))
    assert found == {n: ("model", n) for n in range(12)}


def _read(model: Path, n: int) -> tuple[str, int]:
    return model.read_text(), n
