"""Which scaling of the input and which order of the classes fit a network, told by labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binomtest, ttest_rel

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

    The best is that of the highest accuracy. It is clear where more faces are right than by always
    naming the most frequent label (binomial test), and where against every other either the faces
    that only one of both gets right speak for it (McNemar's exact test), or it is more often right
    and its logarithmic score is higher (paired t-test), at `CLEAR` over the number of all tests.
    The score tells scalings apart that a network of rectified layers answers alike, but far too
    surely; alone it does not count, as a wrong scaling may make a network surer that is never
    wrong. Scalings that give the same outputs are no rivals.

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
    right = {
        (scaling, name): np.asarray(classes)[rows.argmax(axis=1)] == labels
        for scaling, rows in probabilities.items()
        for name, classes in orders.items()
    }
    score = {
        (scaling, name): np.log(np.maximum((rows * (labels[:, None] == classes)).sum(axis=1), 1e-9))
        for scaling, rows in probabilities.items()
        for name, classes in orders.items()
    }
    table = pd.DataFrame(
        {s: {name: right[s, name].mean() for name in orders} for s in probabilities}
    )
    best = max(right, key=lambda pair: right[pair].mean())
    allowed = CLEAR / (2 * len(right))
    most_frequent = float(np.unique(labels, return_counts=True)[1].max() / len(labels))
    sure = most_frequent < 1 and bool(
        binomtest(int(right[best].sum()), len(labels), most_frequent, "greater").pvalue <= allowed
    )
    others = [pair for pair in right if pair != best and not _same(probabilities, best, pair)]
    worse = [
        pair
        for pair in others
        if _more_right(right[best], right[pair]) <= allowed
        or (
            right[best].sum() > right[pair].sum()
            and ttest_rel(score[best], score[pair], alternative="greater").pvalue <= allowed
        )
    ]
    rivals = [pair for pair in others if pair not in worse]
    return table, Choice(*best, float(right[best].mean()), sure, rivals, worse)


def _same(
    probabilities: Mapping[str, NDArray[np.floating]], best: tuple[str, str], pair: tuple[str, str]
) -> bool:
    """Whether two scalings are one to the network, which has its own."""
    alike = np.allclose(probabilities[best[0]], probabilities[pair[0]], atol=1e-3)
    return best[1] == pair[1] and alike


def _more_right(these: NDArray[np.bool_], those: NDArray[np.bool_]) -> float:
    """One-sided p of McNemar's exact test that these are no more often right than those."""
    won, lost = int((these & ~those).sum()), int((those & ~these).sum())
    return float(binomtest(won, won + lost, 0.5, "greater").pvalue) if won + lost else 1.0
