"""Score tables: one row a heatmap, then one row a network and expression."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanlike.alignment.scores import METRICS, Threshold, mark, stretch

#: (network, fold, expression)
Key = tuple[str, int, str]
KEY = ("network", "fold", "expression")

Group = TypeVar("Group", bound=Hashable)


def mark_all(
    heatmaps: Mapping[Key, NDArray], threshold: Threshold = "otsu"
) -> dict[Key, NDArray[np.bool_]]:
    """Each heatmap's marked region, see `scores.mark`."""
    return {key: mark(stretch(heatmap), threshold) for key, heatmap in heatmaps.items()}


def score_table(
    marked: Mapping[Key, NDArray[np.bool_]], masks: Mapping[str, NDArray[np.bool_]]
) -> pd.DataFrame:
    """Score each marked region against its own expression's mask.

    Parameters
    ----------
    marked : mapping from (network, fold, expression) to (H, W) bool
        As `mark_all` returns it. Expressions without a mask are left out.
    masks : mapping from expression to (H, W) bool

    Returns
    -------
    DataFrame
        Columns network, fold, expression, iou, f1, precision, recall, in the order of `marked`.
    """
    rows = [
        (*key, *(metric(region, masks[key[2]]) for metric in METRICS.values()))
        for key, region in marked.items()
        if key[2] in masks
    ]
    return pd.DataFrame(rows, columns=[*KEY, *METRICS])


def mean_over_folds(table: pd.DataFrame) -> pd.DataFrame:
    """A network's figures for an expression: the mean over its folds' own heatmaps.

    Not the score of the folds' pooled heatmap, which is another number.

    Parameters
    ----------
    table : DataFrame
        Columns network, fold, expression and figures, a row a heatmap.

    Returns
    -------
    DataFrame
        Columns network, expression and the figures, in the order in which they first appear.
    """
    by_fold = table.drop(columns="fold")
    return by_fold.groupby(["network", "expression"], sort=False).mean().reset_index()


def pooled(heatmaps: Mapping[Key, NDArray], *by: str) -> dict[tuple, NDArray[np.float64]]:
    """Mean heatmaps over all that share `by`, e.g. `pooled(heatmaps, "network", "expression")`.

    Each heatmap counts the same, however many images are behind it.
    """
    positions = [KEY.index(name) for name in by]
    groups: dict[tuple, list[NDArray]] = {}
    for key, heatmap in heatmaps.items():
        groups.setdefault(tuple(key[position] for position in positions), []).append(heatmap)
    return {group: np.mean(members, axis=0) for group, members in groups.items()}


def mean_maps(
    maps: Iterable[NDArray], groups: Sequence[Group]
) -> Iterator[tuple[Group, NDArray[np.float64]]]:
    """Mean of each group's maps, as soon as the last of them has come.

    Only groups that have begun and not ended are held: maps of an expression until all are read,
    but those of a subject, whose photographs lie together, for a moment.

    Parameters
    ----------
    maps : iterable of (H, W) arrays
    groups : sequence
        The group of each map.

    Yields
    ------
    group : hashable
    mean : (H, W) float64
        To the bit that of the group's stacked maps.
    """
    members = Counter(groups)
    left = members.copy()
    sums: dict[Group, NDArray[np.float64]] = {}
    for group, one in zip(groups, maps, strict=True):
        if group in sums:
            sums[group] += one
        else:
            sums[group] = one.astype(float)
        left[group] -= 1
        if not left[group]:
            yield group, sums.pop(group) / members[group]
