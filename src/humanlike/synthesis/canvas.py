"""The sheet that a face is drawn on, and the few ways to put a mark on it.

Faces are drawn in *face units*: 1 is the distance between the pupils, the origin lies between the
eyes, x runs to the right of the picture, y down. The canvas samples that plane at 80 pixels a
unit, about 1.4 times finer than the image that is made of it in the end.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Points = npt.NDArray[np.floating]

PIXELS_PER_UNIT = 80
WIDTH, HEIGHT = 280, 360
ORIGIN = (139.5, 148.0)

#: Face coordinates of the canvas' columns (W,) and rows (H,).
X = ((np.arange(WIDTH) - ORIGIN[0]) / PIXELS_PER_UNIT).astype(np.float32)
Y = ((np.arange(HEIGHT) - ORIGIN[1]) / PIXELS_PER_UNIT).astype(np.float32)

_FRACTION_BITS = 4


@dataclass(frozen=True)
class Box:
    """A rectangle of the canvas: what is small is drawn in a small box, which is faster."""

    rows: slice
    columns: slice

    @classmethod
    def around(cls, left: float, top: float, right: float, bottom: float) -> "Box":
        """The pixels from (left, top) to (right, bottom), given in face units."""
        return cls(
            slice(*np.searchsorted(Y, [top, bottom])), slice(*np.searchsorted(X, [left, right]))
        )

    @property
    def x(self) -> Array:
        """Face coordinates (1, w) of the columns."""
        return X[None, self.columns]

    @property
    def y(self) -> Array:
        """Face coordinates (h, 1) of the rows."""
        return Y[self.rows, None]

    def of(self, image: npt.NDArray) -> npt.NDArray:
        """The part (h, w) of an image (H, W) inside the box, as a view."""
        return image[self.rows, self.columns]

    def blank(self) -> npt.NDArray[np.uint8]:
        """Zeros (h, w)."""
        return np.zeros((self.y.size, self.x.size), np.uint8)

    def fixed_point(self, points: Points) -> npt.NDArray[np.int32]:
        """Points (..., 2) as OpenCV draws them: pixels of the box in 16ths."""
        pixels = to_pixels(points) - [self.columns.start, self.rows.start]
        return np.round(pixels * (1 << _FRACTION_BITS)).astype(np.int32)


WHOLE = Box(slice(0, HEIGHT), slice(0, WIDTH))


def to_pixels(points: Points) -> Points:
    """Face coordinates (..., 2) as canvas pixels, whole numbers being pixel centres."""
    return points * PIXELS_PER_UNIT + np.asarray(ORIGIN)


def mirrored(points: Points) -> Points:
    """The same points (..., 2) on the other side of the face."""
    return points * np.array([-1.0, 1.0])


def blurred(image: npt.NDArray, sigma: float) -> Array:
    """Gaussian blur of ``image`` (H, W); ``sigma`` in face units. Broad ones work on a quarter."""
    pixels = sigma * PIXELS_PER_UNIT
    if pixels < 3.5:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), pixels), np.float32)
    height, width = image.shape
    small = cv2.resize(image, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), pixels / 4)
    return np.asarray(cv2.resize(small, (width, height)), np.float32)


def filled(polygons: Iterable[Points], softness: float = 0.0, box: Box = WHOLE) -> Array:
    """Coverage (h, w) in [0, 1] of filled polygons, their edges blurred by ``softness`` units."""
    mask = box.blank()
    for polygon in polygons:
        cv2.fillPoly(mask, [box.fixed_point(polygon)], 255, cv2.LINE_AA, _FRACTION_BITS)
    return _as_coverage(mask, softness)


#: Points (n, 2), strength in [0, 1] and width in face units.
Stroke = tuple[Points, float, float]


def stroked(strokes: Iterable[Stroke], softness: float, box: Box = WHOLE) -> Array:
    """Strength (h, w) in [0, 1] of pen strokes that swell from both ends to their middle."""
    marks = box.blank()
    for points, strength, width in strokes:
        if strength <= 0:
            continue
        pixels = box.fixed_point(points)
        swell = np.sin(np.pi * (np.arange(len(points) - 1) + 0.5) / (len(points) - 1)) ** 0.5
        values = np.round(255 * strength * swell)
        thickness = _thickness(width)
        for start, end, value in zip(pixels[:-1], pixels[1:], values, strict=True):
            cv2.line(marks, start, end, value, thickness, cv2.LINE_AA, _FRACTION_BITS)
    return _as_coverage(marks, softness)


def hatched(hairs: Points, width: float, softness: float, box: Box = WHOLE) -> Array:
    """Strength (h, w) in [0, 1] of many even lines (n, m, 2)."""
    marks = box.blank()
    lines = list(box.fixed_point(hairs))
    cv2.polylines(marks, lines, False, 255, _thickness(width), cv2.LINE_AA, _FRACTION_BITS)
    return _as_coverage(marks, softness)


def both_sides(strokes: Sequence[Stroke]) -> list[Stroke]:
    """The strokes and their mirror images."""
    mirror_images = [(mirrored(points), strength, width) for points, strength, width in strokes]
    return [*strokes, *mirror_images]


def smoothstep(values: npt.NDArray, low: float, high: float) -> npt.NDArray:
    """0 below ``low``, 1 above ``high``, a smooth cubic between (Hermite)."""
    t = np.clip((values - low) * (1 / (high - low)), 0, 1)
    return t * t * (3 - 2 * t)


def blend(below: npt.NDArray, above: npt.NDArray | float, coverage: npt.NDArray) -> npt.NDArray:
    """``above`` where ``coverage`` is 1, ``below`` where it is 0."""
    return below + (above - below) * coverage


def _as_coverage(mask: npt.NDArray[np.uint8], softness: float) -> Array:
    coverage = mask.astype(np.float32) * (1 / 255)
    return blurred(coverage, softness) if softness else coverage


def _thickness(width: float) -> int:
    return max(1, round(width * PIXELS_PER_UNIT))
