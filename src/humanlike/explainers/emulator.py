"""A Gaussian process that stands in for a network on the perturbed images it has not seen.

What a face's superpixels do together is what makes LIME's weights differ from one set of samples to
the next. A network's log-probabilities are far smoother in the superpixels than its probabilities
(softmax bends those at either end), and most superpixels matter little: a Gaussian process learns
both from a few hundred samples, and then answers for thousands. Where a network looks at the face
place by place, and adds up what it sees there, superpixels far apart do nothing together: the
process then learns as much from half as many samples.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, lapack
from scipy.optimize import minimize
from scipy.special import softmax

#: A probability of exactly 0 is taken for this, or for the least that is not 0 if that is less.
ROUNDED_TO_0 = 1e-6

#: Steps in search of the relevances; more change the weights by less than a tenth of their error.
STEPS = 12

#: Samples that the relevances are sought with, at most: each step's time grows as their cube.
SEARCHED = 512

#: How far a place of the local process sees, as a share of the face's side: the standard deviation
#: of a normal window. From .07 to .1 the error is the same; .05 and .2 are worse.
WINDOW = 0.1

#: What a place sees of a superpixel is nothing below this.
LEAST_SEEN = 0.01


class Emulator(NamedTuple):
    """The posterior mean of a Gaussian process of a face's log-probabilities."""

    samples: np.ndarray  #: (m, d) float64, what it learned from
    relevance: np.ndarray  #: (d,) float64, how much hiding each superpixel changes, 0 or more
    places: np.ndarray  #: (places, d) float64, how much of each superpixel each place sees
    mean: np.ndarray  #: (classes,) float64
    coefficients: np.ndarray  #: (m, classes) float64
    left_out: np.ndarray  #: (m, classes) float64, what it says of each sample without that sample

    def probabilities(self, samples: np.ndarray) -> np.ndarray:
        """Emulate the network's probabilities, (n, d) 0/1 to (n, classes) float64."""
        each = np.zeros((len(samples), len(self.mean)))
        for place in self.places:
            # A place sees few superpixels, and those are shown in few ways, many times each.
            near = np.flatnonzero(place)
            ways, way = _ways(samples[:, near])
            distance = _distance(ways, self.samples[:, near], (self.relevance * place)[near])
            each += (np.exp(-distance) @ self.coefficients)[way]
        return softmax(self.mean + each / len(self.places), axis=1)


def windows(segments: np.ndarray) -> np.ndarray:
    """How much a place in the middle of each superpixel sees of each, (S, S) uint8 to (d, d).

    As the window of normal shape falls off with the distance of their middles.
    """
    sizes = np.bincount(segments.ravel())
    middles = np.stack(
        [np.bincount(segments.ravel(), axis.ravel()) / sizes for axis in np.indices(segments.shape)]
    )
    distance = middles[:, :, None] - middles[:, None]
    seen = np.exp(-0.5 * (distance / (WINDOW * len(segments))) ** 2).prod(axis=0)
    return np.where(seen < LEAST_SEEN, 0.0, seen)


def everywhere(d: int) -> np.ndarray:
    """One place that sees all of d superpixels, (1, d)."""
    return np.ones((1, d))


def emulate(
    samples: np.ndarray,
    probabilities: np.ndarray,
    *places: np.ndarray,
    searched: int = SEARCHED,
) -> Emulator:
    """Fit a Gaussian process to a network's log-probabilities of perturbed images.

    Two samples are alike as ``exp(-sum of the relevances of the superpixels that differ)``, each as
    far as a place sees it, on average over the places. The relevances and the noise are those of
    greatest marginal likelihood (one scale for each class), as far as a few steps of L-BFGS from
    equal relevances go on the first `searched` samples; and so is the choice among several sets of
    places. What it says of a sample without that sample follows in closed form, the relevances
    being kept.

    Parameters
    ----------
    samples : (m, d) uint8
        Which superpixels were shown.
    probabilities : (m, classes) float
        What the network made of them.
    places : (places, d) float
        Sets of places to choose from; one that sees all unless given. See `windows`.
    searched : int
        Samples that the relevances are sought with, at most.

    Returns
    -------
    Emulator

    References
    ----------
    Sacks, Welch, Mitchell & Wynn, "Design and Analysis of Computer Experiments", Statistical
    Science 4 (1989), doi 10.1214/ss/1177012413; Rasmussen & Williams, *Gaussian Processes for
    Machine Learning* (2006), equations 2.25, 5.8, 5.9 and 5.12; van der Wilk, Rasmussen & Hensman,
    "Convolutional Gaussian Processes", NeurIPS 2017, arXiv 1709.01894 (places).
    """
    x = samples.astype(float)
    logarithms = _logarithms(probabilities.astype(float))
    y = logarithms - logarithms.mean(axis=1, keepdims=True)
    mean = y.mean(axis=0)
    y = y - mean
    d = x.shape[1]
    sets = places or (everywhere(d),)
    if (y[:searched] == 0).all(axis=0).any():  # a class that nothing changes has no scale
        return Emulator(x, np.zeros(d), everywhere(d), mean, 0 * y, softmax(mean + y, axis=1))
    # Single precision takes half the time, and its rounding is hardly ever above the noise.
    first = Pairs.of(x[:searched], np.float32)
    found = [_search(first, y[:searched], seen) for seen in sets]
    best = int(np.argmin([value for value, _ in found]))
    seen, logarithms = sets[best], found[best][1]
    relevance, noise = np.exp(logarithms[:-1]), np.exp(logarithms[-1])
    pairs = Pairs.of(x)
    cholesky, inverse = _factorise(_lower(pairs, pairs.alike(relevance, seen), noise))
    coefficients, _ = lapack.dpotrs(cholesky, y, lower=True)
    left_out = mean + y - coefficients / np.diag(inverse)[:, None]
    return Emulator(x, relevance, seen, mean, coefficients, softmax(left_out, axis=1))


def _logarithms(probabilities: np.ndarray) -> np.ndarray:
    """Logarithms of probabilities, however small.

    Where a network is sure of a class it goes on changing with the superpixels: what it says of the
    others, a billionth or less, tells where it will cease to be sure.
    """
    least = probabilities.min(where=probabilities > 0, initial=ROUNDED_TO_0)
    return np.log(np.maximum(probabilities, least))


class Pairs(NamedTuple):
    """Every two of m samples, once."""

    samples: int  #: m
    place: np.ndarray  #: (pairs,) int, where they meet in a flat (m, m), below its diagonal
    differ: np.ndarray  #: (d, pairs) float, 1 where only one of them shows the superpixel

    @classmethod
    def of(cls, samples: np.ndarray, dtype: type[np.floating] = np.float64) -> "Pairs":
        """Hold 0/1 samples, (m, d), against each other."""
        m = len(samples)
        later, earlier = np.tril_indices(m, -1)
        differ = (samples[later] != samples[earlier]).T.astype(dtype, "C")
        return cls(m, later * m + earlier, differ)

    def alike(self, relevance: np.ndarray, places: np.ndarray) -> np.ndarray:
        """How alike two samples are at each place, as far as it sees them, (places, pairs)."""
        apart = (-relevance * places).astype(self.differ.dtype) @ self.differ
        return np.exp(apart, out=apart)


def _search(pairs: Pairs, y: np.ndarray, places: np.ndarray) -> tuple[float, np.ndarray]:
    """The least negative log-likelihood that a few steps find, and the logarithms there."""
    d = places.shape[1]
    # So far apart are two samples at first, whatever a place sees.
    start = np.log([*np.full(d, d / 8 / places.sum(axis=1).mean()), 0.05])
    found = minimize(
        negative_log_likelihood,
        start,
        (pairs, y, places),
        method="L-BFGS-B",
        jac=True,
        bounds=[*[(-7.0, 4.0)] * d, (-9.0, 0.0)],
        options={"maxiter": STEPS},
    )
    return found.fun, found.x


def negative_log_likelihood(
    logarithms: np.ndarray, pairs: Pairs, y: np.ndarray, places: np.ndarray
) -> tuple[float, np.ndarray]:
    """Marginal likelihood of a Gaussian process, at the best scale of each output.

    Parameters
    ----------
    logarithms : (d + 1,) float
        Logarithms of the relevances and of the noise's variance, relative to the signal's.
    pairs
        Of m samples.
    y : (m, outputs) float
        Outputs, none of them constant.
    places : (places, d) float
        How much of each superpixel each place sees.

    Returns
    -------
    value : float
        Mean over the outputs, up to a constant.
    gradient : (d + 1,) float
    """
    m = pairs.samples
    relevance, noise = np.exp(logarithms[:-1]), np.exp(logarithms[-1])
    alike = pairs.alike(relevance, places)
    try:
        cholesky, inverse = _factorise(_lower(pairs, alike, noise))
    except np.linalg.LinAlgError:
        # Where a few superpixels decide nearly all, single precision may round more than the noise.
        if alike.dtype == np.float64:
            raise
        exact = pairs._replace(differ=pairs.differ.astype(float))
        return negative_log_likelihood(logarithms, exact, y, places)
    solved, _ = lapack.dpotrs(cholesky, y, lower=True)
    scale = np.einsum("mo,mo->o", y, solved) / m
    value = 0.5 * m * np.log(scale).mean() + np.log(np.diag(cholesky)).sum()

    # The derivative by the kernel, whose halves are one, and through it by each logarithm.
    by_kernel = inverse - (solved / scale / y.shape[1]) @ solved.T
    alike *= np.take(by_kernel, pairs.place).astype(alike.dtype)
    differing = (alike @ pairs.differ.T) * places
    by_relevance = -relevance * differing.sum(axis=0) / len(places)
    return value, np.append(by_relevance, 0.5 * noise * np.trace(by_kernel))


def _lower(pairs: Pairs, alike: np.ndarray, noise: float) -> np.ndarray:
    """The kernel's lower half, on average over the places, and noise on its diagonal, (m, m)."""
    kernel = np.diag(np.full(pairs.samples, 1 + noise))
    np.put(kernel, pairs.place, alike.mean(axis=0))
    return kernel


def _factorise(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cholesky factor and inverse of a positive definite matrix, of all the lower halves."""
    cholesky, _ = cho_factor(kernel, lower=True, check_finite=False)
    inverse, _ = lapack.dpotri(cholesky, lower=True)
    return cholesky, inverse


def _ways(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray | slice]:
    """Every way to show so many superpixels, and which each row is; or the rows, if fewer."""
    d = samples.shape[1]
    if 1 << d > len(samples):
        return samples.astype(float), slice(None)
    ways = np.arange(1 << d)[:, None] >> np.arange(d) & 1
    return ways.astype(float), samples @ (1 << np.arange(d))


def _distance(a: np.ndarray, b: np.ndarray, relevance: np.ndarray) -> np.ndarray:
    """Sum the relevances of the superpixels in which two samples differ, of each of a and b."""
    return (a @ relevance)[:, None] + b @ relevance - 2 * (a * relevance) @ b.T
