"""Are the stimuli between expressions harder for people, and where people and networks hesitate."""

from __future__ import annotations

import pandas as pd

from humanlike import artifacts, boundary_files, boundary_params, studies
from humanlike.params import load
from humanlike.people.hesitation import analyse


def run() -> None:
    """Write what choices tell, a row for each stimulus, and what they cannot tell."""
    params = load()
    settings = boundary_params.hesitation()
    stimuli, _, _ = studies.read_stimuli(boundary_files.STIMULI)
    trials = boundary_files.read_choices(stimuli)
    made = boundary_files.read_made()
    told = analyse(trials, params.labels, made, settings.resamples, settings.seed)
    table = told.stimuli.reset_index().merge(
        made[["stimulus", "generator", "first", "second", "target", "networks", "share", "found"]],
        on="stimulus",
    )
    artifacts.write_table(boundary_files.PLOTS / "hesitation.csv", table)
    unsaid = pd.DataFrame({"unsaid": told.unsaid}, dtype=str)
    artifacts.write_table(boundary_files.PLOTS / "hesitation_unsaid.csv", unsaid)
    artifacts.write_json(
        boundary_files.METRICS / "hesitation.json", boundary_files.jsonable(told.metrics)
    )
