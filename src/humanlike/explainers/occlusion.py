"""Occlusion: slide a window over the face, and see what the class loses behind it.

Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, doi
10.1007/978-3-319-10590-1_53.
"""

import numpy as np
from numpy.typing import NDArray

from humanlike.explainers.cells import cells as grid
from humanlike.explainers.hiding import Hiding
from humanlike.explainers.surrogate import resolved


def explain(
    network: Hiding,
    images: NDArray[np.uint8],
    classes: NDArray[np.integer],
    *,
    cells: int = 16,
    window: int = 2,
) -> NDArray[np.float32]:
    """Average over the windows that contain a pixel what hiding them takes from the probability.

    Parameters
    ----------
    network, images, classes
        As of every method, see `humanlike.explainers.methods`.
    cells
        The face is cut into so many rows and columns of cells, at most 16.
    window
        Cells along the side of the window, which moves by a cell; at most `cells`.

    Returns
    -------
    (n, S, S) float32
        Loss of probability, -1 to 1, the same within a cell.
    """
    segments = grid(images.shape[-1], cells)
    hidden = windows(cells, window)
    samples = np.concatenate([np.ones((1, cells**2), np.uint8), 1 - hidden])
    probabilities = network.probabilities(
        images,
        np.broadcast_to(segments, images.shape),
        np.broadcast_to(samples, (len(images), *samples.shape)),
    )
    explained = np.take_along_axis(probabilities, np.reshape(classes, (-1, 1, 1)).astype(int), 2)
    lost = resolved(explained[:, :1] - explained[:, 1:])[..., 0]
    return (lost @ (hidden / hidden.sum(axis=0)))[:, segments].astype(np.float32)


def windows(cells: int, window: int) -> NDArray[np.uint8]:
    """Every place of a window on a grid, (places, cells²), 1 for the cells inside it."""
    first = np.arange(cells - window + 1)[:, None]
    line = (np.arange(cells) >= first) & (np.arange(cells) < first + window)
    return np.einsum("yr,xc->yxrc", line, line).reshape(-1, cells**2).astype(np.uint8)
