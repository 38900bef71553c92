"""The closed form against the `lime` package's own regression and kernel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lime.lime_image import LimeImageExplainer
from sklearn.metrics import pairwise_distances

from humanlike.explainers.surrogate import fit, proximity


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
    found = fit(padded, probabilities[None], proximity(padded, np.array([d]), kernel_width))
    np.testing.assert_allclose(found.weights[0, :d], wanted[0], atol=1e-9)
    np.testing.assert_allclose(found.intercept[0], wanted[1], atol=1e-9)
    np.testing.assert_allclose(found.r2[0], wanted[2], atol=1e-9)
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
    np.testing.assert_allclose(found.r2, 1, atol=1e-4)


def test_a_network_that_never_changes_has_no_weights():
    samples = np.random.default_rng(0).integers(0, 2, (1, 100, 5), dtype=np.uint8)
    found = fit(samples, np.zeros((1, 100)), np.ones((1, 100)))
    assert (found.weights == 0).all()
    assert found.r2[0] == 1
