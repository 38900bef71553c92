"""Simulated choices about drawn stimuli between expressions, to show the stages at work."""

from __future__ import annotations

import numpy as np
import pandas as pd

from humanlike import artifacts, people_files
from humanlike.errors import HumanlikeError
from humanlike.params import load
from humanlike.people import trials as tables
from humanlike.people.observers import Rater, personal_weights
from humanlike.synthesis.action_units import DRAWN_UNITS

#: Of the raters' decisions, and of the weights that they have learned.
NOISE, SPREAD = 0.2, 0.3


def simulate(observers: int, seed: int, repeats: int) -> None:
    """Write `people/boundary/simulated.csv`: choices of observers who never lived.

    Each weighs the drawn face's action units in a way of his own; stimuli of other generators have
    no known units and are left out.

    Parameters
    ----------
    observers
        How many.
    seed
    repeats
        How often each sees each stimulus.

    Raises
    ------
    HumanlikeError
        There are no drawn stimuli.
    """
    params = load()
    made = people_files.read_made()
    drawn = made[(made["generator"] == "render") & made["success"]]
    if drawn.empty:
        raise HumanlikeError("simulate-choices: there are no drawn stimuli that met their target")
    units = drawn[[f"AU{unit}" for unit in DRAWN_UNITS]].to_numpy(float)
    parts = []
    for number in range(observers):
        rng = np.random.default_rng([seed, number])
        weights = personal_weights(params.labels, DRAWN_UNITS, SPREAD, rng)
        order = rng.permutation(np.tile(np.arange(len(drawn)), repeats))
        responses, confidence = Rater(params.labels, weights, NOISE).answer(units[order], rng)
        slow = np.exp(0.7 * (1 - confidence) + 0.3 * rng.standard_normal(len(order)))
        code = f"{tables.SIMULATED}{number + 1:02d}"
        truth = np.where(drawn["share"] >= 0.5, drawn["first"], drawn["second"])[order]
        parts.append(
            pd.DataFrame(
                {
                    "observer": code,
                    "session": f"{code}-1",
                    "trial": np.arange(1, len(order) + 1),
                    "task": "categorise",
                    "stimulus": drawn["stimulus"].to_numpy()[order],
                    "left": "",
                    "right": "",
                    "response": responses,
                    "correct": (np.array(responses) == truth).astype(int),
                    "rt": slow.round(3),
                    "confidence": confidence.round(2),
                }
            )
        )
    source = "simulate-choices"
    table = tables.typed(pd.concat(parts, ignore_index=True), tables.TRIALS, source)
    path = people_files.BOUNDARY_DATA / f"{tables.SIMULATED}.csv"
    artifacts.write_bytes(path, tables.to_csv(table).encode())
