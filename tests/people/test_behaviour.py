import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy as plain_entropy
from scipy.stats import norm
from sklearn.metrics import cohen_kappa_score

from humanlike.people import behaviour
from humanlike.people.behaviour import error_consistency, error_kappa

RIGHTS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=60)


def test_dprime_by_hand() -> None:
    # 15 of 19 and 15.5 of 20 with the half and the one added: z(.775) - z(1 - .738...)
    found = behaviour.sensitivity(15, 19, 15, 20)
    z = norm.ppf(15.5 / 20), norm.ppf(15.5 / 21)
    assert found.dprime == pytest.approx(sum(z))
    assert found.criterion == pytest.approx((z[1] - z[0]) / 2)
    assert np.isnan(behaviour.sensitivity(0, 0, 3, 4).dprime)


def test_dprime_of_an_observer_who_is_known() -> None:
    rng = np.random.default_rng(0)
    bias, dprime, n = 0.4, 1.6, 40000
    second = rng.normal(dprime / 2, 1, n) + bias > 0
    first = rng.normal(-dprime / 2, 1, n) + bias <= 0
    found = behaviour.sensitivity(first.sum(), n, second.sum(), n)
    assert found.dprime == pytest.approx(dprime, abs=0.03)
    assert found.criterion == pytest.approx(bias, abs=0.02)


def test_observers_are_told_apart_by_pair() -> None:
    trials = pd.DataFrame(
        {
            "observer": ["a"] * 4 + ["b"] * 2,
            "left": ["fear", "anger", "fear", "anger", "", ""],
            "right": ["anger", "fear", "anger", "fear", "", ""],
            "correct": pd.array([1, 1, 0, 1, 1, None], "Int64"),
        }
    )
    truth = pd.Series(["anger", "anger", "fear", "fear", "joy", "joy"])
    found = behaviour.by_observer(trials, truth)
    assert found["observer"].tolist() == ["a", "b"] and found["trials"].tolist() == [4, 1]
    assert found["percent_correct"].tolist() == [0.75, 1.0]
    assert found["dprime"][0] == pytest.approx(behaviour.sensitivity(2, 2, 1, 2).dprime)
    assert np.isnan(found["dprime"][1])


@given(RIGHTS)
def test_error_consistency_is_cohens_kappa_of_right_and_wrong(rights: list) -> None:
    a, b = np.array(rights).T
    found = error_kappa(a, b)
    if a.all() == b.all() and len({*a, *b}) == 1:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(cohen_kappa_score(a, b), abs=1e-12)
        bounds = error_consistency(a, b, 10)
        assert bounds.least - 1e-12 <= found <= bounds.greatest + 1e-12
        assert error_kappa(b, a) == pytest.approx(found, abs=1e-12)


def test_error_consistency_by_hand() -> None:
    a = [1, 1, 1, 1, 1, 1, 1, 0, 0, 0]
    b = [1, 1, 1, 1, 1, 1, 0, 1, 0, 0]
    # c_o = .8, p = q = .7, c_e = .49 + .09 = .58
    assert error_kappa(a, b) == pytest.approx((0.8 - 0.58) / 0.42)
    found = error_consistency(a, b)
    assert found.least == pytest.approx((0.4 - 0.58) / 0.42) and found.greatest == pytest.approx(1)
    assert found.low < found.kappa < found.high


def test_weights_stand_for_repeated_trials() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 30)) < 0.7
    weights = rng.multinomial(30, np.full(30, 1 / 30), 5)
    repeated = [error_kappa(np.repeat(a, w), np.repeat(b, w)) for w in weights]
    assert error_kappa(a, b, weights) == pytest.approx(repeated)


def test_the_interval_of_error_consistency_covers_its_truth() -> None:
    """93 to 97 % of 1,000 simulated pairs of observers, of 100, 200 and 400 trials each."""
    rng = np.random.default_rng(1)
    p, q, kappa = 0.8, 0.75, 0.4
    both = p * q + kappa * (p * (1 - q) + q * (1 - p)) / 2
    cells = [both, p - both, q - both, 1 - p - q + both]
    for n in (100, 200, 400):
        covered = 0
        for seed in range(1000):
            drawn = rng.choice(4, n, p=cells)
            found = error_consistency(drawn < 2, drawn % 2 == 0, 1000, seed)
            covered += found.low <= kappa <= found.high
        assert 930 <= covered <= 970, (n, covered)


def test_mean_consistency_of_independent_observers_is_about_zero() -> None:
    rng = np.random.default_rng(2)
    groups, stimuli = (axis.ravel() for axis in np.mgrid[:20, :50])
    a, b = rng.random((2, 1000)) < 0.7
    kappa, low, high = behaviour.mean_consistency(a, b, groups, stimuli, 300)
    alone = [error_kappa(a[groups == g], b[groups == g]) for g in range(20)]
    assert kappa == pytest.approx(np.mean(alone))
    assert low < 0 < high and high - low < 0.25
    same, low, high = behaviour.mean_consistency(a, a, groups, stimuli, 50)
    assert (same, low, high) == pytest.approx((1, 1, 1))


def test_group_consistency_is_the_mean_of_all_pairs() -> None:
    rng = np.random.default_rng(4)
    hard = rng.random(60)
    right = (rng.random((8, 60)) < 0.4 + 0.5 * hard).astype(float)
    right[rng.random(right.shape) < 0.2] = np.nan
    pairs = []
    for i in range(8):
        for j in range(i):
            both = ~np.isnan(right[i]) & ~np.isnan(right[j])
            pairs.append(error_kappa(right[i][both], right[j][both]))
    kappa, low, high = behaviour.group_consistency(right, 200)
    assert kappa == pytest.approx(np.mean(pairs)) and low < kappa < high
    assert np.isnan(behaviour.group_consistency(np.ones((3, 5)), 10)).all()


def test_entropy_and_divergence_by_hand() -> None:
    # 1 bit and (2 - 1) / (2 * 4 * ln 2)
    assert behaviour.entropy([2, 2, 0]) == pytest.approx(1 + 1 / (8 * math.log(2)))
    assert behaviour.entropy([5, 0]) == 0 and np.isnan(behaviour.entropy([0, 0]))
    assert behaviour.divergence([1, 0], [0, 3]) == pytest.approx(1)
    # M = (3/4, 1/4): (1 log2(4/3) + .5 log2(2/3) + .5 log2(2)) / 2
    assert behaviour.divergence([1, 0], [1, 1]) == pytest.approx(
        (math.log2(4 / 3) + 0.5 * math.log2(2 / 3) + 0.5) / 2
    )


@given(st.lists(st.integers(0, 50), min_size=2, max_size=8).filter(any))
def test_entropy_is_scipys_and_a_correction(counts: list[int]) -> None:
    present = sum(count > 0 for count in counts)
    correction = (present - 1) / (2 * sum(counts) * math.log(2))
    assert behaviour.entropy(counts) == pytest.approx(plain_entropy(counts, base=2) + correction)
    assert behaviour.divergence(counts, counts) == pytest.approx(0, abs=1e-12)


def test_the_correction_takes_most_of_the_bias_away() -> None:
    rng = np.random.default_rng(0)
    p = np.array([0.55, 0.2, 0.1, 0.1, 0.05])
    counts = rng.multinomial(25, p, 4000)
    truth = plain_entropy(p, base=2)
    plain = plain_entropy(counts, base=2, axis=1).mean()
    assert abs(behaviour.entropy(counts).mean() - truth) < 0.25 * abs(plain - truth)


def test_choices_are_counted_by_stimulus() -> None:
    trials = pd.DataFrame({"stimulus": ["b", "a", "a"], "response": ["fear", "anger", "fear"]})
    found = behaviour.choice_counts(trials, ["anger", "disgust", "fear"])
    assert found.index.tolist() == ["a", "b"] and found.to_numpy().tolist() == [
        [1, 0, 1],
        [0, 0, 1],
    ]


def test_krippendorffs_alpha_by_hand() -> None:
    # Krippendorff (2011), "Computing Krippendorff's alpha-reliability", nominal data with missing
    # values, four observers and twelve units: alpha = .743.
    coded = [
        *([1, 1, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4]),
        *([4, 4, 4, 4], [1, 1, 2, 1], [2, 2, 2, 2], [5, 5, 5], [1, 1], [3]),
    ]
    counts = np.array([[unit.count(value) for value in range(1, 6)] for unit in coded])
    assert behaviour.krippendorff(counts) == pytest.approx(0.743, abs=5e-4)
    assert np.isnan(behaviour.krippendorff([[3, 0], [2, 0]]))


def test_a_mixed_model_finds_the_difference_that_was_put_in() -> None:
    rng = np.random.default_rng(3)
    observers, stimuli = (axis.ravel() for axis in np.mgrid[:25, :40])
    easy = rng.normal(0, 0.8, 25)[observers] + rng.normal(0, 0.8, 40)[stimuli]
    people, network = (rng.random(1000) < 1 / (1 + np.exp(-(mean + easy))) for mean in (1.0, 2.0))
    found = behaviour.mixed_contrast(people, network, observers, stimuli)
    assert found.low < 1 < found.high and found.high - found.low < 0.8
    assert 0.5 < found.observers < 1.2 and 0.5 < found.stimuli < 1.2
