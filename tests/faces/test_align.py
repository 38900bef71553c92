import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from humanlike.faces.align import CROP, align
from humanlike.synthesis.render import Face


def eyes_nose_mouth(landmarks: NDArray) -> tuple[NDArray, ...]:
    parts = (slice(36, 42), slice(42, 48), slice(30, 31), slice(48, 68))
    return tuple(landmarks[part].mean(axis=0) for part in parts)


def simple_landmarks(eye_distance: float = 40, eye_to_mouth: float = 40) -> NDArray[np.float64]:
    """Eyes, nose and mouth as single points around (0, 0), the nose half-way to the mouth."""
    landmarks = np.zeros((68, 2))
    landmarks[36:42] = (-eye_distance / 2, -eye_to_mouth / 2)
    landmarks[42:48] = (eye_distance / 2, -eye_to_mouth / 2)
    landmarks[48:68] = (0, eye_to_mouth / 2)
    return landmarks


def test_a_case_by_hand() -> None:
    # The crop's side is 3.4 × 40 = 136 pixels; onto 136 pixels, one pixel stays one pixel, and the
    # nose at (100, 90) comes to the middle, 67.5.
    gray = np.arange(200, dtype=np.uint8)[None].repeat(180, axis=0)
    landmarks = simple_landmarks() + np.array([100, 90])
    aligned, moved = align(gray, landmarks, 136)
    assert CROP == 3.4
    np.testing.assert_allclose(moved, landmarks - (32.5, 22.5), atol=1e-4)
    # x of the result is x − 32.5 of the photograph, half-way between two whole pixels.
    assert np.abs(aligned[50, :] - (np.arange(136) + 32.5)).max() <= 0.5


@given(
    degrees=st.floats(-60, 60),
    scale=st.floats(0.3, 8),
    x=st.floats(-500, 500),
    y=st.floats(-500, 500),
    size=st.integers(32, 300),
)
def test_any_similarity_is_undone(
    degrees: float, scale: float, x: float, y: float, size: int
) -> None:
    landmarks = simple_landmarks() + np.random.default_rng(0).normal(0, 3, (68, 2))
    turn = scale * cv2.getRotationMatrix2D((0, 0), degrees, 1)[:, :2]
    gray = np.zeros((40, 30), np.uint8)
    _, still = align(gray, landmarks, size)
    aligned, moved = align(gray, landmarks @ turn.T + np.array([x, y]), size)
    assert aligned.shape == (size, size)
    assert moved.dtype == np.float32
    np.testing.assert_allclose(moved, still, atol=size * 1e-4)
    left, right, nose, mouth = eyes_nose_mouth(moved)
    assert left[1] == pytest.approx(right[1], abs=size * 1e-4)
    assert left[0] < right[0]
    np.testing.assert_allclose(nose, (size - 1) / 2, atol=size * 1e-4)
    assert np.linalg.norm(mouth - (left + right) / 2) == pytest.approx(size / CROP, rel=1e-4)


@pytest.mark.parametrize("size", [48, 100, 224])
def test_pixels_move_with_their_landmarks(drawn_faces: list[Face], size: int) -> None:
    """A dot drawn on a landmark is found at the aligned landmark."""
    face = drawn_faces[3]
    for landmark in (8, 30, 36, 54):
        dotted = np.zeros_like(face.image)
        x, y = face.landmarks[landmark].round().astype(int)
        cv2.circle(dotted, (int(x), int(y)), 3, 255, -1)
        aligned, moved = align(dotted, face.landmarks, size)
        rows, columns = np.indices(aligned.shape)
        centre = [(aligned * index).sum() / aligned.sum() for index in (columns, rows)]
        # The dot's centre was rounded to a pixel of the photograph.
        assert np.abs(centre - moved[landmark]).max() < 0.75 * max(1, size / 100)


def test_shrinking_averages_and_does_not_alias() -> None:
    stripes = np.zeros((1200, 1200), np.uint8)
    stripes[:, ::2] = 255
    aligned, _ = align(stripes, 10 * simple_landmarks(20, 20) + 600, 48)
    assert np.abs(aligned.astype(int) - 127).max() <= 6


def test_beyond_the_border_pixels_repeat() -> None:
    gray = np.full((50, 50), 90, np.uint8)
    aligned, _ = align(gray, simple_landmarks(), 64)
    assert (aligned == 90).all()


def test_drawn_faces_fit_with_room(drawn_faces: list[Face]) -> None:
    for face in drawn_faces:
        _, moved = align(face.image, face.landmarks, 100)
        assert moved.min() > 5
        assert moved.max() < 95


@pytest.mark.parametrize("landmarks", [np.zeros((68, 2)), simple_landmarks(0, 40)])
def test_landmarks_without_extent(landmarks: NDArray) -> None:
    with pytest.raises(ValueError, match="without extent"):
        align(np.zeros((20, 20), np.uint8), landmarks, 32)
