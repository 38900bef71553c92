"""The linear surrogate of LIME: which superpixels raised the class's probability."""

from typing import NamedTuple

import numpy as np

#: Probabilities come in float32 and add up to 1, and a softmax of a few classes is right to some
#: units in the last place of that: what is smaller than eight of them is rounding.
RESOLUTION = 2.0**-20

#: Left out with less than this share of all that their places could tell, samples leave nothing
#: behind that float64 still knows.
NOTHING_LEFT = 1e-9


class Surrogate(NamedTuple):
    """Fitted linear surrogates of n faces: probability ~ intercept + samples @ weights."""

    weights: np.ndarray  #: (n, d) float64, change of probability when a superpixel is shown
    intercept: np.ndarray  #: (n,) float64
    left_out: np.ndarray  #: (n, m) float64, what it says of each sample without that sample
    left_out_mean: np.ndarray  #: (n, m) float64, what the weighted mean says without that sample

    def predict(self, samples: np.ndarray) -> np.ndarray:
        """What the surrogates say of samples, (n, m, d) 0/1 to (n, m) float64."""
        return self.intercept[:, None] + (samples @ self.weights[..., None])[..., 0]


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
        In [0, 1], 1 for the whole face.
    """
    shown = samples.sum(axis=2, dtype=np.int64) / n_superpixels[:, None]
    distance = 1.0 - np.sqrt(shown)
    # The root is taken of the exponent: a small weight is then small, and not 0.
    return np.exp(-0.5 * (distance / kernel_width) ** 2)


def fit(
    samples: np.ndarray, probabilities: np.ndarray, proximities: np.ndarray, together: int = 1
) -> Surrogate:
    """Fit LIME's weighted ridge regression (alpha 1, free intercept) to many faces at once.

    The closed form of what ``lime.lime_base.LimeBase.explain_instance_with_data`` fits when every
    superpixel is kept: both centred by their weighted means, ``(X'WX + I) w = X'Wy``. The package's
    `feature_selection="auto"` keeps every superpixel whenever as many features are asked for as
    there are superpixels, as the study does: by forward selection for six or fewer, by the largest
    weights for more, which then changes only their order.

    What it would say of samples that it had not been fitted to follows from the fit itself: with
    the hat matrix H (``y_fitted = H y``, the intercept's part included), residuals e and the rows I
    that are left out, their residuals become ``(1 - H_II)^-1 e_I``.

    Parameters
    ----------
    samples : (n, m, d) uint8
        0/1 samples of n faces. A column of zeros gets weight 0, so that faces of fewer superpixels
        can be padded.
    probabilities : (n, m) float
        The explained class's probability of each perturbed image.
    proximities : (n, m) float
        Weight of each perturbed image.
    together : int
        So many neighbouring samples are left out together, the last ones maybe fewer: 1, or 2 where
        they are pairs, which tell of each other.

    Returns
    -------
    Surrogate
        Where nothing remains but what is left out, `left_out` is the weighted mean of all.

    References
    ----------
    Ribeiro, Singh & Guestrin, "Why Should I Trust You?: Explaining the Predictions of Any
    Classifier", KDD 2016, doi 10.1145/2939672.2939778; Allen, "The Relationship Between Variable
    Selection and Data Augmentation and a Method for Prediction", Technometrics 16 (1974), doi
    10.1080/00401706.1974.10489157 (left-out residuals).
    """
    n, m = probabilities.shape
    weights, intercept = solve(samples, probabilities[..., None], proximities)
    fitted = Surrogate(weights[..., 0], intercept[..., 0], np.empty((n, m)), np.empty((n, m)))

    def grouped(array: np.ndarray) -> np.ndarray:
        """(n, m, ...) to (n, groups, together, ...), the last group filled up with zeros."""
        padding = ((0, 0), (0, -m % together), *[(0, 0)] * (array.ndim - 2))
        return np.pad(array, padding).reshape(n, -1, together, *array.shape[2:])

    share, x, gram = _centred(samples, proximities)
    solved = np.swapaxes(np.linalg.solve(gram, np.swapaxes(x, 1, 2)), 1, 2)
    hat = grouped(solved) @ np.swapaxes(grouped(x), 2, 3) * grouped(proximities)[:, :, None]
    shares = grouped(share)
    rest = np.eye(together) - hat - shares[:, :, None]
    remains = 1 - shares.sum(axis=2, keepdims=True)
    lost = (np.linalg.det(rest) < NOTHING_LEFT) | (remains[..., 0] < NOTHING_LEFT)
    rest[lost], remains[lost] = np.eye(together), 1.0

    mean = np.sum(share * probabilities, axis=1)[:, None, None]
    seen = grouped(probabilities)
    residuals = np.linalg.solve(rest, grouped(probabilities - fitted.predict(samples))[..., None])
    told = np.where(lost[..., None], mean, seen - residuals[..., 0])
    means = (mean - np.sum(shares * seen, axis=2, keepdims=True)) / remains
    means = np.where(lost[..., None], mean, means).repeat(together, axis=2)
    return fitted._replace(
        left_out=told.reshape(n, -1)[:, :m], left_out_mean=means.reshape(n, -1)[:, :m]
    )


def solve(
    samples: np.ndarray, targets: np.ndarray, proximities: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (n, d, k) and intercepts (n, k) of k targets (n, m, k) at a time; see `fit`."""
    share, x, gram = _centred(samples, proximities)
    mean = np.einsum("nm,nmk->nk", share, targets)
    moment = np.swapaxes(x * proximities[..., None], 1, 2) @ (targets - mean[:, None])
    weights = np.linalg.solve(gram, moment)
    x_mean = np.einsum("nm,nmd->nd", share, samples)
    return weights, mean - np.einsum("nd,ndk->nk", x_mean, weights)


def _centred(
    samples: np.ndarray, proximities: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each sample's share of the weight, the centred samples, and X'WX + I."""
    share = proximities / proximities.sum(axis=1, keepdims=True)
    x = samples - np.einsum("nm,nmd->nd", share, samples)[:, None]
    gram = np.swapaxes(x * proximities[..., None], 1, 2) @ x + np.eye(x.shape[2])
    return share, x, gram


def resolved(weights: np.ndarray) -> np.ndarray:
    """Take weights for 0 that are less than probabilities can tell; NaN stays."""
    return np.where(np.abs(weights) < RESOLUTION, 0.0, weights)


def r2(
    predicted: np.ndarray,
    probabilities: np.ndarray,
    proximities: np.ndarray,
    mean: np.ndarray | None = None,
) -> np.ndarray:
    """Weighted coefficient of determination of what is predicted of samples.

    Of `Surrogate.predict` on the samples of the fit it is the score of the `lime` package, which
    grows with the number of superpixels whatever they do; of `Surrogate.left_out`, against
    `Surrogate.left_out_mean`, it is what the surrogate would explain of samples it has not seen.

    Parameters
    ----------
    predicted, probabilities, proximities : (n, m) float
    mean : (n, m) float, optional
        What a constant says of each sample; the weighted mean of the probabilities where not given.

    Returns
    -------
    (n,) float64
        At most 1; 0 for what a constant would explain. Where the probability does not change by
        more than its rounding (`RESOLUTION`), scikit-learn's convention: 1 if that is what is
        predicted, else 0. Where it changes, but not on samples of any weight, 0.
    """
    if mean is None:
        mean = np.average(probabilities, axis=1, weights=proximities)[:, None]
    unexplained = np.sum(proximities * (probabilities - predicted) ** 2, axis=1)
    total = np.sum(proximities * (probabilities - mean) ** 2, axis=1)
    constant = np.ptp(probabilities, axis=1) < RESOLUTION
    as_constant = constant & (np.abs(predicted - mean).max(axis=1) < RESOLUTION)
    varies = ~constant & (total >= RESOLUTION**2 * proximities.sum(axis=1))
    return np.where(varies, 1 - unexplained / np.where(varies, total, 1), as_constant)
