"""From an explainer's weights to importance that can be averaged over faces."""

import numpy as np
from numpy.typing import NDArray


def importance(weights: NDArray[np.float32], positive_only: bool = True) -> NDArray[np.float32]:
    """Scale each explanation's weights so that its greatest is 1, and every face counts alike.

    Parameters
    ----------
    weights : (n, d) or (n, S, S) float32
        A weight for each superpixel, NaN where a face has fewer than d, or for each pixel.
    positive_only
        Count negative weights, which speak against the class, as 0.

    Returns
    -------
    (n, d) or (n, S, S) float32
        In [0, 1], or in [-1, 1] unless `positive_only`; 0 for NaN and where all weights are 0.
    """
    weights = np.nan_to_num(weights)
    if positive_only:
        weights = np.maximum(weights, 0)
    greatest = np.abs(weights).max(axis=tuple(range(1, weights.ndim)), keepdims=True)
    return np.divide(weights, greatest, out=np.zeros_like(weights), where=greatest > 0)
