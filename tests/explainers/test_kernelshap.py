"""KernelSHAP against the `shap` package and against Shapley's definition."""

from itertools import permutations
from math import factorial

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from humanlike.errors import HumanlikeError
from humanlike.explainers import kernelshap
from humanlike.explainers.hiding import Hiding
from humanlike.explainers.runtimes import prepare


def game(d, seed):
    """A value for each coalition, with interactions of every order."""
    values = np.random.default_rng(seed).standard_normal(2**d)
    powers = 1 << np.arange(d)
    return lambda rows: values[(np.asarray(rows) > 0.5) @ powers]


def by_definition(value, d):
    """Mean over all orders of what each player adds to those before it."""
    shares = np.zeros(d)
    for order in permutations(range(d)):
        rows = np.zeros((d + 1, d), int)
        for place, player in enumerate(order):
            rows[place + 1 :, player] = 1
        shares[list(order)] += np.diff(value(rows))
    return shares / factorial(d)


@pytest.mark.parametrize("d", [1, 2, 3, 8])
def test_with_all_coalitions_it_is_shapleys_definition(d):
    value = game(d, d)
    rows, weights = kernelshap.coalitions(2**d, d, seed=0)
    assert len(np.unique(rows, axis=0)) == len(rows) == 2**d
    found = kernelshap.shapley(rows, weights, value(rows))
    np.testing.assert_allclose(found, by_definition(value, d), rtol=0, atol=1e-9)


def test_on_the_same_samples_it_is_the_shap_packages():
    shap = pytest.importorskip("shap")
    d = 12
    value = game(d, 0)
    package = shap.KernelExplainer(value, np.zeros((1, d)))
    np.random.seed(0)  # noqa: NPY002 - the package draws from the global generator
    expected = package.shap_values(np.ones(d), nsamples=300, l1_reg=False, silent=True)
    used = slice(package.nsamplesAdded)
    rows = np.concatenate([np.ones((1, d)), np.zeros((1, d)), package.maskMatrix[used]])
    weights = np.concatenate([np.zeros(2), package.kernelWeights[used]])
    assert np.abs(expected).max() > 0.1
    found = kernelshap.shapley(rows, weights, value(rows))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_our_samples_come_as_near_to_the_truth_as_the_packages():
    shap = pytest.importorskip("shap")
    d, samples = 8, 100
    errors = {"ours": [], "package": []}
    for seed in range(20):
        value = game(d, seed)
        truth = by_definition(value, d) if seed < 0 else kernelshap.shapley(
            *(every := kernelshap.coalitions(2**d, d, 0)), value(every[0])
        )  # fmt: skip
        rows, weights = kernelshap.coalitions(samples, d, seed)
        errors["ours"].append(kernelshap.shapley(rows, weights, value(rows)) - truth)
        package = shap.KernelExplainer(value, np.zeros((1, d)))
        np.random.seed(seed)  # noqa: NPY002
        theirs = package.shap_values(np.ones(d), nsamples=samples - 2, l1_reg=False, silent=True)
        errors["package"].append(theirs - truth)
    ours, package = (np.sqrt(np.mean(np.square(errors[key]))) for key in ("ours", "package"))
    assert ours < 1.3 * package


@given(st.integers(2, 40), st.integers(0, 1000), st.integers(0, 2**32 - 1))
def test_coalitions_are_paired_and_weighted_by_the_kernel(d, more, seed):
    rows, weights = kernelshap.coalitions(2 * d + 2 + more, d, seed)
    assert len(rows) <= 2 * d + 2 + more
    assert rows[0].all() and not rows[1].any()
    sizes = rows[2:].sum(axis=1)
    assert ((sizes > 0) & (sizes < d)).all()
    # Every two superpixels are as likely together as apart, within the kernel's own.
    whole = sum((d - 1) / (s * (d - s)) for s in range(1, d))
    complete = weights[2:].sum()
    assert complete <= whole + 1e-9
    shown = np.average(rows[2:], axis=0, weights=weights[2:])
    np.testing.assert_allclose(shown.mean(), 0.5, atol=1e-9)


@given(st.integers(2, 12), st.integers(0, 100), st.integers(0, 100))
def test_shares_add_up_and_an_additive_game_is_its_own(d, more, seed):
    rng = np.random.default_rng(seed)
    worth, base = rng.standard_normal(d), rng.standard_normal()
    rows, weights = kernelshap.coalitions(2 * d + 2 + more, d, seed)
    np.testing.assert_allclose(
        kernelshap.shapley(rows, weights, base + rows @ worth), worth, atol=1e-8
    )
    value = game(d, seed)(rows)
    found = kernelshap.shapley(rows, weights, value)
    np.testing.assert_allclose(found.sum(), value[0] - value[1], atol=1e-8)


def test_too_few_samples_are_told_in_one_line():
    with pytest.raises(HumanlikeError, match=r"kernelshap.samples: 20 are too few .* give 22"):
        kernelshap.coalitions(20, 10, 0)


def test_a_faces_weights_add_up_and_are_its_own(network, images):
    predictor = Hiding(prepare(network, "tensorflow"))
    settings = {"samples": 200, "superpixels": 10}
    classes, seeds = np.array([0, 1, 2]), np.array([4, 5, 6])
    found = kernelshap.explain(predictor, images, classes, seeds=seeds, **settings)
    for face in range(3):
        one = slice(face, face + 1)
        alone = kernelshap.explain(
            predictor, images[one], classes[one], seeds=seeds[one], **settings
        )
        d = found.n_superpixels[face]
        np.testing.assert_array_equal(alone.weights[0], found.weights[face, :d])
        assert np.isnan(found.weights[face, d:]).all()
        whole = network.predict(
            np.repeat(images[one, ..., None], 3, -1).astype(np.float32), verbose=0
        )[0, classes[face]]
        total = found.weights[face, :d].sum() + found.intercept[face]
        np.testing.assert_allclose(total, whole, atol=1e-5)
    assert (found.r2 <= 1).all()


def test_a_face_of_one_superpixel_gets_the_whole_difference(network):
    predictor = Hiding(prepare(network, "tensorflow"))
    even = np.full((1, 64, 64), 90, np.uint8)
    found = kernelshap.explain(
        predictor, even, np.array([0]), seeds=np.array([1]), samples=10, superpixels=1
    )
    probabilities = predictor.probabilities(
        even, np.zeros_like(even), np.array([[[1], [0]]], np.uint8)
    )
    assert found.n_superpixels == [1] and found.r2 == [1]
    np.testing.assert_allclose(
        found.weights[0, 0], probabilities[0, 0, 0] - probabilities[0, 1, 0], atol=1e-6
    )
