"""How long stages took on this machine, and how long others will take by that.

Every stage that ends well adds a line to `artifacts/times.jsonl`, which DVC does not know: seconds
differ from run to run, and what DVC tracks must not.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from humanlike import artifacts, cluster, progress
from humanlike.datasets.table import is_image
from humanlike.errors import HumanlikeError
from humanlike.params import ModelFile, Params, load
from humanlike.report.made import machine

TIMES = artifacts.ARTIFACTS / "times.jsonl"

STAGES = ("preprocess", "train", "explain", "evidence", "standardize", "score")
#: Of these, those that run for each network and fold.
OF_UNITS = ("train", "explain", "standardize")


@dataclass(frozen=True)
class Work:
    """How much a stage has to do.

    Attributes
    ----------
    items
        Photographs, batches, faces or networks and folds, whatever the stage goes through.
    size
        What one of them costs beside one of other params.
    kind
        What else decides the pace: only works of one kind are compared.
    """

    items: float = 1
    size: float = 1
    kind: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Took:
    """One run of a stage: seconds in all and of its items, and its peak memory in bytes."""

    stage: str
    seconds: float
    working: float
    memory: int
    work: Work
    machine: dict[str, Any]

    def would_take(self, work: Work) -> float:
        """Seconds that another work of the same kind takes at this one's pace."""
        done = self.work.items * self.work.size
        return self.seconds - self.working + self.working * work.items * work.size / done


@contextmanager
def kept(stage: str, network: str | None = None, fold: int | None = None) -> Iterator[None]:
    """Record how long the block takes, if it ends well and works on this machine alone.

    Of its progress bars the last is taken for its work, and what comes before and after for what
    it takes to start and end.

    Parameters
    ----------
    stage, network, fold
        The stage as `dvc.yaml` calls it, and the network and fold that it runs for.
    """
    params = None
    with suppress(HumanlikeError):  # the stage tells of it
        params = load()
    progress.finished.clear()
    began = time.monotonic()
    yield
    seconds = time.monotonic() - began
    # What is finished must not be lost because its time cannot be noted.
    with suppress(HumanlikeError, OSError, LookupError):
        elsewhere = stage == "explain" and cluster.scheduler() is not None
        if params and not elsewhere:
            _record(name(stage, network, fold), seconds, work_of(stage, params, network, fold))


def _record(stage: str, seconds: float, work: Work) -> None:
    working = seconds
    if progress.finished:
        bar = progress.finished[-1]
        # An explanation that goes on after an interruption does a part of its items only.
        share = (bar.end - bar.begin) / bar.end if bar.end else 0
        if not share:
            return
        working = min(bar.seconds, seconds)
        work = Work(work.items * share, work.size, work.kind)
    add([Took(stage, seconds, working, peak_memory(), work, machine())])


def add(took: Iterable[Took]) -> None:
    """Add to what is recorded."""
    TIMES.parent.mkdir(parents=True, exist_ok=True)
    # One write to the end of the file: stages that end together do not cut each other's lines.
    with TIMES.open("a", encoding="utf-8") as file:
        file.write("".join(json.dumps(asdict(each)) + "\n" for each in took))


def name(stage: str, network: str | None = None, fold: int | None = None) -> str:
    """DVC's name of a stage, such as train@weinet-0."""
    return stage if network is None else f"{stage}@{network}-{fold}"


def parts(stage: str) -> tuple[str, str | None, int | None]:
    """The stage, network and fold of DVC's name."""
    kind, _, unit = stage.partition("@")
    network, _, fold = unit.rpartition("-")
    return (kind, network, int(fold)) if network and fold.isdigit() else (kind, None, None)


def read(path: Path = TIMES) -> list[Took]:
    """What was recorded, oldest first; lines that are no record are passed over."""
    found = []
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    for line in lines:
        try:
            values = json.loads(line)
            took = Took(**{**values, "work": Work(**values["work"])})
            if took.work.items * took.work.size > 0 and 0 <= took.working <= took.seconds:
                found.append(took)
        except (ValueError, TypeError, KeyError):
            continue
    return found


def expected(stage: str, work: Work, known: Sequence[Took]) -> Took | None:
    """The records that tell most of a stage's time, as one; None where none is of its kind.

    Of what was recorded on this machine, the work nearest in size counts; of equally near ones the
    stage's own last run, or else the last of the same kind (another fold, say).
    """
    here = machine()
    same = [
        took
        for took in known
        if parts(took.stage)[0] == parts(stage)[0]
        and took.work.kind == work.kind
        and took.machine == here
    ]
    if not same:
        return None

    def distance(took: Took) -> tuple[float, bool]:
        return abs(math.log(took.work.size / work.size)), took.stage != stage

    # min gives the first of equals, and the last is wanted.
    return min(reversed(same), key=distance)


def work_of(stage: str, params: Params, network: str | None, fold: int | None) -> Work:
    """The work of a stage with these params, on the photographs and faces that are here."""
    counts = {"preprocess": photographs, "evidence": faces, "score": lambda p: len(p.units)}
    if stage in counts:
        kinds = {"preprocess": {"detector": params.preprocess.detector}}
        return Work(max(counts[stage](params), 1), kind=kinds.get(stage, {}))
    if network is None or fold is None:
        return Work()
    if stage == "train":
        return _training(params, network, fold)
    explained = max(_explained(params, network, fold), 1)
    if stage == "standardize":
        return Work(explained)
    if stage == "explain":
        settings = params.explain
        checked = min(settings.checked_per_class * len(params.labels) / explained, 1)
        kind = {
            "network": network,
            "method": settings.method,
            "runtime": settings.runtime,
            "precision": settings.precision,
            "emulate": params.method.get("emulate", False),
            # How many samples faces take that have as many as they need is known once it has run.
            **({"error": params.method["error"]} if params.method.get("samples") == "auto" else {}),
        }
        # What is checked is explained twice.
        return Work(explained, _passes(params.method) * (1 + checked), kind)
    return Work(kind={"network": network})


def _training(params: Params, network: str, fold: int) -> Work:
    origin = params.train.optimisation[network]
    if isinstance(origin, ModelFile):
        return Work(max(_held_out(params, fold), 1), kind={"network": network, "file": True})
    shown = faces(params) - _held_out(params, fold)
    if params.train.limit is not None:
        shown = min(shown, params.train.limit)
    kind = {
        "network": network,
        "batch_size": origin.batch_size,
        "precision": params.train.precision,
    }
    return Work(max(shown, 1) * origin.epochs, kind=kind)


def _passes(method: Mapping[str, Any]) -> float:
    """How often a face goes through the network for one explanation, but for a factor."""
    if "window" in method:
        return (method["cells"] - method["window"] + 1) ** 2
    times = next((method[k] for k in ("samples", "masks", "steps", "iterations") if k in method), 1)
    return 1 if times == "auto" else times


def _explained(params: Params, network: str, fold: int) -> float:
    """How many faces of a unit are explained; before it is trained, at most so many."""
    most = params.explain.positives_per_class
    predictions = artifacts.unit("predictions", network, fold, ".csv")
    if predictions.exists():
        predicted = artifacts.read_table(predictions)["predicted"].value_counts()
        return float(predicted.reindex(params.labels).fillna(0).clip(upper=most).sum())
    return min(most * len(params.labels), _held_out(params, fold))


def photographs(_params: Params | None = None) -> int:
    """Files of photographs in data/."""
    return sum(is_image(file) for _, _, files in os.walk(artifacts.DATA) for file in files)


def faces(_params: Params | None = None) -> int:
    """Aligned faces; before there are any, the photographs that may become such."""
    table = _faces()
    return photographs() if table is None else len(table)


def _held_out(params: Params, fold: int) -> float:
    table = _faces()
    if table is None:
        return photographs() / params.preprocess.folds
    return int((table["fold"] == fold).sum())


def _faces() -> pd.DataFrame | None:
    path = artifacts.FACES / "faces.csv"
    return artifacts.read_table(path) if path.exists() else None


def of_run(params: Params) -> dict[str, object]:
    """How long the stages of a run took when they last ran on this machine, as names and values."""
    last = {took.stage: took for took in read() if took.machine == machine()}
    if not last:
        return {"all stages": "unknown: they did not run here"}
    found: dict[str, object] = {}
    for stage in STAGES:
        units = params.units if stage in OF_UNITS else [(None, None)]
        names = [name(stage, *unit) for unit in units]
        known = [last[each] for each in names if each in last]
        if not known:
            found[stage] = "unknown: it did not run here"
            continue
        each = f" ({len(known)} of {len(units)} runs)" if len(units) > 1 else ""
        most = max(took.memory for took in known) / 1e9
        found[stage] = f"{in_words(sum(took.seconds for took in known))}{each}, {most:.1f} GB"
    return found


def peak_memory() -> int:
    """The most memory in bytes that this process, or one that it started, has held so far."""
    try:
        import resource
    except ModuleNotFoundError:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    own, others = (
        resource.getrusage(who).ru_maxrss * unit
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    # On Linux a process takes that over from the one that started it, maybe a larger one.
    with suppress(OSError, ValueError):
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").split()
        own = int(status[status.index("VmHWM:") + 1]) * 1024
    return max(own, others)


def in_words(seconds: float) -> str:
    """A duration as people say it: 8 s, 3 min, 2.5 h, 4 days.

    Examples
    --------
    >>> [in_words(seconds) for seconds in (0.2, 48, 200, 9000, 400_000)]
    ['1 s', '48 s', '3 min', '2.5 h', '5 days']
    """
    for most, unit, length, digits in (
        (90, "s", 1, 0),
        (90 * 60, "min", 60, 0),
        (48 * 3600, "h", 3600, 1),
    ):
        if seconds < most:
            return f"{max(seconds / length, 1):.{digits}f} {unit}"
    return f"{seconds / 86400:.0f} days"
