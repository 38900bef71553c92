"""LIME on superpixels: hide parts of a face, and see what becomes of the class.

Ribeiro, Singh & Guestrin, "Why Should I Trust You?: Explaining the Predictions of Any Classifier",
KDD 2016, doi 10.1145/2939672.2939778.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LinearRegression
from threadpoolctl import threadpool_limits

from humanlike.explainers import emulator, surrogate
from humanlike.explainers.runtimes import Predictor
from humanlike.explainers.sampling import SAMPLINGS, paired
from humanlike.explainers.superpixels import superpixels as cut

#: Samples that an emulator answers: enough for their own error to be small beside its.
EMULATED_SAMPLES = 8192


@dataclass(frozen=True)
class Explanations:
    """What LIME found of n faces."""

    segments: np.ndarray  #: (n, S, S) uint8, superpixel of each pixel, from 0 without gaps
    weights: np.ndarray  #: (n, d) float32, NaN beyond a face's own superpixels
    intercept: np.ndarray  #: (n,) float32, the surrogate's probability of the black image
    r2: np.ndarray  #: (n,) float32, weighted R² of the linear surrogate, at most 1
    n_superpixels: np.ndarray  #: (n,) int32


def explain(
    predictor: Predictor,
    images: np.ndarray,
    classes: np.ndarray,
    *,
    seeds: np.ndarray,
    samples: int = 1000,
    sampling: str = "bernoulli",
    superpixels: int = 30,
    compactness: float = 20,
    kernel_width: float = 0.25,
    emulate: bool = False,
) -> Explanations:
    """Explain why each face was predicted as its class.

    Each face's explanation depends on that face, its class and its seed alone: faces may be
    explained in any order, any number at a time. The defaults are the study's.

    Parameters
    ----------
    predictor
        The network.
    images : (n, S, S) uint8
        Gray faces of the network's input size.
    classes : (n,) int
        The class to explain of each, as a column of the network's output.
    seeds : (n,) int
        Seed of each face's samples, 0 to 2**32 - 1.
    samples
        Perturbed images a face, at least 2.
    sampling
        A key of `humanlike.explainers.sampling.SAMPLINGS`.
    superpixels, compactness
        Of SLIC; see `humanlike.explainers.superpixels`. The number of superpixels found varies.
    kernel_width
        How fast a perturbed image's weight falls with its cosine distance, above 0.
    emulate
        Let a Gaussian process learn the network from the samples, and fit the weights to what it
        says of `EMULATED_SAMPLES` more: the weights come nearer to those that infinitely many
        samples would give. See `humanlike.explainers.emulator`.

    Returns
    -------
    Explanations

    Raises
    ------
    HumanlikeError
        If a face has more superpixels than can be explained.
    """
    segments = np.zeros(images.shape, np.uint8)
    for face, image in enumerate(images):
        segments[face] = cut(image, superpixels, compactness)
    found = segments.max(axis=(1, 2), initial=0).astype(np.int32) + 1
    widest = found.max(initial=1)

    design = np.zeros((len(images), samples, widest), np.uint8)
    for face, (d, seed) in enumerate(zip(found, seeds, strict=True)):
        design[face, :, :d] = SAMPLINGS[sampling](samples, int(d), int(seed))

    probabilities = predictor.probabilities(images, segments, design)
    explained = np.take_along_axis(
        probabilities, np.reshape(classes, (-1, 1, 1)).astype(int), axis=2
    )[..., 0]
    # One thread: these matrices are small, and the last bits are then the same on any machine size.
    with threadpool_limits(1, "blas"):
        proximities = surrogate.proximity(design, found, kernel_width)
        fitted = surrogate.fit(design, explained, proximities)
        if emulate:
            for face, d in enumerate(found):
                fitted.weights[face, :d], fitted.intercept[face] = _emulated(
                    design[face, :, :d],
                    probabilities[face],
                    int(classes[face]),
                    proximities[face],
                    int(seeds[face]),
                    kernel_width,
                )
            fitted = fitted._replace(r2=surrogate.r2(fitted, design, explained, proximities))
    beyond = np.arange(widest) >= found[:, None]
    return Explanations(
        segments,
        np.where(beyond, np.nan, fitted.weights).astype(np.float32),
        fitted.intercept.astype(np.float32),
        fitted.r2.astype(np.float32),
        found,
    )


def _emulated(
    samples: np.ndarray,
    probabilities: np.ndarray,
    label: int,
    proximities: np.ndarray,
    seed: int,
    kernel_width: float,
) -> tuple[np.ndarray, float]:
    """Fit one face's weights and intercept to a Gaussian process in the network's place.

    What the process says is calibrated first, by a line through what it says of each sample when
    that is left out: where a network is rough in the superpixels, it says too much or too little.
    Calibration lines are those of Cox, "Two Further Applications of a Model for Binary Regression",
    Biometrika 45 (1958), doi 10.2307/2333203, and cross-validated as by van Houwelingen & le
    Cessie, "Predictive Value of Statistical Models", Statistics in Medicine 9 (1990), doi
    10.1002/sim.4780091109.
    """
    d = samples.shape[1]
    # Pairs: in an orthogonal design of so many rows some triples of superpixels are confounded
    # with a fourth, whatever their number.
    more = paired(EMULATED_SAMPLES, d, seed)
    learned = emulator.emulate(samples, probabilities)
    line = LinearRegression(positive=True).fit(
        learned.left_out[:, [label]], probabilities[:, label], proximities
    )
    answers = line.predict(learned.probabilities(more)[:, [label]])
    proximities = surrogate.proximity(more[None], np.array([d]), kernel_width)
    fitted = surrogate.fit(more[None], answers[None], proximities)
    return fitted.weights[0], fitted.intercept[0]
