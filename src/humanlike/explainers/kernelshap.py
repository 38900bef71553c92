"""KernelSHAP: Shapley values of superpixels, by regression on coalitions.

Lundberg & Lee, "A Unified Approach to Interpreting Model Predictions", NeurIPS 2017, arXiv
1705.07874; Covert & Lee, "Improving KernelSHAP: Practical Shapley Value Estimation Using Linear
Regression", AISTATS 2021 (paired samples, the constrained regression in closed form).
"""

from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from humanlike.errors import HumanlikeError
from humanlike.explainers import surrogate
from humanlike.explainers.hiding import Hiding
from humanlike.explainers.lime import Explanations
from humanlike.explainers.superpixels import superpixels as cut


def explain(
    network: Hiding,
    images: NDArray[np.uint8],
    classes: NDArray[np.integer],
    *,
    seeds: NDArray[np.integer],
    samples: int = 2048,
    superpixels: int = 30,
    compactness: float = 20,
) -> Explanations:
    """Share out among the superpixels what the whole face adds to the hidden one's probability.

    Parameters
    ----------
    network, images, classes, seeds
        As of every method, see `humanlike.explainers.methods`.
    samples
        Perturbed images a face, the whole and the hidden face among them.
    superpixels, compactness
        Of SLIC, as for LIME.

    Returns
    -------
    Explanations
        The weights of a face add up to the difference in probability between the whole face and
        the one that is hidden altogether, which is the intercept. R² is weighted by Shapley's
        kernel.

    Raises
    ------
    HumanlikeError
        If there are too few samples for the superpixels.
    """
    segments = np.zeros(images.shape, np.uint8)
    for face, image in enumerate(images):
        segments[face] = cut(image, superpixels, compactness)
    found = segments.max(axis=(1, 2), initial=0).astype(np.int32) + 1
    designs = [coalitions(samples, int(d), int(seed)) for d, seed in zip(found, seeds, strict=True)]
    widest, longest = found.max(initial=1), max((len(rows) for rows, _ in designs), default=1)
    design = np.zeros((len(images), longest, widest), np.uint8)
    for face, (rows, _) in enumerate(designs):
        design[face, : len(rows), : rows.shape[1]] = rows
    probabilities = network.probabilities(images, segments, design)

    weights = np.full((len(images), widest), np.nan, np.float32)
    intercept, r2 = (np.zeros(len(images), np.float32) for _ in range(2))
    # One thread: these matrices are small, and the last bits are then the same on any machine size.
    with threadpool_limits(1, "blas"):
        for face, (rows, kernel) in enumerate(designs):
            values = probabilities[face, : len(rows), int(classes[face])].astype(float)
            shares = shapley(rows, kernel, values)
            weights[face, : len(shares)] = surrogate.resolved(shares)
            intercept[face] = values[1]
            if len(rows) == 2:  # a single superpixel: nothing lies between whole and hidden
                r2[face] = 1
                continue
            said = values[1] + rows[2:] @ shares
            r2[face] = surrogate.r2(said[None], values[None, 2:], kernel[None, 2:])[0]
    return Explanations(segments, weights, intercept, r2, found)


def coalitions(samples: int, d: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Draw coalitions of d superpixels with Shapley's kernel as their weights.

    The kernel weighs the smallest and the largest coalitions most: these are taken whole, size by
    size, as far as the samples go. Of the sizes that remain, pairs of complements are drawn, in
    proportion to the kernel.

    Parameters
    ----------
    samples
        Rows at most; with 2^d and more, every coalition is taken and nothing is left to chance.
    d
        Superpixels, at least 1.
    seed

    Returns
    -------
    rows : (m, d) uint8
        1 for the superpixels that are shown. The first row is the whole face, the second the
        hidden one.
    weights : (m,) float64
        0 for the first two, whose kernel is infinite.

    Raises
    ------
    HumanlikeError
        If not even the coalitions of one superpixel, and of all but one, can be taken.
    """
    rows = [np.ones((1, d), np.uint8), np.zeros((1, d), np.uint8)]
    weights = [np.zeros(2)]
    left = samples - 2
    sizes = list(range(1, d // 2 + 1))
    while sizes:
        size = sizes[0]
        halves = [size] if 2 * size == d else [size, d - size]
        count = comb(d, size)
        if len(halves) * count > left:
            break
        for shown in halves:
            rows.append(_all_of_size(d, shown))
            weights.append(np.full(count, _size_weight(d, shown) / count))
        left -= len(halves) * count
        sizes.pop(0)
    if d > 1 and 1 in sizes:
        raise HumanlikeError(
            f"kernelshap.samples: {samples} are too few for a face of {d} superpixels; give "
            f"{2 * d + 2} or more, or fewer superpixels"
        )
    if sizes and left >= 2:
        rng = np.random.default_rng(seed)
        share = np.array([_size_weight(d, s) * (1 if 2 * s == d else 2) for s in sizes])
        drawn = rng.choice(sizes, left // 2, p=share / share.sum())
        half = rng.random((len(drawn), d)).argsort(axis=1).argsort(axis=1) < drawn[:, None]
        both = np.stack([half, ~half], axis=1).reshape(-1, d).astype(np.uint8)
        rows.append(both)
        weights.append(np.full(len(both), share.sum() / len(both)))
    return np.concatenate(rows), np.concatenate(weights)


def shapley(
    rows: NDArray[np.uint8], weights: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Regress values on coalitions under the constraint that the shares add up.

    Parameters
    ----------
    rows : (m, d) 0/1, weights : (m,), values : (m,)
        The first row is the coalition of all, the second the empty one; see `coalitions`.

    Returns
    -------
    (d,) float64
        With all 2^d coalitions the Shapley values, exactly; they sum to ``values[0] - values[1]``.
    """
    x, w = rows[2:].astype(float), weights[2:]
    y, total = values[2:] - values[1], values[0] - values[1]
    if x.shape[1] == 1:
        return np.array([total])
    solved = np.linalg.solve(
        x.T @ (w[:, None] * x), np.column_stack([x.T @ (w * y), np.ones(x.shape[1])])
    )
    free, ones = solved.T
    return free - ones * (free.sum() - total) / ones.sum()


def _size_weight(d: int, size: int) -> float:
    """Shapley's kernel, summed over the coalitions of a size."""
    return (d - 1) / (size * (d - size))


def _all_of_size(d: int, size: int) -> NDArray[np.uint8]:
    chosen = np.array(list(combinations(range(d), size)))
    rows = np.zeros((len(chosen), d), np.uint8)
    np.put_along_axis(rows, chosen, 1, axis=1)
    return rows
