"""A face's rectangle -> its 68 landmarks."""

import functools

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from humanlike.faces.detect import Rectangle
from humanlike.faces.models import model_path

#: A face narrower than this is enlarged to it, in pixels. At 48 pixels that takes a third off the
#: landmarks' error, and at 100 a sixth; 200 or 300 take hardly more.
WIDTH = 150


def predict_landmarks(gray: NDArray[np.uint8], rectangle: Rectangle) -> NDArray[np.float32]:
    """The 68 landmarks of the iBUG 300-W scheme, by dlib's regression trees.

    Kazemi & Sullivan, "One Millisecond Face Alignment with an Ensemble of Regression Trees",
    CVPR 2014. A face that is small or reaches beyond the picture is fitted on a copy that is
    enlarged to `WIDTH` and in which the border pixels repeat.

    Parameters
    ----------
    gray : ndarray of uint8, shape (H, W)
    rectangle : Rectangle
        The face's bounds in `gray`.

    Returns
    -------
    ndarray of float32, shape (68, 2)
        x and y in pixels of `gray`, whole numbers being pixel centres; some may lie outside.

    Raises
    ------
    HumanlikeError
        If the model file is missing.
    """
    left, top, right, bottom = rectangle
    height, width = gray.shape
    scale = max(1.0, WIDTH / max(1, right - left + 1))
    if scale == 1 and min(left, top) >= 0 and right < width and bottom < height:
        return _fit(gray, rectangle)
    # Landmarks lie up to so far beyond the rectangle.
    margin = max(right - left, bottom - top) // 2 + 1
    x, y = left - margin, top - margin
    side = (right + margin - x + 1, bottom + margin - y + 1)
    patch = cv2.warpAffine(
        gray,
        np.array([[scale, 0, (0.5 - x) * scale - 0.5], [0, scale, (0.5 - y) * scale - 0.5]]),
        (round(side[0] * scale), round(side[1] * scale)),
        flags=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_REPLICATE,
    )
    inner = Rectangle(
        *(round((b - o + 0.5) * scale - 0.5) for b, o in zip(rectangle, (x, y, x, y), strict=True))
    )
    found = (_fit(np.asarray(patch, np.uint8), inner) + 0.5) / scale - 0.5
    return (found + np.array([x, y])).astype(np.float32)


@functools.cache
def mean_shape() -> NDArray[np.float32]:
    """The predictor's mean face, (68, 2): what it makes of a picture of nothing."""
    return _fit(np.zeros((250, 250), np.uint8), Rectangle(0, 0, 249, 249))


def _fit(gray: NDArray[np.uint8], rectangle: Rectangle) -> NDArray[np.float32]:
    shape = _predictor()(gray, dlib.rectangle(*rectangle))
    return np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float32)


@functools.cache
def _predictor() -> dlib.shape_predictor:
    return dlib.shape_predictor(model_path("shape_predictor_68_face_landmarks.dat"))
