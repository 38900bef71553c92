import pytest

from humanlike import cluster
from humanlike.commands import dispatch
from humanlike.errors import HumanlikeError
from humanlike.params import Params


class OneNetwork:
    """Stands for params with one network and two folds."""

    units = (("weinet", 0), ("weinet", 1))


@pytest.mark.parametrize(
    ("status", "stale"),
    [
        ("{}", []),
        ('{"train@weinet-1": [], "score": []}', ["train@weinet-1", "explain@weinet-1"]),
        ('{"explain@weinet-0": []}', ["explain@weinet-0"]),
    ],
)
def test_an_explanation_is_stale_when_its_training_is(
    status: str, stale: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "dvc", lambda *arguments: status)
    params: Params = OneNetwork  # type: ignore[assignment]
    assert dispatch.stale_stages(params) == stale


def test_without_a_scheduler_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "scheduler", lambda: None)
    with pytest.raises(HumanlikeError, match="DASK_SCHEDULER_ADDRESS"):
        dispatch.dispatch()
