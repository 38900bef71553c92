"""The emulator against scikit-learn's Gaussian processes, and against what it is for."""

from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad
from scipy.special import expit, softmax
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from threadpoolctl import threadpool_limits

from humanlike.explainers import emulator
from humanlike.explainers.sampling import orthogonal, paired


@pytest.fixture(autouse=True)
def one_thread():
    with threadpool_limits(1, "blas"):
        yield


def network(samples):
    """Three classes whose log-probabilities hold effects of one and of two superpixels."""
    random = np.random.default_rng(0)
    d = samples.shape[1]
    effects = random.normal(0, 1.5, (d, 3)) * (random.random((d, 1)) < 0.5)
    together = random.normal(0, 2, (d // 2, 3)) * (random.random((d // 2, 1)) < 0.4)
    pairs = samples[:, 0 : 2 * (d // 2) : 2] * samples[:, 1::2]
    return softmax(samples @ effects + pairs @ together, axis=1)


def kernel(relevance, noise, places):
    # exp(-|a - b| r) of 0/1 samples is a squared-exponential kernel of length 1/sqrt(2 r).
    each = [RBF(1 / np.sqrt(2 * np.maximum(relevance * place, 1e-12))) for place in places]
    return ConstantKernel(1 / len(places)) * reduce(add, each) + WhiteKernel(noise)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 8), st.integers(5, 40), st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 3]))
def test_likelihood_equals_scikit_learn_and_its_gradient_is_right(d, m, seed, places):
    random = np.random.default_rng(seed)
    x = random.integers(0, 2, (m, d)).astype(float)
    y = random.normal(0, 1, (m, 2))
    point = random.uniform(-3, 0, d + 1)
    seen = random.random((places, d)) * (random.random((places, d)) < 0.8)
    seen = seen if places else emulator.everywhere(d)

    pairs = emulator.Pairs.of(x)
    value, _ = emulator.negative_log_likelihood(point, pairs, y, seen)
    process = GaussianProcessRegressor(
        kernel(np.exp(point[:-1]), np.exp(point[-1]), seen), optimizer=None
    )
    scale = [output @ np.linalg.solve(process.kernel(x), output) / m for output in y.T]
    expected = [
        process.fit(x, output / np.sqrt(s)).log_marginal_likelihood_value_ - 0.5 * m * np.log(s)
        for output, s in zip(y.T, scale, strict=True)
    ]
    constant = 0.5 * m * (1 + np.log(2 * np.pi))
    np.testing.assert_allclose(value + constant, -np.mean(expected), rtol=1e-6)

    error = check_grad(
        lambda p: emulator.negative_log_likelihood(p, pairs, y, seen)[0],
        lambda p: emulator.negative_log_likelihood(p, pairs, y, seen)[1],
        point,
    )
    assert error < 1e-3 * (1 + np.abs(value))


def as_scikit_learn(found, probabilities):
    """What a fitted emulator learned, and scikit-learn's process of the same kernel and noise."""
    logarithms = np.log(probabilities)
    y = logarithms - logarithms.mean(axis=1, keepdims=True) - found.mean
    gram = kernel(found.relevance, 1e-9, found.places)(found.samples)
    noise = np.mean((y - gram @ found.coefficients) / found.coefficients)
    return y, GaussianProcessRegressor(kernel(found.relevance, noise, found.places), optimizer=None)


def rows_of_three(d):
    """Superpixels side by side in rows of three, and what a place in each one's middle sees."""
    segments = np.arange(d, dtype=np.uint8).reshape(-1, 3).repeat(10, 0).repeat(10, 1)
    return emulator.windows(np.pad(segments, ((0, 0), (0, 10 * d // 3 - 30)), "edge"))


@pytest.mark.parametrize("seed", range(24))
def test_single_precision_rounds_less_than_the_noise(seed):
    """A few superpixels that decide nearly all, and the least noise: it once ended there."""
    d = 10 + seed
    rng = np.random.default_rng(seed)
    x, y = paired(512, d, seed), rng.normal(size=(512, 6))
    extreme = np.append(rng.choice([-7.0, 4.0], d, p=[0.8, 0.2]), -9.0)
    single, exact = (
        emulator.negative_log_likelihood(
            extreme, emulator.Pairs.of(x, dtype), y, emulator.everywhere(d)
        )
        for dtype in (np.float32, np.float64)
    )
    assert single[0] == pytest.approx(exact[0], rel=1e-3)
    np.testing.assert_allclose(single[1], exact[1], rtol=0.02, atol=0.01 * np.abs(exact[1]).max())


def test_where_single_precision_fails_double_answers(monkeypatch):
    factorise, left = emulator._factorise, [True]

    def fails_once(kernel):
        if left:
            left.pop()
            raise np.linalg.LinAlgError
        return factorise(kernel)

    x, y, point = paired(64, 9, 0), np.random.default_rng(0).normal(size=(64, 2)), np.full(10, -2.0)
    exact = emulator.negative_log_likelihood(point, emulator.Pairs.of(x), y, np.ones((1, 9)))
    monkeypatch.setattr(emulator, "_factorise", fails_once)
    single = emulator.Pairs.of(x, np.float32)
    found = emulator.negative_log_likelihood(point, single, y, np.ones((1, 9)))
    assert not left and found[0] == exact[0]
    np.testing.assert_array_equal(found[1], exact[1])


@pytest.mark.parametrize("m", [120, emulator.SEARCHED + 88])
@pytest.mark.parametrize("local", [False, True])
def test_posterior_equals_scikit_learn(m, local):
    samples, unseen = paired(m, 12, 0), paired(50, 12, 1)
    places = rows_of_three(12) if local else emulator.everywhere(12)
    found = emulator.emulate(samples, network(samples), places)
    np.testing.assert_array_equal(found.places, places)
    y, process = as_scikit_learn(found, network(samples))
    expected = softmax(found.mean + process.fit(samples, y).predict(unseen), axis=1)
    np.testing.assert_allclose(found.probabilities(unseen), expected, atol=1e-6)


def test_left_out_samples_are_told_as_if_they_had_never_been_seen():
    samples = paired(60, 6, 0)
    found = emulator.emulate(samples, network(samples))
    y, process = as_scikit_learn(found, network(samples))
    for out in range(0, 60, 7):
        others = np.arange(60) != out
        told = process.fit(samples[others], y[others]).predict(samples[[out]])
        expected = softmax(found.mean + told, axis=1)[0]
        np.testing.assert_allclose(found.left_out[out], expected, atol=1e-6)


def test_learns_what_it_has_not_seen():
    unseen = orthogonal(512, 16, 1)
    truth = network(unseen)
    found = emulator.emulate(paired(256, 16, 0), network(paired(256, 16, 0)))
    error = np.square(found.probabilities(unseen) - truth).mean()
    assert error < 0.1 * truth.var(axis=0).mean()


@pytest.mark.parametrize("least", [1e-6, 1e-9])
def test_what_is_told_in_very_small_probabilities_is_learned_too(least):
    """Of a network that is sure of a class nearly always, though it is smooth in the samples."""

    def sure(samples):
        logits = 6 * np.log(network(samples))
        return softmax(logits, axis=1).astype(np.float32)

    unseen, samples = orthogonal(512, 16, 1), paired(128, 16, 0)

    def error(seen):
        found = emulator.emulate(samples, seen).probabilities(unseen)
        return np.square(found - sure(unseen)).mean()

    assert (sure(samples) < 1e-6).mean() > 0.2
    assert error(sure(samples)) < 0.05 * error(np.maximum(sure(samples), least))


def test_a_probability_of_0_is_the_least_that_is_not():
    samples = paired(64, 6, 0)
    seen = softmax(4 * np.log(network(samples)), axis=1)
    least, next_to_it = np.unique(seen)[:2]
    assert next_to_it < emulator.ROUNDED_TO_0
    rounded = emulator.emulate(samples, np.where(seen == least, 0, seen))
    raised = emulator.emulate(samples, np.where(seen == least, next_to_it, seen))
    np.testing.assert_array_equal(rounded.coefficients, raised.coefficients)


def place_by_place(samples):
    """Two classes told by what neighbours in a grid of 5 by 5 do together, rough and added up."""
    random = np.random.default_rng(3)
    grid = samples.reshape(-1, 5, 5)
    blocks = sum(2**k * grid[:, k // 2 : 4 + k // 2, k % 2 : 4 + k % 2] for k in range(4))
    seen = random.normal(0, 0.4, (16, 16))[np.arange(16), blocks.reshape(-1, 16)].sum(axis=1)
    return np.stack([expit(seen), expit(-seen)], axis=1)


def all_at_once(samples):
    """Two classes told by a few superpixels that are far apart."""
    seen = 3.0 * (samples[:, 0] ^ samples[:, 24]) + 3.0 * (samples[:, 4] & samples[:, 20]) - 2
    return np.stack([expit(seen), expit(-seen)], axis=1)


@pytest.mark.parametrize(("network", "local"), [(place_by_place, True), (all_at_once, False)])
def test_the_likelihood_tells_what_looks_place_by_place(network, local):
    segments = np.arange(25, dtype=np.uint8).reshape(5, 5).repeat(20, 0).repeat(20, 1)
    one, many = emulator.everywhere(25), emulator.windows(segments)
    samples, unseen = paired(192, 25, 0), paired(512, 25, 1)

    def error(*places):
        found = emulator.emulate(samples, network(samples), *places)
        return np.square(found.probabilities(unseen) - network(unseen)).mean()

    right, wrong = (many, one) if local else (one, many)
    assert error(one, many) == error(right)
    assert error(right) < 0.6 * error(wrong)


def test_a_place_sees_what_is_near_it():
    segments = np.arange(25, dtype=np.uint8).reshape(5, 5).repeat(20, 0).repeat(20, 1)
    seen = emulator.windows(segments)
    np.testing.assert_allclose(np.diag(seen), 1)
    np.testing.assert_allclose(seen, seen.T)
    beside = np.exp(-0.5 * (0.2 / emulator.WINDOW) ** 2)
    np.testing.assert_allclose(seen[12, [7, 11, 13, 17]], beside)
    np.testing.assert_allclose(seen[12, 6], beside**2)
    assert seen[12, 10] == seen[12, 24] == 0


@pytest.mark.parametrize("probability", [0.0, 1 / 3])
def test_a_network_that_never_changes(probability):
    constant = np.full((64, 3), (1 - probability) / 2)
    constant[:, 0] = probability
    found = emulator.emulate(paired(64, 5, 0), constant).probabilities(
        orthogonal(8, 3, 0)[:, [0] * 5]
    )
    np.testing.assert_allclose(found, constant[:8], atol=2e-6)
