"""Photograph to aligned face, on drawn faces whose landmarks are known and on real ones."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from humanlike.faces.detect import Rectangle, detector
from humanlike.faces.extract import extract_face, find_face
from humanlike.faces.images import Rejected, read_gray
from humanlike.faces.landmarks import predict_landmarks
from humanlike.synthesis.render import Face


def error(found: NDArray, true: NDArray) -> float:
    """Mean distance of landmarks, in distances of the outer eye corners."""
    distances = np.linalg.norm(found - true, axis=1)
    return float(distances.mean() / np.linalg.norm(true[36] - true[45]))


def test_drawn_faces(drawn_faces: list[Face]) -> None:
    for face in drawn_faces:
        _, landmarks = find_face(face.image, detector("hog"))
        assert landmarks.shape == (68, 2)
        assert landmarks.dtype == np.float32
        assert error(landmarks, face.landmarks) < 0.06


def test_canonical_landmarks_are_dlibs_of_nothing(shared: Path) -> None:
    """The published canonical landmarks are the predictor's on a black picture."""
    table = np.loadtxt(shared / "golden/canonical_landmarks.csv", delimiter=",", skiprows=1)
    black = np.zeros((275, 224), np.uint8)
    found = predict_landmarks(black, Rectangle(0, 0, 224, 250))
    np.testing.assert_array_equal(found, table[:, 1:])


def test_an_aligned_face_is_a_cropped_picture(face: NDArray[np.uint8], tmp_path: Path) -> None:
    """What one detector aligned, `whole` takes without a detector."""
    Image.fromarray(face).save(tmp_path / "face.png")
    aligned, landmarks = extract_face(tmp_path / "face.png", detector("hog"), 200)
    Image.fromarray(aligned).save(tmp_path / "aligned.png")
    _, again = find_face(read_gray(tmp_path / "aligned.png"), detector("whole"))
    assert aligned.shape == (200, 200)
    assert error(again, landmarks) < 0.06


def test_reasons(face: NDArray[np.uint8]) -> None:
    hog = detector("hog")
    with pytest.raises(Rejected, match="no face"):
        find_face(np.full((200, 200), 99, np.uint8), hog)
    with pytest.raises(Rejected, match="2 faces"):
        find_face(np.hstack([face, face]), hog)
    with pytest.raises(Rejected, match="landmarks outside the image"):
        find_face(face, lambda gray, upsample: [Rectangle(0, 100, 255, 355)])


def test_sixty_real_photographs(shared: Path) -> None:
    photographs = sorted((shared / "photos/london").rglob("*.jpg"))
    assert len(photographs) == 60
    hog = detector("hog")
    chins, brows = [], []
    for path in photographs:
        aligned, landmarks = extract_face(path, hog, 128)
        assert aligned.std() > 20
        brows.append(landmarks[17:27, 1].min())
        chins.append(landmarks[8, 1])
    # Room for the forehead above and for a dropped jaw below.
    assert 0.2 * 128 < np.mean(brows) < 0.3 * 128
    assert 0.8 * 128 < np.mean(chins) < 0.92 * 128
