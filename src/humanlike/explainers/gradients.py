"""Gradients of the class's logit by the pixels: integrated from black, or smoothed over noise.

Sundararajan, Taly & Yan, "Axiomatic Attribution for Deep Networks", ICML 2017, arXiv 1703.01365;
Smilkov, Thorat, Kim, Viégas & Wattenberg, "SmoothGrad: Removing Noise by Adding Noise", arXiv
1706.03825, 2017.
"""

import numpy as np
from numpy.typing import NDArray

from humanlike.explainers.differentiable import Differentiable

#: Pictures that are differentiated at a time: always so many, as another number rounds otherwise.
BATCH_SIZE = 10


def integrated_gradients(
    network: Differentiable,
    images: NDArray[np.uint8],
    classes: NDArray[np.integer],
    *,
    steps: int = 50,
) -> NDArray[np.float32]:
    """Share out what the face adds to the logit of a black picture among its pixels.

    Parameters
    ----------
    network, images, classes
        As of every method, see `humanlike.explainers.methods`.
    steps
        Places on the way from black to the face, by Gauss and Legendre's rule.

    Returns
    -------
    (n, S, S) float32
        In logits. The sum is the face's logit less the black picture's, up to the rule's error.
    """
    points, weights = np.polynomial.legendre.leggauss(steps)
    points, weights = (points + 1) / 2, weights / 2
    found = np.zeros(images.shape, np.float32)
    for face, (image, label) in enumerate(zip(images, classes, strict=True)):
        pictures = (points[:, None, None] * image).astype(np.float32)
        gradients = _gradients(network, pictures, int(label))
        found[face] = image * np.einsum("p,phw->hw", weights, gradients)
    return found


def smoothgrad(
    network: Differentiable,
    images: NDArray[np.uint8],
    classes: NDArray[np.integer],
    *,
    seeds: NDArray[np.integer],
    samples: int = 50,
    noise: float = 0.15,
    magnitude: bool = True,
) -> NDArray[np.float32]:
    """Average the gradient over noisy copies of the face.

    Parameters
    ----------
    network, images, classes, seeds
        As of every method, see `humanlike.explainers.methods`.
    samples
        Noisy copies.
    noise
        Standard deviation of the noise, as a share of the face's range of gray levels.
    magnitude
        Return the mean gradient's magnitude: how much a pixel matters, whichever way it is changed.

    Returns
    -------
    (n, S, S) float32
        In logits a gray level of 0 to 255.
    """
    found = np.zeros(images.shape, np.float32)
    for face, (image, label, seed) in enumerate(zip(images, classes, seeds, strict=True)):
        field = np.random.default_rng(int(seed)).standard_normal((samples, *image.shape))
        pictures = image + noise * np.ptp(image) * field
        mean = _gradients(network, pictures.astype(np.float32), int(label)).mean(axis=0)
        found[face] = np.abs(mean) if magnitude else mean
    return found


def _gradients(
    network: Differentiable, pictures: NDArray[np.float32], label: int
) -> NDArray[np.float32]:
    padded = np.pad(pictures, ((0, -len(pictures) % BATCH_SIZE), (0, 0), (0, 0)))
    parts = [
        network.input_gradients(padded[start : start + BATCH_SIZE], label)
        for start in range(0, len(padded), BATCH_SIZE)
    ]
    return np.concatenate(parts)[: len(pictures)]
