"""Gray photograph -> the rectangles of its faces."""

import functools
import math
from collections.abc import Callable, Iterator
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

#: `auto` and the network enlarge a shorter picture to these lengths of its longer side, and repeat
#: its border by a share of it: a window needs some surroundings of the face.
HOG_SIDE, CNN_SIDE, BORDER = 300, 200, 0.25


class Rectangle(NamedTuple):
    """A face's bounds in pixels, as dlib draws them: brows to chin, ear to ear, may overhang."""

    left: int
    top: int
    right: int
    bottom: int


class Candidates(NamedTuple):
    """What one way of looking finds."""

    detector: str
    faces: list[Rectangle]
    guessed: bool  #: whether a face counts only if landmarks fit it


#: (gray of uint8 (H, W), upsample) -> what each way of looking in turn finds. Each step of
#: `upsample` doubles the sides of what is searched, so that faces half as large are found, at four
#: times the cost.
Detector = Callable[[NDArray[np.uint8], int], Iterator[Candidates]]

Finder = Callable[[NDArray[np.uint8], int], list[Rectangle]]

#: Names that `detector` knows.
DETECTORS = ("auto", "hog", "cnn", "whole")

#: What `auto` tries, from the fastest and surest on.
WAYS = ("hog", "hog enlarged", "cnn", "whole")


def detector(name: str) -> Detector:
    """The face detector of a name.

    Parameters
    ----------
    name : {"auto", "hog", "cnn", "whole"}
        `hog`: dlib's frontal detector, a linear classifier of gradient histograms (Dalal & Triggs,
        CVPR 2005). `cnn`: dlib's max-margin network (King, arXiv 1502.00046), slower, finds more
        poses. `whole`: the picture is already cropped to one face. `auto`: all of them in turn,
        between the first two `hog enlarged`, for faces that are small or cut closely.

    Returns
    -------
    Detector
        Looks no further than it is asked to.

    Raises
    ------
    HumanlikeError
        For another name, or if the network's weights are missing.
    """
    if name not in DETECTORS:
        raise HumanlikeError(
            f"There is no face detector {name!r}: choose one of {', '.join(DETECTORS)}."
        )
    ways = WAYS if name == "auto" else (name,)

    def detect(gray: NDArray[np.uint8], upsample: int) -> Iterator[Candidates]:
        for way in ways:
            guessed = name == "auto" and way != "hog"
            yield Candidates(way, _FINDERS[way]()(gray, upsample), guessed)

    return detect


@functools.cache
def _hog() -> Finder:
    find = dlib.get_frontal_face_detector()

    def detect(gray: NDArray[np.uint8], upsample: int) -> list[Rectangle]:
        return _search(find, gray, min(HOG_PIXELS * 4**upsample, HOG_MOST_PIXELS), upsample)

    return detect


@functools.cache
def _cnn() -> Finder:
    network = dlib.cnn_face_detection_model_v1(model_path("mmod_human_face_detector.dat"))

    def find(gray: NDArray[np.uint8]) -> list[dlib.rectangle]:
        return [found.rect for found in network(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB))]

    def detect(gray: NDArray[np.uint8], upsample: int) -> list[Rectangle]:
        return _search(find, gray, CNN_PIXELS, upsample)

    return _enlarging(detect, CNN_SIDE)


def _whole() -> Finder:
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


def _enlarging(find: Finder, side: int) -> Finder:
    """Find faces in a copy at least `side` long, with a border that repeats the picture's."""

    def detect(gray: NDArray[np.uint8], upsample: int) -> list[Rectangle]:
        margin = round(BORDER * max(gray.shape))
        wide = cv2.copyMakeBorder(gray, *(margin,) * 4, cv2.BORDER_REPLICATE)
        scale = max(1.0, side / max(gray.shape))
        if scale > 1:
            wide = cv2.resize(wide, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        faces = find(np.asarray(wide, np.uint8), upsample)
        return [Rectangle(*(round(bound / scale) - margin for bound in face)) for face in faces]

    return detect


def _inner_rectangle(height: int, width: int) -> Rectangle:
    """Where dlib would draw the face in a picture cropped to it, with or without some margin."""
    margin_y, margin_x = height // 10, width // 10
    return Rectangle(margin_x, margin_y, width - 1 - margin_x, height - 1 - margin_y)


_FINDERS: dict[str, Callable[[], Finder]] = {
    "hog": _hog,
    "hog enlarged": lambda: _enlarging(_hog(), HOG_SIDE),
    "cnn": _cnn,
    "whole": _whole,
}
