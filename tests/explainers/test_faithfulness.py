"""Deletion and insertion curves of networks whose answer is known."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.metrics import auc

from humanlike.explainers.faithfulness import CURVES, SHARES, area, probability_curves


class Additive:
    """A network whose probability of class 1 is the sum of what the shown superpixels give."""

    size, classes = 2, 2

    def __init__(self, gives: np.ndarray) -> None:
        self.gives = np.asarray(gives, float)

    def probabilities(self, images, segments, samples):
        one = (samples * self.gives[: len(samples), None]).sum(axis=-1)
        return np.stack([1 - one, one], axis=-1)


def curves_of(network: Additive, weights: np.ndarray, seed: int = 0) -> np.ndarray:
    n = len(weights)
    faces = np.zeros((n, 2, 2), np.uint8)
    return probability_curves(network, faces, faces, weights, np.ones(n, int), np.arange(n) + seed)


def test_four_superpixels_by_hand() -> None:
    gives = np.array([[0.1, 0.4, 0.3, 0.2]])
    deletion, insertion, random = curves_of(Additive(gives), gives.astype(np.float32))[0]
    quarters = [0, 5, 10, 15, 20]  # SHARES is 0, .05, ..., 1
    np.testing.assert_allclose(insertion[quarters], [0, 0.4, 0.7, 0.9, 1], atol=1e-6)
    np.testing.assert_allclose(deletion[quarters], [1, 0.6, 0.3, 0.1, 0], atol=1e-6)
    assert random[0] == 0 and random[-1] == pytest.approx(1)


def test_faces_with_fewer_superpixels_keep_their_own() -> None:
    gives = np.array([[0.25] * 4, [0.5, 0.5, 0, 0]])
    weights = np.array([[1, 1, 1, 1], [1, 1, np.nan, np.nan]], np.float32)
    found = curves_of(Additive(gives), weights)
    np.testing.assert_allclose(found[1, 1, [0, 10, 20]], [0, 0.5, 1])
    alone = curves_of(Additive(gives[1:]), weights[1:], seed=1)
    np.testing.assert_array_equal(found[1], alone[0])


def test_no_faces_give_no_curves() -> None:
    found = curves_of(Additive(np.zeros((0, 1))), np.zeros((0, 1), np.float32))
    assert found.shape == (0, len(CURVES), len(SHARES))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=30), st.integers(0, 99))
def test_the_true_order_is_never_worse_than_a_random_one(gives, seed) -> None:
    gives = np.array([gives]) / max(sum(gives), 1e-9)
    deletion, insertion, random = area(curves_of(Additive(gives), gives.astype(np.float32), seed))[
        0
    ]
    assert deletion <= random + 1e-6 <= insertion + 2e-6
    # What an additive network loses in order of weight it wins in the same order.
    assert deletion + insertion == pytest.approx(gives.sum(), abs=1e-6)


def test_area_is_the_trapezoidal_rule() -> None:
    curve = np.random.default_rng(0).random(len(SHARES))
    assert area(curve) == pytest.approx(auc(SHARES, curve))
