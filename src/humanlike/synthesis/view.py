"""How a face is seen: pose, light and camera."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from humanlike.synthesis.canvas import ORIGIN, PIXELS_PER_UNIT, Array, Points, blurred, to_pixels


@dataclass(frozen=True)
class View:
    """One photograph's circumstances. Angles in radians."""

    roll: float
    yaw: float
    pitch: float
    scale: float  #: pupil distance as a share of the image's side
    shift: tuple[float, float]  #: of the face, as a share of the image's side
    gaze: tuple[float, float]  #: of the irises, in face units
    azimuth: float  #: of the light, positive from the right
    elevation: float  #: of the light, positive from above
    key: float
    ambient: float
    fill: float
    gamma: float
    background: float  #: tone in [0, 1]
    noise: float  #: standard deviation of the sensor's noise, 1 being white
    seed: int  #: of the noise and of the background's clouds


def draw_view(rng: np.random.Generator) -> View:
    """Draw a pose, a light and a camera; the same state of ``rng`` gives the same view."""

    def near_zero(degrees: float) -> float:
        return np.deg2rad(degrees) * float(np.clip(rng.standard_normal(), -2.2, 2.2))

    def between(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    return View(
        roll=near_zero(4),
        yaw=near_zero(4),
        pitch=near_zero(3),
        scale=between(0.205, 0.245),
        shift=(between(-0.03, 0.03), between(-0.025, 0.025)),
        gaze=(between(-0.03, 0.03), between(-0.01, 0.01)),
        azimuth=between(-0.75, 0.75),
        elevation=between(0.10, 0.60),
        key=between(0.68, 0.90),
        ambient=between(0.20, 0.34),
        fill=between(0.04, 0.20),
        gamma=between(0.70, 1.0),
        background=between(0.12, 0.85),
        noise=between(0.004, 0.016),
        seed=int(rng.integers(2**32)),
    )


@dataclass(frozen=True)
class Projection:
    """Weak perspective: what is nearer to the viewer moves further when the head turns."""

    linear: npt.NDArray[np.float64]  #: (2, 2), face units to image pixels
    parallax: npt.NDArray[np.float64]  #: (2,), image pixels a unit of height
    origin: npt.NDArray[np.float64]  #: (2,), image pixels of the point between the eyes

    def points(self, points: Points, height: Points) -> Points:
        """Image pixels (n, 2) of face points (n, 2) at ``height`` (n,)."""
        return points @ self.linear.T + height[:, None] * self.parallax + self.origin

    def canvas_maps(self, height: Array, size: int) -> tuple[Array, Array]:
        """For each image pixel, the canvas column and row (size, size) that it shows.

        The height there is not known beforehand: three rounds of fixed-point iteration, which
        contracts as long as the head turns by little.
        """
        u, v = np.meshgrid(np.arange(size), np.arange(size))
        inverse = np.linalg.inv(self.linear) * PIXELS_PER_UNIT
        offset = np.asarray(ORIGIN) - inverse @ self.origin
        flat_x = (inverse[0, 0] * u + inverse[0, 1] * v + offset[0]).astype(np.float32)
        flat_y = (inverse[1, 0] * u + inverse[1, 1] * v + offset[1]).astype(np.float32)
        step = (inverse @ self.parallax).astype(np.float32)
        x, y = flat_x, flat_y
        for _ in range(3):
            seen = cv2.remap(height, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            x, y = flat_x - step[0] * seen, flat_y - step[1] * seen
        return x, y


#: The head turns about an axis at this height, so that its middle stays in place.
_PIVOT = 0.5
#: The point of the face that an unshifted view puts in the image's middle.
_MIDDLE = np.array([0.0, 0.22])


def projection(view: View, size: int) -> Projection:
    """The projection of ``view`` into an image of ``size`` pixels a side."""
    pixels = view.scale * size
    cos, sin = np.cos(view.roll), np.sin(view.roll)
    rotation = np.array([[cos, -sin], [sin, cos]])
    linear = pixels * rotation @ np.diag([np.cos(view.yaw), np.cos(view.pitch)])
    parallax = pixels * rotation @ np.array([np.sin(view.yaw), np.sin(view.pitch)])
    middle = (size - 1) / 2 + size * np.asarray(view.shift)
    return Projection(linear, parallax, middle - linear @ _MIDDLE - _PIVOT * parallax)


def height_at(height: Array, points: Points) -> Points:
    """Heights (n,) under face points (n, 2)."""
    x, y = to_pixels(points).astype(np.float32).T
    return cv2.remap(height, x[None], y[None], cv2.INTER_LINEAR)[0].astype(np.float64)


def backdrop(view: View, size: int) -> Array:
    """A soft, out-of-focus wall (size, size), brighter towards the light."""
    rng = np.random.default_rng([view.seed, 1])
    noise = rng.standard_normal((32, 32)).astype(np.float32)
    clouds = cv2.GaussianBlur(noise, (0, 0), 4)
    clouds = cv2.resize(clouds / clouds.std(), (size, size), interpolation=cv2.INTER_CUBIC)
    slope = np.linspace(-0.5, 0.5, size, dtype=np.float32) * math.sin(view.azimuth)
    wall = view.background * (1 + 0.10 * clouds + 0.25 * slope[None, :])
    return np.clip(wall, 0.02, 0.97)


def smooth_height(height: Array) -> Array:
    """Heights fit for parallax: without the fine relief, which would fold over itself."""
    return blurred(height, 0.05)
