"""Networks that learn how people judge: what is shown to them, and what it changed.

The recipe is that of Wei et al., ICML 2025, arXiv 2505.03641: each single choice is a hard label;
a group model learns everybody's, mixed with the original data 1 : 1; an individual model starts
from the group model and learns its observer's choices, the group's and the original data, 2 : 1 :
1. What is held out are stimuli, never trials of stimuli that were learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from humanlike.people.behaviour import choice_counts, divergence, entropy

PARTS = ("learned", "validation", "held_out")

_SMALLEST = 1e-7


class Agreement(NamedTuple):
    """How well a network foretells choices."""

    log_likelihood: float  #: of a choice among the answers offered, nats, mean over choices
    accuracy: float  #: share of choices that are the network's own
    divergence: float  #: Jensen–Shannon, bits, of people's shares and the network's, over stimuli
    entropy_correlation: float  #: of people's and the network's entropy over stimuli, Spearman


def split(
    stimuli: Sequence[str], held_out: float, validation: float, seed: int
) -> dict[str, NDArray[np.str_]]:
    """Part stimuli at random into those learned from, those that choose the epoch, those held out.

    Parameters
    ----------
    stimuli
        Names, each once; their order does not matter.
    held_out, validation
        Shares of all, each at least one stimulus.
    seed

    Returns
    -------
    dict
        `PARTS` -> names, sorted.

    Raises
    ------
    ValueError
        There is none left to learn from.
    """
    names = np.array(sorted(stimuli), np.str_)
    order = np.random.default_rng(seed).permutation(len(names))
    last = max(1, round(held_out * len(names)))
    middle = max(1, round(validation * len(names)))
    if last + middle >= len(names):
        raise ValueError(f"{len(names)} stimuli are too few to hold some out and learn from others")
    cuts = np.split(order, [len(names) - last - middle, len(names) - last])
    return {part: names[np.sort(rows)] for part, rows in zip(PARTS, cuts, strict=True)}


def mixture(
    own: int, pools: Sequence[int], shares: Sequence[float], rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """How many of each pool go with one's own, and which.

    Parameters
    ----------
    own
        Number of examples of one's own, all of which are learned.
    pools
        Sizes of the others.
    shares
        Of each pool, as a multiple of `own`: (1,) is the group's 1 : 1, (.5, .5) the individual's
        2 : 1 : 1.
    rng

    Returns
    -------
    list of (round(share * own),) int64
        Places in each pool, none twice before all came once; none of an empty pool.
    """
    found = []
    for size, share in zip(pools, shares, strict=True):
        wanted = round(share * own) if size else 0
        rounds = [rng.permutation(size) for _ in range(-(-wanted // size) if size else 0)]
        found.append(np.concatenate([*rounds, np.zeros(0, np.int64)])[:wanted].astype(np.int64))
    return found


def enough(trials: pd.DataFrame, least: int) -> tuple[list[str], list[str]]:
    """Observers with at least `least` trials, and those with fewer, sorted."""
    counts = trials["observer"].value_counts()
    return sorted(counts.index[counts >= least]), sorted(counts.index[counts < least])


def choice_probabilities(
    trials: pd.DataFrame, probabilities: pd.DataFrame
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """What a network gives each choice among the answers that were offered.

    Parameters
    ----------
    trials
        As `humanlike.people.trials` has them.
    probabilities
        Index stimulus, a column for each expression.

    Returns
    -------
    chosen : (n,) float64
        The probability of the choice, those of the answers offered adding up to 1.
    same : (n,) bool
        Whether the network would have chosen the same.
    """
    labels = list(probabilities.columns)
    rows = probabilities.reindex(trials["stimulus"]).to_numpy(np.float64)
    every = (trials["left"] == "").to_numpy()
    offered = np.repeat(every[:, None], len(labels), axis=1)
    for side in ("left", "right"):
        offered |= trials[side].to_numpy(str)[:, None] == np.array(labels)
    among = np.where(offered, np.maximum(rows, _SMALLEST), 0)
    among /= among.sum(axis=1, keepdims=True)
    answer = trials["response"].map(labels.index).to_numpy()
    return among[np.arange(len(trials)), answer], among.argmax(axis=1) == answer


def agreement(trials: pd.DataFrame, probabilities: pd.DataFrame) -> Agreement:
    """How well a network foretells choices; see `choice_probabilities`.

    Divergence and entropy are of all answers the network knows: where two were offered, people's
    and the network's shares are of these two.
    """
    chosen, same = choice_probabilities(trials, probabilities)
    labels = list(probabilities.columns)
    people, network = [], []
    for _, rows in trials.groupby(["stimulus", "left", "right"], sort=True):
        row = probabilities.loc[rows["stimulus"].iloc[0]].to_numpy(np.float64)
        both = [rows["left"].iloc[0], rows["right"].iloc[0]]
        if both[0]:
            row = np.where(np.isin(labels, both), row, 0)
        people.append(choice_counts(rows, labels).to_numpy()[0])
        network.append(row / row.sum())
    bits = stats.entropy(np.array(network), base=2, axis=1)
    counts = np.array(people)
    given = entropy(counts)
    varied = len(given) > 2 and np.ptp(given) > 0 and np.ptp(bits) > 0
    return Agreement(
        float(np.log(chosen).mean()),
        float(same.mean()),
        float(np.mean(divergence(counts, np.array(network)))),
        float(stats.spearmanr(given, bits).statistic) if varied else np.nan,
    )


def matrix(trials: pd.DataFrame, models: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Log-likelihood of each observer's choices under each model, nats a choice.

    Parameters
    ----------
    trials
        Of stimuli held out.
    models
        Name -> probabilities as `choice_probabilities` takes them.

    Returns
    -------
    DataFrame
        Index model, a column for each observer.
    """
    logs = {
        name: pd.Series(
            np.log(choice_probabilities(trials, each)[0]), trials["observer"].to_numpy()
        )
        for name, each in models.items()
    }
    return pd.DataFrame({name: each.groupby(level=0).mean() for name, each in logs.items()}).T


class Personal(NamedTuple):
    """Whether models of single observers are their own."""

    better_than_group: float  #: share of observers whose own model foretells them better
    gain: float  #: of the own model over the group's, nats a choice, mean over observers
    own_rank: float  #: share of observers whose own model is the best of all for them
    diagonal: float  #: own model less the mean of others' models, nats a choice
    p: float  #: of permuting whose models they are


def personal(table: pd.DataFrame, group: str, seed: int, permutations: int = 2000) -> Personal:
    """Read a `matrix` that has a row for each observer's model, and one of the group's.

    NaN below two observers.
    """
    observers = [name for name in table.columns if name in table.index]
    square = table.loc[observers, observers].to_numpy(np.float64)
    n = len(observers)
    if n < 2:
        return Personal(*[np.nan] * 5)
    own = square.diagonal()
    common = table.loc[group, observers].to_numpy(np.float64)
    others = (square.sum(axis=0) - own) / (n - 1)
    rng = np.random.default_rng(seed)
    by_chance = [square[rng.permutation(n), np.arange(n)].mean() for _ in range(permutations)]
    return Personal(
        float((own > common).mean()),
        float((own - common).mean()),
        float((square.argmax(axis=0) == np.arange(n)).mean()),
        float((own - others).mean()),
        float((1 + np.sum(np.array(by_chance) >= own.mean())) / (1 + permutations)),
    )
