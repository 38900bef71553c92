"""What frames the face: hair, ears, neck and shirt."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator

from humanlike.synthesis.canvas import Array, Points, X, Y, blend, filled, mirrored, smoothstep
from humanlike.synthesis.geometry import Geometry
from humanlike.synthesis.identity import Identity
from humanlike.synthesis.shading import light_direction
from humanlike.synthesis.textures import textures
from humanlike.synthesis.view import View


@lru_cache(maxsize=4)
def hair_mask(identity: Identity) -> Array:
    """What the hair would cover (H, W) in [0, 1] of an endless head, with an edge of strands."""
    across = np.abs(X) / identity.half_width
    sideburn = 0.55 if identity.long_hair else 0.10
    drop = smoothstep(across, 0.30, 1.02) ** 2.0
    edge = identity.hairline + (sideburn - identity.hairline) * drop
    # Strands cross the hair line over the forehead and run along it at the temples.
    ragged = 0.045 * textures(identity).strands * smoothstep(1 - across, 0.0, 0.6)
    return smoothstep(edge + ragged - Y[:, None], -0.03, 0.09).astype(np.float32)


@lru_cache(maxsize=4)
def hair_tone(identity: Identity) -> Array:
    """Reflectance (H, W) of the hair, strand by strand."""
    return np.clip(identity.hair_tone * (1 + 0.20 * textures(identity).strands), 0.015, 0.8)


def draw_body(identity: Identity, geometry: Geometry, view: View) -> tuple[Array, Array]:
    """What lies behind the face: neck, shirt, ears or long hair; image and coverage (H, W)."""
    lx, _, lz = light_direction(view)
    shapes = _body_shapes(identity)
    around = np.clip(X / _neck_width(identity), -1, 1)
    facing = lx * around + lz * np.sqrt(1 - 0.9 * around**2)
    lit = view.key * np.clip((facing + 0.25) / 1.25, 0, None) + view.ambient
    chin_shadow = 1 - 0.62 * smoothstep(geometry.chin + 0.42 - Y, 0.0, 0.40)
    neck = identity.skin * 0.92 * lit[None, :] * chin_shadow[:, None]
    slope = np.clip(0.75 + 0.25 * lx * X, 0.3, 1.2)
    cloth = shapes.cloth * ((0.55 * view.key + view.ambient) * slope)
    image = blend(neck, cloth, shapes.shirt)
    if identity.long_hair:
        shade = 0.45 + 0.55 * smoothstep(np.abs(X), 0.75, 1.15)
        locks = hair_tone(identity) * ((0.5 * view.key + view.ambient) * shade)
        return blend(image, locks, shapes.sides), shapes.coverage
    side = np.clip(0.70 + 0.45 * lx * np.sign(X), 0.2, 1.2)
    flesh = shapes.ears * (view.key * 0.75 * side + view.ambient)
    return blend(image, flesh, shapes.sides), shapes.coverage


@dataclass(frozen=True)
class _BodyShapes:
    """What of the body does not depend on expression and light, each (H, W)."""

    shirt: Array  #: coverage
    cloth: Array  #: reflectance
    sides: Array  #: coverage of ears or long hair
    ears: Array  #: reflectance
    coverage: Array  #: of all together


@lru_cache(maxsize=4)
def _body_shapes(identity: Identity) -> _BodyShapes:
    width = _neck_width(identity)
    below_edge = Y[:, None] - _shirt_edge(width)(np.abs(X)).astype(np.float32)
    shirt = smoothstep(below_edge, -0.012, 0.012)
    cloth = identity.shirt * (1 + 0.05 * textures(identity).mottling)
    cloth *= 1 - 0.35 * np.exp(-((below_edge / 0.05) ** 2))
    neck = np.array([[-width, 0.8], [width, 0.8], [width, 2.7], [-width, 2.7]])
    ears, hollows = _ears(identity)
    sides = filled(_long_hair(identity), softness=0.03) if identity.long_hair else ears
    return _BodyShapes(
        shirt=shirt,
        cloth=cloth,
        sides=sides,
        ears=identity.skin * 0.92 * (1 - 0.45 * hollows),
        coverage=np.maximum(np.maximum(shirt, sides), filled([neck], softness=0.01)),
    )


def _neck_width(identity: Identity) -> float:
    return 0.60 * identity.half_width


def _shirt_edge(neck_width: float) -> PchipInterpolator:
    """The y of neckline and shoulder over |x|."""
    return PchipInterpolator(
        [0, 0.5 * neck_width, neck_width, neck_width + 0.35, 1.5, 2.0],
        [2.30, 2.27, 2.15, 2.21, 2.38, 2.62],
    )


def _long_hair(identity: Identity) -> list[Points]:
    width = identity.half_width
    right = CubicSpline(
        [0, 1, 2, 3, 4],
        [
            [0.70, -0.9],
            [1.06 * width, -0.3],
            [1.17 * width, 0.6],
            [1.16 * width, 1.5],
            [0.95, 2.25],
        ],
    )(np.linspace(0, 4, 30))
    polygon = np.vstack([right, [[0.55, 2.15], [0.50, 1.2], [0.4, 0.0]]])
    return [polygon, mirrored(polygon)]


def _ears(identity: Identity) -> tuple[Array, Array]:
    """Both ears and the hollows in them, each (H, W) in [0, 1]."""
    angle = np.linspace(0, 2 * np.pi, 40)
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    at = np.array([1.035 * identity.half_width, 0.20])
    ear = at + ring * [0.10, 0.25] + np.outer(ring[:, 1], [-0.03, 0])
    hollow = at + [0.02, -0.01] + ring * [0.045, 0.15]
    ears = filled([ear, mirrored(ear)], softness=0.008)
    return ears, filled([hollow, mirrored(hollow)], softness=0.025)
