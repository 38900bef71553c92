"""Fits on faces, and on what is none."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial import procrustes

from humanlike.faces.detect import Rectangle, detector
from humanlike.faces.extract import find_face
from humanlike.faces.images import Rejected
from humanlike.faces.landmarks import mean_shape, predict_landmarks
from humanlike.faces.plausible import eye_distance, is_face, roll, shape_distance, wandering
from humanlike.synthesis.render import Face


def turned(points: NDArray, degrees: float, scale: float = 1) -> NDArray:
    return points @ (scale * cv2.getRotationMatrix2D((0, 0), degrees, 1)[:, :2].T)


@given(
    seed=st.integers(0, 99),
    degrees=st.floats(-180, 180),
    scale=st.floats(0.1, 9),
    x=st.floats(-9, 9),
)
def test_shape_distance_is_scipys_wherever_the_face_is(
    seed: int, degrees: float, scale: float, x: float
) -> None:
    mean = mean_shape().astype(float)
    noisy = mean + np.random.default_rng(seed).normal(0, 8, mean.shape)
    *_, disparity = procrustes(mean, noisy)
    size = np.linalg.norm(mean - mean.mean(axis=0))
    expected = np.sqrt(disparity / 68) * size / eye_distance(mean)
    assert shape_distance(turned(noisy, degrees, scale) + x) == pytest.approx(expected, rel=1e-6)


def test_a_mirrored_face_is_no_face() -> None:
    assert shape_distance(mean_shape()) == pytest.approx(0, abs=1e-6)
    assert shape_distance(mean_shape() * np.array([-1, 1], np.float32)) > 0.5
    assert shape_distance(np.zeros((68, 2), np.float32)) == np.inf


@pytest.mark.parametrize("degrees", [-120, -30, 0, 20])
def test_roll(degrees: float) -> None:
    level = mean_shape()
    assert roll(turned(level, -degrees)) - roll(level) == pytest.approx(degrees, abs=1e-3)


def test_landmarks_stay_on_a_face_and_wander_elsewhere(drawn_faces: list[Face]) -> None:
    for face in drawn_faces[:4]:
        ((_, (rectangle,), _),) = detector("hog")(face.image, 0)
        landmarks = predict_landmarks(face.image, rectangle)
        assert wandering(face.image, rectangle, landmarks) < 0.05
        assert is_face("whole", face.image, rectangle, landmarks)


def textures() -> dict[str, NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:150, :150]
    noise = rng.normal(size=(150, 150))
    drawn = np.full((150, 150), 200, np.uint8)
    cv2.rectangle(drawn, (20, 60), (90, 140), 40, -1)
    cv2.circle(drawn, (100, 50), 30, 120, -1)
    pictures = {
        "gray": np.full((150, 150), 127.0),
        "noise": 127 + 40 * noise,
        "blurred noise": 127 + 900 * cv2.GaussianBlur(noise, (0, 0), 8),
        "gradient": x + 0.5 * y,
        "stripes": 127 + 100 * np.sin(x / 4 + y / 9),
        "drawing": drawn,
    }
    return {name: np.clip(values, 0, 255).astype(np.uint8) for name, values in pictures.items()}


@pytest.mark.parametrize("name", textures())
def test_what_is_no_face(name: str) -> None:
    picture = textures()[name]
    rectangle = Rectangle(15, 15, 134, 134)
    landmarks = predict_landmarks(picture, rectangle)
    assert not is_face("whole", picture, rectangle, landmarks)
    with pytest.raises(Rejected, match="no face"):
        find_face(picture, detector("auto"))


def test_parts_of_a_face_and_an_upside_down_one(face: NDArray[np.uint8]) -> None:
    landmarks = find_face(face, detector("hog")).landmarks.round().astype(int)
    (left, top), (right, bottom) = landmarks.min(axis=0), landmarks.max(axis=0)
    parts = {
        "no brows": face[landmarks[40, 1] : bottom + 20, left:right],
        "no mouth": face[top - 20 : landmarks[33, 1], left:right],
        "half": face[top:bottom, left : landmarks[27, 0]],
        "upside down": face[top:bottom, left:right][::-1],
    }
    for name, part in parts.items():
        try:
            found = find_face(np.ascontiguousarray(part), detector("auto"))
        except Rejected:
            continue
        pytest.fail(f"{name} found by {found.detector}")
