"""Where a point of the face falls in the image, and back."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humanlike.synthesis.action_units import complete_units
from humanlike.synthesis.canvas import to_pixels
from humanlike.synthesis.geometry import shape_face
from humanlike.synthesis.identity import draw_identity
from humanlike.synthesis.relief import sculpt
from humanlike.synthesis.view import draw_view, height_at, projection, smooth_height

IDENTITY = draw_identity(np.random.default_rng(1))
UNITS = complete_units({})
GEOMETRY = shape_face(IDENTITY, UNITS)
DEPTH = smooth_height(sculpt(IDENTITY, GEOMETRY, UNITS).height)


def test_an_upright_view_only_scales_and_shifts():
    view = replace(
        draw_view(np.random.default_rng(0)),
        roll=0.0,
        yaw=0.0,
        pitch=0.0,
        scale=0.25,
        shift=(0.0, 0.0),
    )
    eyes = projection(view, 201).points(np.array([[-0.5, 0.0], [0.5, 0.0]]), np.zeros(2))
    assert eyes[1] - eyes[0] == pytest.approx([0.25 * 201, 0])
    assert eyes.mean(axis=0)[0] == pytest.approx(100)


def test_turning_moves_the_near_more_than_the_far():
    view = replace(draw_view(np.random.default_rng(0)), roll=0.0, yaw=0.1, pitch=0.0)
    near, far = projection(view, 256).points(np.zeros((2, 2)), np.array([1.0, 0.0]))
    assert near[0] - far[0] == pytest.approx(256 * view.scale * np.sin(0.1))
    assert near[1] == pytest.approx(far[1])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_the_image_shows_at_a_landmark_what_the_canvas_holds_there(seed):
    """The remapping, found by iteration, is the inverse of the landmarks' own projection."""
    size = 256
    project = projection(draw_view(np.random.default_rng(seed)), size)
    inner = GEOMETRY.landmarks()[17:]
    pixels = np.round(project.points(inner, height_at(DEPTH, inner))).astype(int)
    columns, rows = project.canvas_maps(DEPTH, size)
    seen = np.column_stack([maps[pixels[:, 1], pixels[:, 0]] for maps in (columns, rows)])
    # Rounding to a pixel of the image is at most .71 of it, and it spans about 1.6 of the canvas.
    assert np.hypot(*(seen - to_pixels(inner)).T).max() < 2.0
