"""Photograph -> aligned face and landmarks, the whole way."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from humanlike.faces.align import align
from humanlike.faces.detect import Detector, Rectangle, detector
from humanlike.faces.images import Rejected, read_gray, read_gray_values
from humanlike.faces.landmarks import predict_landmarks
from humanlike.faces.plausible import is_face

#: How far jaw and chin may lie beyond a picture, in shares of the face's width. Faces cut closely
#: miss that much of the chin, and the alignment repeats the border's pixels there.
OVERHANG = 0.2

#: How far brows, eyes, nose and mouth may: as far as their landmarks err on 48 pixels.
LANDMARK_ERROR = 0.03

_JAW, _FEATURES = slice(17), slice(17, 68)


class Face(NamedTuple):
    """A face, upright and cropped.

    Attributes
    ----------
    image : ndarray of uint8, shape (size, size)
    landmarks : ndarray of float32, shape (68, 2)
        x and y in pixels of `image`. All but the jaw's lie within, up to `LANDMARK_ERROR`.
    detector : str
        One of `humanlike.faces.detect.WAYS`.
    overhangs : bool
        Whether a landmark lies beyond the photograph.
    """

    image: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    detector: str
    overhangs: bool


class Found(NamedTuple):
    """One face's landmarks, (68, 2) in pixels of the photograph, and which detector found it."""

    detector: str
    landmarks: NDArray[np.float32]


def extract_face(
    path: Path,
    detect: Detector,
    size: int,
    upsample: int = 0,
    *,
    largest: bool = False,
    offset: int | None = None,
) -> Face:
    """Read a photograph and align the face in it.

    Parameters
    ----------
    path : Path
    detect : Detector
        From `humanlike.faces.detect.detector`.
    size : int
        Side of the aligned face in pixels.
    upsample : int
        How often the photograph is doubled before faces are sought.
    largest : bool
        Whether to take the largest of several faces; else such a photograph is rejected.
    offset : int, optional
        Where the photograph's gray values begin in a file that holds many.

    Raises
    ------
    Rejected
        With the reason: unreadable, no face, several faces, features outside the image.
    """
    gray = read_gray(path) if offset is None else read_gray_values(path, offset)
    found = find_face(gray, detect, upsample, largest)
    image, landmarks = align(gray, found.landmarks, size)
    _check_inside(landmarks, image.shape, "the aligned face")
    overhangs = _beyond(found.landmarks, gray.shape) > 0
    return Face(image, landmarks, found.detector, overhangs)


def extract_faces(
    places: Sequence[tuple[Path, int | None]],
    detector_name: str,
    size: int,
    upsample: int = 0,
    *,
    largest: bool = False,
) -> Iterator[Face | str]:
    """Give the face of each photograph in turn, or the reason why there is none.

    The work is spread over this machine's processors.

    Parameters
    ----------
    places : sequence of (Path, int or None)
        Files, and where in them the photograph begins; see `extract_face`.
    detector_name : str
        See `humanlike.faces.detect.detector`.
    size, upsample, largest
        See `extract_face`.
    """
    work = partial(_face_or_reason, detector_name, size, upsample, largest)
    workers = max(1, min(os.cpu_count() or 1, len(places)))
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        yield from pool.map(work, places, chunksize=4)


def _face_or_reason(
    detector_name: str, size: int, upsample: int, largest: bool, place: tuple[Path, int | None]
) -> Face | str:
    path, offset = place
    try:
        return extract_face(
            path, _detector(detector_name), size, upsample, largest=largest, offset=offset
        )
    except Rejected as reason:
        return str(reason)


@lru_cache
def _detector(name: str) -> Detector:
    return detector(name)


def find_face(
    gray: NDArray[np.uint8], detect: Detector, upsample: int = 0, largest: bool = False
) -> Found:
    """The landmarks of the one face in a photograph, or of the largest.

    Raises
    ------
    Rejected
        If there is no face, or more than one where the largest is not asked for, or if brows, eyes,
        nose or mouth lie outside the image, or jaw and chin by more than `OVERHANG`.
    """
    for way, rectangles, guessed in detect(gray, upsample):
        faces = [(rectangle, predict_landmarks(gray, rectangle)) for rectangle in rectangles]
        if guessed:
            faces = [face for face in faces if is_face(way, gray, *face)]
        if not faces:
            continue
        if len(faces) > 1 and not largest:
            raise Rejected(f"{len(faces)} faces (preprocess.faces: largest takes the largest)")
        _, landmarks = max(faces, key=lambda face: _area(face[0]))
        _check_inside(landmarks, gray.shape, "the image")
        return Found(way, landmarks)
    raise Rejected("no face")


def _area(rectangle: Rectangle) -> int:
    left, top, right, bottom = rectangle
    return (right - left) * (bottom - top)


def _check_inside(landmarks: NDArray[np.float32], shape: tuple[int, ...], where: str) -> None:
    width = float(np.ptp(landmarks[:, 0]))
    if _beyond(landmarks[_FEATURES], shape) > LANDMARK_ERROR * width:
        raise Rejected(f"landmarks outside {where} (brows, eyes, nose or mouth)")
    if _beyond(landmarks[_JAW], shape) > OVERHANG * width:
        raise Rejected(f"landmarks outside {where} (jaw or chin, by more than {OVERHANG:.0%})")


def _beyond(landmarks: NDArray[np.float32], shape: tuple[int, ...]) -> float:
    """How far the outermost landmark lies beyond a picture's edges, in pixels; else 0."""
    height, width = shape
    # An edge is half a pixel from the centres of its pixels.
    edges = np.array([width - 0.5, height - 0.5], dtype=np.float32)
    return float(max(0, (-0.5 - landmarks).max(), (landmarks - edges).max()))
