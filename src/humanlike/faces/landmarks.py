"""A face's rectangle -> its 68 landmarks."""

import functools

import dlib
import numpy as np
from numpy.typing import NDArray

from humanlike.faces.detect import Rectangle
from humanlike.faces.models import model_path


def predict_landmarks(gray: NDArray[np.uint8], rectangle: Rectangle) -> NDArray[np.float32]:
    """The 68 landmarks of the iBUG 300-W scheme, by dlib's regression trees.

    Kazemi & Sullivan, "One Millisecond Face Alignment with an Ensemble of Regression Trees",
    CVPR 2014.

    Parameters
    ----------
    gray : ndarray of uint8, shape (H, W)
    rectangle : Rectangle
        The face's bounds in `gray`.

    Returns
    -------
    ndarray of float32, shape (68, 2)
        x and y in pixels of `gray`, whole numbers that name pixel centres; some may lie outside.

    Raises
    ------
    HumanlikeError
        If the model file is missing.
    """
    shape = _predictor()(gray, dlib.rectangle(*rectangle))
    return np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float32)


@functools.cache
def _predictor() -> dlib.shape_predictor:
    return dlib.shape_predictor(model_path("shape_predictor_68_face_landmarks.dat"))
