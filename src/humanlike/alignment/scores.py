"""From a heatmap to a marked region, and from that to its agreement with a mask.

Marked regions and masks are boolean arrays (..., H, W). Each metric sums over the last two axes and
broadcasts over the others: two maps give a number, stacks of them an array of numbers. What would
divide by nothing is 0: an empty region agrees with no mask.
"""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.filters import threshold_otsu

Threshold = float | Literal["otsu"]

PIXELS = (-2, -1)

#: Differences below this share of the greatest value are rounding: maps are computed in 32 bits.
ROUNDING = 1e-6


def normalise(heatmap: ArrayLike) -> NDArray[np.float64]:
    """Shift and scale a heatmap so that its least value is 0 and its greatest 1.

    Parameters
    ----------
    heatmap : (H, W) array of finite numbers
        In any unit.

    Returns
    -------
    (H, W) float64
        All 0 where the heatmap is constant but for rounding: it prefers no place.
    """
    values = np.asarray(heatmap, np.float64)
    least, greatest = values.min(), values.max()
    if greatest - least <= ROUNDING * max(abs(least), abs(greatest)):
        return np.zeros(values.shape)
    return (values - least) / (greatest - least)


def stretch(heatmap: ArrayLike) -> NDArray[np.uint8]:
    """`normalise` a heatmap to 8 bits: its least value becomes 0 and its greatest 255.

    Returns
    -------
    (H, W) uint8
        All 0 where the heatmap is constant but for rounding.

    Raises
    ------
    ValueError
        If the heatmap holds a value that is not finite.
    """
    if not np.isfinite(heatmap).all():
        raise ValueError("a heatmap must be finite everywhere")
    return np.rint(255 * normalise(heatmap)).astype(np.uint8)


def mark(heatmap: NDArray[np.uint8], threshold: Threshold = "otsu") -> NDArray[np.bool_]:
    """The region that a stretched heatmap marks.

    Parameters
    ----------
    heatmap : (H, W) uint8
        As `stretch` returns it.
    threshold : "otsu" or float in [0, 1]
        Otsu (1979), doi 10.1109/TSMC.1979.4310076: what is above the threshold that best parts the
        histogram in two. A number: what reaches that share of the greatest value.

    Returns
    -------
    (H, W) bool
        Empty where the heatmap is constant, unless the threshold is 0.
    """
    if threshold == "otsu":
        levels = np.arange(256)
        counts = cv2.calcHist([heatmap], [0], None, [256], [0, 256]).ravel()
        if np.count_nonzero(counts) < 2:
            return np.zeros(heatmap.shape, bool)
        # Of a histogram, several times faster than of the image.
        return heatmap > threshold_otsu(hist=(counts, levels))
    return heatmap >= 255 * threshold


def iou(marked: NDArray[np.bool_], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Intersection over union (Jaccard index), in [0, 1]."""
    return ratio((marked & mask).sum(PIXELS), (marked | mask).sum(PIXELS))


def precision(marked: NDArray[np.bool_], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of the marked region that lies in the mask, in [0, 1]."""
    return ratio((marked & mask).sum(PIXELS), marked.sum(PIXELS))


def recall(marked: NDArray[np.bool_], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of the mask that is marked, in [0, 1]."""
    return ratio((marked & mask).sum(PIXELS), mask.sum(PIXELS))


def f1(marked: NDArray[np.bool_], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Harmonic mean of precision and recall (Dice coefficient), in [0, 1]."""
    return ratio(2 * (marked & mask).sum(PIXELS), marked.sum(PIXELS) + mask.sum(PIXELS))


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> NDArray[np.float64]:
    """Quotient of two broadcast arrays, 0 where the denominator is 0."""
    numerator, denominator = np.broadcast_arrays(
        np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    )
    return np.divide(numerator, denominator, out=np.zeros(numerator.shape), where=denominator != 0)[
        ()
    ]


#: Column of the score tables -> metric.
METRICS = {"iou": iou, "f1": f1, "precision": precision, "recall": recall}
