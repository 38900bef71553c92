"""Photograph to aligned face, on drawn faces whose landmarks are known and on real ones."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from humanlike.canonical.geometry import LANDMARKS
from humanlike.canonical.warp import warp
from humanlike.faces import extract
from humanlike.faces.align import align
from humanlike.faces.augment import Augmentation, augment
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
    aligned = extract_face(tmp_path / "face.png", detector("hog"), 200)
    assert (aligned.detector, aligned.overhangs) == ("hog", False)
    Image.fromarray(aligned.image).save(tmp_path / "aligned.png")
    _, again = find_face(read_gray(tmp_path / "aligned.png"), detector("whole"))
    assert aligned.image.shape == (200, 200)
    assert error(again, aligned.landmarks) < 0.06


def test_reasons(face: NDArray[np.uint8]) -> None:
    hog = detector("hog")
    with pytest.raises(Rejected, match="no face"):
        find_face(np.full((200, 200), 99, np.uint8), hog)
    with pytest.raises(Rejected, match=r"2 faces \(preprocess\.faces: largest takes the largest\)"):
        find_face(np.hstack([face, face]), hog)


def test_the_largest_of_several(face: NDArray[np.uint8]) -> None:
    small = cv2.copyMakeBorder(cv2.resize(face, (180, 180)), 38, 38, 0, 0, cv2.BORDER_REPLICATE)
    _, landmarks = find_face(np.hstack([small, face]), detector("hog"), largest=True)
    _, alone = find_face(face, detector("hog"))
    assert error(landmarks - np.array([180, 0]), alone) < 0.02


def test_a_table_of_many_faces(face: NDArray[np.uint8], tmp_path: Path) -> None:
    """48×48 gray values amid a text, as FER2013 has them."""
    small = cv2.resize(face, (48, 48), interpolation=cv2.INTER_AREA)
    before = "emotion,pixels,Usage\n3,"
    (tmp_path / "faces.csv").write_text(f"{before}{' '.join(map(str, small.ravel()))},Training\n")
    found = extract_face(tmp_path / "faces.csv", detector("auto"), 64, offset=len(before))
    Image.fromarray(small).save(tmp_path / "face.png")
    alone = extract_face(tmp_path / "face.png", detector("auto"), 64)
    np.testing.assert_array_equal(found.image, alone.image)
    assert found.detector == "hog enlarged"


def cut(gray: NDArray[np.uint8], landmarks: NDArray, **edges: float) -> NDArray[np.uint8]:
    """The landmarks' bounding box, with shares of its sides cut off or, where negative, added."""
    (left, top), (right, bottom) = landmarks.min(axis=0), landmarks.max(axis=0)
    width, height = right - left, bottom - top
    rows = slice(round(top + edges.get("top", 0) * height), None)
    rows = slice(rows.start, 1 + round(bottom - edges.get("bottom", 0) * height))
    columns = slice(
        round(left + edges.get("left", 0) * width),
        1 + round(right - edges.get("right", 0) * width),
    )
    return np.ascontiguousarray(gray[rows, columns])


@pytest.mark.parametrize(
    ("edges", "overhangs"),
    [
        ({"left": -0.1, "right": -0.1, "top": -0.2, "bottom": -0.1}, False),
        ({"left": -0.1, "right": -0.1, "top": -0.2, "bottom": 0.08}, True),
        ({"left": 0.05, "top": -0.2}, True),
        ({"bottom": 0.12}, True),
    ],
)
def test_jaw_and_chin_may_overhang(
    edges: dict[str, float], overhangs: bool, face: NDArray[np.uint8], tmp_path: Path
) -> None:
    _, true = find_face(face, detector("hog"))
    Image.fromarray(cut(face, true, **edges)).save(tmp_path / "cut.png")
    found = extract_face(tmp_path / "cut.png", detector("auto"), 128)
    assert found.overhangs is overhangs
    assert found.image.shape == (128, 128)


@pytest.mark.parametrize(
    ("move", "reason"),
    [
        ((0, -0.1), r"landmarks outside the image \(brows, eyes, nose or mouth\)"),
        ((0, 0.2), r"landmarks outside the image \(jaw or chin, by more than 20%\)"),
        ((0.3, 0), "landmarks outside the image"),
    ],
)
def test_what_may_not_overhang(
    move: tuple[float, float],
    reason: str,
    face: NDArray[np.uint8],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Landmarks that fill the picture, moved by shares of its sides."""
    _, true = find_face(face, detector("hog"))
    sides = np.array([149, 199])
    landmarks = (true - true.min(axis=0)) / np.ptp(true, axis=0) * sides
    for shift, outcome in ((np.zeros(2), None), (np.array(move) * sides, reason)):
        monkeypatch.setattr(extract, "predict_landmarks", lambda *_, s=shift: landmarks + s)
        picture = np.zeros((200, 150), np.uint8)
        if outcome is None:
            assert find_face(picture, detector("whole")).detector == "whole"
        else:
            with pytest.raises(Rejected, match=outcome):
                find_face(picture, detector("whole"))


def test_what_overhangs_can_be_warped_and_augmented(
    face: NDArray[np.uint8], tmp_path: Path
) -> None:
    """On a crop so tight that the aligned picture lacks the chin too."""
    _, true = find_face(face, detector("hog"))
    Image.fromarray(cut(face, true, bottom=0.12)).save(tmp_path / "cut.png")
    found = extract_face(tmp_path / "cut.png", detector("auto"), 96)
    # As if the picture ended above the chin; the features stay in it.
    lowered = found.landmarks + np.array([0, 95 - found.landmarks[48:, 1].max()], np.float32)
    assert lowered[8, 1] > 95
    warped = warp(found.image, lowered)
    assert warped.shape == (275, 224)
    ramp = np.arange(96, dtype=np.float32)[:, None].repeat(96, axis=1)
    rows = warp(ramp, lowered)
    assert np.isfinite(rows).all() and rows.min() >= 0 and rows.max() <= 95
    # The mouth comes from where its landmarks are, whatever is cut away below.
    np.testing.assert_allclose(
        [rows[y, x] for x, y in LANDMARKS[60:68]], lowered[60:68, 1], atol=1.5
    )
    for seed in range(20):
        rng = np.random.default_rng(seed)
        changed = augment(found.image, lowered, rng, Augmentation(1.0, 0.1, 0.5, True))
        assert changed.shape == found.image.shape
        assert changed.std() > 5


@pytest.fixture(scope="module")
def london(shared: Path) -> list[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
    """Sixty photographs of whole heads, with their landmarks."""
    photographs = [read_gray(path) for path in sorted((shared / "photos/london").rglob("*.jpg"))]
    assert len(photographs) == 60
    return [(gray, find_face(gray, detector("hog")).landmarks) for gray in photographs]


@pytest.mark.slow
def test_sixty_real_photographs(
    london: list[tuple[NDArray[np.uint8], NDArray[np.float32]]],
) -> None:
    chins, brows = [], []
    for gray, landmarks in london:
        image, moved = align(gray, landmarks, 128)
        assert image.std() > 20
        brows.append(moved[17:27, 1].min())
        chins.append(moved[8, 1])
    # Room for the forehead above and for a dropped jaw below.
    assert 0.2 * 128 < np.mean(brows) < 0.3 * 128
    assert 0.8 * 128 < np.mean(chins) < 0.92 * 128


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bottom", "side", "least"),
    [(0, None, 0.95), (0.08, None, 0.95), (0.08, 100, 0.95), (0.08, 48, 0.8)],
)
def test_sixty_real_photographs_cut_closely(
    bottom: float,
    side: int | None,
    least: float,
    london: list[tuple[NDArray[np.uint8], NDArray[np.float32]]],
) -> None:
    """Cut to the landmarks' bounding box, then a share off the bottom, then reduced to a side."""
    errors = []
    for gray, true in london:
        small, landmarks = cut(gray, true, bottom=bottom), true - true.min(axis=0)
        if side:
            scale = side / max(small.shape)
            small = cv2.resize(small, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            landmarks = (landmarks + 0.5) * scale - 0.5
        try:
            errors.append(error(find_face(small, detector("auto")).landmarks, landmarks))
        except Rejected:
            continue
    assert len(errors) >= least * len(london)
    # They are kept where they are, not just kept.
    assert np.mean(errors) < 0.03
    assert max(errors) < 0.08
