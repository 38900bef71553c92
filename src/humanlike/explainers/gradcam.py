"""Grad-CAM and Grad-CAM++: feature maps, weighted by what the class's score makes of them.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", ICCV 2017, doi 10.1109/ICCV.2017.74; Chattopadhay et al., "Grad-CAM++: Generalized
Gradient-based Visual Explanations for Deep Convolutional Networks", WACV 2018, doi
10.1109/WACV.2018.00097.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from humanlike.explainers.differentiable import Differentiable

#: Keeps Grad-CAM++'s denominator from 0.
EPSILON = 1e-6


def gradcam(
    network: Differentiable,
    images: NDArray[np.uint8],
    classes: NDArray[np.integer],
    *,
    output: str = "logit",
) -> NDArray[np.float32]:
    """Weigh each feature map by the mean of the class's gradient by it; keep what is positive.

    Parameters
    ----------
    network
        Its last feature map that has an extent is looked at, before poolings that follow it.
    images, classes
        As of every method, see `humanlike.explainers.methods`.
    output
        ``"logit"``, or ``"softmax"`` for the gradient of the probability, which falls where the
        evidence for other classes rises and gives other maps.

    Returns
    -------
    (n, S, S) float32
        Not negative, interpolated linearly from the feature maps' own resolution.

    Raises
    ------
    HumanlikeError
        If no map in the network has an extent.
    """
    found = [
        np.maximum(weighted(*network.features(image, int(label), output)), 0)
        for image, label in zip(images, classes, strict=True)
    ]
    return enlarged(found, images.shape)


def gradcam_plus_plus(
    network: Differentiable,
    images: NDArray[np.uint8],
    classes: NDArray[np.integer],
    *,
    output: str = "logit",
) -> NDArray[np.float32]:
    """Weigh each place of a feature map by itself, so that small regions count like large ones.

    Arguments and result as of `gradcam`.
    """
    found = [
        plus_plus(*network.features(image, int(label), output))
        for image, label in zip(images, classes, strict=True)
    ]
    return enlarged(found, images.shape)


def weighted(features: NDArray[np.float32], gradients: NDArray[np.float32]) -> NDArray[np.float32]:
    """Grad-CAM before its rectification: channels (h, w, c) weighted by their mean gradients."""
    return features @ gradients.mean(axis=(0, 1))


def plus_plus(features: NDArray[np.float32], gradients: NDArray[np.float32]) -> NDArray[np.float32]:
    """Grad-CAM++ at the features' resolution, (h, w), not negative for rectified features.

    Equation 19 of the paper with the weights of its Algorithm for an exponential class score, whose
    factor exp(score) cancels but for the gradients' own scale.
    """
    square = gradients**2
    denominator = 2 * square + square * gradients * features.sum(axis=(0, 1)) + EPSILON
    alpha = np.where(gradients != 0, square / denominator, 0)
    return features @ (np.maximum(gradients, 0) * alpha).sum(axis=(0, 1))


def enlarged(maps: list[NDArray[np.float32]], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Interpolate maps (h, w) linearly to images of a shape (n, S, S)."""
    size = shape[2], shape[1]
    large = [cv2.resize(one, size, interpolation=cv2.INTER_LINEAR) for one in maps]
    return np.reshape(large, shape).astype(np.float32)
