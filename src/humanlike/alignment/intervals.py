"""How far a score would move with other people's faces, and with other trainings.

A score is far from linear in the faces: it is the IoU of a thresholded mean. Both intervals are
therefore jackknife intervals (Tukey 1958, doi 10.1214/aoms/1177706647) with Student's t, which
knows how few subjects or folds a spread was seen in. Both are for what as many other subjects would
score on average.

Of folds: no subject is in two of them, and each has a training of its own. Leaving a fold out moves
all that another training and other subjects would change, in all networks and expressions at once.

Of subjects, with the trainings as they are: a subject's photographs move together, wherever they
were explained.
"""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t

from humanlike.alignment.scores import Threshold, mark, ratio, stretch
from humanlike.alignment.table import mean_maps

#: Of fewer subjects, nobody can tell how much people differ.
LEAST_SUBJECTS = 3

#: Confidence level of every interval.
LEVEL = 0.95

#: What `Influences` follows.
FIGURES = ("iou", "specificity")


def interval(
    estimate: float, error: float, degrees_of_freedom: int, level: float = LEVEL
) -> tuple[float, float]:
    """Student's confidence interval.

    Parameters
    ----------
    estimate, error : float
        A score and its standard error.
    degrees_of_freedom : int
        One less than the subjects or folds that the error was seen in.
    level : float in (0, 1)

    Returns
    -------
    low, high : float
        NaN where there are no degrees of freedom.
    """
    if degrees_of_freedom < 1:
        return np.nan, np.nan
    margin = t.ppf((1 + level) / 2, degrees_of_freedom) * error
    return float(estimate - margin), float(estimate + margin)


def jackknife_error(left_out: ArrayLike) -> NDArray[np.float64]:
    """Standard error of figures, from the same figures with one fold left out.

    Parameters
    ----------
    left_out : (K, ...) array
        At [k] the figures without fold k.

    Returns
    -------
    (...) float64
        That of the mean, exactly, where a figure is the mean of its folds.
    """
    values = np.asarray(left_out, float)
    return np.sqrt((len(values) - 1) * values.var(axis=0))


class Influences:
    """How much each subject moves the scores of a heatmap; subjects come one by one.

    The heatmap is pushed away from the mean of the others towards the subject, and as far to the
    other side. Leaving the subject out is a push of length 1, too short where many subjects are
    behind the heatmap: a threshold on 256 levels jumps or stays, and errors came out up to two
    thirds too great. Pushes are half the heatmap's own standard error, or 1 where that is more,
    and the influence is what a push of 1 would do.

    Parameters
    ----------
    heatmap : (H, W) float64
        Mean of the standardised importance maps of N faces.
    subjects : (N,) array
        Whose faces they are.
    masks : mapping from expression to (H, W) bool
    expression : str
        That of the heatmap; one of `masks`.
    threshold : "otsu" or float in [0, 1]
        See `scores.mark`.
    """

    def __init__(
        self,
        heatmap: NDArray[np.float64],
        subjects: ArrayLike,
        masks: Mapping[str, NDArray[np.bool_]],
        expression: str,
        threshold: Threshold = "otsu",
    ) -> None:
        self._subjects, faces = np.unique(subjects, return_counts=True)
        self._share = dict(zip(self._subjects.tolist(), faces / faces.sum(), strict=True))
        self._heatmap, self._threshold = heatmap, threshold
        self._masks = np.stack(list(masks.values())).reshape(len(masks), -1).astype(np.float32)
        self._own = list(masks).index(expression)
        self._found = dict.fromkeys(self._share, np.full(len(FIGURES), np.nan))

    def add(self, subject: Hashable, mean: NDArray[np.float64]) -> None:
        """Take in the mean map (H, W) of a subject's faces."""
        n, share = len(self._share), self._share[subject]
        if n == 1:
            return
        step = max(1.0, np.sqrt(n) / 2)
        push = step * share / (1 - share) * (mean - self._heatmap)
        up, down = (
            _figures(mark(stretch(pushed), self._threshold), self._masks, self._own)
            for pushed in (self._heatmap + push, self._heatmap - push)
        )
        self._found[subject] = np.sqrt((n - 1) / n) * ((up - down) / (2 * step))

    def table(self) -> pd.DataFrame:
        """What was found.

        Returns
        -------
        DataFrame
            A row for each subject, which is its index; columns iou and specificity (IoU less the
            mean IoU with the other masks). Their sum of squares is the jackknife's variance. NaN
            for a subject that is alone.
        """
        return pd.DataFrame(np.stack(list(self._found.values())), self._subjects, FIGURES)


def subject_influences(
    maps: NDArray[np.float32],
    subjects: ArrayLike,
    masks: Mapping[str, NDArray[np.bool_]],
    expression: str,
    threshold: Threshold = "otsu",
) -> pd.DataFrame:
    """`Influences` of all subjects of a heatmap, from the map of each face, (N, H, W)."""
    found = Influences(maps.mean(axis=0, dtype=float), subjects, masks, expression, threshold)
    for subject, mean in mean_maps(maps, np.asarray(subjects).tolist()):
        found.add(subject, mean)
    return found.table()


def subject_error(
    influences: Sequence[pd.DataFrame], weights: Sequence[float] | None = None
) -> tuple[pd.Series, int]:
    """Standard errors of the mean scores of heatmaps, and their degrees of freedom.

    Parameters
    ----------
    influences : sequence of DataFrame
        As `Influences` tells them, one for each heatmap; a subject in several of them
        moves all of these together.
    weights : sequence of float, optional
        Each heatmap's share of the mean, 1 in all; the same for all by default.

    Returns
    -------
    errors : Series
        Of iou and specificity; NaN where a heatmap is of fewer than `LEAST_SUBJECTS`.
    degrees_of_freedom : int
        Subjects less 1.
    """
    weights = weights or [1 / len(influences)] * len(influences)
    shares = [table * weight for table, weight in zip(influences, weights, strict=True)]
    subjects = pd.concat(shares).groupby(level=0).sum()
    errors = np.sqrt((subjects**2).sum())
    if min(map(len, influences)) < LEAST_SUBJECTS:
        errors[:] = np.nan
    return errors, len(subjects) - 1


def _figures(
    marked: NDArray[np.bool_], masks: NDArray[np.float32], own: int
) -> NDArray[np.float64]:
    """`FIGURES` of a region; masks (M, pixels), as one product is faster than M comparisons."""
    overlap = masks @ marked.ravel().astype(np.float32)
    iou = ratio(overlap, marked.sum() + masks.sum(axis=1) - overlap)
    others = (iou.sum() - iou[own]) / max(len(iou) - 1, 1)
    return np.array([iou[own], iou[own] - others])
