"""Which scaling of the input and which order of the classes fit a network, told by labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binomtest, wilcoxon

#: Differences that luck brings about more often than this are not clear.
CLEAR = 0.05


class Choice(NamedTuple):
    """What the trial of scalings and orders comes to."""

    scaling: str
    order: str
    accuracy: float
    above_chance: bool  #: than always naming the most frequent label
    rivals: list[tuple[str, str]]  #: scalings and orders that are not clearly worse
    worse: list[tuple[str, str]]  #: those that clearly are

    @property
    def clear(self) -> bool:
        """Whether nothing else will do."""
        return self.above_chance and not self.rivals


def compare(
    probabilities: Mapping[str, NDArray[np.floating]],
    orders: Mapping[str, Sequence[str]],
    truth: Sequence[str],
) -> tuple[pd.DataFrame, Choice]:
    """Try every scaling with every order of classes, and take the best if it is clear.

    The best is that of the highest accuracy, the mean logarithm of the true class's probability
    deciding between equals. It is clear where more faces are right than by always naming the most
    frequent label (binomial test), and where against every other either the faces that only one of
    both gets right speak for it (McNemar's exact test) or the true class's probability is higher
    on most faces (Wilcoxon's signed-rank test), at `CLEAR` over the number of all tests. Scalings
    that give the same outputs are no rivals.

    Parameters
    ----------
    probabilities : mapping from scaling to (n, classes)
    orders : mapping from name to the label of each column
    truth : (n,) labels

    Returns
    -------
    table : DataFrame
        Mean accuracy, a row for each order and a column for each scaling.
    choice : Choice
    """
    labels = np.asarray(truth, dtype=str)
    right: dict[tuple[str, str], NDArray[np.bool_]] = {}
    certainty: dict[tuple[str, str], NDArray[np.float64]] = {}
    for scaling, rows in probabilities.items():
        for name, classes in orders.items():
            names = np.asarray(classes)
            own = (labels[:, None] == names) @ np.eye(len(names))
            right[scaling, name] = names[rows.argmax(axis=1)] == labels
            certainty[scaling, name] = np.log(np.maximum((rows * own).sum(axis=1), 1e-12))
    table = pd.DataFrame(
        {s: {name: right[s, name].mean() for name in orders} for s in probabilities}
    )
    best = max(right, key=lambda pair: (right[pair].mean(), certainty[pair].mean()))
    allowed = CLEAR / max(2 * (len(right) - 1) + 1, 1)
    most_frequent = float(np.unique(labels, return_counts=True)[1].max() / len(labels))
    sure = most_frequent < 1 and bool(
        binomtest(int(right[best].sum()), len(labels), most_frequent, "greater").pvalue <= allowed
    )
    others = [pair for pair in right if pair != best and not _same(probabilities, best, pair)]
    worse = [pair for pair in others if _clearly_better(right, certainty, best, pair, allowed)]
    rivals = [pair for pair in others if pair not in worse]
    return table, Choice(*best, float(right[best].mean()), sure, rivals, worse)


def _same(
    probabilities: Mapping[str, NDArray[np.floating]], best: tuple[str, str], pair: tuple[str, str]
) -> bool:
    """Whether two scalings are one to the network, which has its own."""
    alike = np.allclose(probabilities[best[0]], probabilities[pair[0]], atol=1e-3)
    return best[1] == pair[1] and alike


def _clearly_better(
    right: Mapping[tuple[str, str], NDArray[np.bool_]],
    certainty: Mapping[tuple[str, str], NDArray[np.float64]],
    best: tuple[str, str],
    pair: tuple[str, str],
    allowed: float,
) -> bool:
    won = int((right[best] & ~right[pair]).sum())
    lost = int((right[pair] & ~right[best]).sum())
    if won + lost and binomtest(won, won + lost, 0.5, "greater").pvalue <= allowed:
        return True
    difference = certainty[best] - certainty[pair]
    if not difference.any():
        return False
    return bool(wilcoxon(difference, alternative="greater", method="asymptotic").pvalue <= allowed)
