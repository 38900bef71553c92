"""How many subjects a study needs before its score can call heatmaps specific."""

from __future__ import annotations

from itertools import compress
from pathlib import Path

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

from humanlike import artifacts, figures
from humanlike.alignment import power as statistics
from humanlike.alignment.scores import Threshold, iou, mark, stretch
from humanlike.alignment.table import mean_maps
from humanlike.canonical.masks import ekman_mask
from humanlike.errors import HumanlikeError
from humanlike.expressions import EXPRESSIONS
from humanlike.params import load
from humanlike.report.pictures import read_heatmaps

#: Subjects behind a heatmap that are tried.
SUBJECTS = (3, 5, 8, 12, 20, 30, 50, 80, 120, 200, 500)

#: With fewer no permutation test can fall below .05; with more there are too many permutations.
LEAST, MOST = 4, 8

Units = dict[tuple[str, int], NDArray[np.float64]]


def power(output: Path, difference: float = 0.05, heatmaps: Path | None = None) -> None:
    """Print and write the power of a finished run's test, by its number of subjects.

    Parameters
    ----------
    output
        Folder that receives `power.csv`, `power.png` and `power.json`.
    difference
        The true difference between own and other masks' IoU that is to be found.
    heatmaps
        A folder as `humanlike score-heatmaps` takes it, instead of the last run. Whose faces are
        behind its heatmaps is not known: only the power as it is, and by folds, can be told.

    Raises
    ------
    HumanlikeError
        There is no run, or it has too few expressions with masks.
    """
    if heatmaps is None:
        whole, halves, subjects = of_run()
    else:
        whole, halves, subjects = of_folder(heatmaps), {}, np.nan
    if not whole:
        raise HumanlikeError(
            "the test of specificity needs a network and fold with heatmaps of every expression;"
            " here each lacks one that another has"
            if heatmaps is not None
            else "the test of specificity needs a network and fold that predicted every expression"
            " of some face; in this run none did"
        )
    e = len(next(iter(whole.values())))
    if not LEAST <= e <= MOST:
        raise HumanlikeError(
            f"the test of specificity needs every network and fold to have heatmaps of the same "
            f"{LEAST} to {MOST} expressions with masks; here there are {e}"
        )
    found = statistics.variance_components(whole, halves, subjects)
    now = statistics.power(found, difference, e)
    observed = statistics.own_minus_others(np.mean(list(whole.values()), axis=0))
    rows = [(found.folds, found.subjects, now)]
    least = None
    if halves:
        powers, least = statistics.least_subjects(found, difference, SUBJECTS, expressions=e)
        rows = [(found.folds, n, p) for n, p in zip(SUBJECTS, powers, strict=True)]
    for folds in (found.folds, 2 * found.folds, 10 * found.folds):
        at = statistics.power(found, difference, e, folds=folds)
        rows.append((folds, found.subjects, at))
    table = pd.DataFrame(rows, columns=["folds", "subjects", "power"]).round(3)
    said = sentence(found, difference, observed, now, least, bool(halves))

    artifacts.write_table(output / "power.csv", table.drop_duplicates())
    artifacts.write_json(
        output / "power.json",
        {
            "difference": difference,
            "observed": round(observed, 4),
            "power": round(now, 3),
            "subjects_for_80_percent": least,
            **{name: _known(value) for name, value in found._asdict().items()},
        },
    )
    if halves:
        picture = figures.power_curve(SUBJECTS, powers, difference)
        artifacts.write_bytes(output / "power.png", figures.png(picture))
    typer.echo(f"{table.drop_duplicates().to_string(index=False)}\n\n{said}")


def of_run() -> tuple[Units, dict[tuple[str, int], tuple[NDArray, NDArray]], float]:
    """The matrices of the last run, of all subjects and of two halves of them."""
    params = load()
    labels = [label for label in params.labels if label in EXPRESSIONS]
    whole: Units = {}
    halves: dict[tuple[str, int], tuple[NDArray, NDArray]] = {}
    counts = []
    for network, fold in params.units:
        path = artifacts.unit("standardized", network, fold, ".npz")
        arrays = artifacts.read_arrays(path, "subject", "predicted")
        # One split for all networks of a fold: they were explained on the same subjects.
        people = np.unique(arrays["subject"])
        drawn = np.random.default_rng([params.score.seed, fold]).permutation(len(people))
        half = drawn[np.searchsorted(people, arrays["subject"])] % 2
        parts = [
            _matrix(path, arrays["predicted"], rows, labels, params.score.threshold)
            for rows in (np.ones(len(half), bool), half == 0, half == 1)
        ]
        if parts[0] is None:
            continue
        whole[network, fold] = parts[0]
        if parts[1] is not None and parts[2] is not None:
            halves[network, fold] = (parts[1], parts[2])
        counts += [
            len(np.unique(arrays["subject"][arrays["predicted"] == label])) for label in labels
        ]
    return whole, halves, float(np.mean(counts)) if counts else np.nan


def of_folder(folder: Path) -> Units:
    """The matrices of a folder's heatmaps."""
    heatmaps = read_heatmaps(folder)
    labels = [label for label in EXPRESSIONS if any(key[2] == label for key in heatmaps)]
    masks = np.stack([ekman_mask(label) for label in labels])
    found: Units = {}
    for unit in dict.fromkeys(key[:2] for key in heatmaps):
        rows = [heatmaps[(*unit, label)] for label in labels if (*unit, label) in heatmaps]
        if len(rows) == len(labels):
            found[unit] = np.stack([iou(mark(stretch(row)), masks) for row in rows])
    return found


def _matrix(
    path: Path,
    predicted: NDArray[np.str_],
    rows: NDArray[np.bool_],
    labels: list[str],
    threshold: Threshold,
) -> NDArray[np.float64] | None:
    """IoU of the heatmaps of some faces with all masks; None where an expression has no face."""
    masks = np.stack([ekman_mask(label) for label in labels])
    some = compress(artifacts.read_rows(path, "maps"), rows)
    means = dict(mean_maps(some, predicted[rows].tolist()))
    if not means.keys() >= set(labels):
        return None
    return np.stack([iou(mark(stretch(means[label]), threshold), masks) for label in labels])


def sentence(
    found: statistics.Components,
    difference: float,
    observed: float,
    now: float,
    least: int | None,
    by_subjects: bool,
) -> str:
    """What the figures say, in words."""
    said = (
        f"A true difference of {difference:.3f} between own and other masks would be called "
        f"specific with a probability of {now:.0%} by a study like this one, of {found.networks} "
        f"networks and {found.folds} folds; observed is {observed:+.3f}."
    )
    if by_subjects and least:
        said += f" {least} subjects behind each heatmap would make it 80 %."
    elif by_subjects:
        said += (
            f" No number of subjects up to {SUBJECTS[-1]} makes it 80 %: what differs between "
            "masks and networks whoever is shown is larger than the difference sought."
        )
    return said


def _known(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 6)
