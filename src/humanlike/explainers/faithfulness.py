"""Does an explanation name what the network uses? Hide what it names, and see.

Superpixels are taken away from a face, or added to a black image, one after another: the most
important first, and in random orders for comparison. A faithful order makes the class's probability
fall sooner than a random one when they go, and rise sooner when they come.

Samek et al., "Evaluating the Visualization of What a Deep Neural Network Has Learned", IEEE TNNLS
28 (2017), doi 10.1109/TNNLS.2016.2599820; Petsiuk, Das & Saenko, "RISE: Randomized Input Sampling
for Explanation of Black-box Models", BMVC 2018.
"""

import numpy as np
from numpy.typing import NDArray

from humanlike.explainers.cells import cell_means, cells
from humanlike.explainers.runtimes import Predictor

#: Shares of the superpixels that are hidden (deletion) or shown (insertion).
SHARES = np.linspace(0, 1, 21)

#: Random orders that are averaged for each face.
RANDOM_ORDERS = 3

#: Cells along a side of the grid that faces are taken apart by where there are no superpixels.
CELLS = 16

#: The curves of a face, in the order of `probability_curves`.
CURVES = ("deletion", "insertion", "random")


def probability_curves(
    predictor: Predictor,
    images: NDArray[np.uint8],
    segments: NDArray[np.uint8],
    weights: NDArray[np.float32],
    classes: NDArray[np.integer],
    seeds: NDArray[np.integer],
) -> NDArray[np.float32]:
    """Follow the explained class's probability while superpixels go and come.

    Parameters
    ----------
    predictor
        The network.
    images, segments : (n, S, S) uint8
        Faces, and the superpixel of each pixel, as they were explained.
    weights : (n, d) float32
        NaN beyond a face's own superpixels.
    classes : (n,) int
        The class that was explained of each.
    seeds : (n,) int
        Of each face's random orders.

    Returns
    -------
    (n, 3, 21) float32 in [0, 1]
        For each face its `CURVES`: the probability when `SHARES` of the superpixels are hidden in
        order of falling weight (deletion), shown in that order (insertion), and shown in random
        order. Hiding at random gives the last one backwards.
    """
    n, widest = weights.shape
    orders = 2 + RANDOM_ORDERS
    samples = np.zeros((n, orders, len(SHARES), widest), np.uint8)
    for face, (row, seed) in enumerate(zip(weights, seeds, strict=True)):
        d = np.count_nonzero(~np.isnan(row))
        rng = np.random.default_rng(int(seed))
        falling = np.argsort(-row[:d], kind="stable")
        shown = _shown_in(falling)
        samples[face, 0, :, :d] = 1 - shown
        samples[face, 1, :, :d] = shown
        for number in range(RANDOM_ORDERS):
            samples[face, 2 + number, :, :d] = _shown_in(rng.permutation(d))
    probabilities = predictor.probabilities(
        images, segments, samples.reshape(n, orders * len(SHARES), widest)
    )
    explained = np.take_along_axis(probabilities, np.reshape(classes, (-1, 1, 1)).astype(int), 2)
    curves = explained.reshape(n, orders, len(SHARES))
    random = curves[:, 2:].mean(axis=1, keepdims=True)
    return np.concatenate([curves[:, :2], random], axis=1).astype(np.float32)


def on_cells(maps: NDArray[np.floating]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Give maps (n, S, S) cells for superpixels, to be taken apart by `probability_curves`.

    Returns
    -------
    segments : (n, S, S) uint8
        The same grid of `CELLS` by `CELLS` cells for every face.
    weights : (n, cells) float32
        Mean of the map in each cell.
    """
    grid = cells(maps.shape[-1], CELLS)
    return np.broadcast_to(grid, maps.shape), cell_means(maps, grid)


def area(curves: NDArray[np.floating]) -> NDArray[np.float64]:
    """Area under probability curves (..., 21) by the trapezoidal rule, in [0, 1]."""
    return np.trapezoid(curves, SHARES, axis=-1)


def _shown_in(order: NDArray[np.integer]) -> NDArray[np.uint8]:
    """(21, d) of 0 and 1: `SHARES` of the d superpixels shown, those that come first in `order`."""
    rank = np.argsort(order)
    shown = np.rint(SHARES * len(order))
    return (rank < shown[:, None]).astype(np.uint8)
