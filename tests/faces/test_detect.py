import dlib
import numpy as np
import pytest
from numpy.typing import NDArray

from humanlike.errors import HumanlikeError
from humanlike.faces import detect, models
from humanlike.faces.detect import Rectangle, detector


def overlap(one: Rectangle, other: Rectangle) -> float:
    """Intersection over union."""
    a, b = dlib.rectangle(*one), dlib.rectangle(*other)
    shared = a.intersect(b).area()
    return shared / (a.area() + b.area() - shared)


def enlarged(gray: NDArray[np.uint8], times: int) -> NDArray[np.uint8]:
    return np.kron(gray, np.ones((times, times), np.uint8))


def test_hog_is_dlibs(face: NDArray[np.uint8]) -> None:
    expected = dlib.get_frontal_face_detector()(face, 0)
    assert len(expected) == 1
    found = detector("hog")(face, 0)
    assert found == [Rectangle(*(getattr(expected[0], side)() for side in Rectangle._fields))]


@pytest.mark.parametrize("name", ["hog", "cnn"])
def test_one_face_is_found_where_it_is(name: str, face: NDArray[np.uint8]) -> None:
    canvas = np.full((300, 500), 128, np.uint8)
    canvas[20:276, 200:456] = face
    (here,) = detector(name)(face, 0)
    (there,) = detector(name)(canvas, 0)
    moved = Rectangle(there.left - 200, there.top - 20, there.right - 200, there.bottom - 20)
    assert overlap(here, moved) > 0.6


def test_large_photographs_are_searched_reduced(face: NDArray[np.uint8]) -> None:
    (small,) = detector("hog")(face, 0)
    (large,) = detector("hog")(enlarged(face, 8), 0)
    assert overlap(small, Rectangle(*(side // 8 for side in large))) > 0.6


def test_upsampling_finds_small_faces(face: NDArray[np.uint8]) -> None:
    small = np.ascontiguousarray(face[::3, ::3])
    assert detector("hog")(small, 0) == []
    (found,) = detector("hog")(small, 2)
    (expected,) = detector("hog")(face, 0)
    assert overlap(Rectangle(*(3 * side for side in found)), expected) > 0.5


def test_search_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = []

    def find(gray: NDArray[np.uint8]) -> list[dlib.rectangle]:
        searched.append(gray.size)
        return [dlib.rectangle(10, 20, 30, 40)]

    gray = np.zeros((3000, 4000), np.uint8)
    (found,) = detect._search(find, gray, 120_000, 3)
    assert searched == [120_000]
    assert found == Rectangle(100, 200, 300, 400)


def test_whole_image() -> None:
    (found,) = detector("whole")(np.zeros((200, 100), np.uint8), 0)
    assert found == Rectangle(10, 20, 89, 179)


def test_nothing_in_nothing() -> None:
    assert detector("hog")(np.zeros((64, 64), np.uint8), 0) == []
    assert detector("hog")(np.zeros((16, 4000), np.uint8), 1) == []


def test_unknown_detector() -> None:
    with pytest.raises(HumanlikeError, match="'viola': choose one of hog, cnn, whole"):
        detector("viola")


def test_missing_models(monkeypatch: pytest.MonkeyPatch) -> None:
    models.model_path.cache_clear()
    with pytest.raises(HumanlikeError, match=r"none\.dat is missing .* reinstall"):
        models.model_path("none.dat")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(HumanlikeError, match="pip install face_recognition_models"):
        models.model_path("shape_predictor_68_face_landmarks.dat")


def test_models_are_found_without_importing_their_package() -> None:
    import sys

    models.model_path.cache_clear()
    models.model_path("shape_predictor_68_face_landmarks.dat")
    assert "face_recognition_models" not in sys.modules
