"""The canonical face cut into parts that people have words for."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from humanlike.canonical.geometry import HEIGHT, LANDMARKS, WIDTH

#: Part -> points (x, y) on the canonical face; a pixel belongs to the part of its nearest point.
_POINTS: dict[str, NDArray] = {
    "forehead": np.array([(x, 15) for x in range(20, 220, 20)]),
    "brows": LANDMARKS[17:27],
    "eyes": LANDMARKS[36:48],
    "nose": LANDMARKS[27:36],
    "cheeks": np.vstack(
        [
            LANDMARKS[[1, 2, 3, 13, 14, 15]],
            LANDMARKS[[2, 31, 48]].mean(axis=0),
            LANDMARKS[[14, 35, 54]].mean(axis=0),
        ]
    ),
    "mouth": LANDMARKS[48:68],
    "chin": LANDMARKS[5:12],
}

BESIDE = "beside the face"


@cache
def face_parts() -> dict[str, NDArray[np.bool_]]:
    """The parts of the canonical face, which together are the canvas and share no pixel.

    Returns
    -------
    dict from part to (HEIGHT, WIDTH) bool, read-only
        What lies outside the jaw's line, carried up to the upper edge, is `BESIDE`.
    """
    jaw = LANDMARKS[:17]
    edge = np.array([(jaw[-1, 0], 0), (jaw[0, 0], 0)])
    face = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(face, [np.vstack([jaw, edge]).astype(np.int32)], 1)
    points = np.vstack(list(_POINTS.values()))
    owner = np.repeat(np.arange(len(_POINTS)), [len(part) for part in _POINTS.values()])
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    nearest = owner[cKDTree(points).query(np.column_stack([x.ravel(), y.ravel()]))[1]]
    nearest = nearest.reshape(HEIGHT, WIDTH)
    inside = face.astype(bool)
    parts = {name: inside & (nearest == number) for number, name in enumerate(_POINTS)}
    parts[BESIDE] = ~inside
    for part in parts.values():
        part.setflags(write=False)
    return parts
