"""How alike the heatmaps of different networks are."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.cluster.hierarchy import average
from scipy.spatial.distance import squareform

from humanlike.alignment.scores import normalise


def similarity(heatmaps: ArrayLike) -> NDArray[np.float64]:
    """Normalised correlation of every two heatmaps, their means removed.

    The Pearson correlation over pixels, which is OpenCV's TM_CCOEFF_NORMED for images of one size.

    Parameters
    ----------
    heatmaps : (N, H, W) array

    Returns
    -------
    (N, N) float64 in [-1, 1]
        1 on the diagonal; 0 between a heatmap that is constant but for rounding, which says
        nothing, and any other.

    Examples
    --------
    What is added to a heatmap and multiplied makes no difference; its negative is its opposite.

    >>> import numpy as np
    >>> heatmap = np.array([[0.0, 1.0], [2.0, 5.0]])
    >>> similarity([heatmap, 3 * heatmap + 7, -heatmap]).round(6)
    array([[ 1.,  1., -1.],
           [ 1.,  1., -1.],
           [-1., -1.,  1.]])
    """
    flat = np.stack([normalise(heatmap).ravel() for heatmap in np.asarray(heatmaps)])
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = np.atleast_2d(np.corrcoef(flat))
    correlation = np.nan_to_num(correlation)
    np.fill_diagonal(correlation, 1)
    return correlation


def dendrogram_linkage(similarities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cluster heatmaps by average linkage of their distances, 1 - similarity.

    Parameters
    ----------
    similarities : (N, N) float64
        As `similarity` returns it, N >= 2.

    Returns
    -------
    (N - 1, 4) float64
        SciPy's linkage matrix, for `scipy.cluster.hierarchy.dendrogram`.
    """
    distances = np.clip(1 - similarities, 0, None)
    return average(squareform(distances, checks=False))
