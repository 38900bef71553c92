"""A person, an expression and a view become one gray photograph with its true landmarks."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from humanlike.synthesis import body, paint
from humanlike.synthesis.action_units import complete_units
from humanlike.synthesis.canvas import Array, blend, blurred
from humanlike.synthesis.geometry import Geometry, shape_face
from humanlike.synthesis.identity import Identity
from humanlike.synthesis.relief import Relief, sculpt
from humanlike.synthesis.shading import illuminate
from humanlike.synthesis.view import (
    View,
    backdrop,
    height_at,
    projection,
    smooth_height,
)


@dataclass(frozen=True)
class Face:
    """One drawn photograph."""

    image: npt.NDArray[np.uint8]  #: (size, size) gray
    landmarks: npt.NDArray[np.float32]  #: (68, 2) x, y in pixels of the image, dlib's order


def render(
    identity: Identity, action_units: Mapping[int, float], view: View, size: int = 256
) -> Face:
    """Draw one face. The same arguments give the same bytes.

    Parameters
    ----------
    identity
        Who is drawn.
    action_units
        Action unit -> intensity in [0, 1]; units left out rest.
    view
        Pose, light and camera.
    size
        Side of the image in pixels.

    Raises
    ------
    ValueError
        If a unit is not drawn or an intensity lies outside [0, 1].
    """
    scene = _compose(identity, action_units, view, size)
    noise = np.random.default_rng([view.seed, 2]).standard_normal((size, size), np.float32)
    image = np.clip(255 * (scene.image + view.noise * noise) + 0.5, 0, 255).astype(np.uint8)
    return Face(image, scene.landmarks)


def changed_pixels(
    identity: Identity,
    units_a: Mapping[int, float],
    units_b: Mapping[int, float],
    view: View,
    size: int = 256,
    least: float = 3 / 255,
) -> npt.NDArray[np.bool_]:
    """Pixels (size, size) that differ between two settings of the action units, all else equal.

    Parameters
    ----------
    identity, view, size
        As in `render`.
    units_a, units_b
        The two settings.
    least
        The smallest difference that counts, white being 1. Noise is left out, so that every
        difference is the units' own.
    """
    before = _compose(identity, units_a, view, size).image
    after = _compose(identity, units_b, view, size).image
    return np.abs(before - after) >= least


@dataclass(frozen=True)
class _Scene:
    image: Array  #: (size, size) in [0, 1], without noise
    landmarks: npt.NDArray[np.float32]


def _compose(
    identity: Identity, action_units: Mapping[int, float], view: View, size: int
) -> _Scene:
    units = complete_units(action_units)
    geometry = shape_face(identity, units)
    relief = sculpt(identity, geometry, units)
    image, coverage = _on_canvas(identity, geometry, relief, view)

    depth = smooth_height(relief.height)
    project = projection(view, size)
    columns, rows = project.canvas_maps(depth, size)
    light, share = (
        cv2.remap(layer, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for layer in (blurred(image, 0.006), coverage)
    )
    picture = blend(backdrop(view, size), _exposed(light, view), share)
    points = geometry.landmarks()
    landmarks = project.points(points, height_at(depth, points)).astype(np.float32)
    return _Scene(picture, landmarks)


def _on_canvas(
    identity: Identity, geometry: Geometry, relief: Relief, view: View
) -> tuple[Array, Array]:
    """The light that comes from each pixel of the canvas (H, W), and what is covered (H, W)."""
    hair = body.hair_mask(identity)
    light = illuminate(relief.height + 0.05 * blurred(hair * relief.head, 0.03), view)
    face = paint.skin_tone(identity, geometry, relief) * light.diffuse + 0.10 * light.specular
    paint.draw_mouth(face, geometry, view)
    paint.draw_eyes(face, identity, geometry, view)
    locks = body.hair_tone(identity) * light.diffuse + 0.05 * light.specular
    face = blend(face, locks, hair)
    behind, coverage = body.draw_body(identity, geometry, view)
    image = blend(behind, face, relief.head)
    return image, np.maximum(coverage, relief.head)


def _exposed(light: npt.NDArray, view: View) -> Array:
    """Tones in [0, 1] of light: film's shoulder keeps a bright face from going flat."""
    tones = 1 - cv2.exp(-1.15 * np.maximum(light, 0))
    return np.asarray(cv2.pow(tones, view.gamma), np.float32)
