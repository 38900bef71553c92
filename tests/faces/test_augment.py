import numpy as np
import pytest
import skimage.exposure
import skimage.transform
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from humanlike.faces.augment import (
    FEATURES,
    Augmentation,
    augment,
    correct_gamma,
    crop_window,
    resample,
)

SIDE = 24
images = arrays(np.uint8, (SIDE, SIDE))
points = arrays(np.float64, (68, 2), elements=st.floats(-5, SIDE + 5))
seeds = st.integers(0, 2**32 - 1)
everything = Augmentation(gamma=0.5, translation=0.1, crop=0.5, mirror=True)


@pytest.fixture
def face() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)


@given(images, points, seeds)
def test_off_changes_nothing(image, landmarks, seed):
    changed = augment(image, landmarks, np.random.default_rng(seed), Augmentation())
    np.testing.assert_array_equal(changed, image)
    assert changed is not image


@given(images, points, seeds)
def test_same_seed_same_face(image, landmarks, seed):
    first, second = (
        augment(image, landmarks, np.random.default_rng(seed), everything) for _ in range(2)
    )
    assert first.shape == image.shape
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)


def test_points_on_the_very_edges():
    """Of both signs of 0, and of single precision, whose rounding may leave no room at all."""
    points = np.array([[-0.0, -0.0], [SIDE - 1, SIDE + 5]], dtype=np.float32)
    for seed in range(50):
        window = crop_window(points, SIDE, 0.5, np.random.default_rng(seed))
        assert window == (0, 0, SIDE)
        left, top, width = crop_window(points[:1], SIDE, 0.5, np.random.default_rng(seed))
        assert (left, top) == (0, 0) and width >= SIDE / 2


@given(points, st.floats(0, 1), seeds)
def test_crop_keeps_every_point_inside_the_image(landmarks, crop, seed):
    left, top, width = crop_window(landmarks, SIDE, crop, np.random.default_rng(seed))
    rounding = 1e-9
    assert min(left, top) >= -rounding
    assert max(left, top) + width <= SIDE + rounding
    inside = np.clip(landmarks, 0, SIDE - 1)
    assert (inside >= np.array([left, top]) - rounding).all()
    assert (inside + 1 <= np.array([left, top]) + width + rounding).all()


@given(points, st.floats(0, 0.9), seeds)
def test_crop_cuts_no_more_than_its_share(landmarks, crop, seed):
    width = crop_window(landmarks, SIDE, crop, np.random.default_rng(seed))[2]
    assert (1 - crop) * SIDE - 1e-9 <= width <= SIDE


def test_crop_of_augment_keeps_the_mouth_in_sight():
    landmarks = np.full((68, 2), SIDE / 2)
    landmarks[FEATURES][-1] = 3, 18
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[17:20, 2:5] = 255
    seen = [
        augment(image, landmarks, np.random.default_rng(seed), Augmentation(crop=0.9)).max()
        for seed in range(50)
    ]
    assert min(seen) == 255


def test_crop_without_landmarks_is_refused(face):
    with pytest.raises(ValueError, match="landmarks"):
        augment(face, None, np.random.default_rng(0), Augmentation(crop=0.1))


def test_shift_by_whole_pixels_moves_them(face):
    moved = resample(face, (0, 0), SIDE, shift=(3, -2))
    np.testing.assert_array_equal(moved[:-2, 3:], face[2:, :-3])
    np.testing.assert_array_equal(moved[:-2, 0], face[2:, 0])  # the edge repeats


def test_mirroring_flips_left_to_right(face):
    np.testing.assert_array_equal(resample(face, (0, 0), SIDE, mirrored=True), face[:, ::-1])


def test_window_agrees_with_scikit_image(face):
    left, top, width = 4.3, 2.6, 15.0
    scale = width / SIDE
    # Pixel centres: scikit-image's pixel i is at i, ours at i + 0.5.
    to_source = skimage.transform.AffineTransform(
        scale=scale, translation=(left + scale / 2 - 0.5, top + scale / 2 - 0.5)
    )
    expected = skimage.transform.warp(face, to_source, order=1, mode="edge", preserve_range=True)
    # OpenCV interpolates between 32 positions inside a pixel.
    assert np.abs(resample(face, (left, top), width) - expected).max() <= 255 / 32 * 2


def test_gamma_agrees_with_scikit_image(face):
    for exponent in (0.5, 1.0, 2.2):
        expected = skimage.exposure.adjust_gamma(face, exponent).astype(int)
        assert np.abs(correct_gamma(face, exponent) - expected).max() <= 1  # it truncates


def test_gamma_by_hand():
    image = np.array([[0, 51, 255]], np.uint8)
    np.testing.assert_array_equal(correct_gamma(image, 2.0), [[0, 10, 255]])  # 255 · .2² = 10.2


def test_exponents_stay_in_their_range_and_fill_it():
    gray = np.full((2, 2), 128, np.uint8)
    rng = np.random.default_rng(0)
    levels = [augment(gray, None, rng, Augmentation(gamma=1.0))[0, 0] for _ in range(300)]
    lowest, highest = correct_gamma(gray, 2.0)[0, 0], correct_gamma(gray, 0.5)[0, 0]
    assert lowest <= min(levels) < lowest + 4
    assert highest - 4 < max(levels) <= highest


def test_half_of_the_faces_are_mirrored(face):
    rng = np.random.default_rng(0)
    flipped = [
        np.array_equal(augment(face, None, rng, Augmentation(mirror=True)), face[:, ::-1])
        for _ in range(200)
    ]
    assert 70 < sum(flipped) < 130
