"""How clicks uncover a covered face: soft discs, the same for people, simulations and networks.

Coordinates are (x, y) in pixels of the stimulus, y downwards, the origin the centre of the upper
left pixel.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: The gray that covers a face.
COVER = 128


def disc(distance: ArrayLike, radius: ArrayLike) -> NDArray[np.float64]:
    """How much a disc shows at a distance from its centre.

    Parameters
    ----------
    distance : array, >= 0
    radius : array, > 0
        In the same unit.

    Returns
    -------
    float64 in [0, 1]
        1 within half the radius, 0 from the radius on, half a cosine between.
    """
    edge = np.clip(2 * np.asarray(distance, float) / radius - 1, 0, 1)
    return (1 + np.cos(np.pi * edge)) / 2


def hidden_after(clicks: ArrayLike, side: int) -> NDArray[np.float64]:
    """What is still hidden after each of several clicks.

    Parameters
    ----------
    clicks : (n, 3) array
        x, y and radius of each disc, in the order of the clicks.
    side : int
        Side of the stimulus in pixels.

    Returns
    -------
    (n + 1, side, side) float64 in [0, 1]
        1 hidden. The first is all hidden; discs that overlap show ``1 - prod(1 - s)``.
    """
    discs = np.asarray(clicks, float).reshape(-1, 3)
    hidden = np.ones((len(discs) + 1, side, side))
    axis = np.arange(side)
    for after, (x, y, radius) in zip(range(1, len(hidden)), discs, strict=True):
        distance = np.hypot(axis - x, (axis - y)[:, None])
        hidden[after] = hidden[after - 1] * (1 - disc(distance, radius))
    return hidden


def shown(clicks: ArrayLike, side: int) -> NDArray[np.float64]:
    """What all the clicks together show.

    Parameters
    ----------
    clicks : (n, 3) array
        x, y and radius of each disc; their order does not matter.
    side : int

    Returns
    -------
    (side, side) float64 in [0, 1]
        0 hidden, 1 shown.
    """
    discs = np.asarray(clicks, float).reshape(-1, 3)
    hidden = np.ones((side, side))
    axis = np.arange(side)
    for x, y, radius in discs:
        hidden *= 1 - disc(np.hypot(axis - x, (axis - y)[:, None]), radius)
    return 1 - hidden


def covered(face: NDArray[np.uint8], visible: NDArray[np.floating]) -> NDArray[np.uint8]:
    """The picture that an observer sees: ``visible * face + (1 - visible) * 128``.

    Parameters
    ----------
    face : (S, S) uint8
    visible : (S, S) in [0, 1]
        As `shown` gives it.

    Returns
    -------
    (S, S) uint8
        Halves are rounded up, as browsers' `Math.round` does.
    """
    return np.floor(visible * face + (1 - visible) * COVER + 0.5).astype(np.uint8)
