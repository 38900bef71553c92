import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import hypergeom

from humanlike.alignment.chance import (
    centred_ellipse,
    cyclic_shifts,
    grand_mean,
    placement_p,
    random_pixels,
    share_at_least,
)
from humanlike.alignment.scores import iou
from humanlike.canonical.geometry import HEIGHT, WIDTH

SHAPES = st.tuples(st.integers(1, 7), st.integers(1, 7))
PAIRS = SHAPES.flatmap(lambda shape: st.tuples(arrays(bool, shape), arrays(bool, shape)))


@given(PAIRS)
def test_shifts_by_fft_equal_brute_force(pair):
    marked, mask = pair
    height, width = mask.shape
    expected = [
        [iou(np.roll(marked, (dy, dx), (0, 1)), mask) for dx in range(width)]
        for dy in range(height)
    ]
    np.testing.assert_allclose(cyclic_shifts(marked, mask), expected, atol=1e-12)


def test_random_pixels_worked_by_hand():
    # 2 of 8 marked, 4 of 8 in the mask: 1 shared on average, 5 in either.
    marked = np.array([[1, 1, 0, 0, 0, 0, 0, 0]], bool)
    mask = np.array([[1, 1, 1, 1, 0, 0, 0, 0]], bool)
    assert random_pixels(marked, mask) == pytest.approx(1 / 5)


@pytest.mark.parametrize("marked_area", [10, 5_000, 15_000, 60_000])
def test_random_pixels_is_the_exact_expectation(marked_area, masks):
    mask = masks["fear"]
    marked = np.zeros(mask.shape, bool)
    marked.ravel()[:marked_area] = True
    overlap = hypergeom(mask.size, mask.sum(), marked_area)
    # All values but those of no weight.
    low, high = overlap.ppf([1e-12, 1 - 1e-12])
    values = np.arange(low, high + 1)
    ious = values / (marked_area + mask.sum() - values)
    assert random_pixels(marked, mask) == pytest.approx(ious @ overlap.pmf(values), abs=1e-4)


def test_share_at_least_counts_ties():
    assert share_at_least(np.array([0.1, 0.3 - 1e-15, 0.3, 0.5]), 0.3) == 0.75


def test_placement_p_of_the_best_and_of_the_worst_place():
    null = np.arange(100.0).reshape(10, 10)
    assert placement_p([null] * 3) == 1
    assert placement_p([null[::-1, ::-1]] * 3) == pytest.approx(1e-4, abs=2e-4)


def test_placement_p_is_uniform_for_random_places():
    rng = np.random.default_rng(0)
    null = rng.random((20, 20))
    ps = [
        placement_p([np.roll(null, rng.integers(20, size=2), (0, 1)) for _ in range(4)], i, 199)
        for i in range(400)
    ]
    np.testing.assert_allclose(np.quantile(ps, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.07)


@pytest.mark.parametrize(("centre_y", "expected"), [(137.5, 0.389), (150, 0.357), (162.5, 0.309)])
def test_ellipse_scores_what_is_known_of_it(centre_y, expected, masks):
    ellipse = centred_ellipse(HEIGHT, WIDTH, centre_y)
    assert ellipse.mean() == pytest.approx(0.235, abs=1e-3)
    mean = np.mean([iou(ellipse, mask) for mask in masks.values()])
    assert mean == pytest.approx(expected, abs=1e-3)


def test_grand_mean_weighs_heatmaps_alike():
    small, large = np.array([[0.0, 0.001]]), np.array([[1000.0, 0.0]])
    np.testing.assert_array_equal(grand_mean([small, large]), [[127.5, 127.5]])
