"""How often the intervals of scores hold what they are for.

    python benchmarks/coverage.py

Simulates networks whose truth is known: importance maps are smooth random fields about a mean map
for each expression, cut at 0 and scaled to a greatest value of 1 like LIME's. A subject has a field
of their own, partly the same in all expressions; their photographs hardly differ; another training
has another field. Heatmaps are thresholded with Otsu's method and scored against the Ekman masks,
all on a quarter of the canvas. Subjects are counted in each heatmap, so in each fold. Of a hundred
95 % intervals 95 should hold the mean score.

The table gives the standard deviation of a heatmap's IoU from fold to fold, which is .083 in the
published heatmaps.
"""

import argparse

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanlike.alignment.intervals import (
    interval,
    jackknife_error,
    subject_error,
    subject_influences,
)
from humanlike.alignment.scores import iou, mark, stretch
from humanlike.canonical.masks import ekman_mask
from humanlike.expressions import EXPRESSIONS
from humanlike.progress import bar

HEIGHT, WIDTH = 69, 56
COARSE = (9, 7)  # fields are smooth over an eighth of the face

#: Spread of the fields about the mean maps, whose greatest value is 1.
SUBJECT, FRAME, TRAINING = 0.6, 0.15, 0.5
SHARED = 0.5  # of a subject's variance, what is the same in all expressions

#: Sets of folds that are drawn from the simulated ones.
DRAWS = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--subjects", type=int, nargs="+", default=[3, 5, 20, 100])
    parser.add_argument("--frames", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--folds", type=int, nargs="+", default=[2, 3, 5])
    parser.add_argument("--trials", type=int, default=2400, help="simulated folds for each row")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rows = [
        coverage(n, frames, training, options.folds, options.trials, options.seed)
        for training in (0.0, TRAINING)
        for n in options.subjects
        for frames in options.frames
    ]
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.1f", na_rep="–"))


def coverage(
    n: int, frames: int, training: float, folds: list[int], trials: int, seed: int
) -> dict[str, object]:
    """One row of the table: how many intervals in a hundred hold the truth."""
    rng = np.random.default_rng((seed, n, frames, int(1000 * training)))
    scores = np.empty((trials, len(EXPRESSIONS)))
    ends = np.empty((2, trials, len(EXPRESSIONS)))
    ends_of_mean = np.empty((2, trials))
    for trial in bar(range(trials), f"{n} subjects × {frames}", unit="fold"):
        maps = simulated_fold(rng, n, frames, training)
        subjects = np.repeat(np.arange(n), frames)
        scores[trial] = [score(m.mean(axis=0), MASKS[e]) for e, m in zip(MASKS, maps, strict=True)]
        if not training:
            found = [
                subject_influences(m, subjects, MASKS, e) for e, m in zip(MASKS, maps, strict=True)
            ]
            for e, influences in enumerate(found):
                ends[:, trial, e] = of_subjects(scores[trial, e], [influences])
            ends_of_mean[:, trial] = of_subjects(scores[trial].mean(), found)

    truth = scores.mean(axis=0)
    row: dict[str, object] = {
        "subjects": n,
        "photographs": frames,
        "trainings": "vary" if training else "the same",
        "spread of a heatmap's IoU": format(scores.std(axis=0).mean(), ".3f"),
        "heatmap, subjects": np.nan,
        "mean, subjects": np.nan,
    }
    if not training:
        row["heatmap, subjects"] = 100 * held(ends, truth)
        row["mean, subjects"] = 100 * held(ends_of_mean, truth.mean())
    for k in folds:
        drawn = scores[np.array([rng.choice(trials, k, replace=False) for _ in range(DRAWS)])]
        row[f"heatmap, {k} folds"] = 100 * held(of_folds(drawn), truth)
        row[f"mean, {k} folds"] = 100 * held(of_folds(drawn.mean(axis=2)), truth.mean())
    return row


def simulated_fold(
    rng: np.random.Generator, n: int, frames: int, training: float
) -> NDArray[np.float32]:
    """Maps (expression, subject × photograph, H, W) of one training on one fold's subjects."""
    e = len(EXPRESSIONS)
    trained = training * fields(rng, e)[:, None, None]
    shared = np.sqrt(SHARED) * fields(rng, n)[None, :, None]
    own = np.sqrt(1 - SHARED) * fields(rng, e * n).reshape(e, n, 1, HEIGHT, WIDTH)
    frame = FRAME * fields(rng, e * n * frames).reshape(e, n, frames, HEIGHT, WIDTH)
    maps = MEANS[:, None, None] + trained + SUBJECT * (shared + own) + frame
    maps = np.maximum(maps.reshape(e, n * frames, HEIGHT, WIDTH), 0)
    return maps / maps.max(axis=(2, 3), keepdims=True)


def fields(rng: np.random.Generator, n: int) -> NDArray[np.float32]:
    """Smooth random fields (n, H, W) of variance about 1."""
    coarse = rng.normal(size=(n, BASIS.shape[0])).astype(np.float32)
    return (coarse @ BASIS).reshape(n, HEIGHT, WIDTH)


def basis() -> NDArray[np.float32]:
    """What each point of the coarse grid adds to every pixel, (points, H × W)."""
    points = np.eye(COARSE[0] * COARSE[1], dtype=np.float32).reshape(-1, *COARSE)
    smooth = [cv2.resize(p, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).ravel() for p in points]
    spread = np.sqrt(np.square(smooth).sum(axis=0))
    return np.array(smooth) / spread


def score(heatmap: NDArray, mask: NDArray[np.bool_]) -> float:
    return float(iou(mark(stretch(heatmap)), mask))


def of_subjects(estimate: float, influences: list[pd.DataFrame]) -> tuple[float, float]:
    errors, degrees_of_freedom = subject_error(influences)
    return interval(estimate, errors["iou"], degrees_of_freedom)


def of_folds(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ends (2, draws, ...) of the intervals of scores (draws, folds, ...)."""
    k = scores.shape[1]
    mean = scores.mean(axis=1)
    left_out = np.moveaxis((k * mean[:, None] - scores) / (k - 1), 1, 0)
    error = jackknife_error(left_out)
    reach = interval(0, 1, k - 1)[1]
    return np.stack([mean - reach * error, mean + reach * error])


def held(ends: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    return float(np.mean((ends[0] <= truth) & (truth <= ends[1])))


def small(picture: NDArray) -> NDArray[np.float32]:
    return cv2.resize(picture.astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


BASIS = basis()
MASKS = {expression: small(ekman_mask(expression)) > 0.5 for expression in EXPRESSIONS}

#: Half the mask, half the middle of the face: mean maps fit masks about as well as published ones.
_MIDDLE = np.exp(-np.add.outer(np.linspace(-2, 2, HEIGHT) ** 2, np.linspace(-2, 2, WIDTH) ** 2))
MEANS = np.stack(
    [
        (cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 5) + _MIDDLE) / 2
        for mask in MASKS.values()
    ]
).astype(np.float32)

if __name__ == "__main__":
    main()
