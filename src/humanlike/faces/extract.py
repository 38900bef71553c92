"""Photograph -> aligned face and landmarks, the whole way."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from humanlike.faces.align import align
from humanlike.faces.detect import Detector, Rectangle
from humanlike.faces.images import Rejected, read_gray
from humanlike.faces.landmarks import predict_landmarks


def extract_face(
    path: Path, detect: Detector, size: int, upsample: int = 0
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Read a photograph and align the one face in it.

    Parameters
    ----------
    path : Path
    detect : callable
        From `humanlike.faces.detect.detector`.
    size : int
        Side of the aligned face in pixels.
    upsample : int
        How often the photograph is doubled before faces are sought.

    Returns
    -------
    aligned : ndarray of uint8, shape (size, size)
    landmarks : ndarray of float32, shape (68, 2)
        x and y in pixels of `aligned`, each within 0 … size − 1.

    Raises
    ------
    Rejected
        With the reason: unreadable, no face, several faces, landmarks outside the image.
    """
    gray = read_gray(path)
    _, landmarks = find_face(gray, detect, upsample)
    aligned, landmarks = align(gray, landmarks, size)
    if not _inside(landmarks, aligned.shape):
        raise Rejected("landmarks outside the aligned face")
    return aligned, landmarks


def find_face(
    gray: NDArray[np.uint8], detect: Detector, upsample: int = 0
) -> tuple[Rectangle, NDArray[np.float32]]:
    """The rectangle and the landmarks of the one face in a photograph.

    Raises
    ------
    Rejected
        If there is no face or more than one, or if a landmark falls outside the image or the
        landmarks collapse onto one place.
    """
    faces = detect(gray, upsample)
    if not faces:
        raise Rejected("no face")
    if len(faces) > 1:
        raise Rejected(f"{len(faces)} faces")
    landmarks = predict_landmarks(gray, faces[0])
    if not _inside(landmarks, gray.shape):
        raise Rejected("landmarks outside the image")
    return faces[0], landmarks


def _inside(landmarks: NDArray[np.float32], shape: tuple[int, ...]) -> bool:
    height, width = shape
    return bool((landmarks >= 0).all() and (landmarks <= (width - 1, height - 1)).all())
