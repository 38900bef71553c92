"""From clicks to attention: where on the canonical face people uncovered what they needed.

Maps are on a grid of every fourth pixel of the canonical face; discs are many times wider. Of each
trial a map is made, of an observer's trials the mean, and of the observers' maps, each counting the
same, the mean again. Agreement is Pearson's correlation over the face (`evidence.face_region`):
what nobody looks at, beside the face, would agree by itself.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Literal, NamedTuple

import cv2
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from humanlike.alignment.evidence import face_region
from humanlike.canonical.geometry import HEIGHT, WIDTH
from humanlike.canonical.warp import source_coordinates
from humanlike.people.discs import disc
from humanlike.people.trials import TRIAL_KEY

#: What a disc counts for: what it newly shows, divided by its place in the order of clicks (people
#: look first where it tells most, and later discs must lie where nothing is shown yet); all the
#: same; or what right answers had seen more than wrong ones.
Weighting = Literal["order", "equal", "gain"]

STEP = 4
ROWS, COLUMNS = len(range(STEP // 2, HEIGHT, STEP)), len(range(STEP // 2, WIDTH, STEP))
_ON_GRID = (slice(STEP // 2, None, STEP),) * 2


def on_grid(heatmap: NDArray) -> NDArray[np.float32]:
    """A map (HEIGHT, WIDTH) of the canonical face on the grid (ROWS, COLUMNS), by local means."""
    blurred = cv2.blur(heatmap.astype(np.float32), (STEP + 1, STEP + 1))
    return np.asarray(blurred[_ON_GRID], np.float32)


def from_grid(coarse: NDArray) -> NDArray[np.float32]:
    """A map (ROWS, COLUMNS) on the whole canonical face (HEIGHT, WIDTH), bilinearly."""
    y, x = (np.mgrid[:HEIGHT, :WIDTH].astype(np.float32) - STEP // 2) / STEP
    coarse = coarse.astype(np.float32)
    found = cv2.remap(coarse, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)


@cache
def face_on_grid() -> NDArray[np.bool_]:
    """What counts as face, (ROWS, COLUMNS) bool, read-only."""
    face = face_region()[_ON_GRID].copy()
    face.setflags(write=False)
    return face


def trial_map(
    discs: ArrayLike, landmarks: ArrayLike, side: int, weighting: Weighting = "order"
) -> NDArray[np.float32]:
    """What the clicks of one trial showed, on the canonical face.

    Parameters
    ----------
    discs : (n, 3) array
        x, y and radius in stimulus pixels, in the order of the clicks.
    landmarks : (68, 2) array
        Of the face, in stimulus pixels.
    side : int
        Of the stimulus.
    weighting
        "order": each disc counts what it newly shows, divided by its place 1, 2, 3 ... Others: what
        all discs together show.

    Returns
    -------
    (ROWS, COLUMNS) float32 in [0, 1]
    """
    x, y = (axis[_ON_GRID] for axis in source_coordinates(landmarks, side, side))
    hidden = np.ones(x.shape)
    found = np.zeros(x.shape)
    for place, (at_x, at_y, radius) in enumerate(np.asarray(discs, float).reshape(-1, 3), 1):
        still = hidden * (1 - disc(np.hypot(x - at_x, y - at_y), radius))
        found += (hidden - still) / (place if weighting == "order" else 1)
        hidden = still
    return found.astype(np.float32)


def trial_maps(
    trials: pd.DataFrame,
    clicks: pd.DataFrame,
    landmarks: Mapping[str, ArrayLike],
    side: int,
    weighting: Weighting = "order",
) -> NDArray[np.float32]:
    """A map of each trial, see `trial_map`.

    Parameters
    ----------
    trials : DataFrame
        As `humanlike.people.trials` checks it; n rows, of the task uncover.
    clicks : DataFrame
        As there.
    landmarks : mapping from stimulus to (68, 2)
    side : int
    weighting

    Returns
    -------
    (n, ROWS, COLUMNS) float32
        In the order of the trials; 0 where a trial has no click.
    """
    in_order = clicks.sort_values([*TRIAL_KEY, "order"], kind="stable")
    discs = {
        key: group[["x", "y", "radius"]].to_numpy(float)
        for key, group in in_order.groupby(TRIAL_KEY, sort=False)
    }
    keys = trials[TRIAL_KEY].itertuples(index=False, name=None)
    found = np.zeros((len(trials), ROWS, COLUMNS), np.float32)
    for number, (key, stimulus) in enumerate(zip(keys, trials["stimulus"], strict=True)):
        if key in discs:
            found[number] = trial_map(discs[key], landmarks[stimulus], side, weighting)
    return found


def gains(masks: NDArray[np.floating], correct: ArrayLike) -> NDArray[np.float64]:
    """What each trial adds to the classification image of one observer's trials.

    Parameters
    ----------
    masks : (n, ...) array
        What each trial showed.
    correct : (n,) array of 0 and 1

    Returns
    -------
    (n, ...) float64
        The mean over trials is the difference of the mean masks of right and of wrong answers, in
        standard errors (Gosselin & Schyns 2001, doi 10.1016/S0042-6989(01)00097-9). The median
        error is added to each in quadrature: of a few trials some places would hardly vary, and
        come first. 0 where all answers are right or all wrong, and where no mask differs.
    """
    masks, right = np.asarray(masks, float), np.asarray(correct, bool)
    n, n_right = len(right), int(right.sum())
    if n < 3 or n_right in (0, n):
        return np.zeros(masks.shape)
    parts = masks[right], masks[~right]
    squares = sum(((part - part.mean(axis=0)) ** 2).sum(axis=0) for part in parts)
    error = np.sqrt(squares / (n - 2) * (1 / n_right + 1 / (n - n_right)))
    if error.any():
        error = np.where(error > 0, np.hypot(error, np.median(error[error > 0])), 0)
    sign = np.where(right, n / n_right, -n / (n - n_right))
    signed = masks * sign.reshape(-1, *[1] * (masks.ndim - 1))
    return np.divide(signed, error, out=np.zeros(masks.shape), where=error > 0)


def observer_maps(maps: NDArray[np.floating], observers: ArrayLike) -> NDArray[np.float64]:
    """The mean map of each observer's trials.

    Parameters
    ----------
    maps : (n, ROWS, COLUMNS)
    observers : (n,) array

    Returns
    -------
    (O, ROWS, COLUMNS) float64
        In the order of their codes.
    """
    observers = np.asarray(observers)
    return np.stack(
        [maps[observers == code].mean(axis=0, dtype=float) for code in np.unique(observers)]
    )


def standard(maps: ArrayLike) -> NDArray[np.float64]:
    """Maps (..., ROWS, COLUMNS) as vectors over the face, of mean 0 and length 1; or 0, constant.

    The product of two is their correlation.
    """
    values = np.asarray(maps, float)[..., face_on_grid()]
    values = values - values.mean(axis=-1, keepdims=True)
    length = np.linalg.norm(values, axis=-1, keepdims=True)
    return np.divide(values, length, out=np.zeros(values.shape), where=length > 1e-12)


def split_half(maps: NDArray[np.floating], splits: int = 200, seed: int = 0) -> float:
    """Reliability of the mean of observers' maps: how well as many others would give the same.

    Parameters
    ----------
    maps : (O, ROWS, COLUMNS)
        One of each observer.
    splits : int
        Random halves of the observers; with an odd number one is left out of each.
    seed : int

    Returns
    -------
    float, at most 1
        The halves' mean correlation r, stepped up to the whole: 2r / (1 + r) (Spearman 1910, Brown
        1910). NaN of fewer than two observers.
    """
    n = len(maps)
    if n < 2:
        return np.nan
    rng = np.random.default_rng(seed)
    face = np.asarray(maps, float)[:, face_on_grid()]
    gram = np.cov(face) * (face.shape[1] - 1)
    order = np.stack([rng.permutation(n) for _ in range(splits)])
    halves = np.zeros((2, splits, n))
    for half, part in enumerate((order[:, : n // 2], order[:, n // 2 : 2 * (n // 2)])):
        np.put_along_axis(halves[half], part, 1.0, axis=1)
    first, second = halves
    lengths = [np.einsum("si,ij,sj->s", half, gram, half) for half in halves]
    product = np.einsum("si,ij,sj->s", first, gram, second)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = float(np.mean(product / np.sqrt(lengths[0] * lengths[1])))
    return 2 * r / (1 + r) if r > -1 else np.nan


class Ceiling(NamedTuple):
    """Between what bounds the map that all people share would agree with observers' maps."""

    lower: float
    upper: float


def noise_ceiling(maps: NDArray[np.floating]) -> Ceiling:
    """The best that any one map can be expected to agree with observers' maps.

    Parameters
    ----------
    maps : (O, ROWS, COLUMNS)
        One of each observer.

    Returns
    -------
    Ceiling
        Mean correlation of the observers' maps with the mean of the others' (each left out in
        turn: the lower bound), and with the mean of all, which is the best fit there is (the upper)
        (Nili et al. 2014, doi 10.1371/journal.pcbi.1003553). Means are of standardised maps. NaN of
        fewer than two observers with a map that is not constant.
    """
    known = standard(maps)
    known = known[known.any(axis=-1)]
    n = len(known)
    if n < 2:
        return Ceiling(np.nan, np.nan)
    gram = known @ known.T
    total, whole = gram.sum(axis=1), gram.sum()
    others = np.sqrt(np.maximum(whole - 2 * total + 1, 1e-24))
    return Ceiling(float(np.mean((total - 1) / others)), float(np.mean(total) / np.sqrt(whole)))


def fits(heatmaps: ArrayLike, maps: NDArray[np.floating]) -> NDArray[np.float64]:
    """Correlation of heatmaps with each observer's map.

    Parameters
    ----------
    heatmaps : (M, ROWS, COLUMNS)
    maps : (O, ROWS, COLUMNS)

    Returns
    -------
    (M, O) float64 in [-1, 1]
        0 where a heatmap is constant, NaN where an observer's map is.
    """
    known = standard(maps)
    found = standard(heatmaps) @ known.T
    found[:, ~known.any(axis=-1)] = np.nan
    return found


def fits_without(
    heatmaps: ArrayLike,
    maps: NDArray[np.floating],
    observers: Sequence[str] | NDArray,
    faces: Sequence[str] | NDArray,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The mean of `fits` over observers, without each observer, and without each face.

    What a jackknife needs (`alignment.intervals.jackknife_error`). A bootstrap would not do: faces
    drawn twice stand for fewer faces, whose mean map is noisier and fits worse.

    Parameters
    ----------
    heatmaps : (M, ROWS, COLUMNS)
    maps : (n, ROWS, COLUMNS)
        Of each trial.
    observers, faces : (n,) arrays
        Whose trial it is, and whose face was shown.

    Returns
    -------
    without_observer, without_face : DataFrame
        A row for each observer, or face, which is the index, and M columns.
    """
    codes, observer = np.unique(observers, return_inverse=True)
    people, face = np.unique(faces, return_inverse=True)
    wanted = standard(heatmaps)
    # Of each observer: with all faces, then without each.
    each = np.full((len(codes), 1 + len(people), len(wanted)), np.nan)
    for number in range(len(codes)):
        rows = observer == number
        values = np.asarray(maps[rows], float)[:, face_on_grid()]
        values -= values.mean(axis=1, keepdims=True)
        kept = np.vstack([np.ones(rows.sum()), face[rows] != np.arange(len(people))[:, None]])
        length = np.sqrt(np.einsum("bi,ij,bj->b", kept, values @ values.T, kept, optimize=True))
        some = length > 1e-9
        each[number, some] = (kept @ (values @ wanted.T))[some] / length[some, None]
    others = [np.delete(each[:, 0], number, axis=0) for number in range(len(codes))]
    return (
        pd.DataFrame([_mean(other) for other in others], codes),
        pd.DataFrame(_mean(each[:, 1:]), people),
    )


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the first axis of what is known; NaN where nothing is."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0).sum(axis=0)
    count = known.sum(axis=0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
