"""Faces at the size of a network's input."""

import cv2
import numpy as np
from numpy.typing import NDArray


def network_images(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize gray images to a network's input.

    Parameters
    ----------
    images
        (N, S, S) uint8.
    size
        Side of the result in pixels.

    Returns
    -------
    ndarray
        (N, size, size) uint8; `images` itself where it already has that size. Shrunk by area
        averaging, enlarged bilinearly.
    """
    side = images.shape[-1]
    if side == size:
        return images
    interpolation = cv2.INTER_AREA if size < side else cv2.INTER_LINEAR
    resized = np.empty((len(images), size, size), np.uint8)
    for source, target in zip(images, resized, strict=True):
        cv2.resize(np.ascontiguousarray(source), (size, size), target, interpolation=interpolation)
    return resized
