import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from humanlike.people.psychometric import Function, fit

LEVELS = np.array([1.0, 2, 3, 4, 6, 8, 12])
SHOWN = np.full(len(LEVELS), 60)


def simulated(function: Function, seed: int, shown: np.ndarray = SHOWN) -> np.ndarray:
    return np.random.default_rng(seed).binomial(shown, function(LEVELS))


def test_a_function_by_hand() -> None:
    function = Function(4.0, 2.0, 0.5, 0.02)
    assert function(4) == pytest.approx(0.5 + 0.48 / 2)
    assert function(6) == pytest.approx(0.5 + 0.48 * norm.cdf(1))
    assert function.inverse(function(5.5)) == pytest.approx(5.5)
    assert np.isnan(function.inverse(0.99))


@settings(max_examples=20)
@given(st.floats(2, 7), st.floats(0.8, 3), st.floats(0, 0.08), st.booleans())
def test_frequencies_without_noise_give_the_function_back(
    threshold: float, spread: float, lapse: float, symmetric: bool
) -> None:
    truth = Function(threshold, spread, lapse if symmetric else 0.5, lapse)
    levels = np.linspace(-5, 18, 24)
    n = np.full(24, 1e6)
    found = fit(levels, n * truth(levels), n, None if symmetric else 0.5).function
    assert found == pytest.approx(truth, abs=0.02)


def test_the_fit_is_at_least_as_likely_as_the_truth() -> None:
    truth = Function(4, 2, 0.5, 0.03)
    for seed in range(5):
        k = simulated(truth, seed)
        found = fit(LEVELS, k, SHOWN).function

        def loss(function: Function, k: np.ndarray = k) -> float:
            p = function(LEVELS)
            return -float((k * np.log(p) + (SHOWN - k) * np.log1p(-p)).sum())

        assert loss(found) <= loss(truth) + 1e-6


@pytest.mark.slow
def test_intervals_cover_thresholds_about_as_often_as_they_say() -> None:
    truth = Function(4, 2, 0.5, 0.02)
    covered = 0
    for seed in range(30):
        found = fit(LEVELS, simulated(truth, seed), SHOWN, resamples=40, seed=seed)
        low, high = found.intervals["threshold"]
        covered += low <= truth.threshold <= high
    # Of 95 %, fewer than 25 of 30 have a chance below 1 %.
    assert covered >= 25


#: 95 % intervals of threshold and width by psignifit 4.3 (sigmoid norm, experiment_type 2AFC), of
#: the data of `test_psignifit_agrees`. It is GPL, and so no dependency.
PSIGNIFIT = [
    ((3.695, 4.996), (3.123, 8.388)),
    ((2.442, 4.170), (3.328, 12.911)),
    ((3.473, 4.936), (3.786, 10.135)),
    ((3.218, 4.610), (2.935, 9.945)),
    ((3.506, 5.712), (2.208, 12.397)),
]


@pytest.mark.parametrize("seed", range(5))
def test_psignifit_agrees(seed: int) -> None:
    truth = Function(4, 2, 0.5, 0.03)
    shown = np.full(len(LEVELS), 100)
    found = fit(LEVELS, simulated(truth, seed, shown), shown).function
    (low, high), (narrow, wide) = PSIGNIFIT[seed]
    assert low <= found.threshold <= high
    # Theirs is the width of the middle 90 % of the cumulative normal.
    assert narrow <= found.spread * 2 * norm.ppf(0.95) <= wide


def test_too_few_levels_are_refused() -> None:
    with pytest.raises(ValueError, match="3 levels"):
        fit([1, 2], [1, 2], [2, 2])
    with pytest.raises(ValueError, match="0 to shown"):
        fit([1, 2, 3], [1, 2, 3], [2, 2, 2])


def test_deviance_is_zero_where_every_level_is_met() -> None:
    truth = Function(4, 2, 0.5, 0.0)
    n = np.full(len(LEVELS), 1e4)
    assert fit(LEVELS, n * truth(LEVELS), n).deviance == pytest.approx(0, abs=1e-2)
