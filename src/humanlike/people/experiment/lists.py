"""Which faces an experiment shows, and to whom: trial lists that are balanced over observers.

A *cell* holds the stimuli of one expression and one competitor, such as the angry faces that are
told from disgust. Lists take turns through the stimuli of each cell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from humanlike.errors import HumanlikeError
from humanlike.people.trials import STIMULI, typed

_CELL = ["expression", "other"]


class Trial(NamedTuple):
    """What an observer is shown.

    Attributes
    ----------
    stimulus : str
    left, right : str
        The expressions offered; empty where all are.
    """

    stimulus: str
    left: str
    right: str


def choose(
    faces: pd.DataFrame, pairs: Sequence[Sequence[str]], labels: Sequence[str], each: int, seed: int
) -> pd.DataFrame:
    """Draw the faces that become stimuli, no face twice, from as many subjects as there are.

    Parameters
    ----------
    faces
        Columns `face`, `subject` and `expression`, as in `faces.csv`.
    pairs
        The expressions of a pair are told from each other. Without pairs, all of `labels` are.
    labels
        The expressions that are offered where there are no pairs.
    each
        Faces of each expression of each pair.
    seed

    Returns
    -------
    DataFrame
        A table of stimuli, see `humanlike.people.trials.STIMULI`, in the order of their ids. Ids
        and files tell nothing of what is shown.

    Raises
    ------
    HumanlikeError
        There are too few faces of an expression.
    """
    random = np.random.default_rng(seed)
    cells = [(a, b) for one, two in pairs for a, b in ((one, two), (two, one))]
    cells = cells or [(label, "") for label in labels]
    pools = {}
    for expression in dict.fromkeys(expression for expression, _ in cells):
        pool = faces[faces["expression"] == expression].sample(frac=1, random_state=random)
        # One face of each subject comes before the second of any.
        turn = pool.groupby("subject").cumcount()
        pools[expression] = pool.iloc[np.argsort(turn, kind="stable")]
    chosen = []
    for expression, other in cells:
        pool = pools[expression]
        if len(pool) < each:
            wanted = each * [name for name, _ in cells].count(expression)
            there = (faces["expression"] == expression).sum()
            raise HumanlikeError(
                f"{expression}: {wanted} faces are needed and {there} are there; lower"
                " experiment.faces, or leave pairs out"
            )
        chosen.append(pool.iloc[:each].assign(other=other))
        pools[expression] = pool.iloc[each:]
    table = pd.concat(chosen).sample(frac=1, random_state=random)
    ids = [f"s{number:0{len(str(len(table)))}d}" for number in range(1, len(table) + 1)]
    table = table.assign(stimulus=ids, file=[f"{name}.png" for name in ids], kind="photograph")
    return typed(table, STIMULI, "stimuli")


def part(stimuli: pd.DataFrame, practice: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Take some stimuli away for practice, from the cells in turn.

    Returns
    -------
    DataFrame, DataFrame
        Those for practice, in the order in which they are shown, and the others.

    Raises
    ------
    HumanlikeError
        Practice leaves none.
    """
    if practice >= len(stimuli):
        raise HumanlikeError(
            f"experiment.practice: {practice} of {len(stimuli)} stimuli leave none for the trials"
        )
    random = np.random.default_rng((seed, 1))
    shuffled = stimuli.sample(frac=1, random_state=random)
    turn = shuffled.groupby(_CELL).cumcount()
    taken = shuffled.iloc[np.argsort(turn, kind="stable")[:practice]]
    return taken, stimuli.drop(taken.index)


def balanced(
    stimuli: pd.DataFrame, observers: int, trials: int, pairs: bool, seed: int
) -> list[list[Trial]]:
    """Make trial lists that are balanced within each list and over all of them.

    No list shows a stimulus twice. A list's cells differ by one trial at most, and within a cell
    the true expression stands left as often as right, but for two at most. Over all lists the
    stimuli of a cell are shown equally often, but for one, and so are a stimulus's two sides.
    Everything is exact where the numbers divide.

    Parameters
    ----------
    stimuli
        Columns `stimulus`, `expression` and `other`.
    observers
        Number of lists.
    trials
        Trials of each list.
    pairs
        Whether `expression` and `other` are offered; else all are, and left and right are empty.
    seed

    Returns
    -------
    list of list of Trial

    Raises
    ------
    HumanlikeError
        There are fewer stimuli than trials, or a stimulus has no other expression to offer.
    """
    random = np.random.default_rng((seed, 2))
    if pairs and (stimuli["other"] == "").any():
        name = stimuli.loc[stimuli["other"] == "", "stimulus"].iloc[0]
        raise HumanlikeError(f"stimulus {name} has no other expression; pairs need one")
    cells = [
        cell.sample(frac=1, random_state=random)
        for _, cell in stimuli.groupby(_CELL if pairs else "expression")
    ]
    most = math.ceil(trials / len(cells))
    if most > min(len(cell) for cell in cells):
        least = min(cells, key=len).iloc[0]
        versus = f" against {least['other']}" if least["other"] else ""
        raise HumanlikeError(
            f"experiment.trials: {trials} need {most} stimuli of {least['expression']}{versus} and"
            f" {min(len(cell) for cell in cells)} are there; lower trials, or raise faces"
        )
    share, rest = divmod(trials, len(cells))
    shown = [0] * len(cells)
    made = []
    for number in range(observers):
        extra = {(number * rest + step) % len(cells) for step in range(rest)}
        trial_list = []
        for which, cell in enumerate(cells):
            for _ in range(share + (which in extra)):
                turn, place = divmod(shown[which], len(cell))
                row = cell.iloc[place]
                sides = (row["expression"], row["other"]) if pairs else ("", "")
                # Sides alternate within a turn through the cell, and from one turn to the next.
                if (place + turn + which) % 2:
                    sides = sides[::-1]
                trial_list.append(Trial(row["stimulus"], *sides))
                shown[which] += 1
        made.append([trial_list[place] for place in random.permutation(len(trial_list))])
    return made
