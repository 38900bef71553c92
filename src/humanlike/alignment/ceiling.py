"""The best that could be scored: by a perfect explainer, and by the same network once more."""

from collections.abc import Mapping
from itertools import combinations
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanlike.alignment.scores import iou, normalise, ratio
from humanlike.alignment.table import Key

T = TypeVar("T", float, pd.Series)


def perfect_heatmap(superpixels: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The heatmap of an explainer that knows the mask but can only weigh superpixels.

    Each superpixel's weight is the share of it that lies in the mask, which is the map constant on
    superpixels that is nearest to the mask (least squares). Scored like any other heatmap, it gives
    the ceiling: what no explanation by these superpixels can be expected to pass.

    Parameters
    ----------
    superpixels : (N, H, W) uint8
        Labels of each image's superpixels on the canonical face.
    mask : (H, W) bool

    Returns
    -------
    (H, W) float64 in [0, 1]
        Mean over the images.
    """
    return np.mean([perfect_map(labels, mask) for labels in superpixels], axis=0)


def perfect_map(superpixels: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """One image's part of `perfect_heatmap`: superpixels and mask (H, W), and so is the map."""
    labels = superpixels.ravel()
    weights = ratio(np.bincount(labels, mask.ravel().astype(float)), np.bincount(labels))
    return weights[superpixels]


def fold_agreement(
    marked: Mapping[Key, NDArray[np.bool_]], heatmaps: Mapping[Key, NDArray]
) -> pd.DataFrame:
    """Reliability: how well the folds of one network agree with each other on one expression.

    Networks of different folds were trained and explained on different faces. What they do not
    share, chance brought in, and a score can hardly mean more than they agree.

    Parameters
    ----------
    marked : mapping from (network, fold, expression) to (H, W) bool
    heatmaps : mapping with the same keys to (H, W)

    Returns
    -------
    DataFrame
        Columns network, expression, reliability (mean IoU of the marked regions over all pairs of
        folds) and fold_correlation (mean Pearson correlation of their heatmaps, NaN where one is
        constant but for rounding). Networks with one fold have no row.
    """
    groups: dict[tuple[str, str], list[Key]] = {}
    for key in marked:
        groups.setdefault((key[0], key[2]), []).append(key)
    rows = [
        (
            *group,
            np.mean([iou(marked[a], marked[b]) for a, b in combinations(keys, 2)]),
            np.mean([_correlation(heatmaps[a], heatmaps[b]) for a, b in combinations(keys, 2)]),
        )
        for group, keys in groups.items()
        if len(keys) > 1
    ]
    columns = ["network", "expression", "reliability", "fold_correlation"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[2:], float))


def chance_corrected(score: T, chance: T, ceiling: T) -> T:
    """Place of an IoU between chance, 0, and the ceiling, 1.

    (IoU - chance) / (ceiling - chance): the form of Cohen's kappa (1960), doi
    10.1177/001316446002000104. Negative below chance. `chance` is the mean over cyclic shifts. NaN
    where nothing is between the two, as where a threshold of 0 marks everything.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return (score - chance) / (ceiling - chance)


def _correlation(first: NDArray, second: NDArray) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.corrcoef(normalise(first).ravel(), normalise(second).ravel())[0, 1])
