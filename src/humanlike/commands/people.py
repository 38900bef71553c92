"""People's pipeline by hand: a simulated study, and people's maps as a reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import typer

from humanlike import artifacts, people_files, people_params, studies
from humanlike.alignment.scores import stretch
from humanlike.errors import HumanlikeError
from humanlike.expressions import EXPRESSIONS
from humanlike.people import trials as tables
from humanlike.people.experiment import lists
from humanlike.people.experiment.psychds import psych_ds
from humanlike.people.observers import Observer, places, textbook_attention, uncover
from humanlike.people.trials import CLICKS, SIMULATED, TRIALS
from humanlike.people_params import Simulate
from humanlike.progress import bar

#: How much simulated observers differ: of their sensitivity, as a share of it.
_SPREAD = 0.2


def simulate(output: Path) -> None:
    """Write a study by observers who never lived, as an import of real ones would write it.

    They do what people/params.yaml's `experiment` asks for (the task uncover) with the stimuli of
    the stage of that name, and look where the action units are; see `simulate` there.

    Parameters
    ----------
    output
        New or empty folder.

    Raises
    ------
    HumanlikeError
        The folder holds something, there are no stimuli, or an expression has no action units.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise HumanlikeError(f"{output} is already there: name a new folder or remove that one")
    settings = people_params.simulate()
    experiment = studies.load_section("experiment", studies.Experiment)
    shown = people_files.stimuli()
    offered = {label for pair in experiment.pairs for label in pair}
    for label in sorted(offered - set(EXPRESSIONS)):
        raise HumanlikeError(f"experiment.pairs: nobody knows where to look for {label}")
    if not offered:
        raise HumanlikeError("experiment.pairs: simulated observers need two expressions to choose")
    _, rest = lists.part(shown.table, experiment.practice, experiment.seed)
    each = lists.balanced(rest, settings.observers, experiment.trials, True, experiment.seed)
    attention = {label: textbook_attention(label) for label in offered}
    trials, clicks = [], []
    for number, trial_list in enumerate(bar(each, "simulate", unit="observer"), 1):
        code = f"{SIMULATED}{number:02d}"
        done = session(code, person(settings, attention, number), trial_list, shown, experiment)
        trials += done[0]
        clicks += done[1]
    about = {
        "name": f"A {SIMULATED} study",
        "description": f"{SIMULATED.capitalize()} observers, who never lived: no data of people.",
        "identifier": SIMULATED,
    }
    materials = {"stimuli.csv": tables.to_csv(shown.table).encode()}
    files = psych_ds(
        tables.typed(pd.DataFrame(trials, columns=list(TRIALS)), TRIALS, str(output)),
        tables.typed(pd.DataFrame(clicks, columns=list(CLICKS)), CLICKS, str(output)),
        about,
        materials,
    )
    for name, content in files.items():
        artifacts.write_bytes(output / name, content)
    typer.echo(
        f"{output}: {len(trials)} trials and {len(clicks)} clicks of {len(each)} {SIMULATED} "
        "observers"
    )


def person(settings: Simulate, attention: dict, number: int) -> Observer:
    """The observer of a number: sensitivity and bias differ from person to person."""
    rng = np.random.default_rng([settings.seed, number, 0])
    return Observer(
        attention,
        sensitivity=settings.sensitivity * float(np.exp(_SPREAD * rng.standard_normal())),
        bias=settings.bias * float(rng.standard_normal()),
        lapse=settings.lapse,
        click_noise=settings.click_noise,
        enough=settings.enough,
        impatience=settings.impatience,
    )


def session(
    code: str,
    observer: Observer,
    trial_list: list[lists.Trial],
    shown: people_files.Stimuli,
    experiment: studies.Experiment,
) -> tuple[list[tuple], list[tuple]]:
    """The rows of trials and clicks of one observer."""
    rng = np.random.default_rng([people_params.simulate().seed, int(code[len(SIMULATED) :]), 1])
    rows = shown.rows
    trials: list[tuple] = []
    clicks: list[tuple] = []
    for trial, asked in enumerate(trial_list, 1):
        row = rows[asked.stimulus]
        truth = str(shown.table["expression"].iloc[row])
        where = places(shown.landmarks[row], shown.side)
        done = uncover(observer, truth, (asked.left, asked.right), where, experiment.radius, rng)
        correct = int(done.response == truth)
        confidence = ""
        if experiment.confidence:
            steps = experiment.confidence - 1
            confidence = str(round(round(done.confidence * steps) / steps, 4))
        answer = (done.response, correct, done.rt, confidence)
        trials.append((code, code, trial, "uncover", asked.stimulus, *asked[1:], *answer))
        clicks += [
            (code, code, trial, order, x, y, t, radius)
            for order, (x, y, t, radius) in enumerate(done.clicks.tolist(), 1)
        ]
    return trials, clicks


def reference() -> None:
    """Write people's attention maps to `references/people`, for `score.references: [people]`.

    Raises
    ------
    HumanlikeError
        The people's pipeline has not run, or nobody uncovered a face.
    """
    found = artifacts.read_arrays(people_files.CHOICES / "attention.npz", "cells", "maps")
    whole = [number for number, (_, against) in enumerate(found["cells"]) if not against]
    if not whole:
        raise HumanlikeError(f"{people_files.CHOICES}: nobody uncovered a face, so there is no map")
    folder = artifacts.fresh(artifacts.REFERENCES / "people")
    for number in whole:
        label = str(found["cells"][number, 0])
        picture = stretch(np.maximum(found["maps"][number].astype(float), 0))
        artifacts.write_picture(folder / f"{label}.png", picture)
    trials = tables.read(people_files.CHOICES / "trials.csv", TRIALS)
    simulated = trials["observer"].str.startswith(SIMULATED).any()
    whose = f"{SIMULATED} observers" if simulated else "people"
    typer.echo(
        f"{folder}: maps of {whose} for {len(whole)} expressions; name people in score.references "
        "of params.yaml"
    )
