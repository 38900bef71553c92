"""All that is known of a set of heatmaps, in tables, in nested numbers and in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanlike.alignment import chance, specificity
from humanlike.alignment.attention import MEASURES, action_unit_attention, measure_table
from humanlike.alignment.ceiling import chance_corrected, fold_agreement
from humanlike.alignment.intervals import (
    LEAST_SUBJECTS,
    interval,
    jackknife_error,
    subject_error,
)
from humanlike.alignment.scores import METRICS, Threshold, iou, mark, stretch
from humanlike.alignment.table import Key, mark_all, mean_over_folds, score_table

#: A p-value above this is chance.
SIGNIFICANT = 0.05

_INDEX = ["network", "fold", "expression"]

#: With fewer, no permutation test can fall below .05.
_LEAST_EXPRESSIONS = 4

#: No interval goes where its figure cannot.
_RANGE = {"iou": (0, 1), "specificity": (-1, 1), "corrected": (-np.inf, np.inf)}

#: What the summaries average, where known.
_MEANS = (*METRICS, "other_masks", "reliability", "fold_correlation", "ceiling", *MEASURES)


@dataclass(frozen=True)
class Report:
    """What `report` finds out.

    Attributes
    ----------
    by_fold : DataFrame
        A row for each network, fold and expression: the scores, their chance levels (chance_area,
        chance_shift with its 5 % and 95 % quantiles and shift_p), other_masks, the threshold-free
        measures and, where known, ceiling and corrected; subjects_low and subjects_high, the
        IoU's interval for other subjects and the same training.
    by_expression : DataFrame
        The same, averaged over folds, with reliability and fold_correlation; iou_low and iou_high,
        the IoU's interval for other subjects and other trainings.
    matrix : DataFrame
        Mean IoU of heatmap expression (rows) against mask expression (columns).
    attention : DataFrame
        See `attention.action_unit_attention`; empty where no regions are given.
    summary : dict
        The means over all networks and expressions, tests and verdict.
    networks : dict
        The same figures for each network.
    """

    by_fold: pd.DataFrame
    by_expression: pd.DataFrame
    matrix: pd.DataFrame
    attention: pd.DataFrame
    summary: dict[str, Any]
    networks: dict[str, dict[str, Any]]


def report(
    heatmaps: Mapping[Key, NDArray],
    masks: Mapping[str, NDArray[np.bool_]],
    threshold: Threshold = "otsu",
    *,
    ceilings: Mapping[Key, float] | None = None,
    influences: Mapping[Key, pd.DataFrame] | None = None,
    regions: Mapping[int, NDArray[np.bool_]] | None = None,
    action_units: Mapping[str, tuple[int, ...]] | None = None,
    evidence: Mapping[str, NDArray] | None = None,
    seed: int = 0,
) -> Report:
    """Score heatmaps against masks and tell what the scores are worth.

    Parameters
    ----------
    heatmaps : mapping from (network, fold, expression) to (H, W)
        At least one of an expression that has a mask; the others are left out.
    masks : mapping from expression to (H, W) bool
    threshold : "otsu" or float in [0, 1]
    ceilings : mapping with keys of `heatmaps` to IoU, optional
        Score of `ceiling.perfect_heatmap`. Unknown for heatmaps whose superpixels are.
    influences : mapping with keys of `heatmaps` to DataFrame, optional
        As `intervals.Influences` tells them, for intervals of subjects. Unknown for
        heatmaps whose faces are.
    regions, action_units, evidence : mappings, optional
        See `attention.action_unit_attention`.
    seed : int
        Of the random placements.

    Returns
    -------
    Report
    """
    heatmaps = {key: heatmap for key, heatmap in heatmaps.items() if key[2] in masks}
    marked = mark_all(heatmaps, threshold)
    cross = specificity.cross_table(marked, masks)
    luck, nulls = _luck(marked, masks)
    tables = [
        score_table(marked, masks),
        measure_table(heatmaps, masks),
        _other_masks(cross),
        luck,
    ]
    by_fold = pd.concat([table.set_index(_INDEX) for table in tables], axis=1)
    by_fold["ceiling"] = [(ceilings or {}).get(key, np.nan) for key in by_fold.index]
    by_fold = by_fold.reset_index()
    by_expression = mean_over_folds(by_fold).merge(
        fold_agreement(marked, heatmaps), on=["network", "expression"], how="left"
    )
    for table in (by_fold, by_expression):
        table["corrected"] = chance_corrected(table["iou"], table["chance_shift"], table["ceiling"])
    influences = influences or {}
    by_fold[["subjects_low", "subjects_high"]] = [
        _of_subjects(score, [key], influences)
        for key, score in zip(_keys(by_fold), by_fold["iou"], strict=True)
    ]
    by_expression[["iou_low", "iou_high"]] = [
        _of_folds(folds, influences)["iou"]
        for _, folds in by_fold.groupby(["network", "expression"], sort=False)
    ]

    context = _Context(by_fold, by_expression, cross, nulls, influences, seed)

    def summary(networks: list[str]) -> dict[str, Any]:
        theirs = {key: heatmap for key, heatmap in heatmaps.items() if key[0] in networks}
        return _summary(context, networks, _priors(theirs, masks, threshold))

    networks = [str(network) for network in by_expression["network"].unique()]
    return Report(
        by_fold=by_fold,
        by_expression=by_expression,
        matrix=specificity.expression_matrix(cross),
        attention=action_unit_attention(heatmaps, regions or {}, action_units or {}, evidence),
        summary=summary(networks),
        networks={network: summary([network]) for network in networks},
    )


def verdict(summary: Mapping[str, Any]) -> str:
    """What the figures say, in a sentence or two for people.

    Parameters
    ----------
    summary : mapping
        With iou, other_masks, permutation_p (None: too few expressions to test), chance.shift,
        chance.shift_p and prior.ellipse, as in `Report.summary`.
    """
    score, others, p = summary["iou"], summary["other_masks"], summary["permutation_p"]
    luck, luck_p = summary["chance"]["shift"], summary["chance"]["shift_p"]
    blob = summary["prior"]["ellipse"]
    if luck_p > SIGNIFICANT:
        return (
            f"Not above chance: the heatmaps score {score:.3f} against their masks, and "
            f"{luck:.3f} on average when moved anywhere else ({_p(luck_p)})."
        )
    placed = f"the heatmaps lie better than in a random place ({score:.3f} against {luck:.3f})"
    if p is None:
        words = f"Above chance in place: {placed}. Too few expressions to tell whether they are "
        words += "specific to the expression"
    elif p > SIGNIFICANT:
        words = f"Not above chance for the expression: {placed}, but the masks of other "
        words += f"expressions fit them as well ({others:.3f}; {_p(p)})"
    else:
        words = f"Above chance and specific to the expression: {placed} and fit their own masks "
        words += f"better than others' ({others:.3f}; {_p(p)})"
    if blob >= score:
        words += f". A fixed ellipse in the middle of the face scores higher ({blob:.3f})"
    return f"{words}."


@dataclass(frozen=True)
class _Context:
    """What every summary is made from."""

    by_fold: pd.DataFrame
    by_expression: pd.DataFrame
    cross: pd.DataFrame
    nulls: Mapping[tuple[str, str], NDArray[np.float64]]
    influences: Mapping[Key, pd.DataFrame]
    seed: int


def _luck(
    marked: Mapping[Key, NDArray[np.bool_]], masks: Mapping[str, NDArray[np.bool_]]
) -> tuple[pd.DataFrame, dict[tuple[str, str], NDArray[np.float64]]]:
    """Chance levels of each marked region, and the shifts' IoUs averaged over folds."""
    rows = []
    nulls: dict[tuple[str, str], list[NDArray]] = {}
    for (network, fold, expression), region in marked.items():
        mask = masks[expression]
        null = chance.cyclic_shifts(region, mask)
        rows.append(
            {
                "network": network,
                "fold": fold,
                "expression": expression,
                "chance_area": chance.random_pixels(region, mask),
                "chance_shift": null.mean(),
                "shift_low": np.quantile(null, 0.05),
                "shift_high": np.quantile(null, 0.95),
                "shift_p": chance.share_at_least(null, null[0, 0]),
            }
        )
        nulls.setdefault((network, expression), []).append(null)
    return pd.DataFrame(rows), {cell: np.mean(folds, axis=0) for cell, folds in nulls.items()}


def _other_masks(cross: pd.DataFrame) -> pd.DataFrame:
    """Mean IoU of each heatmap with the masks of all other expressions."""
    masks = cross.columns.difference(_INDEX)
    own = np.array([row[row["expression"]] for _, row in cross.iterrows()], float)
    table = cross[_INDEX].copy()
    table["other_masks"] = (cross[masks].sum(axis=1) - own) / (len(masks) - 1)
    return table


def _priors(
    heatmaps: Mapping[Key, NDArray], masks: Mapping[str, NDArray[np.bool_]], threshold: Threshold
) -> dict[str, float]:
    """Mean IoU of fixed regions, over the masks that the heatmaps are scored against."""
    expressions = dict.fromkeys(expression for _, _, expression in heatmaps)
    stack = np.stack([masks[expression] for expression in expressions])
    height, width = stack.shape[1:]
    regions = {
        "ellipse": chance.centred_ellipse(height, width),
        "white": np.ones((height, width), bool),
        "grand_mean": mark(stretch(chance.grand_mean(heatmaps.values())), threshold),
    }
    return {name: float(iou(region, stack).mean()) for name, region in regions.items()}


def _summary(context: _Context, networks: list[str], prior: dict[str, float]) -> dict[str, Any]:
    """Means over all expressions of some networks, tests and verdict."""
    cells = context.by_expression[context.by_expression["network"].isin(networks)]
    means = cells.mean(numeric_only=True)
    matrix = specificity.expression_matrix(context.cross[context.cross["network"].isin(networks)])
    # Networks are explained on the same faces: for each expression they are moved together.
    nulls = [
        np.mean([context.nulls[network, str(expression)] for network in rows["network"]], axis=0)
        for expression, rows in cells.groupby("expression", sort=False)
    ]
    summary: dict[str, Any] = {name: _known(means[name]) for name in _MEANS}
    summary["chance"] = {
        "area": float(means["chance_area"]),
        "shift": float(means["chance_shift"]),
        "shift_p": chance.placement_p(nulls, context.seed),
    }
    summary["prior"] = prior
    summary["specificity"] = _known(means["iou"] - means["other_masks"])
    testable = len(matrix) >= _LEAST_EXPRESSIONS
    summary["permutation_p"] = specificity.permutation_p(matrix) if testable else None
    corrected = chance_corrected(means["iou"], means["chance_shift"], means["ceiling"])
    summary["corrected"] = _known(corrected)
    by_fold = context.by_fold[context.by_fold["network"].isin(networks)]
    for figure, ends in _of_folds(by_fold, context.influences).items():
        summary[f"{figure}_interval"] = _ends(ends)
    ends = _of_subjects(means["iou"], _keys(by_fold), context.influences)
    summary["iou_interval_subjects"] = _ends(ends)
    summary["verdict"] = verdict(summary)
    return summary


def _of_folds(
    by_fold: pd.DataFrame, influences: Mapping[Key, pd.DataFrame]
) -> dict[str, tuple[float, float]]:
    """Intervals of mean figures for other subjects and other trainings, NaN with one fold."""
    folds = by_fold["fold"].unique()
    figures = _figures(by_fold)
    error = np.full(len(figures), np.nan)
    if len(folds) > 1 and _enough_subjects(_keys(by_fold), influences):
        left_out = [_figures(by_fold[by_fold["fold"] != fold]) for fold in folds]
        error = jackknife_error([list(without.values()) for without in left_out])
    return {
        figure: _within(figure, interval(value, spread, len(folds) - 1))
        for (figure, value), spread in zip(figures.items(), error, strict=True)
    }


def _figures(by_fold: pd.DataFrame) -> dict[str, float]:
    """What has an interval: means over folds, then over networks and expressions."""
    columns = [*_INDEX, "iou", "other_masks", "chance_shift", "ceiling"]
    means = mean_over_folds(by_fold[columns]).mean(numeric_only=True)
    return {
        "iou": means["iou"],
        "specificity": means["iou"] - means["other_masks"],
        "corrected": chance_corrected(means["iou"], means["chance_shift"], means["ceiling"]),
    }


def _of_subjects(
    score: float, keys: list[Key], influences: Mapping[Key, pd.DataFrame]
) -> tuple[float, float]:
    """Interval of a mean IoU for other subjects and the same trainings, NaN where unknown."""
    if not all(key in influences for key in keys):
        return np.nan, np.nan
    # Folds are averaged first, and an expression may lack some.
    cells = [(network, expression) for network, _, expression in keys]
    weights = [1 / (len(set(cells)) * cells.count(cell)) for cell in cells]
    errors, degrees_of_freedom = subject_error([influences[key] for key in keys], weights)
    return _within("iou", interval(score, errors["iou"], degrees_of_freedom))


def _enough_subjects(keys: list[Key], influences: Mapping[Key, pd.DataFrame]) -> bool:
    """Whether subjects are enough for an interval; who is behind ready heatmaps is unknown."""
    known = [influences[key].index for key in keys if key in influences]
    return not known or len(set().union(*known)) >= LEAST_SUBJECTS


def _keys(by_fold: pd.DataFrame) -> list[Key]:
    return list(by_fold[_INDEX].itertuples(index=False, name=None))


def _within(figure: str, ends: tuple[float, float]) -> tuple[float, float]:
    low, high = np.clip(ends, *_RANGE[figure])
    return float(low), float(high)


def _ends(ends: tuple[float, float]) -> dict[str, float] | None:
    return None if np.isnan(ends).any() else dict(zip(("low", "high"), ends, strict=True))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _p(value: float) -> str:
    return "p < .001" if value < 0.001 else f"p = {value:.3f}".replace("0.", ".")
