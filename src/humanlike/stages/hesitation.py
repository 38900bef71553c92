"""Are the stimuli between expressions harder for people, and where people and networks hesitate."""

from __future__ import annotations

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
    told = analyse(trials, params.labels, made, settings.resamples, settings.seed)
    table = told.stimuli.reset_index().merge(
        made[["stimulus", "generator", "first", "second", "target", "networks", "share", "found"]],
        on="stimulus",
    )
    artifacts.write_table(people_files.PLOTS / "hesitation.csv", table)
    unsaid = pd.DataFrame({"unsaid": told.unsaid}, dtype=str)
    artifacts.write_table(people_files.PLOTS / "hesitation_unsaid.csv", unsaid)
    people_files.write_metrics("hesitation", told.metrics)
