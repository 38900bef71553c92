"""Light on a height field."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from humanlike.synthesis.canvas import PIXELS_PER_UNIT, Array, blurred
from humanlike.synthesis.view import View

_SPECULAR_POWER = 18


@dataclass(frozen=True)
class Light:
    """What arrives and what glances off, per pixel (H, W)."""

    diffuse: Array
    specular: Array


def illuminate(height: Array, view: View) -> Light:
    """Wrapped Lambert key light, ambient light with occlusion, and a fill light from the side.

    Slopes are softened to g / sqrt(1 + 0.14 g²): with hard normals noses become trapezoids.
    """
    gain = PIXELS_PER_UNIT / 8
    gx = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=gain)
    gy = cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=gain)
    soft = 1 / np.sqrt(1 + 0.14 * (gx**2 + gy**2))
    gx, gy = gx * soft, gy * soft
    nz = 1 / np.sqrt(1 + gx**2 + gy**2)
    lx, ly, lz = light_direction(view)
    facing = (lz - gx * lx - gy * ly) * nz
    key = np.clip((facing + 0.25) / 1.25, 0, None)
    fill = np.clip((lz + gx * lx) * nz, 0, None)
    occlusion = _ambient_occlusion(height)
    diffuse = (
        view.key * key * (0.5 + 0.5 * occlusion) + (view.ambient + view.fill * fill) * occlusion
    )
    # Blinn's half vector between the light and the viewer, who looks along z.
    length = math.hypot(lx, ly, lz + 1)
    hx, hy, hz = lx / length, ly / length, (lz + 1) / length
    glance = np.clip((hz - gx * hx - gy * hy) * nz, 0, None)
    return Light(diffuse, view.key * cv2.pow(glance, _SPECULAR_POWER))


def light_direction(view: View) -> tuple[float, float, float]:
    """The unit vector towards the key light: x right, y down, z to the viewer."""
    across = math.cos(view.elevation)
    return (
        math.sin(view.azimuth) * across,
        -math.sin(view.elevation),
        math.cos(view.azimuth) * across,
    )


def _ambient_occlusion(height: Array) -> Array:
    """Share of ambient light (H, W) that reaches a pixel: less in hollows, at two scales."""
    narrow = np.clip(blurred(height, 0.045) - height, 0, None)
    broad = np.clip(blurred(height, 0.16) - height, 0, None)
    return np.clip(1 - 3.2 * narrow - 1.3 * broad, 0.25, 1)
