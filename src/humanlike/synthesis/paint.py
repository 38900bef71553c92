"""Skin, brows, lips, mouth and eyes: what the light falls on."""

from functools import cache, lru_cache

import numpy as np
from scipy.interpolate import CubicSpline

from humanlike.synthesis.canvas import (
    Array,
    Box,
    Stroke,
    X,
    Y,
    blend,
    both_sides,
    filled,
    hatched,
    mirrored,
    smoothstep,
    stroked,
)
from humanlike.synthesis.geometry import Eye, Geometry
from humanlike.synthesis.identity import Identity
from humanlike.synthesis.relief import MOUTH_BOX, Relief
from humanlike.synthesis.textures import textures
from humanlike.synthesis.view import View

_BROWS_BOX = Box.around(-1.05, -0.60, 1.05, 0.05)
_EYES_BOX = Box.around(-0.95, -0.35, 0.95, 0.30)
_NOSE_BOX = Box.around(-0.40, 0.45, 0.40, 1.00)


def skin_tone(identity: Identity, geometry: Geometry, relief: Relief) -> Array:
    """Reflectance (H, W) of the bare face with its lips, brows, nostrils and wrinkles."""
    tone = _bare_skin(identity) * (1 - relief.creases)
    lips = MOUTH_BOX.of(tone)
    # The upper lip is turned away from the light, the lower one towards it.
    for curve, lip_tone in ((0, identity.lip_tone), (2, identity.lip_tone + 0.10)):
        lip = filled([geometry.mouth.band(curve, curve + 1)], 0.014, MOUTH_BOX)
        lips[:] = blend(lips, identity.skin * lip_tone, lip)
    nose = _NOSE_BOX.of(tone)
    nose *= 1 - 0.80 * _nostrils(geometry)
    lids = _EYES_BOX.of(tone)
    lids *= 1 - 0.25 * _lid_shade(geometry.eye)
    brows = _BROWS_BOX.of(tone)
    body, hairs = _brows(identity, geometry)
    brows[:] = blend(brows, identity.brow_tone, 0.62 * body)
    brows[:] = blend(brows, 0.7 * identity.brow_tone, 0.75 * hairs)
    return tone


def draw_mouth(face: Array, geometry: Geometry, view: View) -> None:
    """Put on the lit face (H, W) what shows between the lips: seam, darkness, teeth, tongue."""
    mouth, part = geometry.mouth, MOUTH_BOX.of(face)
    t = np.linspace(-1, 1, 41)
    _, upper_inner, lower_inner, _ = mouth.curves(t)
    seam = np.column_stack([mouth.half_width * t, 0.5 * (upper_inner + lower_inner)])
    closed = max(0.0, 1 - mouth.gap / 0.05)
    corners = [(seam[:12], 0.8, 0.024), (seam[-12:], 0.8, 0.024)]
    part *= 1 - stroked([*corners, (seam, 0.75 * closed, 0.024)], 0.008, MOUTH_BOX)
    if mouth.gap <= 0:
        return
    t = np.clip(MOUTH_BOX.x / mouth.half_width, -1, 1)
    _, top, bottom, _ = mouth.curves(t)
    from_lip, to_lip, inwards = MOUTH_BOX.y - top, bottom - MOUTH_BOX.y, 1 - np.abs(t)
    teeth = smoothstep(0.075 - from_lip, 0.0, 0.025) * smoothstep(inwards, 0.10, 0.45)
    teeth *= 0.55 + 0.45 * smoothstep(from_lip, 0.0, 0.05)
    tongue = smoothstep(0.10 - to_lip, 0.0, 0.09) * smoothstep(inwards, 0.15, 0.6)
    tongue *= min(1.0, mouth.gap / 0.2)
    lit = view.ambient + 0.8 * view.key
    interior = lit * (0.03 + 0.42 * teeth + 0.12 * tongue * (1 - teeth))
    part[:] = blend(part, interior, filled([mouth.band(1, 2)], 0.008, MOUTH_BOX))


def draw_eyes(face: Array, identity: Identity, geometry: Geometry, view: View) -> None:
    """Put both eyeballs, the edges of their lids and the lashes on the lit face (H, W)."""
    eye, part = geometry.eye, _EYES_BOX.of(face)
    lit = view.ambient + 0.75 * view.key
    x = np.abs(_EYES_BOX.x) - eye.centre
    side = np.sign(_EYES_BOX.x)
    upper, _ = eye.lids(np.clip(x[0] / eye.half_width, -1, 1))
    below_lid = _EYES_BOX.y - upper[:, 1]
    iris_x, iris_y = side * x - view.gaze[0], _EYES_BOX.y - view.gaze[1] + 0.012
    from_pupil = np.hypot(iris_x, iris_y)
    iris = identity.iris * (0.75 + 1.1 * smoothstep(from_pupil, 0.03, 0.085))
    iris *= 1 - 0.65 * smoothstep(from_pupil, 0.078, 0.098)
    ball = blend(iris, 0.80 * (1 - 0.9 * (x / 0.30) ** 2), smoothstep(from_pupil, 0.092, 0.104))
    ball *= smoothstep(from_pupil, 0.036, 0.048)
    ball *= 0.42 + 0.58 * smoothstep(below_lid, 0.0, 0.075)
    glint = np.hypot(iris_x - 0.035 * np.sign(view.azimuth), iris_y + 0.035)
    ball = np.maximum(lit * ball, 1.3 * (1 - smoothstep(glint, 0.012, 0.026)))
    openings = [eye.outline(), mirrored(eye.outline())]
    part[:] = blend(part, ball, filled(openings, 0.006, _EYES_BOX))
    part *= 1 - stroked(both_sides(_lid_lines(eye)), 0.006, _EYES_BOX)


@lru_cache(maxsize=4)
def _bare_skin(identity: Identity) -> Array:
    """Reflectance (H, W) of skin and stubble."""
    texture = textures(identity)
    tone = identity.skin * (1 + 0.022 * texture.pores + 0.020 * texture.mottling)
    return tone * (1 - identity.stubble * _beard() * (0.55 + 0.25 * texture.pores))


@cache
def _beard() -> Array:
    """Where a beard grows (H, W) in [0, 1]."""
    x, y = np.meshgrid(X, Y)
    jaw = smoothstep(y + 0.5 * np.abs(x) ** 2, 0.85, 1.25)
    lip = np.exp(-((x / 0.30) ** 4) - ((y - 0.92) / 0.07) ** 2)
    return np.maximum(jaw, lip).astype(np.float32)


def _nostrils(geometry: Geometry) -> Array:
    """Nostrils and the groove about the wings (h, w) in the nose's box."""
    width, wings = geometry.nose_half_width, geometry.wings
    y = geometry.nose_base - 0.012 + 0.25 * (wings + 0.085 - geometry.nose_base)
    nostril = np.array([[0.34 * width, y + 0.008], [0.53 * width, y - 0.012], [0.72 * width, y]])
    slit = CubicSpline([0, 0.5, 1], nostril)(np.linspace(0, 1, 7))
    angle = np.linspace(-0.9, 1.25, 9)
    wing = np.column_stack(
        [width - 0.043 + 0.055 * np.cos(angle), wings + 0.01 + 0.070 * np.sin(angle)]
    )
    return stroked(both_sides([(slit, 1.0, 0.034), (wing, 0.40, 0.014)]), 0.012, _NOSE_BOX)


def _lid_shade(eye: Eye) -> Array:
    """The soft dark of the lids around the eye (h, w) in the eyes' box."""
    around = filled([eye.outline(), mirrored(eye.outline())], 0.05, _EYES_BOX)
    return np.clip(2.2 * around, 0, 1)


def _lid_lines(eye: Eye) -> list[Stroke]:
    """The right eye's lashes, lower lid and the crease above the upper lid."""
    t = np.linspace(-1, 1, 25)
    upper, lower = eye.lids(t)
    upper = upper - [0.0, 0.004]
    lash = np.vstack([upper, upper[-1] + [0.035, -0.012]])
    crease = upper - np.column_stack([np.zeros_like(t), 0.052 + 0.02 * (1 - t**2)])
    return [(lash, 0.85, 0.026), (lower, 0.30, 0.014), (crease, 0.38, 0.014)]


def _brows(identity: Identity, geometry: Geometry) -> tuple[Array, Array]:
    """The brows' soft body and their single hairs, each (h, w) in the brows' box."""
    path = CubicSpline(np.linspace(0, 1, 5), geometry.brow)
    along = np.linspace(-0.04, 1.03, 24)
    thickness = identity.brow_thickness * (1.05 - 0.65 * np.clip(along, 0, 1) ** 2)
    thickness *= smoothstep(along, -0.16, 0.05) * smoothstep(1.12 - along, 0.0, 0.2)
    half = np.column_stack([np.zeros_like(thickness), thickness])
    body = np.vstack([path(along) - half, (path(along) + half)[::-1]])

    where, across = np.moveaxis(textures(identity).brow_hairs, -1, 0)
    root = path(where)
    root[..., 1] += identity.brow_thickness * (1.0 - 0.65 * where**2) * (1.7 * across - 0.75)
    # Inner hairs stand up, outer hairs lie along the brow.
    lean = np.stack([0.035 + 0.05 * where, -0.065 + 0.095 * where], axis=-1)
    right, left = np.stack([root - 0.5 * lean, root + 0.5 * lean], axis=2)
    hairs = hatched(np.concatenate([right, mirrored(left)]), 0.01, 0.005, _BROWS_BOX)
    return filled([body, mirrored(body)], 0.018, _BROWS_BOX), 0.8 * hairs
