"""How long a run of any params takes on this machine, told from a few faces before it begins.

What of it has run here is known from the times that its stages left. Of all else a little is run,
by the stages themselves, in a folder of their own: some batches of a training, an explanation or
three, a few photographs.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import typer
from ruamel.yaml import YAML

from humanlike import artifacts, datasets, times
from humanlike.commands.status import listed
from humanlike.datasets.reading import places
from humanlike.errors import HumanlikeError
from humanlike.params import ModelFile, Params, load
from humanlike.progress import bar

#: Faces that a training is told by, at least, after a first batch, in which networks are compiled.
TRAINED = 48

#: Explained faces: what comes on top of the first few is what one more costs.
FEW, MORE = 1, 4

PHOTOGRAPHS = 24


def plan(path: Path, measure: bool = True) -> None:
    """Print what each stage of a params file takes here, in all and at most of memory.

    Parameters
    ----------
    path
        A params file; its photographs and faces are those of this project.
    measure
        Run a little of what has not run here yet; else it is named and not counted.

    Raises
    ------
    HumanlikeError
        The params are not valid, there are no faces to measure with, or a stage failed on them.
    """
    params = load(path)
    known = times.read()
    if measure:
        known += measured(params, known)
    rows, unknown, seconds, heaviest = [], [], 0.0, ("", 0)
    for stage, units in stages(params).items():
        found = [
            (unit, work, times.expected(times.name(stage, *unit), work, known))
            for unit, work in units
        ]
        told = [(took.would_take(work), took) for _, work, took in found if took is not None]
        unknown += [times.name(stage, *unit) for unit, _, took in found if took is None]
        for unit, work, took in found:
            memory = 0 if took is None else took.memory + more_memory(stage, params, work, took)
            heaviest = max(heaviest, (times.name(stage, *unit), memory), key=lambda pair: pair[1])
        seconds += sum(each for each, _ in told)
        each = (
            f"{len(units)} × {times.in_words(sum(s for s, _ in told) / len(told))}" if told else ""
        )
        rows.append(
            (
                stage,
                times.in_words(sum(s for s, _ in told)) if told else "unknown",
                each if len(units) > 1 else "",
            )
        )
    width = max(len(stage) for stage, *_ in rows) + 2
    for stage, total, each in rows:
        typer.echo(f"{stage:<{width}}{total:>10}   {each}".rstrip())
    said = f"{path}: about {times.in_words(seconds)} on this machine, one stage after the other"
    said += f", and {heaviest[1] / 1e9:.1f} GB of memory at most ({heaviest[0]})."
    typer.echo(f"\n{said}")
    if unknown:
        typer.echo(f"Not counted, as nothing like it has run here: {listed(unknown)}.")


Unit = tuple[()] | tuple[str, int]


def stages(params: Params) -> dict[str, list[tuple[Unit, times.Work]]]:
    """All that a run of these params does, stage by stage."""
    found: dict[str, list[tuple[Unit, times.Work]]] = {}
    for stage in times.STAGES:
        units: list[Unit] = list(params.units) if stage in times.OF_UNITS else [()]
        found[stage] = [
            (unit, times.work_of(stage, params, *(unit or (None, None)))) for unit in units
        ]
    return found


def more_memory(stage: str, params: Params, work: times.Work, took: times.Took) -> int:
    """Bytes that a training of more faces than the one that is known holds besides."""
    if stage != "train":
        return 0
    more = times.faces(params) - took.work.items  # its epochs count too: at least so many
    return int(max(more, 0)) * 2 * params.preprocess.size**2


def measured(params: Params, known: list[times.Took]) -> list[times.Took]:
    """Run a little of each kind of work that is not known, and note its times for later."""
    wanted: dict[str, set[str]] = {}
    for stage, units in stages(params).items():
        for unit, work in units:
            if times.expected(times.name(stage, *unit), work, known) is None:
                wanted.setdefault(stage, set()).add(str(unit[0]) if unit else "")
    networks = [
        network
        for network in params.train.networks
        if any(network in wanted.get(stage, ()) for stage in times.OF_UNITS)
    ]
    if (networks or "evidence" in wanted) and not (artifacts.FACES / "faces.csv").exists():
        raise HumanlikeError(
            f"{artifacts.FACES}: there are no faces to measure with; run `dvc repro preprocess`"
        )
    found: list[times.Took] = []
    with tempfile.TemporaryDirectory() as folder:
        if "preprocess" in wanted:
            found += of_photographs(params, Path(folder, "photographs"))
        for network in bar(networks, "measure", unit="network", disable=not networks):
            found += of_network(params, network, Path(folder, network))
        if "evidence" in wanted:
            project = Path(folder, "evidence")
            few_faces(params, params.train.networks[0], project)
            found += run(project, "evidence")
    if found:
        times.add(found)
    return found


def of_photographs(params: Params, project: Path) -> list[times.Took]:
    """Preprocess a few photographs; nothing, where they are not files of their own."""
    listing = datasets.read(artifacts.DATA)
    wanted = listing.photographs[listing.photographs["expression"].isin(params.expressions)]
    files = places(wanted, artifacts.DATA)
    if len(files) < params.preprocess.folds or any(offset is not None for _, offset in files):
        return []
    chosen = np.linspace(0, len(files) - 1, PHOTOGRAPHS).astype(int)
    pictures = project / "data" / "some"
    pictures.mkdir(parents=True)
    rows = []
    for number, position in enumerate(chosen):
        path = files[position][0]
        name = f"{number:02d}{path.suffix}"
        shutil.copyfile(path, pictures / name)
        rows.append((name, f"s{number % 6}", wanted["expression"].iloc[position]))
    table = pd.DataFrame(rows, columns=["file", "subject", "expression"])
    artifacts.write_table(pictures / "labels.csv", table)
    write_params(params, project, {"preprocess": {"folds": 2}})
    return run(project, "preprocess")


def of_network(params: Params, network: str, project: Path) -> list[times.Took]:
    """Train a network for some batches, and explain a face and then some more."""
    few_faces(params, network, project)
    run(project, "guidance")  # off; a training reads that it is
    found = run(project, "train", network, "0")
    predictions = project / artifacts.unit("predictions", network, 0, ".csv")
    table = artifacts.read_table(predictions)
    took = []
    for faces in (FEW, MORE):
        artifacts.write_table(predictions, table.iloc[np.arange(faces) % len(table)])
        took += run(project, "explain", network, "0")
    few, more = took
    # What an explanation takes to start, loading and compiling the network, is in both.
    one = max(more.seconds - few.seconds, 0.0) / (MORE - FEW)
    found.append(replace(more, working=min(one * MORE, more.seconds)))
    return [*found, *run(project, "standardize", network, "0")]


def few_faces(params: Params, network: str, project: Path) -> None:
    """A project of as many faces as some batches take, and the held-out part that goes with them.

    They are the project's own, over and over where it has too few.
    """
    origin = params.train.optimisation[network]
    if isinstance(origin, ModelFile):
        shown = MORE
    else:
        shown = (1 + math.ceil(TRAINED / origin.batch_size)) * origin.batch_size
    tested = max(round(shown / (params.preprocess.folds - 1)), MORE)
    table = artifacts.read_table(artifacts.FACES / "faces.csv")
    rows = np.linspace(0, len(table) - 1, min(shown + tested, len(table))).astype(int)
    rows = np.resize(rows, shown + tested)
    some = table.iloc[rows].assign(face=np.arange(len(rows)), fold=(np.arange(len(rows)) < shown))
    folder = project / artifacts.FACES
    artifacts.write_table(folder / "faces.csv", some.astype({"fold": int}))
    for name in ("images.npy", "landmarks.npy"):
        np.save(folder / name, artifacts.read_array(artifacts.FACES / name)[rows])
    train: dict[str, Any] = {"networks": [network], "folds": [0], "limit": None, "weights": "none"}
    train["guidance"] = {**params.train.guidance.model_dump(), "weight": 0.0}
    own: dict[str, Any] = {"epochs": 1}
    if isinstance(origin, ModelFile):
        own = {"file": str(Path(origin.file).absolute())}
    train["optimisation"] = {network: {**origin.model_dump(exclude_none=True), **own}}
    explain = {"positives_per_class": MORE, "checked_per_class": 0}
    write_params(params, project, {"preprocess": {"folds": 2}, "train": train, "explain": explain})


def write_params(params: Params, project: Path, changed: dict[str, dict[str, Any]]) -> None:
    """Write params with some keys of some sections changed."""
    values = params.model_dump(by_alias=True, exclude_none=True)
    for section, keys in changed.items():
        values[section].update(keys)
    values["train"].setdefault("limit", None)
    YAML().dump(values, project / "params.yaml")


def run(project: Path, *stage: str) -> list[times.Took]:
    """Run a stage in a project, and return what it noted of its time."""
    file = project / times.TIMES
    before = len(times.read(file))
    done = subprocess.run(
        [sys.executable, "-m", "humanlike.cli", *stage],
        cwd=project,
        env={**os.environ, "DASK_SCHEDULER_ADDRESS": ""},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise HumanlikeError(f"measuring {' '.join(stage)}: {lines[-1]}")
    return list(renamed(times.read(file)[before:]))


def renamed(took: list[times.Took]) -> Iterator[times.Took]:
    """Records under names that no stage of this project has: they are no runs of its own."""
    for each in took:
        kind, network, _ = times.parts(each.stage)
        unit = "measured" if network is None else f"{network}-measured"
        yield replace(each, stage=f"{kind}@{unit}")
