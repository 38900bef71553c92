"""A face cut into a square grid, for methods that have no superpixels of their own."""

import numpy as np
from numpy.typing import NDArray


def cells(size: int, count: int) -> NDArray[np.uint8]:
    """Number the cells of a grid row by row.

    Parameters
    ----------
    size
        Side of the image in pixels.
    count
        Cells along a side, from 1 to 16 and to `size`; their widths differ by a pixel at most.

    Returns
    -------
    (size, size) uint8
        The cell of each pixel, from 0 to count² - 1.
    """
    line = np.arange(size) * count // size
    return (line[:, None] * count + line).astype(np.uint8)


def cell_means(maps: NDArray[np.floating], segments: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Average maps (n, S, S) over the cells (S, S) of a grid: (n, cells) float32."""
    labels = segments.ravel()
    pixels = np.bincount(labels)
    sums = [np.bincount(labels, one.ravel().astype(float)) for one in maps]
    return (np.reshape(sums, (len(maps), len(pixels))) / pixels).astype(np.float32)
