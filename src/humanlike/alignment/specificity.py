"""Does a heatmap fit the mask of its own expression better than those of others?"""

from collections.abc import Mapping
from itertools import permutations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from humanlike.alignment.scores import iou
from humanlike.alignment.table import KEY, Key


def cross_table(
    marked: Mapping[Key, NDArray[np.bool_]], masks: Mapping[str, NDArray[np.bool_]]
) -> pd.DataFrame:
    """IoU of every marked region with every mask.

    Parameters
    ----------
    marked : mapping from (network, fold, expression) to (H, W) bool
        Expressions without a mask are left out.
    masks : mapping from expression to (H, W) bool

    Returns
    -------
    DataFrame
        Columns network, fold, expression and one for each mask.
    """
    stack = np.stack(list(masks.values()))
    rows = [(*key, *iou(region, stack)) for key, region in marked.items() if key[2] in masks]
    return pd.DataFrame(rows, columns=[*KEY, *masks])


def expression_matrix(cross: pd.DataFrame) -> pd.DataFrame:
    """Mean IoU of heatmap expression (row) against mask expression (column).

    Parameters
    ----------
    cross : DataFrame
        As `cross_table` returns it. Folds are averaged first, then networks. Masks of expressions
        that have no heatmap are left out, so that rows and columns are the same.

    Returns
    -------
    DataFrame
        Square, in the order of the masks.
    """
    by_network = cross.drop(columns="fold").groupby(["network", "expression"]).mean()
    matrix = by_network.groupby("expression").mean()
    expressions = [expression for expression in matrix.columns if expression in matrix.index]
    return matrix.loc[expressions, expressions]


def permutation_p(matrix: ArrayLike) -> float:
    """Exact test of whether heatmaps fit their own masks better than masks dealt at random.

    Parameters
    ----------
    matrix : (E, E) array
        Heatmaps in rows, masks in columns, own masks on the diagonal.

    Returns
    -------
    float in [1 / E!, 1]
        Share of all E! ways to deal the masks to the heatmaps, the right one among them, whose
        mean IoU is at least that of the right one. With E = 6 there are 720; with fewer than
        E = 4 no result can fall below .05.

    Examples
    --------
    Three heatmaps that fit their own masks best: one of the six ways to deal them.

    >>> round(permutation_p([[0.5, 0.1, 0.1], [0.1, 0.5, 0.1], [0.1, 0.1, 0.5]]), 3)
    0.167
    """
    values = np.asarray(matrix, float)
    rows = np.arange(len(values))
    means = np.array([values[rows, order].mean() for order in permutations(rows)])
    return float(np.mean(means >= means[0] - 1e-12))
