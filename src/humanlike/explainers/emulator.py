"""A Gaussian process that stands in for a network on the perturbed images it has not seen.

What a face's superpixels do together is what makes LIME's weights differ from one set of samples to
the next. A network's log-probabilities are far smoother in the superpixels than its probabilities
(softmax bends those at either end), and most superpixels matter little: a Gaussian process learns
both from a few hundred samples, and then answers for thousands.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, lapack
from scipy.optimize import minimize
from scipy.special import softmax

#: Probabilities below it are taken for it: float32 says no more.
LEAST_PROBABILITY = 1e-6

#: Steps in search of the relevances; more change the weights by less than a tenth of their error.
STEPS = 12

#: Samples that the relevances are sought with, at most: each step's time grows as their cube.
SEARCHED = 512


class Emulator(NamedTuple):
    """The posterior mean of a Gaussian process of a face's log-probabilities."""

    samples: np.ndarray  #: (m, d) float64, what it learned from
    relevance: np.ndarray  #: (d,) float64, how much hiding each superpixel changes, above 0
    mean: np.ndarray  #: (classes,) float64
    coefficients: np.ndarray  #: (m, classes) float64
    left_out: np.ndarray  #: (m, classes) float64, what it says of each sample without that sample

    def probabilities(self, samples: np.ndarray) -> np.ndarray:
        """Emulate the network's probabilities, (n, d) 0/1 to (n, classes) float64."""
        kernel = np.exp(-_distance(samples.astype(float), self.samples, self.relevance))
        return softmax(self.mean + kernel @ self.coefficients, axis=1)


def emulate(samples: np.ndarray, probabilities: np.ndarray, searched: int = SEARCHED) -> Emulator:
    """Fit a Gaussian process to a network's log-probabilities of perturbed images.

    Two samples are alike as ``exp(-sum of the relevances of the superpixels that differ)``. The
    relevances and the noise are those of greatest marginal likelihood (one scale for each class),
    as far as a few steps of L-BFGS from equal relevances go on the first `searched` samples. What
    it says of a sample without that sample follows in closed form, the relevances being kept.

    Parameters
    ----------
    samples : (m, d) uint8
        Which superpixels were shown.
    probabilities : (m, classes) float
        What the network made of them.
    searched : int
        Samples that the relevances are sought with, at most.

    Returns
    -------
    Emulator

    References
    ----------
    Sacks, Welch, Mitchell & Wynn, "Design and Analysis of Computer Experiments", Statistical
    Science 4 (1989), doi 10.1214/ss/1177012413; Rasmussen & Williams, *Gaussian Processes for
    Machine Learning* (2006), equations 2.25, 5.8, 5.9 and 5.12.
    """
    x = samples.astype(float)
    logarithms = np.log(np.maximum(probabilities, LEAST_PROBABILITY).astype(float))
    y = logarithms - logarithms.mean(axis=1, keepdims=True)
    mean = y.mean(axis=0)
    y = y - mean
    d = x.shape[1]
    if (y[:searched] == 0).all(axis=0).any():  # a class that nothing changes has no scale
        return Emulator(x, np.ones(d), mean, y, softmax(mean + y, axis=1))
    start = np.log([*np.full(d, 1 / 8), 0.05])
    bounds = [*[(-7.0, 2.0)] * d, (-9.0, 0.0)]
    found = minimize(
        negative_log_likelihood,
        start,
        (x[:searched], y[:searched]),
        method="L-BFGS-B",
        jac=True,
        bounds=bounds,
        options={"maxiter": STEPS},
    )
    relevance, noise = np.exp(found.x[:-1]), np.exp(found.x[-1])
    kernel = np.exp(-_distance(x, x, relevance)) + noise * np.eye(len(x))
    _, inverse = _factorise(kernel)
    coefficients = inverse @ y
    left_out = mean + y - coefficients / np.diag(inverse)[:, None]
    return Emulator(x, relevance, mean, coefficients, softmax(left_out, axis=1))


def negative_log_likelihood(
    logarithms: np.ndarray, x: np.ndarray, y: np.ndarray
) -> tuple[float, np.ndarray]:
    """Marginal likelihood of a Gaussian process, at the best scale of each output.

    Parameters
    ----------
    logarithms : (d + 1,) float
        Logarithms of the relevances and of the noise's variance, relative to the signal's.
    x : (m, d) float
        Samples of 0 and 1.
    y : (m, outputs) float
        Outputs, none of them constant.

    Returns
    -------
    value : float
        Mean over the outputs, up to a constant.
    gradient : (d + 1,) float
    """
    m = len(x)
    relevance, noise = np.exp(logarithms[:-1]), np.exp(logarithms[-1])
    signal = np.exp(-_distance(x, x, relevance))
    cholesky, inverse = _factorise(signal + noise * np.eye(m))
    solved = inverse @ y
    scale = np.einsum("mo,mo->o", y, solved) / m
    value = 0.5 * m * np.log(scale).mean() + np.log(np.diag(cholesky)).sum()

    # The derivative by the kernel, and through it by each logarithm.
    by_kernel = 0.5 * (inverse - (solved / scale / y.shape[1]) @ solved.T)
    by_signal = by_kernel * signal
    differing = x.T @ by_signal.sum(axis=1) - np.einsum("md,md->d", x, by_signal @ x)
    return value, np.append(-2 * relevance * differing, noise * np.trace(by_kernel))


def _factorise(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cholesky factor (its lower half counts) and inverse of a positive definite matrix."""
    cholesky, _ = cho_factor(kernel, lower=True, check_finite=False)
    inverse, _ = lapack.dpotri(cholesky, lower=True)
    return cholesky, np.tril(inverse) + np.tril(inverse, -1).T


def _distance(a: np.ndarray, b: np.ndarray, relevance: np.ndarray) -> np.ndarray:
    """Sum the relevances of the superpixels in which two samples differ, of each of a and b."""
    return (a @ relevance)[:, None] + b @ relevance - 2 * (a * relevance) @ b.T
