"""Psychometric functions: how choices follow what is shown, with lapses.

``guess + (1 - guess - lapse) * Phi((x - threshold) / spread)``, Phi being the cumulative normal
(Wichmann & Hill 2001, doi 10.3758/BF03194544).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import ndtr, xlogy

from humanlike.people.behaviour import percentiles


class Function(NamedTuple):
    """A psychometric function."""

    threshold: float  #: where it is half-way between its ends, in units of x
    spread: float  #: standard deviation of the cumulative normal, in units of x
    guess: float  #: lower end
    lapse: float  #: 1 less the upper end

    def __call__(self, x: ArrayLike) -> NDArray[np.float64]:
        """The probability at `x`."""
        rise = ndtr((np.asarray(x, float) - self.threshold) / self.spread)
        return self.guess + (1 - self.guess - self.lapse) * rise

    def inverse(self, p: float) -> float:
        """Where the probability is `p`; NaN where it never is."""
        from scipy.special import ndtri

        share = (p - self.guess) / (1 - self.guess - self.lapse)
        return float(self.threshold + self.spread * ndtri(share)) if 0 < share < 1 else np.nan


class Fit(NamedTuple):
    """A fitted function with its intervals and deviance."""

    function: Function
    intervals: dict[str, tuple[float, float]]  #: of each of the function's parameters
    deviance: float  #: against a model with a probability for each x of its own


def fit(
    x: ArrayLike,
    chosen: ArrayLike,
    shown: ArrayLike,
    guess: float | None = 0.5,
    most_lapse: float = 0.1,
    resamples: int = 0,
    seed: int = 0,
) -> Fit:
    """Fit a psychometric function by maximum likelihood.

    Parameters
    ----------
    x : (n,) array
        Levels of what is shown, such as clicks, or the share of one of two expressions.
    chosen, shown : (n,) arrays
        How often the answer was given (or right) at a level, of how many trials.
    guess : float or None
        The lower end: 1 / 2 for right answers among two. None: the same as `lapse`, for choices
        between two that end near 0 and 1.
    most_lapse : float
        Lapses are sought from 0 to this.
    resamples : int
        Of the parametric bootstrap, for the intervals; 0 leaves them NaN.
    seed : int

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        There are fewer than three levels, or counts that make no sense.
    """
    x, k, n = (np.asarray(values, float) for values in (x, chosen, shown))
    if len(np.unique(x)) < 3 or not ((k >= 0) & (k <= n) & (n > 0)).all():
        raise ValueError("a psychometric function needs 3 levels, and 0 to shown answers at each")
    best = _maximise(x, k, n, guess, most_lapse, _starts(x))
    p = np.clip(best(x), 1e-12, 1 - 1e-12)
    saturated = xlogy(k, k / n) + xlogy(n - k, 1 - k / n)
    deviance = 2 * float((saturated - xlogy(k, p) - xlogy(n - k, 1 - p)).sum())
    rng = np.random.default_rng(seed)
    drawn = [
        _maximise(x, rng.binomial(n.astype(int), p), n, guess, most_lapse, [best[:2]])
        for _ in range(resamples)
    ]
    table = np.array(drawn).reshape(-1, 4)
    intervals = {name: percentiles(table[:, i]) for i, name in enumerate(Function._fields)}
    return Fit(best, intervals, deviance)


def _starts(x: NDArray[np.float64]) -> list[tuple[float, float]]:
    width = float(np.ptp(x))
    return [(t, width * s) for t in np.quantile(x, [0.2, 0.5, 0.8]) for s in (0.05, 0.2, 0.6)]


def _maximise(
    x: NDArray[np.float64],
    k: NDArray,
    n: NDArray[np.float64],
    guess: float | None,
    most_lapse: float,
    starts: list,
) -> Function:
    low, width = float(x.min()), float(np.ptp(x))
    # In units of the range of x, the spread as its logarithm: all parameters are then of one size.
    bounds = [(-2.0, 3.0), (np.log(1e-3), np.log(10.0)), (0.0, most_lapse)]

    def function(parameters: NDArray) -> Function:
        threshold, spread, lapse = map(float, parameters)
        lower = lapse if guess is None else guess
        return Function(low + width * threshold, width * float(np.exp(spread)), lower, lapse)

    def loss(parameters: NDArray) -> float:
        p = np.clip(function(parameters)(x), 1e-12, 1 - 1e-12)
        return -float((k * np.log(p) + (n - k) * np.log1p(-p)).sum())

    scaled = [
        ((t - low) / width, float(np.clip(np.log(s / width), *bounds[1])), most_lapse / 4)
        for t, s in starts
    ]
    likely = sorted(scaled, key=lambda start: loss(np.array(start)))[:2]
    found = [minimize(loss, start, method="L-BFGS-B", bounds=bounds) for start in likely]
    return function(min(found, key=lambda one: one.fun).x)
