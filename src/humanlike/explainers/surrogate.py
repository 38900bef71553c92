"""The linear surrogate of LIME: which superpixels raised the class's probability."""

from typing import NamedTuple

import numpy as np


class Surrogate(NamedTuple):
    """Fitted linear surrogates of n faces: probability ~ intercept + samples @ weights."""

    weights: np.ndarray  #: (n, d) float64, change of probability when a superpixel is shown
    intercept: np.ndarray  #: (n,) float64
    r2: np.ndarray  #: (n,) float64, weighted coefficient of determination, at most 1


def proximity(samples: np.ndarray, n_superpixels: np.ndarray, kernel_width: float) -> np.ndarray:
    """Weigh perturbed images by how near they are to the whole face.

    ``sqrt(exp(-(distance / kernel_width)**2))`` of the cosine distance between a row and the row of
    all ones, which is ``1 - sqrt(shown / d)``.

    Parameters
    ----------
    samples : (n, m, d) uint8
        0/1 samples of n faces, zero in the columns beyond a face's own superpixels.
    n_superpixels : (n,) int
        Superpixels of each face.
    kernel_width : float
        Above 0; 0.25 in the `lime` package.

    Returns
    -------
    (n, m) float64
        In (0, 1].
    """
    shown = samples.sum(axis=2, dtype=np.int64) / n_superpixels[:, None]
    distance = 1.0 - np.sqrt(shown)
    return np.sqrt(np.exp(-((distance / kernel_width) ** 2)))


def fit(samples: np.ndarray, probabilities: np.ndarray, proximities: np.ndarray) -> Surrogate:
    """Fit LIME's weighted ridge regression (alpha 1, free intercept) to many faces at once.

    The closed form of what ``lime.lime_base.LimeBase.explain_instance_with_data`` fits when every
    superpixel is kept: both centred by their weighted means, ``(X'WX + I) w = X'Wy``. The package's
    `feature_selection="auto"` keeps every superpixel whenever as many features are asked for as
    there are superpixels, as the study does: by forward selection for six or fewer, by the largest
    weights for more, which then changes only their order.

    Parameters
    ----------
    samples : (n, m, d) uint8
        0/1 samples of n faces. A column of zeros gets weight 0, so that faces of fewer superpixels
        can be padded.
    probabilities : (n, m) float
        The explained class's probability of each perturbed image.
    proximities : (n, m) float
        Weight of each perturbed image.

    Returns
    -------
    Surrogate

    References
    ----------
    Ribeiro, Singh & Guestrin, "Why Should I Trust You?: Explaining the Predictions of Any
    Classifier", KDD 2016, doi 10.1145/2939672.2939778.
    """
    share = proximities / proximities.sum(axis=1, keepdims=True)
    x_mean = np.einsum("nm,nmd->nd", share, samples)
    y_mean = np.einsum("nm,nm->n", share, probabilities)
    x = samples - x_mean[:, None]
    y = probabilities - y_mean[:, None]
    weighted = x * proximities[..., None]
    gram = np.swapaxes(weighted, 1, 2) @ x + np.eye(x.shape[2])
    moment = np.swapaxes(weighted, 1, 2) @ y[..., None]
    weights = np.linalg.solve(gram, moment)
    weights = weights[..., 0]
    intercept = y_mean - np.einsum("nd,nd->n", x_mean, weights)
    fitted = Surrogate(weights, intercept, np.empty(len(weights)))
    return fitted._replace(r2=r2(fitted, samples, probabilities, proximities))


def r2(
    fitted: Surrogate, samples: np.ndarray, probabilities: np.ndarray, proximities: np.ndarray
) -> np.ndarray:
    """Weighted coefficient of determination of surrogates on samples, shaped as for `fit`.

    Returns
    -------
    (n,) float64
        At most 1. Where the probability never changes, scikit-learn's convention: 1 if that is
        what the surrogate says, else 0.
    """
    mean = np.average(probabilities, axis=1, weights=proximities)[:, None]
    predicted = fitted.intercept[:, None] + (samples @ fitted.weights[..., None])[..., 0]
    unexplained = np.sum(proximities * (probabilities - predicted) ** 2, axis=1)
    total = np.sum(proximities * (probabilities - mean) ** 2, axis=1)
    constant = np.where(unexplained == 0, 1.0, 0.0)
    return np.where(total > 0, 1 - unexplained / np.where(total > 0, total, 1), constant)
