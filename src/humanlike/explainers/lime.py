"""LIME on superpixels: hide parts of a face, and see what becomes of the class.

Ribeiro, Singh & Guestrin, "Why Should I Trust You?: Explaining the Predictions of Any Classifier",
KDD 2016, doi 10.1145/2939672.2939778.
"""

from dataclasses import dataclass
from typing import Literal

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

#: Samples that a face has had whenever it is judged whether it needs more: whole batches.
ENOUGH = (64, 128, 256, 512, 1024)


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
    samples: int | Literal["auto"] = 1000,
    error: float = 0.15,
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
        Perturbed images a face, at least 2; or ``"auto"``: twice as many, from 64 up to 1,024, as
        long as what the weights still vary by is above `error`. Sampling must not be orthogonal,
        whose first rows depend on how many follow.
    error
        Standard error of a face's weights, relative to their length, that is small enough.
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

    counts = ENOUGH if samples == "auto" else (samples,)
    design = np.zeros((len(images), counts[-1], widest), np.uint8)
    for face, seed in enumerate(seeds):
        d = int(found[face])
        design[face, :, :d] = SAMPLINGS[sampling](counts[-1], d, int(seed))

    weights = np.full((len(images), widest), np.nan, np.float32)
    intercept, r2 = np.empty((2, len(images)), np.float32)
    told: list[list[np.ndarray]] = [[] for _ in images]
    todo, done = np.arange(len(images)), 0  # faces that need more samples, and what they have had
    for count in counts:
        asked = design[todo, done:count]
        new = predictor.probabilities(images[todo], segments[todo], asked)
        for place, face in enumerate(todo.tolist()):
            told[face].append(new[place])
        wide = []
        # One thread: these matrices are small, and the last bits are then the same anywhere.
        with threadpool_limits(1, "blas"):
            for face in todo.tolist():
                d, label = int(found[face]), int(classes[face])
                shown = design[face, :count, :d]
                answers = np.concatenate(told[face]).astype(float)
                explained = answers[None, :, label]
                near = surrogate.proximity(shown[None], found[[face]], kernel_width)
                fitted = surrogate.fit(shown[None], explained, near, TOGETHER[sampling])
                parts = None
                if emulate:
                    places = (emulator.everywhere(d), emulator.windows(segments[face]))
                    fitted, parts = _emulated(
                        fitted,
                        shown,
                        answers,
                        places,
                        label,
                        near[0],
                        int(seeds[face]),
                        kernel_width,
                    )
                weights[face, :d] = surrogate.resolved(fitted.weights[0])
                intercept[face] = fitted.intercept[0]
                r2[face] = surrogate.r2(fitted.left_out, explained, near, fitted.left_out_mean)[0]
                if count < counts[-1]:
                    if parts is None:
                        parts = _plain_parts(shown, explained[0], near[0])
                    wide.append(standard_error(weights[face, :d], parts) > error)
        if not any(wide):
            break
        todo, done = todo[np.array(wide)], count
    return Explanations(segments, weights, intercept, r2, found)


def standard_error(weights: np.ndarray, parts: np.ndarray) -> float:
    """By how much weights would differ with other samples, relative to their length.

    The delete-a-group jackknife: Shao & Wu, "A General Theory for Jackknife Variance Estimation",
    Annals of Statistics 17 (1989), doi 10.1214/aos/1176347263.

    Parameters
    ----------
    weights : (d,) float
        Of all samples.
    parts : (groups, d) float
        Without each of so many equal groups of the samples.

    Returns
    -------
    float
        0 where all weights are 0.
    """
    length = np.linalg.norm(weights)
    spread = np.square(parts - parts.mean(axis=0)).sum() * (len(parts) - 1) / len(parts)
    return float(np.sqrt(spread) / length) if length > 0 else 0.0


def _groups(m: int) -> list[slice]:
    """`PARTS` neighbouring groups of m samples, of whole pairs, the last one maybe smaller."""
    size = 2 * -(-m // (2 * PARTS))
    return [slice(start, start + size) for start in range(0, m, size)]


def _plain_parts(
    samples: np.ndarray, probabilities: np.ndarray, proximities: np.ndarray
) -> np.ndarray:
    """Weights of one face's surrogate without each group of samples, (groups, d)."""
    parts = []
    for out in _groups(len(samples)):
        rest = np.delete(np.arange(len(samples)), out)
        targets = probabilities[rest][None, :, None]
        weights, _ = surrogate.solve(samples[rest][None], targets, proximities[rest][None])
        parts.append(weights[0, :, 0])
    return np.array(parts)


def _emulated(
    plain: surrogate.Surrogate,
    samples: np.ndarray,
    probabilities: np.ndarray,
    places: tuple[np.ndarray, ...],
    label: int,
    proximities: np.ndarray,
    seed: int,
    kernel_width: float,
) -> tuple[surrogate.Surrogate, np.ndarray | None]:
    """Fit one face's surrogate to an emulator, or keep the plain one where that says more.

    Its weights without each part of the samples come along, (parts, d), but for the plain one.

    Whether the emulator sees the face as one or place by place is chosen by its likelihood. Parts
    of the samples are left out, and the relevances sought anew without them: kept, they would know
    of them. The plain surrogate is kept where it says what the network made of the parts with
    less squared error (greater normal likelihood) by more than a standard error of the difference,
    the rule of Breiman, Friedman, Olshen & Stone, *Classification and Regression Trees* (1984).
    Of a network that is additive or jumps, an emulator learns less than it assumes.
    """
    m = len(samples)
    groups = _groups(m)
    if len(groups) < 2:
        return plain, None
    learned = emulator.emulate(samples, probabilities, *places)
    left_out, parts = np.empty(m), []
    for out in groups:
        rest = np.delete(np.arange(m), out)
        judged = emulator.emulate(
            samples[rest], probabilities[rest], learned.places, searched=JUDGED_SEARCHED
        )
        weights, intercept = _stand_in(
            judged,
            probabilities[rest, label],
            label,
            proximities[rest],
            seed,
            kernel_width,
            JUDGED_SAMPLES,
        )
        parts.append(weights)
        left_out[out] = intercept + samples[out] @ weights
    seen = probabilities[None, :, label]
    without = surrogate.fit(samples[None], seen, proximities[None], groups[0].stop).left_out[0]
    worse = proximities * ((seen[0] - left_out) ** 2 - (seen[0] - without) ** 2)
    if worse.sum() > np.sqrt(m) * worse.std():
        return plain, None
    weights, intercept = _stand_in(
        learned, seen[0], label, proximities, seed, kernel_width, EMULATED_SAMPLES
    )
    emulated = plain._replace(
        weights=weights[None], intercept=intercept[None], left_out=left_out[None]
    )
    return emulated, np.array(parts)


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
