"""LIME on superpixels: hide parts of a face, and see what becomes of the class.

Ribeiro, Singh & Guestrin, "Why Should I Trust You?: Explaining the Predictions of Any Classifier",
KDD 2016, doi 10.1145/2939672.2939778.
"""

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from humanlike.explainers import emulator, surrogate
from humanlike.explainers.runtimes import Predictor
from humanlike.explainers.sampling import SAMPLINGS, TOGETHER, paired
from humanlike.explainers.superpixels import superpixels as cut

#: Samples that an emulator answers: enough for their own error to be small beside its.
EMULATED_SAMPLES = 8192

#: Parts in which samples are left out, for an emulator to be judged by what it says of them; how
#: many samples it then answers, and how many its relevances are sought with, at most.
PARTS, JUDGED_SAMPLES, JUDGED_SEARCHED = 4, 2048, 128


@dataclass(frozen=True)
class Explanations:
    """What LIME found of n faces."""

    segments: np.ndarray  #: (n, S, S) uint8, superpixel of each pixel, from 0 without gaps
    weights: np.ndarray  #: (n, d) float32, NaN beyond a face's own superpixels
    intercept: np.ndarray  #: (n,) float32, the surrogate's probability of the black image
    r2: np.ndarray  #: (n,) float32, weighted R² on samples left out of the fit, at most 1
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
        samples would give. See `humanlike.explainers.emulator`. A face whose left-out samples are
        nearer to the fit without it keeps that.

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
    weights = np.full((len(images), widest), np.nan, np.float32)
    intercept, r2 = np.empty((2, len(images)), np.float32)
    # One thread: these matrices are small, and the last bits are then the same on any machine size.
    with threadpool_limits(1, "blas"):
        for face, d in enumerate(found):
            label, shown = int(classes[face]), design[face, :, :d]
            answers = probabilities[face].astype(float)
            explained = answers[None, :, label]
            near = surrogate.proximity(shown[None], found[[face]], kernel_width)
            fitted = surrogate.fit(shown[None], explained, near, TOGETHER[sampling])
            if emulate:
                fitted = _emulated(
                    fitted, shown, answers, label, near[0], int(seeds[face]), kernel_width
                )
            weights[face, :d] = surrogate.resolved(fitted.weights[0])
            intercept[face] = fitted.intercept[0]
            r2[face] = surrogate.r2(fitted.left_out, explained, near, fitted.left_out_mean)[0]
    return Explanations(segments, weights, intercept, r2, found)


def _emulated(
    plain: surrogate.Surrogate,
    samples: np.ndarray,
    probabilities: np.ndarray,
    label: int,
    proximities: np.ndarray,
    seed: int,
    kernel_width: float,
) -> surrogate.Surrogate:
    """Fit one face's surrogate to an emulator, or keep the plain one where that says more.

    Parts of the samples are left out, and the relevances sought anew without them: kept, they would
    know of them. The plain surrogate is kept where it says what the network made of the parts with
    less squared error (greater normal likelihood) by more than a standard error of the difference,
    the rule of Breiman, Friedman, Olshen & Stone, *Classification and Regression Trees* (1984).
    Of a network that is additive or jumps, an emulator learns less than it assumes.
    """
    m = len(samples)
    size = 2 * -(-m // (2 * PARTS))  # whole pairs
    if size >= m:
        return plain
    left_out = np.empty(m)
    for start in range(0, m, size):
        rest = np.delete(np.arange(m), slice(start, start + size))
        learned = emulator.emulate(samples[rest], probabilities[rest], JUDGED_SEARCHED)
        weights, intercept = _stand_in(
            learned,
            probabilities[rest, label],
            label,
            proximities[rest],
            seed,
            kernel_width,
            JUDGED_SAMPLES,
        )
        out = slice(start, start + size)
        left_out[out] = intercept + samples[out] @ weights
    seen = probabilities[None, :, label]
    without = surrogate.fit(samples[None], seen, proximities[None], size).left_out[0]
    worse = proximities * ((seen[0] - left_out) ** 2 - (seen[0] - without) ** 2)
    if worse.sum() > np.sqrt(m) * worse.std():
        return plain
    learned = emulator.emulate(samples, probabilities)
    weights, intercept = _stand_in(
        learned, seen[0], label, proximities, seed, kernel_width, EMULATED_SAMPLES
    )
    return plain._replace(weights=weights[None], intercept=intercept[None], left_out=left_out[None])


def _stand_in(
    learned: emulator.Emulator,
    probabilities: np.ndarray,
    label: int,
    proximities: np.ndarray,
    seed: int,
    kernel_width: float,
    n: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (d,) and intercept () fitted to an emulator in the network's place, on n samples.

    What the process says is calibrated first, by a line through what it says of each sample when
    that is left out: where a network is rough in the superpixels, it says too much or too little.
    Calibration lines are those of Cox, "Two Further Applications of a Model for Binary Regression",
    Biometrika 45 (1958), doi 10.2307/2333203, and cross-validated as by van Houwelingen & le
    Cessie, "Predictive Value of Statistical Models", Statistics in Medicine 9 (1990), doi
    10.1002/sim.4780091109. Probabilities they remain: the line ends at 0 and 1.
    """
    d = learned.samples.shape[1]
    # Pairs: in an orthogonal design of so many rows some triples of superpixels are confounded
    # with a fourth, whatever their number.
    more = paired(n, d, seed)[None]
    slope, height = calibration(learned.left_out[:, label], probabilities, proximities)
    answers = np.clip(height + slope * learned.probabilities(more[0])[:, label], 0, 1)
    near = surrogate.proximity(more, np.array([d]), kernel_width)
    weights, intercept = surrogate.solve(more, answers[None, :, None], near)
    return weights[0, :, 0], intercept[0, 0]


def calibration(told: np.ndarray, seen: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Slope, not below 0, and height of the weighted least-squares line from told to seen, (m,)."""
    share = weights / weights.sum()
    x, y = told - share @ told, seen - share @ seen
    spread = share @ x**2
    varies = np.ptp(told) >= surrogate.RESOLUTION and spread > 0
    slope = max(share @ (x * y), 0.0) / spread if varies else 0.0
    return slope, share @ seen - slope * (share @ told)
