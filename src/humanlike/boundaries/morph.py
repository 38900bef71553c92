"""Faces between two photographs of one person: landmarks warped, light cross-faded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from humanlike.boundaries.search import Search
from humanlike.boundaries.seen import Judges, Stimulus
from humanlike.boundaries.targets import Target
from humanlike.canonical.geometry import mesh_points

#: Spread and number of the pictures when shape and light are searched apart.
SPREAD, LOOKS = 0.15, 60


class Photograph(NamedTuple):
    """A photograph of one face, as it is aligned: those of a start have one size."""

    gray: NDArray[np.uint8]  #: (H, W)
    landmarks: NDArray[np.float32]  #: (68, 2) in its pixels


class Start(NamedTuple):
    """Photographs of one person, two and two, tried in this order."""

    pairs: Sequence[tuple[Photograph, Photograph]]  #: of the target's first class, of its second
    seed: int


def generate(start: Start, target: Target, judges: Judges) -> Stimulus:
    """Bisect the way from one photograph to the other; then let shape and light differ.

    The first pair of photographs that meets the target ends the search, or else the best of all is
    taken. See `humanlike.boundaries.seen.Generator`; `settings` are which ``pair`` of photographs,
    and the first's share of ``shape`` and ``light``.
    """
    best: tuple[tuple[bool, float], Search, int] | None = None
    looked = 0
    for number, (first, second) in enumerate(start.pairs):
        search = Search(_drawing(first, second), target, judges)
        search.along(lambda share: np.array([share, share]))
        if not search.met:
            origin = np.array([0.5, 0.5]) if search.best is None else search.best.place
            search.around(origin, SPREAD, LOOKS, start.seed)
        looked += search.looked
        rank = (True, np.inf) if search.best is None else _rank(search)
        if best is None or rank < best[0]:
            best = rank, search, number
        if search.met:
            break
    if best is None:
        raise ValueError("there are no photographs to start from")
    _, search, number = best
    found = search.stimulus(
        lambda place: {"pair": float(number), "shape": float(place[0]), "light": float(place[1])}
    )
    return found._replace(looked=looked)


def _drawing(
    first: Photograph, second: Photograph
) -> Callable[[NDArray[np.float64]], NDArray[np.uint8]]:
    return lambda place: morph(first, second, float(place[0]), float(place[1]))


def _rank(search: Search) -> tuple[bool, float]:
    assert search.best is not None
    return not search.best.success, search.best.loss


def morph(first: Photograph, second: Photograph, shape: float, light: float) -> NDArray[np.uint8]:
    """A picture between two of the same size.

    Both are warped, piecewise affine on the triangles of the mean landmarks, to landmarks between
    theirs, and then cross-faded.

    Parameters
    ----------
    first, second
        Pictures of one size.
    shape, light
        The first's share, from 0 to 1, of the landmarks and of the gray values.

    Returns
    -------
    ndarray
        (H, W) uint8.
    """
    height, width = first.gray.shape
    meshes = [_mesh(picture.landmarks, height, width) for picture in (first, second)]
    wanted = shape * meshes[0] + (1 - shape) * meshes[1]
    corners, weights = _barycentric(wanted, height, width)
    warped = []
    for picture, mesh in zip((first, second), meshes, strict=True):
        x, y = np.einsum("pk,pkd->dp", weights, mesh[corners]).astype(np.float32)
        maps = x.reshape(height, width), y.reshape(height, width)
        warped.append(
            cv2.remap(picture.gray, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        )
    mixed = light * warped[0].astype(np.float32) + (1 - light) * warped[1]
    return np.asarray(np.clip(mixed + 0.5, 0, 255), np.uint8)


def _mesh(landmarks: NDArray[np.floating], height: int, width: int) -> NDArray[np.float64]:
    """Landmarks, and points along the border, which stay."""
    return mesh_points(landmarks, height - 1, width - 1)


def _barycentric(
    mesh: NDArray[np.float64], height: int, width: int
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """The three mesh points (pixels, 3) about each pixel, and their weights (pixels, 3)."""
    triangles = Delaunay(mesh)
    y, x = np.mgrid[:height, :width]
    pixels = np.column_stack([x.ravel(), y.ravel()]).astype(float)
    number = triangles.find_simplex(pixels)
    affine = triangles.transform[number]
    two = np.einsum("pij,pj->pi", affine[:, :2], pixels - affine[:, 2])
    return triangles.simplices[number], np.column_stack([two, 1 - two.sum(axis=1)])
