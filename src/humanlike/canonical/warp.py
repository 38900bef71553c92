"""Carry a face, or a map of it, onto the canonical face by a piecewise affine warp.

Every face is warped onto the same triangles, so each canonical pixel's triangle and barycentric
weights are worked out once. A warp is then one sparse matrix product, which says where in the
source every canonical pixel comes from, and one look-up of the source at those places: under half
a millisecond, where solving and searching the triangulation anew takes a quarter of a second.
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from humanlike.canonical.geometry import HEIGHT, WIDTH, mesh_points, triangulation

_INTERPOLATION = {0: cv2.INTER_NEAREST, 1: cv2.INTER_LINEAR}


@cache
def _barycentric_weights() -> csr_array:
    """(HEIGHT * WIDTH, 89): each canonical pixel as a weighted mean of mesh points."""
    mesh = triangulation()
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    pixels = np.column_stack([x.ravel(), y.ravel()]).astype(float)
    triangle = mesh.find_simplex(pixels)
    affine = mesh.transform[triangle]
    first_two = np.einsum("pij,pj->pi", affine[:, :2], pixels - affine[:, 2])
    weights = np.column_stack([first_two, 1 - first_two.sum(axis=1)])
    columns = mesh.simplices[triangle]
    row_starts = np.arange(0, weights.size + 1, 3)
    # 32 bits throughout: the product is bound by memory, and twice as fast as with SciPy's 64.
    return csr_array(
        (
            weights.ravel().astype(np.float32),
            columns.ravel().astype(np.int32),
            row_starts.astype(np.int32),
        ),
        shape=(HEIGHT * WIDTH, mesh.npoints),
    )


def source_coordinates(
    landmarks: ArrayLike, height: int, width: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where in an image each pixel of the canonical face comes from.

    Parameters
    ----------
    landmarks : (68, 2) array
        (x, y) in pixels of the image.
    height, width : int
        Size of the image in pixels.

    Returns
    -------
    x, y : (HEIGHT, WIDTH) float32
        In pixels of the image. Landmarks that coincide, lie on a line or outside the image give
        coordinates too: the mapping needs no inverse of theirs.
    """
    mesh = mesh_points(landmarks, height, width).astype(np.float32)
    weights = _barycentric_weights()
    x, y = (weights @ np.ascontiguousarray(column) for column in mesh.T)
    return x.reshape(HEIGHT, WIDTH), y.reshape(HEIGHT, WIDTH)


def warp(image: NDArray, landmarks: ArrayLike, order: int = 1) -> NDArray:
    """Warp an image onto the canonical face.

    Parameters
    ----------
    image : (H, W) or (H, W, C) uint8 or float32
        A face, or a map in its pixels.
    landmarks : (68, 2) array
        (x, y) in pixels of `image`.
    order : 0 or 1
        0 takes the nearest pixel, as labels and piecewise constant maps need; 1 interpolates
        linearly.

    Returns
    -------
    (HEIGHT, WIDTH) or (HEIGHT, WIDTH, C)
        Of the dtype of `image`. Places outside the image repeat its border.
    """
    x, y = source_coordinates(landmarks, *image.shape[:2])
    return cv2.remap(image, x, y, _INTERPOLATION[order], borderMode=cv2.BORDER_REPLICATE)
