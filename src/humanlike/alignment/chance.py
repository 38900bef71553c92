"""What a marked region would score by luck, and what regions score that know nothing of faces.

Three kinds of luck, from the least to the most demanding: pixels strewn at random, the same region
elsewhere on the canvas, and fixed regions in its middle, where faces and most masks are.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from humanlike.alignment.scores import PIXELS, ratio, stretch

#: Share of the canvas that the centred ellipse covers: about that of an Ekman mask.
ELLIPSE_SHARE = 0.235

#: IoUs that differ by less are equal: FFTs of one region in another place round differently.
_TIE = 1e-9


def random_pixels(marked: NDArray[np.bool_], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """IoU of as many pixels as are marked, strewn at random.

    With k of N pixels marked and K in the mask, the overlap is hypergeometric with mean kK / N.
    This is the IoU at that mean, within 1e-4 of the mean IoU on the canonical canvas.

    Parameters
    ----------
    marked, mask : (..., H, W) bool

    Returns
    -------
    (...) float64 in [0, 1]

    Examples
    --------
    Of four pixels two are marked and two in the mask: by luck one is both, of three in either.

    >>> import numpy as np
    >>> half = np.array([[True, True], [False, False]])
    >>> round(float(random_pixels(half, half)), 3)
    0.333
    """
    size = mask.shape[-2] * mask.shape[-1]
    marked_area, mask_area = marked.sum(PIXELS), mask.sum(PIXELS)
    overlap = marked_area * mask_area / size
    return ratio(overlap, marked_area + mask_area - overlap)


def cyclic_shifts(marked: NDArray[np.bool_], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """IoU of a marked region with a mask after every cyclic shift of the region.

    All shifts at once: the overlaps are a circular cross-correlation, hence a product of Fourier
    transforms, and whole numbers again once rounded. The null keeps the region's area and shape
    and forgets its place; cf. the toroidal shifts of spatial statistics (Lotwick & Silverman 1982).

    Parameters
    ----------
    marked, mask : (H, W) bool

    Returns
    -------
    (H, W) float64 in [0, 1]
        At [dy, dx] the IoU after `np.roll(marked, (dy, dx), (0, 1))`; at [0, 0] the region's own.

    Examples
    --------
    >>> import numpy as np
    >>> left, right = np.array([[True, False, False]]), np.array([[False, False, True]])
    >>> cyclic_shifts(left, right)
    array([[0., 0., 1.]])
    """
    correlation = fft.rfft2(mask.astype(float)) * fft.rfft2(marked.astype(float)).conj()
    overlap = np.rint(fft.irfft2(correlation, s=mask.shape))
    return ratio(overlap, marked.sum() + mask.sum() - overlap)


def share_at_least(null: NDArray[np.float64], value: float) -> float:
    """The p-value of `value`: share of the null's values that reach it."""
    return float(np.mean(null >= value - _TIE))


def placement_p(nulls: Iterable[NDArray[np.float64]], seed: int = 0, draws: int = 9999) -> float:
    """How often independent shifts reach the mean of several IoUs.

    Parameters
    ----------
    nulls : iterable of (H, W) float64
        As `cyclic_shifts` returns them, one for each heatmap or, for heatmaps that are not
        independent, the mean of theirs: they are then moved together.
    seed : int
    draws : int
        Number of random placements of the lot.

    Returns
    -------
    float
        (1 + placements that score at least as well) / (1 + placements): never 0, see Phipson &
        Smyth (2010), doi 10.2202/1544-6115.1585.
    """
    nulls = list(nulls)
    rng = np.random.default_rng(seed)
    placed = np.mean([null.ravel()[rng.integers(null.size, size=draws)] for null in nulls], axis=0)
    own = np.mean([null[0, 0] for null in nulls])
    return (1 + int((placed >= own - _TIE).sum())) / (1 + draws)


def centred_ellipse(
    height: int, width: int, centre_y: float | None = None, share: float = ELLIPSE_SHARE
) -> NDArray[np.bool_]:
    """A fixed ellipse with the proportions of the canvas, whatever network and expression.

    Parameters
    ----------
    height, width : int
        Canvas in pixels.
    centre_y : float, optional
        Height of its centre in pixels from the top; half of `height` by default.
    share : float in (0, 1)
        Share of the canvas that it covers.

    Returns
    -------
    (height, width) bool
    """
    centre_y = height / 2 if centre_y is None else centre_y
    y, x = np.mgrid[:height, :width]
    squared_radius = ((x - width / 2) / width) ** 2 + ((y - centre_y) / height) ** 2
    return squared_radius <= share / np.pi


def grand_mean(heatmaps: Iterable[NDArray]) -> NDArray[np.float64]:
    """Mean of all heatmaps, each stretched first so that none outweighs another.

    Scored against every mask, it tells what the heatmaps have in common is worth.
    """
    return np.mean([stretch(heatmap) for heatmap in heatmaps], axis=0)
