"""Measures that need no threshold, and the share of a heatmap that each action unit gets.

Heatmaps are (H, W) arrays of importance, masks (H, W) bool. Each function's chance level is what a
heatmap that knows nothing of the mask is expected to reach. A heatmap that is constant but for
rounding knows nothing, and is at chance.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from humanlike.alignment.scores import normalise, ratio
from humanlike.alignment.table import KEY, Key


def auc(heatmap: NDArray, mask: NDArray[np.bool_]) -> float:
    """Area under the ROC curve of the heatmap as a detector of the mask, in [0, 1]; chance .5.

    The probability that a pixel of the mask is more important than one outside it, ties counting
    half: the Mann-Whitney statistic (Fawcett 2006, doi 10.1016/j.patrec.2005.10.010).
    """
    inside = int(mask.sum())
    outside = mask.size - inside
    ranks = rankdata(normalise(heatmap))[mask.ravel()]
    return float((ranks.sum() - inside * (inside + 1) / 2) / (inside * outside))


def relevance_rank(heatmap: NDArray, mask: NDArray[np.bool_]) -> float:
    """Relevance rank accuracy, in [0, 1]; chance is the mask's share of the canvas.

    Of the K most important pixels, K being the mask's area, the share that lies in the mask (Arras
    et al. 2022, doi 10.1016/j.inffus.2021.11.008). Pixels that tie for the last places count by
    their expected share.
    """
    area = int(mask.sum())
    heatmap = normalise(heatmap)
    least = np.partition(heatmap.ravel(), -area)[-area]
    above, tied = heatmap > least, heatmap == least
    share_of_tied = (area - above.sum()) / tied.sum()
    return float(((above & mask).sum() + share_of_tied * (tied & mask).sum()) / area)


def relevance_mass(heatmap: NDArray, mask: NDArray[np.bool_]) -> float:
    """Relevance mass accuracy, in [0, 1]; chance is the mask's share of the canvas.

    Share of the positive importance that lies in the mask (Arras et al. 2022). 0 where there is
    none.
    """
    positive = np.clip(heatmap, 0, None)
    return float(ratio(positive[mask].sum(dtype=float), positive.sum(dtype=float)))


def nss(heatmap: NDArray, mask: NDArray[np.bool_]) -> float:
    """Normalised scanpath saliency: mean of the standardised heatmap in the mask; chance 0.

    In standard deviations of the heatmap (Peters et al. 2005, doi 10.1016/j.visres.2005.03.019;
    there at fixations). 0 for a constant heatmap.
    """
    values = normalise(heatmap)
    return float(ratio(values[mask].mean() - values.mean(), values.std()))


def correlation(heatmap: NDArray, mask: NDArray[np.bool_]) -> float:
    """Pearson correlation of heatmap and mask over pixels, in [-1, 1]; chance 0.

    0 for a constant heatmap.
    """
    share = mask.mean()
    return nss(heatmap, mask) * float(np.sqrt(share / (1 - share)))


#: Column of the tables -> measure.
MEASURES = {
    "auc": auc,
    "relevance_rank": relevance_rank,
    "relevance_mass": relevance_mass,
    "nss": nss,
    "correlation": correlation,
}


def measure_table(
    heatmaps: Mapping[Key, NDArray], masks: Mapping[str, NDArray[np.bool_]]
) -> pd.DataFrame:
    """Every measure of every heatmap against its own expression's mask.

    Returns
    -------
    DataFrame
        Columns network, fold, expression and those of `MEASURES`. Expressions without a mask are
        left out.
    """
    rows = [
        (*key, *(measure(heatmap, masks[key[2]]) for measure in MEASURES.values()))
        for key, heatmap in heatmaps.items()
        if key[2] in masks
    ]
    return pd.DataFrame(rows, columns=[*KEY, *MEASURES])


def action_unit_attention(
    heatmaps: Mapping[Key, NDArray],
    regions: Mapping[int, NDArray[np.bool_]],
    action_units: Mapping[str, tuple[int, ...]],
    evidence: Mapping[str, NDArray] | None = None,
) -> pd.DataFrame:
    """How much of the heatmaps lies on each action unit's region, relative to its area.

    Parameters
    ----------
    heatmaps : mapping from (network, fold, expression) to (H, W)
    regions : mapping from action unit to (H, W) bool
    action_units : mapping from expression to the action units that make it
    evidence : mapping from expression to (H, W), optional
        Where the expressions differ, whoever looks.

    Returns
    -------
    DataFrame
        A row for each network, expression and action unit, folds averaged: share (of the positive
        importance, in [0, 1]), attention (share / the region's share of the canvas; chance 1) and
        named (whether the unit is one of the expression's); where `evidence` is given, evidence:
        the attention that its map would have, NaN for expressions without one.
    """
    rows = [
        (network, expression, unit, relevance_mass(heatmap, region), region.mean())
        for (network, _, expression), heatmap in heatmaps.items()
        for unit, region in regions.items()
    ]
    table = pd.DataFrame(rows, columns=["network", "expression", "action_unit", "share", "area"])
    group = ["network", "expression", "action_unit"]
    table = table.groupby(group, sort=False).mean().reset_index()
    table["attention"] = table["share"] / table.pop("area")
    table["named"] = [
        unit in action_units.get(expression, ())
        for expression, unit in zip(table["expression"], table["action_unit"], strict=True)
    ]
    if evidence is not None:
        there = {
            (expression, unit): relevance_mass(values, region) / region.mean()
            for expression, values in evidence.items()
            for unit, region in regions.items()
        }
        cells = zip(table["expression"], table["action_unit"], strict=True)
        table["evidence"] = [there.get(cell, np.nan) for cell in cells]
    return table
