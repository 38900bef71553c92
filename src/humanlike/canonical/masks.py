"""Where Ekman's action units lie on the canonical face: masks of expressions, regions of units."""

import re
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from humanlike.canonical.geometry import HEIGHT, LANDMARKS, WIDTH, mesh_points

#: Expression -> closed polygons whose union is its mask. Points are numbers of mesh points from 1;
#: `t19` is the point above 19 on the upper edge, `n37` the one below or above 37 at the height of
#: the tip of the nose (30), and `5+49` the middle of two.
#:
#: The masks are those of Gaya-Morey et al. (2024), oddities included: fear (AU 26) and happiness
#: (AU 12) leave out the middle of the lips.
_POLYGONS = {
    "anger": (
        "t19 19 37 n37 n40 40 28 43 n43 n46 46 26 t26",
        "33 34 35 53 64 66 57 10 9 8 59 68 62 51",
    ),
    "disgust": (
        "37 5+49 60 40 41 42",
        "40 50 68 67 66 54 43 23 22",
        "43 56 13+55 46 47 48",
    ),
    "fear": ("t19 19 37 n37 5+49 49 50 n40 29 n43 54 55 13+55 n46 46 26 t26",),
    "happiness": (
        "37 n37 5+49 49 50 n40 29 n43 54 55 13+55 n46 46 45 44 43 28 40 39 38",
        "49 32 5 6 7 60 50",
        "55 36 13 12 11 56 54",
        "50 32 40",
        "54 36 43",
    ),
    "sadness": (
        "1+86 1 n37 5+49 60 50 n40 29 n43 54 56 13+55 n46 17 17+88 26 46 45 44 24 t24 t21 21"
        " 39 38 37 19",
    ),
    "surprise": (
        "t23 23 43 48 47 46 26 t26",
        "t19 19 37 42 41 40 22 t22",
        "32 50 60 7 8 9 10 11 56 54 36 35 34 33",
    ),
}

_NOSE_TIP = 30

#: Action unit -> (landmark numbers from 0 of its two centres, shift downwards in units of the
#: distance between the inner eye corners). From EAC-Net (Li et al. 2018, doi
#: 10.1109/TPAMI.2018.2791608) and JAA-Net (Shao et al. 2021, doi 10.1007/s11263-020-01378-z),
#: which have no AU 5 (here: the upper lids, two landmarks each) and no AU 20 (the lip corners).
_ACTION_UNIT_CENTRES: dict[int, tuple[tuple[int, ...], float]] = {
    1: ((21, 22), -1 / 2),
    2: ((18, 25), -1 / 3),
    4: ((19, 24), 1 / 3),
    5: ((37, 38, 43, 44), 0),
    6: ((41, 46), 1),
    7: ((38, 43), 0),
    9: ((32, 34), -1 / 2),
    12: ((48, 54), 0),
    15: ((48, 54), 0),
    17: ((56, 58), 1 / 2),
    20: ((48, 54), 0),
    23: ((51, 57), 0),
    26: ((56, 58), 1 / 2),
}

#: Action units that have a region.
ACTION_UNITS_WITH_REGION = tuple(_ACTION_UNIT_CENTRES)

_INNER_EYE_CORNERS = (39, 42)


@cache
def ekman_mask(expression: str) -> NDArray[np.bool_]:
    """The pixels of the canonical face that an expression's action units name.

    Parameters
    ----------
    expression : str
        One of `humanlike.expressions.EXPRESSIONS`.

    Returns
    -------
    (HEIGHT, WIDTH) bool, read-only
        Gaya-Morey et al. (2024), Figure 4. It covers 21 to 31 % of the canvas.

    Raises
    ------
    KeyError
        If the expression has no mask.
    """
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for polygon in _POLYGONS[expression]:
        points = np.array([_point(name) for name in polygon.split()], np.int32)
        cv2.fillPoly(mask, [points], 1)
    return _read_only(mask.astype(bool))


@cache
def action_unit_region(action_unit: int) -> NDArray[np.bool_]:
    """Discs around an action unit's centres on the canonical face.

    The radius is half the distance between the inner eye corners (24 of 224 pixels), about the
    reach of an action unit in EAC-Net and JAA-Net.

    Parameters
    ----------
    action_unit : int
        One of `ACTION_UNITS_WITH_REGION`.

    Returns
    -------
    (HEIGHT, WIDTH) bool, read-only

    Raises
    ------
    KeyError
        If the action unit has no region.
    """
    numbers, shift = _ACTION_UNIT_CENTRES[action_unit]
    unit = np.linalg.norm(np.subtract(*LANDMARKS[list(_INNER_EYE_CORNERS)]))
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    region = np.zeros((HEIGHT, WIDTH), bool)
    for centre_x, centre_y in LANDMARKS[list(numbers)]:
        region |= np.hypot(x - centre_x, y - centre_y - shift * unit) <= unit / 2
    return _read_only(region)


def _point(name: str) -> tuple[int, int]:
    mesh = mesh_points(LANDMARKS, HEIGHT, WIDTH).astype(int)
    kind, numbers = name[0], [int(number) for number in re.findall(r"\d+", name)]
    x, y = (int(mean) for mean in mesh[np.subtract(numbers, 1)].mean(axis=0))
    if kind == "t":
        y = 0
    elif kind == "n":
        y = int(LANDMARKS[_NOSE_TIP - 1, 1])
    return x, y


def _read_only(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Guard what the cache hands out to everybody."""
    mask.setflags(write=False)
    return mask
