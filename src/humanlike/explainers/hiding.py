"""What is seen where a part of a face is hidden.

Black parts are pictures that no network was trained on, and what a network makes of them may say
more of the black than of what is missing. What else can stand there is no neutral choice either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from humanlike.explainers.runtimes import Network, Opened

#: Standard deviation of the blur, as a share of the face's side: 20 pixels of 224, the strongest
#: of Fong, Patrick & Vedaldi (ICCV 2019).
BLUR = 20 / 224


def _black(image: NDArray[np.uint8]) -> NDArray[np.floating]:
    return np.zeros(image.shape)


def _mean(image: NDArray[np.uint8]) -> NDArray[np.floating]:
    return np.full(image.shape, float(image.mean()))


def _blur(image: NDArray[np.uint8]) -> NDArray[np.floating]:
    gray, sigma = image.astype(np.float64), BLUR * len(image)
    blurred = cv2.GaussianBlur(gray, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return blurred.astype(np.float64)


def _noise(image: NDArray[np.uint8]) -> NDArray[np.floating]:
    # The same field for every face: what hides is part of the question, not of its randomness.
    field = np.random.default_rng(0).standard_normal(image.shape)
    return float(image.mean()) + float(image.std()) * field


#: Name of what hides -> the picture of it for a face: black; the face's mean gray; the face,
#: blurred; noise of the face's mean and standard deviation.
HIDDEN = {"black": _black, "mean": _mean, "blur": _blur, "noise": _noise}


def hidden_pictures(images: NDArray[np.uint8], hidden: str) -> NDArray[np.uint8]:
    """What each face turns into where it is hidden.

    Parameters
    ----------
    images : (n, S, S) uint8
    hidden
        A key of `HIDDEN`.

    Returns
    -------
    (n, S, S) uint8
    """
    pictures = [HIDDEN[hidden](image).round().clip(0, 255) for image in images]
    return np.reshape(pictures, images.shape).astype(np.uint8)


class Hiding:
    """A network in a runtime, and what it is shown where a face is hidden."""

    def __init__(self, network: Network | Opened, hidden: str = "black") -> None:
        self.size, self.classes = network.size, network.classes
        self._network, self._hidden = network, hidden

    def probabilities(
        self,
        images: NDArray[np.uint8],
        segments: NDArray[np.uint8],
        samples: NDArray[np.uint8],
    ) -> NDArray[np.float32]:
        """See `humanlike.explainers.runtimes.Predictor.probabilities`."""
        hidden = hidden_pictures(images, self._hidden)
        return self._network.probabilities(images, segments, samples, hidden)

    def blended(self, image: NDArray[np.uint8], masks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Classify a face (S, S) under soft masks (m, S, S), 1 shown and 0 hidden: (m, classes)."""
        hidden = hidden_pictures(image[None], self._hidden)[0]
        return self._network.blended(image, hidden, masks)
