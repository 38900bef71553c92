"""Where stimuli between expressions and the choices about them are kept, and how they are read."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd

from humanlike import artifacts, studies
from humanlike.errors import HumanlikeError
from humanlike.people import trials as tables

#: Choices in the task categorise about the stimuli of `STIMULI`: CSVs of trials.
DATA = studies.PEOPLE / "boundary"
STIMULI = artifacts.ARTIFACTS / "people" / "boundary"
ALIGNED = artifacts.ARTIFACTS / "people" / "aligned"
METRICS = studies.PEOPLE / "metrics"
PLOTS = studies.PEOPLE / "plots"


def read_made() -> pd.DataFrame:
    """The table of all stimuli that the stage `boundary` tried."""
    return artifacts.read_table(STIMULI / "made.csv")


def read_choices(stimuli: pd.DataFrame) -> pd.DataFrame:
    """The choices of all sessions about some stimuli.

    Parameters
    ----------
    stimuli
        As `humanlike.people.trials.STIMULI` has them.

    Raises
    ------
    HumanlikeError
        There are none, a row is broken, or a stimulus is unknown.
    """
    found = []
    for path in sorted(DATA.rglob("*.csv")):
        trials = tables.read(path, tables.TRIALS)
        tables.check_trials(trials, str(path))
        unknown = ~trials["stimulus"].isin(stimuli["stimulus"])
        tables.refuse(trials["stimulus"], unknown, str(path), "stimulus", f"one of {STIMULI}")
        found.append(trials)
    if not found:
        raise HumanlikeError(
            f"{DATA}/: there are no choices; put CSVs of the task categorise about {STIMULI} "
            "there, or make simulated ones: `humanlike people simulate-choices`"
        )
    joined = pd.concat(found, ignore_index=True)
    tables.check_trials(joined, str(DATA))
    return joined


def jsonable(values: Any) -> Any:
    """Values as JSON has them: what is not known is null."""
    if isinstance(values, dict):
        return {key: jsonable(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [jsonable(value) for value in values]
    if isinstance(values, float) and not math.isfinite(values):
        return None
    return values


def model_entry(path: Path, labels: list[str]) -> dict[str, Any]:
    """An entry of `train.optimisation` by which the main pipeline takes a network."""
    return {
        "file": str(path),
        "sha256": artifacts.digest(path),
        "classes": labels,
        "input": "0..255",
    }
