"""Turn and crop a face so that every face lies alike."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

#: Side of the square crop in eye–mouth distances. The chin lies about 1.3 below the nose, 1.6 under
#: the broadest smiles, which shorten that distance; the same room above shows the forehead.
CROP = 3.4

_LEFT_EYE, _RIGHT_EYE, _MOUTH = slice(36, 42), slice(42, 48), slice(48, 68)
_NOSE_TIP = 30


def align(
    gray: NDArray[np.uint8], landmarks: NDArray[np.float32], size: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Rotate a face until its eyes are level and crop a square around its nose.

    The square's side is `CROP` times the distance from the midpoint of the eyes to the centre of
    the mouth. What lies beyond the photograph repeats its border pixels. A large face is sampled at
    its own resolution and averaged down, so that nothing aliases.

    Parameters
    ----------
    gray : ndarray of uint8, shape (H, W)
    landmarks : ndarray of float, shape (68, 2)
        x and y in pixels of `gray`.
    size : int
        Side of the result in pixels.

    Returns
    -------
    aligned : ndarray of uint8, shape (size, size)
    landmarks : ndarray of float32, shape (68, 2)
        x and y in pixels of `aligned`; whole numbers name pixel centres.

    Raises
    ------
    ValueError
        If the landmarks have no extent: eyes and mouth in one place.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    left, right = points[_LEFT_EYE].mean(axis=0), points[_RIGHT_EYE].mean(axis=0)
    side = CROP * float(np.linalg.norm(points[_MOUTH].mean(axis=0) - (left + right) / 2))
    if side == 0 or np.array_equal(left, right):
        raise ValueError("landmarks without extent")
    oversampling = max(1, math.ceil(side / size))
    transform = _similarity(right - left, points[_NOSE_TIP], size / side, size)
    aligned = cv2.warpAffine(
        gray,
        _supersampled(transform, oversampling),
        (size * oversampling, size * oversampling),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if oversampling > 1:
        aligned = cv2.resize(aligned, (size, size), interpolation=cv2.INTER_AREA)
    moved = points @ transform[:, :2].T + transform[:, 2]
    return np.asarray(aligned, dtype=np.uint8), moved.astype(np.float32)


def _similarity(
    eye_line: NDArray[np.float64], centre: NDArray[np.float64], scale: float, size: int
) -> NDArray[np.float64]:
    """The 2×3 map that levels `eye_line`, scales, and puts `centre` in a square's middle."""
    cosine, sine = scale * eye_line / np.linalg.norm(eye_line)
    rotation = np.array([[cosine, sine], [-sine, cosine]])
    return np.column_stack([rotation, (size - 1) / 2 - rotation @ centre])


def _supersampled(transform: NDArray[np.float64], times: int) -> NDArray[np.float64]:
    """The same map onto a grid `times` as fine: pixel x covers fine pixels times·x and on."""
    finer = times * transform
    finer[:, 2] += (times - 1) / 2
    return finer
