"""The face as a height field: a dome, soft bumps, lips and wrinkles."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from humanlike.synthesis.canvas import (
    Array,
    Box,
    Points,
    Stroke,
    X,
    Y,
    blurred,
    both_sides,
    stroked,
)
from humanlike.synthesis.geometry import CENTRE, Geometry, Mouth
from humanlike.synthesis.identity import Identity

_ANGLES = 1024
#: Room for the mouth, however wide or open.
MOUTH_BOX = Box.around(-0.8, 0.7, 0.8, 1.75)


@dataclass(frozen=True)
class Relief:
    """Heights and what follows from them."""

    height: Array  #: (H, W), face units towards the viewer; 0 outside the head
    head: Array  #: (H, W) in [0, 1], what the head covers
    creases: Array  #: (H, W) in [0, 1], how much the wrinkles darken


def sculpt(identity: Identity, geometry: Geometry, au: Mapping[int, float]) -> Relief:
    """Heights of the whole face on the canvas; ``au`` holds every drawn unit's intensity."""
    rho = relative_radius(geometry)
    head = np.clip(0.5 + 80 * (1 - rho), 0, 1)
    dome = cv2.pow(1 - cv2.pow(np.minimum(rho, 1), 2.4), 0.6)
    creases = stroked(_wrinkles(geometry, au), softness=0.012)
    grooves = stroked(_folds(geometry, au), softness=0.030)
    details = _bumps(identity, geometry, au) - 0.030 * creases - 0.075 * grooves
    MOUTH_BOX.of(details)[:] += _lips(geometry.mouth)
    return Relief(dome + head * details, head, 0.30 * creases + 0.45 * grooves)


def relative_radius(geometry: Geometry) -> Array:
    """Distance of each pixel (H, W) from the outline's centre, 1 on the outline."""
    radius, column = _polar_grid()
    outline = geometry.outline(np.linspace(0, 2 * np.pi, _ANGLES + 1)).astype(np.float32)
    row = np.zeros_like(column)
    return radius / cv2.remap(outline[None], column, row, cv2.INTER_LINEAR)


@cache
def _polar_grid() -> tuple[Array, Array]:
    """Each pixel's distance and angle (as a place in the outline's table) about the centre."""
    x, y = np.meshgrid(X - CENTRE[0], Y - CENTRE[1])
    column = np.mod(np.arctan2(y, x), 2 * np.pi) * (_ANGLES / (2 * np.pi))
    return np.hypot(x, y).astype(np.float32), column.astype(np.float32)


def _bumps(identity: Identity, geometry: Geometry, au: Mapping[int, float]) -> Array:
    """Sum (H, W) of axis-aligned Gaussians: one matrix product, nothing cut off at a border."""
    eye, mouth, wings = geometry.eye, geometry.mouth, geometry.wings
    brow_y = float(geometry.brow[1:4, 1].mean())
    lip_edge = float(mouth.curves(np.zeros(1))[3, 0])
    cheek = 0.08 * identity.cheek + 0.07 * au[12] + 0.03 * au[6]
    wing_x = 0.80 * geometry.nose_half_width
    bridge = identity.nose_bridge
    # x, y, standard deviation across and down, height; those off the midline come in pairs
    paired = [
        (0.42, brow_y + 0.03, 0.26, 0.085, 0.075),  # brow ridge
        (0.45, -0.02, 0.24, 0.15, -0.135),  # eye socket
        (0.25, 0.00, 0.085, 0.11, -0.085),  # inner socket
        (eye.centre, 0.0, 0.17, 0.115, 0.085),  # eyeball
        (eye.centre + 0.02, 0.20, 0.20, 0.045, -0.018),  # below the eye
        (0.60, geometry.cheek, 0.22, 0.19, cheek),  # cheek
        (0.72, 0.98, 0.18, 0.24, -0.07 * (1.6 - 0.6 * identity.cheek)),  # cheek hollow
        (0.93, -0.30, 0.12, 0.26, -0.06),  # temple
        (wing_x, wings, 0.062, 0.070, 0.115),  # nose wing
        (
            mouth.half_width + 0.05,
            mouth.y + mouth.corner,
            0.055,
            0.06,
            -0.035,
        ),  # beside the lip corner
        (0.30, -0.62, 0.22, 0.20, 0.025),  # forehead
    ]
    central = [
        (0.0, 1.02, 0.32, 0.24, 0.12),  # muzzle
        (0.0, geometry.chin - 0.23, 0.22, 0.14, 0.12),  # chin
        (0.0, lip_edge + 0.075, 0.20, 0.055, -0.055),  # below the lower lip
        (0.0, 0.90, 0.030, 0.060, -0.014),  # philtrum
        (0.0, wings - 0.03, 0.105, 0.100, 0.125),  # nose tip
        (0.0, -0.20, 0.12, 0.10, 0.020),  # glabella
    ]
    for y in np.linspace(0.0, wings - 0.10, 6):  # nose ridge
        along = y / (wings - 0.10)
        central.append((0.0, y, 0.070 + 0.040 * along, 0.10, bridge * (0.045 + 0.085 * along)))
    x, y, wide, high, height = np.array(
        paired + [(-x, *rest) for x, *rest in paired] + central, np.float32
    ).T[:, :, None]

    def bell(distance: Array) -> Array:
        # Not below exp(-40): products of two would be subnormal, which is many times slower.
        return np.exp(np.maximum(-0.5 * distance**2, -40))

    return (height * bell((Y - y) / high)).T @ bell((X - x) / wide)


def _lips(mouth: Mouth) -> Array:
    """Heights (h, w) of both lips in their box, sine profiles between their edges."""
    t = MOUTH_BOX.x / mouth.half_width
    upper_edge, upper_inner, lower_inner, lower_edge = mouth.curves(np.clip(t, -1, 1))

    def profile(top: Array, bottom: Array) -> Array:
        thickness = np.maximum(bottom - top, 0.01)
        rise = np.sin(np.pi * np.clip((MOUTH_BOX.y - top) / thickness, 0, 1))
        return rise * np.minimum(1, thickness / 0.06)

    lips = 0.055 * profile(upper_edge, upper_inner) + 0.085 * profile(lower_inner, lower_edge)
    return blurred((lips * (np.abs(t) < 1)).astype(np.float32), 0.012)


def _wrinkles(geometry: Geometry, au: Mapping[int, float]) -> list[Stroke]:
    """Fine lines of forehead, glabella, nose and eyes."""
    brow, eye = geometry.brow, geometry.eye
    inner, peak = float(brow[0, 1]), float(brow[2, 1])
    outer = eye.centre + eye.half_width
    frown = _bezier((0.065, inner - 0.11), (0.04, inner), (0.075, inner + 0.12))
    bag = _bezier((0.33, 0.15), (0.50, 0.21), (0.68, 0.14))
    paired: list[Stroke] = []
    central: list[Stroke] = []
    for k in range(3):
        y = peak - 0.12 - 0.095 * k
        lateral = _bezier((0.30, y + 0.02), (0.55, y - 0.05), (0.80, y + 0.06))
        paired.append((lateral, 0.80 * au[2], 0.024))
        y = 0.16 + 0.075 * k - 0.04 * au[9]
        nose = _bezier((0.03, y), (0.09, y - 0.01), (0.16, y + 0.05))
        paired.append((nose, 0.50 * au[9], 0.020))
        slope = 0.35 * (k - 1)
        crow_foot = _bezier(
            (outer + 0.05, 0.02 + 0.06 * slope),
            (outer + 0.12, 0.02 + 0.14 * slope),
            (outer + 0.19, 0.02 + 0.30 * slope),
        )
        paired.append((crow_foot, 0.80 * au[6], 0.020))
        y = inner - 0.14 - 0.105 * k
        forehead = _bezier((-0.36, y - 0.02), (0.0, y + 0.03), (0.36, y - 0.02))
        central.append((forehead, 0.90 * au[1], 0.024))
    paired.append((frown, min(1.0, au[4] + 0.5 * au[9]), 0.026))
    paired.append((bag, 0.35 + 0.4 * max(au[6], au[7]), 0.016))
    return both_sides(paired) + central


def _folds(geometry: Geometry, au: Mapping[int, float]) -> list[Stroke]:
    """Broad folds: nasolabial from the nose wing, marionette below the mouth's corner."""
    mouth, wings = geometry.mouth, geometry.wings
    x, y = mouth.half_width, mouth.y + mouth.corner
    wing = (geometry.nose_half_width + 0.055, wings - 0.02)
    bend = (0.5 * (wing[0] + x) + 0.10, 0.5 * (wing[1] + y) - 0.06)
    nasolabial = _bezier(wing, bend, (x + 0.10, y + 0.03))
    strength = 0.12 + max(0.80 * au[9], 0.85 * au[12], 0.25 * au[15], 0.3 * au[20])
    marionette = _bezier((x + 0.02, y + 0.01), (x + 0.06, y + 0.10), (x + 0.05, y + 0.21))
    return both_sides([(nasolabial, strength, 0.030), (marionette, 0.75 * au[15], 0.030)])


def _bezier(start: tuple, bend: tuple, end: tuple) -> Points:
    t = np.linspace(0, 1, 13)[:, None]
    return (1 - t) ** 2 * np.array(start) + 2 * t * (1 - t) * np.array(bend) + t**2 * np.array(end)
