"""Random changes of a face that leave its expression as it is.

The augmentation of Gaya-Morey et al. (2024), doi 10.1007/s11042-024-20090-5: gamma correction for
the lighting, translation in both axes, a crop that keeps eyes, nose and mouth, and mirroring.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

#: Landmarks (numbered from 0) of the nose, the eyes and the mouth.
FEATURES = slice(27, 68)


@dataclass(frozen=True)
class Augmentation:
    """How strong each random change may be. The default changes nothing.

    Attributes
    ----------
    gamma
        ≥ 0. The gray levels' exponent is drawn between 1 / (1 + gamma) and 1 + gamma, evenly in
        its logarithm.
    translation
        0–1. The face moves by up to this share of the image's side along each axis.
    crop
        0–1. Up to this share of the image's side is cut away, never eyes, nose or mouth; what is
        left fills the image again.
    mirror
        Whether every other face, on average, is mirrored left to right.
    """

    gamma: float = 0.0
    translation: float = 0.0
    crop: float = 0.0
    mirror: bool = False


def augment(
    image: NDArray[np.uint8],
    landmarks: NDArray[np.floating] | None,
    rng: np.random.Generator,
    settings: Augmentation,
) -> NDArray[np.uint8]:
    """Change a face at random.

    Crop, translation and mirroring are one affine map, so that the image is resampled once; what
    comes in from beyond its edge repeats the edge.

    Parameters
    ----------
    image
        (S, S) uint8 gray face.
    landmarks
        (68, 2) x and y in pixels; only a crop needs them.
    rng
        Source of the random draws.
    settings
        How strong each change may be.

    Returns
    -------
    ndarray
        (S, S) uint8, a new array.

    Raises
    ------
    ValueError
        If `settings` crops and there are no landmarks.
    """
    side = len(image)
    left, top, width = 0.0, 0.0, float(side)
    if settings.crop:
        if landmarks is None:
            raise ValueError("a crop needs the landmarks that it keeps")
        left, top, width = crop_window(landmarks[FEATURES], side, settings.crop, rng)
    shift = rng.uniform(-settings.translation, settings.translation, 2) * side
    mirrored = settings.mirror and rng.random() < 0.5
    exponent = np.exp(rng.uniform(-1, 1) * np.log1p(settings.gamma))
    return correct_gamma(resample(image, (left, top), width, shift, mirrored), exponent)


def crop_window(
    points: NDArray[np.floating], side: int, crop: float, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Draw a square window of an image that holds all the points inside the image.

    Parameters
    ----------
    points
        (P, 2) x and y in pixels.
    side
        Side of the image in pixels.
    crop
        0–1, the largest share of the side that may be cut away.
    rng
        Source of the random draws.

    Returns
    -------
    left, top, width : float
        Edges of the window and its side, in pixels from the image's upper left corner.
    """
    # A point stands at the centre of its pixel; the window's edges run between pixels.
    low = np.clip(points.min(axis=0), 0, side - 1)
    high = np.clip(points.max(axis=0), 0, side - 1) + 1
    width = rng.uniform(max((1 - crop) * side, *(high - low)), side)
    first = np.maximum(0, high - width)
    # Rounding may have put the first beyond it; NumPy refuses a last of -0, which + 0.0 makes 0.
    last = np.maximum(first, np.minimum(low, side - width)) + 0.0
    left, top = rng.uniform(first, last)
    return float(left), float(top), float(width)


def resample(
    image: NDArray[np.uint8],
    corner: tuple[float, float],
    width: float,
    shift: NDArray[np.floating] | tuple[float, float] = (0, 0),
    mirrored: bool = False,
) -> NDArray[np.uint8]:
    """Fill an image with a square window of itself, moved and mirrored, by bilinear resampling.

    Parameters
    ----------
    image
        (S, S) uint8.
    corner, width
        x and y of the window's upper left corner, and its side, in pixels of `image`.
    shift
        x and y by which the result is moved, in pixels of the result; mirroring comes after it.
    mirrored
        Whether the result is flipped left to right.
    """
    side = len(image)
    scale = width / side
    # Pixel i is centred at i + 0.5: window coordinate (i + 0.5 − shift) · scale.
    to_source = np.empty((2, 3))
    to_source[:, :2] = np.diag((scale, scale))
    to_source[:, 2] = np.add(corner, (0.5 - np.asarray(shift)) * scale - 0.5)
    if mirrored:
        to_source[0, 0] = -scale
        to_source[0, 2] += (side - 1) * scale
    resampled = cv2.warpAffine(
        image,
        to_source,
        (side, side),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(resampled, np.uint8)


def correct_gamma(image: NDArray[np.uint8], exponent: float) -> NDArray[np.uint8]:
    """Raise gray levels, as a share of white, to a power: below 1 brightens, above 1 darkens."""
    levels = np.round(255 * (np.arange(256) / 255) ** exponent).astype(np.uint8)
    return levels[image]
