"""Whether landmarks lie on a face, or on something else that a guess took for one."""

import numpy as np
from numpy.typing import NDArray

from humanlike.faces.detect import Rectangle
from humanlike.faces.landmarks import mean_shape, predict_landmarks

#: How a face was guessed -> how far its landmarks may wander. Of 900 textures, drawings, noise,
#: photographs of things and parts of faces, taken whole, .8 % wander less than .08 and 2.8 % less
#: than .1; of closely cut faces, 72 and 81 %. Where a detector finds a face, it takes more to
#: contradict it: of faces found by HOG .3 % wander farther than .1, and an upside-down one .13.
MOST_WANDERING = {"hog enlarged": 0.1, "cnn": 0.15, "whole": 0.08}

#: Faces turned and in every expression come to .35 at most; a fit that fell apart is farther.
MOST_DISTANCE = 0.4

#: In degrees. dlib's detectors find faces up to there, and its landmarks are lost beyond.
MOST_ROLL = 45

#: Shifts to the right and down and a factor, in shares of a rectangle's sides.
_STARTS = ((-0.1, 0, 1), (0.1, 0, 1), (0, -0.1, 1), (0, 0.1, 1), (0, 0, 0.85), (0, 0, 1.15))

_RIGHT_EYE, _LEFT_EYE, _FEATURES = slice(36, 42), slice(42, 48), slice(17, 68)


def is_face(
    way: str, gray: NDArray[np.uint8], rectangle: Rectangle, landmarks: NDArray[np.float32]
) -> bool:
    """Whether landmarks that were fitted on a guess lie on a face.

    Parameters
    ----------
    way : str
        How it was guessed, one of `MOST_WANDERING`.
    gray : ndarray of uint8, shape (H, W)
    rectangle : Rectangle
        The guess.
    landmarks : ndarray of float32, shape (68, 2)
        What `predict_landmarks` made of it.
    """
    return (
        abs(roll(landmarks)) <= MOST_ROLL
        and shape_distance(landmarks) <= MOST_DISTANCE
        and wandering(gray, rectangle, landmarks) <= MOST_WANDERING[way]
    )


def roll(landmarks: NDArray[np.float32]) -> float:
    """How far the line of the eyes is from level, -180 to 180 degrees."""
    x, y = landmarks[_LEFT_EYE].mean(axis=0) - landmarks[_RIGHT_EYE].mean(axis=0)
    return float(np.degrees(np.arctan2(y, x)))


def shape_distance(landmarks: NDArray[np.float32]) -> float:
    """The root mean square distance from the mean face, at the turn, size and place nearest to it.

    An orthogonal Procrustes analysis without reflection (Gower & Dijksterhuis, 2004), in distances
    of the mean face's eyes; infinite for landmarks in one place.
    """
    mean = np.asarray(mean_shape(), dtype=float)
    mean = mean - mean.mean(axis=0)
    points = np.asarray(landmarks, dtype=float)
    points = points - points.mean(axis=0)
    extent = np.square(points).sum()
    if extent == 0:
        return float("inf")
    left, values, right = np.linalg.svd(points.T @ mean)
    signs = np.array([1, np.sign(np.linalg.det(left @ right))])
    nearest = points @ (left * signs @ right) * ((values * signs).sum() / extent)
    return float(np.sqrt(np.square(nearest - mean).sum(axis=1).mean()) / eye_distance(mean))


def wandering(
    gray: NDArray[np.uint8], rectangle: Rectangle, landmarks: NDArray[np.float32]
) -> float:
    """How far brows, eyes, nose and mouth move when the fit starts from somewhere else.

    On a face the regression finds its way to the same places; on anything else the landmarks go
    with the rectangle. The median over six starts of the landmarks' mean shift, in distances of the
    eyes.
    """
    left, top, right, bottom = rectangle
    width, height = right - left, bottom - top
    shifts = []
    for across, down, factor in _STARTS:
        x, y = (left + right) / 2 + across * width, (top + bottom) / 2 + down * height
        start = Rectangle(
            round(x - factor * width / 2),
            round(y - factor * height / 2),
            round(x + factor * width / 2),
            round(y + factor * height / 2),
        )
        moved = predict_landmarks(gray, start)[_FEATURES] - landmarks[_FEATURES]
        shifts.append(np.linalg.norm(moved, axis=1).mean())
    return float(np.median(shifts) / eye_distance(landmarks))


def eye_distance(landmarks: NDArray) -> float:
    """The distance of the eyes' centres, in pixels."""
    return float(
        np.linalg.norm(landmarks[_LEFT_EYE].mean(axis=0) - landmarks[_RIGHT_EYE].mean(axis=0))
    )
