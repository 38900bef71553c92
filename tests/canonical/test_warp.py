import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.transform import PiecewiseAffineTransform
from skimage.transform import warp as skimage_warp

from humanlike.canonical.geometry import HEIGHT, LANDMARKS, WIDTH, mesh_points
from humanlike.canonical.warp import source_coordinates, warp

SIDE = 256


@pytest.fixture
def landmarks():
    """Landmarks of some face in a square image."""
    noise = np.random.default_rng(0).normal(0, 1.5, LANDMARKS.shape)
    return 0.8 * LANDMARKS + (30, 20) + noise


@pytest.fixture
def reference(landmarks):
    """scikit-image's transform of the same mesh."""
    source = mesh_points(LANDMARKS, HEIGHT, WIDTH)
    return PiecewiseAffineTransform.from_estimate(source, mesh_points(landmarks, SIDE, SIDE))


def smooth_image():
    y, x = np.mgrid[:SIDE, :SIDE]
    return (np.sin(x / 20) + np.cos(y / 15)).astype(np.float32)


def test_coordinates_are_those_of_scikit_image(landmarks, reference):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    expected = reference(np.column_stack([x.ravel(), y.ravel()]))
    found = np.stack(source_coordinates(landmarks, SIDE, SIDE), axis=-1).reshape(-1, 2)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_warped_image_is_scikit_images(landmarks, reference):
    expected = skimage_warp(
        smooth_image(), reference, output_shape=(HEIGHT, WIDTH), order=1, mode="edge"
    )
    np.testing.assert_allclose(warp(smooth_image(), landmarks), expected, atol=5e-3)


def test_warped_labels_are_scikit_images(landmarks, reference):
    y, x = np.mgrid[:SIDE, :SIDE]
    labels = (x // 40 + 7 * (y // 40)).astype(np.uint8)
    expected = skimage_warp(
        labels,
        reference,
        output_shape=(HEIGHT, WIDTH),
        order=0,
        mode="edge",
        preserve_range=True,
    )
    assert (warp(labels, landmarks, order=0) != expected).mean() < 1e-3


def test_canonical_face_stays_where_it_is():
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH), np.uint8)
    np.testing.assert_array_equal(warp(image, LANDMARKS, order=0), image)


def test_colour_images_keep_their_channels(landmarks):
    gray = smooth_image()
    warped = warp(np.dstack([gray, 2 * gray, -gray]), landmarks)
    assert warped.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_allclose(warped[..., 0], warp(gray, landmarks), atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    arrays(np.float64, (68, 2), elements=st.floats(-1e4, 1e4), fill=st.just(12.0)),
    st.sampled_from([0, 1]),
)
def test_any_landmarks_give_values_of_the_image(landmarks, order):
    image = np.random.default_rng(0).integers(10, 50, (32, 32), np.uint8)
    warped = warp(image, landmarks, order)
    assert warped.shape == (HEIGHT, WIDTH)
    assert 10 <= warped.min() <= warped.max() < 50
