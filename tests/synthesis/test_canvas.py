"""Marks on the canvas, against shapes whose measures are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from humanlike.synthesis.canvas import (
    HEIGHT,
    PIXELS_PER_UNIT,
    WIDTH,
    Box,
    X,
    Y,
    blurred,
    filled,
    smoothstep,
    stroked,
    to_pixels,
)


def test_a_filled_rectangle_has_its_area_and_centre():
    square = np.array([[0.1, 0.2], [0.6, 0.2], [0.6, 0.9], [0.1, 0.9]])
    coverage = filled([square])
    # OpenCV fills the pixels on the edge too, half a pixel more on each side.
    width, height = 0.5 * PIXELS_PER_UNIT + 1, 0.7 * PIXELS_PER_UNIT + 1
    assert coverage.sum() == pytest.approx(width * height, rel=0.03)
    assert (coverage * X).sum() / coverage.sum() == pytest.approx(0.35, abs=0.005)
    assert (coverage * Y[:, None]).sum() / coverage.sum() == pytest.approx(0.55, abs=0.005)


def test_a_box_draws_what_the_whole_canvas_does():
    box = Box.around(-0.5, -0.5, 0.7, 0.6)
    line = np.array([[-0.3, -0.2], [0.1, 0.1], [0.4, 0.3]])
    whole = stroked([(line, 0.8, 0.05)], 0.01)
    np.testing.assert_array_equal(stroked([(line, 0.8, 0.05)], 0.01, box), box.of(whole))


def test_columns_and_rows_lie_where_points_are_drawn():
    corner = np.array([X[10], Y[20]], dtype=float)
    np.testing.assert_allclose(to_pixels(corner), [10, 20], atol=1e-4)


@pytest.mark.parametrize("sigma", [0.02, 0.1])
def test_blurring_spreads_by_sigma(sigma):
    # Broad blurs work on blocks of 4 × 4 pixels, so the spot is one of those.
    spot = np.zeros((HEIGHT, WIDTH), np.float32)
    spot[180:184, 140:144] = 1 / 16
    spread = blurred(spot, sigma)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    variance = (spread * (columns - 141.5) ** 2).sum() - (4**2 - 1) / 12
    assert spread.sum() == pytest.approx(1, abs=0.01)
    assert (spread * rows).sum() == pytest.approx(181.5, abs=0.1)
    assert np.sqrt(variance) / PIXELS_PER_UNIT == pytest.approx(sigma, rel=0.1)


@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(-1, 0.4), st.floats(0.5, 1.5))
def test_smoothstep_climbs_from_nought_to_one(one, other, low, high):
    lower, upper = smoothstep(np.array(sorted((one, other))), low, high)
    assert 0 <= lower <= upper + 1e-12 <= 1 + 2e-12
    assert smoothstep(np.array(low), low, high) == pytest.approx(0)
    assert smoothstep(np.array((low + high) / 2), low, high) == pytest.approx(0.5)
