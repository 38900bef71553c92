import numpy as np
import pandas as pd
import pytest

from humanlike.canonical.geometry import (
    HEIGHT,
    LANDMARKS,
    WIDTH,
    mesh_points,
    rescale_landmarks,
    triangulation,
)


def test_landmarks_are_dlibs(shared):
    published = pd.read_csv(shared / "golden" / "canonical_landmarks.csv")
    np.testing.assert_array_equal(LANDMARKS, published[["x", "y"]])


def test_mesh_points_in_their_order():
    points = mesh_points(LANDMARKS, 100, 50)
    assert points.shape == (89, 2)
    np.testing.assert_array_equal(points[:68], LANDMARKS)
    np.testing.assert_array_equal(points[68], (16, 0))
    np.testing.assert_array_equal(points[84], (207, 0))
    np.testing.assert_array_equal(points[85:], [(0, 0), (0, 100), (50, 0), (50, 100)])


def test_mesh_points_refuse_other_landmarks():
    with pytest.raises(ValueError, match="68"):
        mesh_points(np.zeros((5, 2)), 10, 10)


def test_triangles_cover_the_canvas():
    mesh = triangulation()
    a, b, c = np.moveaxis(mesh.points[mesh.simplices], 1, 0)
    u, v = b - a, c - a
    areas = np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]) / 2
    assert areas.sum() == pytest.approx(HEIGHT * WIDTH)


def test_rescaling_keeps_pixel_edges():
    # The left edge of the first pixel and the right edge of the last stay edges.
    np.testing.assert_allclose(rescale_landmarks([[-0.5, 255.5]], 256, 64), [[-0.5, 63.5]])
