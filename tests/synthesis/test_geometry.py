"""Landmarks move as the table of action units says, in units of the pupil distance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humanlike.synthesis.action_units import DRAWN_UNITS, complete_units
from humanlike.synthesis.geometry import CENTRE, shape_face
from humanlike.synthesis.identity import draw_identity

IDENTITY = draw_identity(np.random.default_rng(5))
RIGHT_BROW = slice(22, 27)
CORNER = 54

#: dlib's numbers of the points that change places when a face is mirrored.
MIRROR = np.r_[
    np.arange(16, -1, -1),
    np.arange(26, 16, -1),
    np.arange(27, 31),
    np.arange(35, 30, -1),
    [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40],
    [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55],
    [64, 63, 62, 61, 60, 67, 66, 65],
]


def travel(**units):
    """How far each landmark moves from rest (68, 2)."""
    intensities = {int(name[2:]): value for name, value in units.items()}
    moved = shape_face(IDENTITY, complete_units(intensities))
    return moved.landmarks() - shape_face(IDENTITY, complete_units({})).landmarks()


@pytest.mark.parametrize(
    ("unit", "down"),
    [
        ("AU1", [-0.085, -0.055, -0.020, 0.005, 0.010]),
        ("AU2", [-0.012, -0.035, -0.060, -0.070, -0.048]),
        ("AU4", [0.080, 0.068, 0.048, 0.025, 0.010]),
    ],
)
def test_brows(unit, down):
    np.testing.assert_allclose(travel(**{unit: 1})[RIGHT_BROW, 1], down, atol=1e-12)


def test_a_frown_draws_the_brows_together():
    assert travel(AU4=1)[22, 0] == pytest.approx(-0.065)


def test_a_frown_hardly_lowers_a_raised_brow():
    against = travel(AU1=1, AU4=1) - travel(AU1=1)
    np.testing.assert_allclose(against[RIGHT_BROW, 1], [0, 0.015, 0.03, 0.025, 0.02], atol=1e-12)


@pytest.mark.parametrize(
    ("unit", "outward", "down"),
    [
        ("AU12", 0.125, -0.15),
        ("AU15", 0.0, 0.11),
        ("AU20", 0.095, 0.02),
        ("AU23", -0.035, 0.0),
        ("AU9", 0.0, -0.03),
    ],
)
def test_lip_corners(unit, outward, down):
    assert travel(**{unit: 1})[CORNER] == pytest.approx([outward, down], abs=1e-12)


def test_a_dropped_jaw():
    moved = travel(AU26=1)
    assert moved[8] == pytest.approx([0, 0.26], abs=1e-3)
    assert moved[CORNER, 0] == pytest.approx(-0.055)
    assert moved[66, 1] - moved[62, 1] == pytest.approx(0.28, abs=0.005)


def test_lips_apart():
    moved = travel(AU25=1)
    assert moved[66, 1] - moved[62, 1] == pytest.approx(0.073)


def test_a_wrinkled_nose():
    assert travel(AU9=1)[33, 1] == pytest.approx(-0.055)


@pytest.mark.parametrize(
    ("units", "upper", "lower"),
    [({5: 1}, 0.058, 0), ({6: 1}, -0.016, -0.036), ({7: 1}, -0.02, -0.036)],
)
def test_lids(units, upper, lower):
    rest = shape_face(IDENTITY, complete_units({})).eye
    eye = shape_face(IDENTITY, complete_units(units)).eye
    assert eye.upper - rest.upper == pytest.approx(upper)
    assert eye.lower - rest.lower == pytest.approx(lower)


def test_a_jaw_drop_leaves_brows_eyes_and_nose():
    np.testing.assert_array_equal(travel(AU26=1)[17:48], 0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.dictionaries(st.sampled_from(DRAWN_UNITS), st.floats(0, 1)))
def test_every_face_is_symmetric_and_whole(seed, units):
    geometry = shape_face(draw_identity(np.random.default_rng(seed)), complete_units(units))
    points = geometry.landmarks()
    assert points.shape == (68, 2)
    assert np.isfinite(points).all()
    np.testing.assert_allclose(points[MIRROR] * [-1, 1], points, atol=1e-9)
    upper_edge, upper_inner, lower_inner, lower_edge = geometry.mouth.curves(np.linspace(-1, 1, 21))
    assert (upper_edge <= upper_inner + 1e-12).all()
    assert (upper_inner <= lower_inner + 1e-12).all()
    assert (lower_inner <= lower_edge + 1e-12).all()


def test_the_jaw_lies_on_the_outline_at_even_steps():
    geometry = shape_face(IDENTITY, complete_units({26: 0.7}))
    jaw = geometry.landmarks()[:17]
    x, y = (jaw - CENTRE).T
    radius = geometry.outline(np.mod(np.arctan2(y, x), 2 * np.pi))
    np.testing.assert_allclose(np.hypot(x, y), radius, rtol=1e-3)
    steps = np.hypot(*np.diff(jaw, axis=0).T)
    assert steps.max() / steps.min() < 1.05
