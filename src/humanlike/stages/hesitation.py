"""Are the stimuli between expressions harder for people, and where people and networks hesitate."""

from __future__ import annotations

from typing import Any

import pandas as pd

from humanlike import artifacts, people_files, people_params, studies
from humanlike.params import load
from humanlike.people.hesitation import analyse


def run() -> None:
    """Write what choices tell, a row for each stimulus, and what they cannot tell."""
    params = load()
    settings = people_params.hesitation()
    stimuli, _, _ = studies.read_stimuli(people_files.BOUNDARY)
    trials = people_files.read_boundary_choices(stimuli)
    made = people_files.read_made()
    if trials.empty:
        write(
            pd.DataFrame(columns=["stimulus"]), ["anything: there are no choices"], {"choices": 0}
        )
        return
    told = analyse(trials, params.labels, made, settings.resamples, settings.seed)
    table = told.stimuli.reset_index().merge(
        made[["stimulus", "generator", "first", "second", "target", "networks", "share", "found"]],
        on="stimulus",
    )
    write(table, told.unsaid, told.metrics)


def write(table: pd.DataFrame, unsaid: list[str], metrics: dict[str, Any]) -> None:
    """Write the stage's table, what is not told, and its metrics."""
    artifacts.write_table(people_files.PLOTS / "hesitation.csv", table)
    lines = pd.DataFrame({"unsaid": unsaid}, dtype=str)
    artifacts.write_table(people_files.PLOTS / "hesitation_unsaid.csv", lines)
    people_files.write_metrics("hesitation", metrics)
