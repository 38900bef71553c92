from pathlib import Path

import pytest
from project import Project, change_params, copy

from humanlike import cluster, storage
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


def test_what_changed_while_a_stage_ran_is_not_recorded_as_current(
    finished: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = copy(finished, tmp_path / "project")
    monkeypatch.chdir(project.folder)
    stage, lock = "explain@weinet-0", project.folder / "dvc.lock"
    read = storage.inputs(stage)
    assert "params.yaml" in read and "artifacts/models/weinet/fold0.keras" in read

    change_params(project, {"lime.samples": "30"})
    assert dispatch.record(stage, read) == "not recorded, as params.yaml changed while it ran"
    project.run("git", "checkout", "-q", "params.yaml")
    # What this stage does not read may change.
    change_params(project, {"score.threshold": "0.5"})
    with (project.folder / "src/humanlike/figures.py").open("a") as file:
        file.write("# later\n")
    assert dispatch.record(stage, read) is None
    before = lock.read_bytes()

    model = project.folder / "artifacts/models/weinet/fold0.keras"
    model.unlink()
    model.write_bytes(b"other")
    assert "fold0.keras changed while it ran" in str(dispatch.record(stage, read))
    change_params(project, {"train.networks": "[songnet]"})
    with pytest.raises(HumanlikeError, match="weinet-0"):
        dispatch.record(stage, read)
    assert lock.read_bytes() == before


def test_without_a_scheduler_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "scheduler", lambda: None)
    with pytest.raises(HumanlikeError, match="DASK_SCHEDULER_ADDRESS"):
        dispatch.dispatch()
