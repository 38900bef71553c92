"""The canonical face: a 224 × 275 canvas, 68 landmarks on it, and their triangulation.

Coordinates are (x, y) in pixels, y downwards, pixel centres at integers.
"""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import Delaunay

HEIGHT = 275
WIDTH = 224

#: dlib's 68 landmarks (68, 2) as its predictor places them on an empty canvas: its mean face.
LANDMARKS = np.array(
    [
        # jaw, from the face's right ear (left in the picture) to its left ear
        *((16, 90), (17, 119), (20, 148), (27, 176), (37, 204), (52, 229), (69, 250), (90, 265)),
        *((114, 269), (138, 265), (159, 249), (176, 227), (191, 201), (201, 173), (206, 144)),
        *((208, 115), (207, 86)),
        # brows
        *((37, 61), (50, 52), (66, 50), (83, 53), (97, 61)),
        *((121, 61), (135, 53), (152, 49), (168, 50), (182, 58)),
        # nose: bridge, then nostrils
        *((109, 79), (110, 99), (110, 118), (110, 138)),
        *((89, 151), (100, 156), (111, 159), (122, 155), (132, 151)),
        # eyes
        *((53, 81), (63, 74), (75, 74), (86, 81), (75, 84), (63, 85)),
        *((134, 80), (145, 73), (157, 73), (167, 79), (157, 83), (145, 83)),
        # lips: outer, then inner
        *((73, 193), (86, 185), (101, 182), (111, 184), (121, 181), (137, 184), (152, 192)),
        *((139, 207), (124, 215), (112, 216), (101, 216), (85, 208)),
        *((79, 193), (101, 191), (111, 192), (121, 190), (145, 192)),
        *((122, 199), (112, 201), (101, 200)),
    ]
)
LANDMARKS.setflags(write=False)

#: Lines through the landmarks that draw a face, as ranges of landmark numbers from 0.
OUTLINES = {
    "jaw": (0, 17, False),
    "right brow": (17, 22, False),
    "left brow": (22, 27, False),
    "nose bridge": (27, 31, False),
    "nostrils": (31, 36, False),
    "right eye": (36, 42, True),
    "left eye": (42, 48, True),
    "outer lips": (48, 60, True),
    "inner lips": (60, 68, True),
}


def mesh_points(landmarks: ArrayLike, height: float, width: float) -> NDArray[np.float64]:
    """The 89 vertices that cover an image: landmarks, jaw carried to the top edge, corners.

    Parameters
    ----------
    landmarks : (68, 2) array
        (x, y) in pixels of the image.
    height, width : float
        Size of the image in pixels.

    Returns
    -------
    (89, 2) float64
        The 68 landmarks, the 17 jaw landmarks moved to y = 0, and the corners
        (0, 0), (0, height), (width, 0), (width, height).

    Raises
    ------
    ValueError
        If `landmarks` is not (68, 2).
    """
    points = np.asarray(landmarks, dtype=np.float64)
    if points.shape != (68, 2):
        raise ValueError(f"landmarks must be (68, 2), not {points.shape}")
    top = points[:17] * (1, 0)
    corners = [(0, 0), (0, height), (width, 0), (width, height)]
    return np.vstack([points, top, corners])


def rescale_landmarks(landmarks: ArrayLike, old_size: float, new_size: float) -> NDArray:
    """Landmarks (..., 2) of an image `old_size` wide in the pixels of its copy `new_size` wide.

    Pixel centres are at integers, hence the half pixel.
    """
    return (np.asarray(landmarks) + 0.5) * (new_size / old_size) - 0.5


@cache
def triangulation() -> Delaunay:
    """Delaunay triangulation of the canonical face's 89 mesh points."""
    return Delaunay(mesh_points(LANDMARKS, HEIGHT, WIDTH))
