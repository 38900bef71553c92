import cv2
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


def find(name: str, gray: NDArray[np.uint8], upsample: int = 0) -> list[Rectangle]:
    """What a detector that looks in one way finds."""
    (candidates,) = detector(name)(gray, upsample)
    assert candidates.detector == name
    assert not candidates.guessed
    return candidates.faces


def enlarged(gray: NDArray[np.uint8], times: int) -> NDArray[np.uint8]:
    return np.kron(gray, np.ones((times, times), np.uint8))


def test_hog_is_dlibs(face: NDArray[np.uint8]) -> None:
    expected = dlib.get_frontal_face_detector()(face, 0)
    assert len(expected) == 1
    found = find("hog", face, 0)
    assert found == [Rectangle(*(getattr(expected[0], side)() for side in Rectangle._fields))]


@pytest.mark.parametrize("name", ["hog", "cnn"])
def test_one_face_is_found_where_it_is(name: str, face: NDArray[np.uint8]) -> None:
    canvas = np.full((300, 500), 128, np.uint8)
    canvas[20:276, 200:456] = face
    (here,) = find(name, face, 0)
    (there,) = find(name, canvas, 0)
    moved = Rectangle(there.left - 200, there.top - 20, there.right - 200, there.bottom - 20)
    assert overlap(here, moved) > 0.6


def test_large_photographs_are_searched_reduced(face: NDArray[np.uint8]) -> None:
    (small,) = find("hog", face, 0)
    (large,) = find("hog", enlarged(face, 8), 0)
    assert overlap(small, Rectangle(*(side // 8 for side in large))) > 0.6


def test_upsampling_finds_small_faces(face: NDArray[np.uint8]) -> None:
    small = np.ascontiguousarray(face[::3, ::3])
    assert find("hog", small, 0) == []
    (found,) = find("hog", small, 2)
    (expected,) = find("hog", face, 0)
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
    (found,) = find("whole", np.zeros((200, 100), np.uint8), 0)
    assert found == Rectangle(10, 20, 89, 179)


def test_auto_looks_in_four_ways_and_only_as_far_as_asked(face: NDArray[np.uint8]) -> None:
    ways = detector("auto")(face, 0)
    assert next(ways) == ("hog", find("hog", face), False)
    rest = list(ways)
    assert [way.detector for way in rest] == ["hog enlarged", "cnn", "whole"]
    assert all(way.guessed for way in rest)
    assert rest[-1].faces == find("whole", face)


@pytest.mark.parametrize("side", [48, 100, 250])
def test_small_and_closely_cut_faces_are_found_where_they_are(
    side: int, face: NDArray[np.uint8]
) -> None:
    (true,) = find("hog", face)
    cut = face[true.top : true.bottom, true.left : true.right]
    small = cv2.resize(cut, (side, side), interpolation=cv2.INTER_AREA)
    _, enlarged, cnn, _ = detector("auto")(small, 0)
    for way in (enlarged, cnn):
        (found,) = way.faces
        assert overlap(found, Rectangle(0, 0, side, side)) > 0.6, way.detector


def test_nothing_in_nothing() -> None:
    assert find("hog", np.zeros((64, 64), np.uint8), 0) == []
    assert find("hog", np.zeros((16, 4000), np.uint8), 1) == []
    for way in detector("auto")(np.zeros((16, 400), np.uint8), 0):
        assert way.faces == [] or way.detector == "whole"


def test_unknown_detector() -> None:
    with pytest.raises(HumanlikeError, match="'viola': choose one of auto, hog, cnn, whole"):
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
