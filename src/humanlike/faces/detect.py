"""Gray photograph -> the rectangles of its faces."""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from humanlike.errors import HumanlikeError
from humanlike.faces.models import model_path

#: Most pixels that a detector's windows slide over, since its time and memory grow with them;
#: larger photographs are reduced. The windows are 80 pixels wide: at this size the HOG detector
#: finds faces wider than a twelfth of the picture, and each upsampling allows it four times as many
#: pixels, up to the second limit. The network takes .7 GB at its limit, which always holds.
HOG_PIXELS, HOG_MOST_PIXELS = 1_000_000, 16_000_000
CNN_PIXELS = 600_000


class Rectangle(NamedTuple):
    """A face's bounds in pixels, as dlib draws them: brows to chin, ear to ear, may overhang."""

    left: int
    top: int
    right: int
    bottom: int


Detector = Callable[[NDArray[np.uint8], int], list[Rectangle]]


def detector(name: str) -> Detector:
    """The face detector of a name.

    Parameters
    ----------
    name : {"hog", "cnn", "whole"}
        `hog`: dlib's frontal detector, a linear classifier of gradient histograms (Dalal & Triggs,
        CVPR 2005). `cnn`: dlib's max-margin network (King, arXiv 1502.00046), slower, finds more
        poses. `whole`: the picture is already cropped to one face.

    Returns
    -------
    callable
        (gray of uint8 (H, W), upsample) -> list of `Rectangle`. Each step of `upsample` doubles the
        sides of what is searched, so that faces half as large are found, at four times the cost.

    Raises
    ------
    HumanlikeError
        For another name, or if the network's weights are missing.
    """
    if name not in _DETECTORS:
        raise HumanlikeError(
            f"There is no face detector {name!r}: choose one of {', '.join(_DETECTORS)}."
        )
    return _DETECTORS[name]()


@functools.cache
def _hog() -> Detector:
    find = dlib.get_frontal_face_detector()

    def detect(gray: NDArray[np.uint8], upsample: int) -> list[Rectangle]:
        return _search(find, gray, min(HOG_PIXELS * 4**upsample, HOG_MOST_PIXELS), upsample)

    return detect


@functools.cache
def _cnn() -> Detector:
    network = dlib.cnn_face_detection_model_v1(model_path("mmod_human_face_detector.dat"))

    def find(gray: NDArray[np.uint8]) -> list[dlib.rectangle]:
        return [found.rect for found in network(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB))]

    def detect(gray: NDArray[np.uint8], upsample: int) -> list[Rectangle]:
        return _search(find, gray, CNN_PIXELS, upsample)

    return detect


def _whole() -> Detector:
    def detect(gray: NDArray[np.uint8], upsample: int) -> list[Rectangle]:
        return [_inner_rectangle(*gray.shape)]

    return detect


def _search(
    find: Callable[[NDArray[np.uint8]], list[dlib.rectangle]],
    gray: NDArray[np.uint8],
    limit: int,
    upsample: int,
) -> list[Rectangle]:
    scale = min(2.0**upsample, math.sqrt(limit / gray.size))
    if scale != 1:
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        searched = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=method)
        gray = np.asarray(searched, dtype=np.uint8)
    bounds = ((face.left(), face.top(), face.right(), face.bottom()) for face in find(gray))
    return [Rectangle(*(round(bound / scale) for bound in face)) for face in bounds]


def _inner_rectangle(height: int, width: int) -> Rectangle:
    """Where dlib would draw the face in a picture cropped to it, with or without some margin."""
    margin_y, margin_x = height // 10, width // 10
    return Rectangle(margin_x, margin_y, width - 1 - margin_x, height - 1 - margin_y)


_DETECTORS: dict[str, Callable[[], Detector]] = {"hog": _hog, "cnn": _cnn, "whole": _whole}

#: Names that `detector` knows.
DETECTORS = tuple(_DETECTORS)
