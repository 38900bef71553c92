"""What is recorded of a stage, and what follows for others."""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from humanlike import progress, times
from humanlike.params import Params, load
from humanlike.times import Took, Work

ROOT = Path(__file__).parents[1]


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """The sample's params, in a folder with 50 aligned faces, ten in each fold."""
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    faces = tmp_path / "artifacts" / "faces"
    faces.mkdir(parents=True)
    pd.DataFrame({"fold": [n % 5 for n in range(50)]}).to_csv(faces / "faces.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return load()


def took(stage: str, work: Work, seconds: float = 30, working: float = 20) -> Took:
    return Took(stage, seconds, working, 10**9, work, times.machine())


def test_a_pace_worked_by_hand() -> None:
    """Ten seconds to start and 20 for 10 faces of 64 samples: 5 of 128 take as long again."""
    known = took("explain@weinet-0", Work(10, 64))
    assert known.would_take(Work(5, 128)) == pytest.approx(30)
    assert known.would_take(Work(20, 128)) == pytest.approx(10 + 80)


@given(st.floats(1, 1e6), st.floats(1, 1e4), st.floats(0, 1e5), st.floats(0, 1))
def test_the_same_work_takes_as_long_again(
    items: float, size: float, seconds: float, share: float
) -> None:
    work = Work(items, size)
    assert took("score", work, seconds, seconds * share).would_take(work) == pytest.approx(seconds)


def test_the_work_of_the_sample(params: Params) -> None:
    train = times.work_of("train", params, "weinet", 0)
    assert train.items == 40 * params.train.optimisation["weinet"].epochs
    explain = times.work_of("explain", params, "weinet", 0)
    assert explain.items == 10, "no more than are held out"
    assert explain.size == 64 * 1.6, "six of ten are explained twice"
    predictions = Path("artifacts/predictions/weinet/fold0.csv")
    predictions.parent.mkdir(parents=True)
    pd.DataFrame({"predicted": ["anger"] * 9 + ["fear"]}).to_csv(predictions, index=False)
    assert times.work_of("explain", params, "weinet", 0).items == 5 + 1
    assert times.work_of("score", params, None, None).items == 4


def test_a_stage_is_told_by_the_nearest_of_its_kind_on_this_machine() -> None:
    kind = {"network": "weinet"}
    near = took("explain@weinet-1", Work(10, 1000, kind))
    own = took("explain@weinet-0", Work(10, 64, kind))
    other = took("explain@songnet-0", Work(10, 1000, {"network": "songnet"}))
    elsewhere = replace(near, machine={"processor": "another", "cores": 64})
    known = [own, near, other, elsewhere]
    assert times.expected("explain@weinet-0", Work(10, 900, kind), known) is near
    assert times.expected("explain@weinet-0", Work(10, 64, kind), known) is own
    again = replace(near, seconds=40)
    assert times.expected("explain@weinet-2", Work(1, 999, kind), [*known, again]) is again
    assert times.expected("explain@vgg16-0", Work(1, 1, {"network": "vgg16"}), known) is None
    assert times.expected("train@weinet-0", Work(1, 1, kind), known) is None


def test_what_ends_well_is_recorded_and_nothing_else(params: Params) -> None:
    with times.kept("standardize", "weinet", 0):
        list(progress.bar(range(3)))
    (first,) = times.read()
    assert first.stage == "standardize@weinet-0" and first.work == Work(10)
    assert 0 <= first.working <= first.seconds and first.memory > 10**7
    with pytest.raises(KeyError), times.kept("score"):
        raise KeyError
    assert times.read() == [first]


def test_the_first_step_of_a_bar_is_no_part_of_its_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading takes 50 s of the first ten faces, and ten faces take 10 s."""
    clock = iter([0.0, 60.0, 80.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    progress.finished.clear()
    with progress.bar(total=30) as bar:
        for _ in range(3):
            bar.update(10)
    assert progress.finished == [progress.Bar(0, 30, 30.0)]


def test_a_time_that_cannot_be_noted_fails_nothing(params: Params) -> None:
    Path("artifacts/times.jsonl").mkdir()
    with times.kept("standardize", "weinet", 0):
        pass
    with times.kept("train", "none", 0):
        Path("params.yaml").write_text("{")
    with times.kept("score"):
        pass
    assert times.read() == []


def test_work_that_goes_on_counts_what_was_left(params: Params) -> None:
    with times.kept("explain", "weinet", 0), progress.bar(total=10, initial=5) as bar:
        bar.update(5)
    with times.kept("explain", "weinet", 0), progress.bar(total=10, initial=10):
        pass
    (found,) = times.read()
    assert found.work.items == 5, "half was done before, and nothing is told by doing nothing"


def test_damaged_lines_are_passed_over(tmp_path: Path) -> None:
    good = json.dumps(asdict(took("score", Work())))
    path = tmp_path / "times.jsonl"
    path.write_text(f"{good}\n{good[:40]}\n{{}}\n[1]\nnull\n{good.replace('30', 'NaN')}\n{good}")
    assert times.read(path) == [took("score", Work())] * 2
    assert times.read(tmp_path / "none") == []


def test_the_memory_of_whoever_started_a_process_is_not_its_own() -> None:
    """On Linux a process is told the peak of its starter as its own; DVC is one."""
    starter = """
import subprocess, sys
held = bytearray(400_000_000)
held[::4096] = b"1" * len(held[::4096])
print(subprocess.check_output([sys.executable, "-c", sys.argv[1]], text=True))
"""
    told = "from humanlike.times import peak_memory; held = b'1' * 30_000_000; print(peak_memory())"
    said = subprocess.check_output([sys.executable, "-c", starter, told], text=True)
    assert 30_000_000 < int(said) < 350_000_000
