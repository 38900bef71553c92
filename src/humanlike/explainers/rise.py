"""RISE: the mean of random masks, each weighted by what the network makes of the face behind it.

Petsiuk, Das & Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", BMVC
2018, arXiv 1806.07421.
"""

import numpy as np
from numpy.typing import NDArray

from humanlike.explainers.hiding import Hiding

#: Masks that are held at a time.
CHUNK = 128


def explain(
    network: Hiding,
    images: NDArray[np.uint8],
    classes: NDArray[np.integer],
    *,
    seeds: NDArray[np.integer],
    masks: int = 4000,
    cells: int = 7,
    shown: float = 0.5,
) -> NDArray[np.float32]:
    """Estimate the class's expected probability where each pixel is seen.

    Parameters
    ----------
    network, images, classes, seeds
        As of every method, see `humanlike.explainers.methods`.
    masks, cells, shown
        How many masks, the rows and columns of each before it is enlarged, and the probability
        that a cell is shown.

    Returns
    -------
    (n, S, S) float32
        Mean of mask times probability over `shown`, equation 6 of the paper, less the mean
        probability: 0 where seeing the pixel makes no difference, which the paper's map has not,
        and its order of pixels is the same.
    """
    found = np.zeros(images.shape, np.float32)
    for face, (image, label, seed) in enumerate(zip(images, classes, seeds, strict=True)):
        rng = np.random.default_rng(int(seed))
        sums, total = np.zeros(image.shape), 0.0
        for start in range(0, masks, CHUNK):
            drawn = random_masks(min(CHUNK, masks - start), len(image), cells, shown, rng)
            probability = network.blended(image, drawn)[:, int(label)].astype(float)
            sums += np.einsum("m,mhw->hw", probability, drawn)
            total += probability.sum()
        found[face] = sums / shown / masks - total / masks
    return found


def random_masks(
    count: int, size: int, cells: int, shown: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw masks (count, size, size) in [0, 1]: enlarged grids, cut out at random offsets."""
    grids = (rng.random((count, cells, cells)) < shown).astype(np.float32)
    width = -(-size // cells)
    offsets = rng.integers(0, width, (count, 2))
    enlarge = _interpolation(cells, (cells + 1) * width)
    pixels = np.arange(size)
    rows, columns = (enlarge[offsets[:, axis, None] + pixels] for axis in (0, 1))
    return rows @ grids @ columns.transpose(0, 2, 1)


def _interpolation(few: int, many: int) -> NDArray[np.float32]:
    """(many, few): linear interpolation of `few` values to `many`, pixel centres aligned."""
    places = ((np.arange(many) + 0.5) * few / many - 0.5).clip(0, few - 1)
    return np.maximum(1 - np.abs(places[:, None] - np.arange(few)), 0).astype(np.float32)
