"""The closed form against the `lime` package's own regression and kernel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lime.lime_image import LimeImageExplainer
from sklearn.linear_model import Ridge
from sklearn.metrics import pairwise_distances

from humanlike.explainers.sampling import SAMPLINGS, TOGETHER, bernoulli
from humanlike.explainers.surrogate import fit, proximity, r2, resolved


def package_fit(samples, probabilities, kernel_width, num_features):
    """Weights, intercept and R² of the `lime` package."""
    base = LimeImageExplainer(kernel_width=kernel_width).base
    distances = pairwise_distances(samples, np.ones((1, samples.shape[1])), metric="cosine").ravel()
    intercept, pairs, r2, _ = base.explain_instance_with_data(
        samples, probabilities[:, None], distances, 0, num_features, feature_selection="auto"
    )
    weights = np.zeros(samples.shape[1])
    for superpixel, weight in pairs:
        weights[superpixel] = weight
    return weights, intercept, r2


@pytest.mark.filterwarnings("ignore:An ill-conditioned matrix")
@pytest.mark.parametrize("num_features", ["all", 100_000])
@settings(deadline=None, max_examples=50)
@given(st.integers(2, 12), st.integers(5, 80), st.floats(0.1, 2), st.integers(0, 2**32 - 1))
def test_equals_the_lime_package(num_features, d, m, kernel_width, seed):
    random = np.random.default_rng(seed)
    samples = random.integers(0, 2, (m, d))
    samples[0] = 1
    probabilities = random.random(m)
    wanted = package_fit(
        samples, probabilities, kernel_width, d if num_features == "all" else num_features
    )

    padded = np.zeros((1, m, d + 3), np.uint8)
    padded[0, :, :d] = samples
    proximities = proximity(padded, np.array([d]), kernel_width)
    found = fit(padded, probabilities[None], proximities)
    np.testing.assert_allclose(found.weights[0, :d], wanted[0], atol=1e-9)
    np.testing.assert_allclose(found.intercept[0], wanted[1], atol=1e-9)
    score = r2(found.predict(padded), probabilities[None], proximities)
    np.testing.assert_allclose(score[0], wanted[2], atol=1e-9)
    assert (found.weights[0, d:] == 0).all()


def test_proximity_by_hand():
    samples = np.array([[[1, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 0]]], np.uint8)
    # Cosines 1, 1/2 and, by convention, 0: distances 0, 1/2 and 1, in kernel widths 0, 2 and 4.
    np.testing.assert_allclose(
        proximity(samples, np.array([4]), 0.25), [[1, np.exp(-2), np.exp(-8)]]
    )


def test_a_linear_network_is_explained_exactly():
    samples = np.random.default_rng(0).integers(0, 2, (1, 20_000, 5), dtype=np.uint8)
    truth = np.array([0.3, 0.0, -0.1, 0.2, 0.05])
    found = fit(samples, 0.1 + samples @ truth, np.ones((1, 20_000)))
    np.testing.assert_allclose(found.weights[0], truth, atol=1e-3)
    score = r2(found.left_out, 0.1 + samples @ truth, np.ones((1, 20_000)))
    np.testing.assert_allclose(score, 1, atol=1e-4)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 8),
    st.integers(2, 31),
    st.integers(1, 4),
    st.floats(0.1, 2),
    st.integers(0, 2**32 - 1),
)
def test_left_out_samples_are_told_as_if_they_had_never_been_seen(
    d, m, together, kernel_width, seed
):
    random = np.random.default_rng(seed)
    samples = np.zeros((1, m, d + 2), np.uint8)
    samples[0, :, :d] = bernoulli(m, d, seed)
    probabilities = random.random((1, m))
    proximities = proximity(samples, np.array([d]), kernel_width)
    found = fit(samples, probabilities, proximities, together)
    for start in range(0, m, together):
        rest = np.delete(np.arange(m), slice(start, start + together))
        out = slice(start, start + together)
        if proximities[0, rest].sum() < 1e-8 * proximities.sum():
            continue
        weights = proximities[0, rest]
        refit = Ridge(alpha=1).fit(samples[0, rest], probabilities[0, rest], weights)
        np.testing.assert_allclose(
            found.left_out[0, out], refit.predict(samples[0, out]), rtol=1e-6, atol=1e-6
        )
        mean = np.average(probabilities[0, rest], weights=weights)
        np.testing.assert_allclose(found.left_out_mean[0, out], mean, rtol=1e-6)


def test_nothing_is_told_of_all_samples_left_out():
    samples = np.array([[[1, 1], [0, 0]]], np.uint8)
    proximities = proximity(samples, np.array([2]), 0.25)
    found = fit(samples, np.array([[0.9, 0.1]]), proximities, together=2)
    np.testing.assert_allclose(found.left_out, found.left_out_mean)
    assert r2(found.left_out, np.array([[0.9, 0.1]]), proximities, found.left_out_mean) == [0]


def test_left_out_by_hand():
    # Weights 1, slopes of 0: each sample is told to be the mean of the other three.
    samples, seen = np.zeros((1, 4, 1), np.uint8), np.array([[0.0, 0.0, 0.0, 1.0]])
    found = fit(samples, seen, np.ones((1, 4)))
    np.testing.assert_allclose(found.left_out, [[1 / 3, 1 / 3, 1 / 3, 0]])
    np.testing.assert_allclose(r2(found.left_out, seen, np.ones((1, 4)), found.left_out_mean), 0)
    # Against the mean of all four, 1/4: 1 - (3/9 + 1) / (3/16 + 9/16).
    np.testing.assert_allclose(r2(found.left_out, seen, np.ones((1, 4))), 1 - 16 / 9)


def a_network(samples, seed):
    """Effects of one superpixel and of five together, which no sum can tell."""
    random = np.random.default_rng(seed)
    signs = 2.0 * samples - 1
    answer = signs @ random.normal(0, 0.02, samples.shape[-1])
    for _ in range(20):
        chosen = random.choice(samples.shape[-1], 5, replace=False)
        answer += random.normal(0, 0.03) * signs[..., chosen].prod(axis=-1)
    return 0.5 + answer


@pytest.mark.parametrize("sampling", ["bernoulli", "paired"])
def test_left_out_samples_stand_for_fresh_ones(sampling):
    d, m = 20, 64
    told, true, in_sample = [], [], []
    for seed in range(40):
        design = SAMPLINGS[sampling](m, d, seed)[None]
        seen, near = a_network(design, seed), proximity(design, np.array([d]), 0.25)
        found = fit(design, seen, near, TOGETHER[sampling])
        told.append(r2(found.left_out, seen, near, found.left_out_mean))
        in_sample.append(r2(found.predict(design), seen, near))
        fresh = bernoulli(4000, d, seed + 1000)[None, 1:]
        near = proximity(fresh, np.array([d]), 0.25)
        true.append(r2(found.predict(fresh), a_network(fresh, seed), near))
    assert abs(np.mean(told) - np.mean(true)) < 0.05
    assert np.mean(in_sample) > np.mean(true) + 0.25


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
def test_a_network_that_changes_by_rounding_alone_has_no_weights(level):
    random = np.random.default_rng(0)
    samples = random.integers(0, 2, (1, 100, 5), dtype=np.uint8)
    proximities = proximity(samples, np.array([5]), 0.25)
    last_place = random.integers(-2, 3, (1, 100)) * np.spacing(np.float32(level))
    seen = level + last_place.astype(float)
    found = fit(samples, seen, proximities)
    assert (resolved(found.weights) == 0).all()
    assert r2(found.left_out, seen, proximities, found.left_out_mean)[0] == 1
    assert r2(found.predict(samples), seen, proximities)[0] == 1
    assert r2(found.left_out + 0.1, seen, proximities)[0] == 0


def test_what_a_probability_can_tell_is_kept():
    assert resolved(np.array([1e-3, -1e-5, 1e-8])).tolist() == [1e-3, -1e-5, 0]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kernel_width", [0.01, 0.05, 1e6])
@pytest.mark.parametrize("m", [2, 3, 64])
def test_kernels_of_any_width_give_numbers(kernel_width, m):
    samples = bernoulli(m, 30, 0)[None]
    proximities = proximity(samples, np.array([30]), kernel_width)
    seen = np.random.default_rng(0).random((1, m))
    found = fit(samples, seen, proximities)
    assert all(np.isfinite(field).all() for field in found)
    assert -1 < r2(found.left_out, seen, proximities, found.left_out_mean)[0] <= 1
