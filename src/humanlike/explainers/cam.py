"""Class activation maps: exactly what each place of the last map adds to the class's logit.

Zhou, Khosla, Lapedriza, Oliva & Torralba, "Learning Deep Features for Discriminative Localization",
CVPR 2016, doi 10.1109/CVPR.2016.319, for a network whose last map is averaged; for one whose last
map is flattened, each place has weights of its own, and the map is that of gradient times
activation (HiResCAM: Draelos & Carin, arXiv 2011.08891, 2020).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from humanlike.errors import HumanlikeError
from humanlike.explainers.differentiable import Differentiable, Forward
from humanlike.explainers.gradcam import enlarged

#: What may stand between the last map and the one dense layer, without changing a value.
_IDLE = ("Dropout", "Identity")
_AVERAGING = ("GlobalAveragePooling2D",)
_FLATTENING = ("Flatten", "Reshape")


class Head(NamedTuple):
    """How the logits come from the last map: the mean or the sum of map times weights, and bias."""

    weights: NDArray[np.float32]  #: (h or 1, w or 1, channels, classes)
    bias: NDArray[np.float32]  #: (classes,)
    averaged: bool


def explain(
    network: Differentiable,
    images: NDArray[np.uint8],
    classes: NDArray[np.integer],
) -> NDArray[np.float32]:
    """Weigh the last map that has an extent, after its poolings, by the dense layer's own weights.

    Parameters
    ----------
    network
        One dense layer must follow the map, averaged or flattened.
    images, classes
        As of every method, see `humanlike.explainers.methods`.

    Returns
    -------
    (n, S, S) float32
        In logits, interpolated linearly from the map's own resolution. There, the mean (of an
        averaged map) or the sum (of a flattened one) plus the bias is the logit.

    Raises
    ------
    HumanlikeError
        If the network ends in another way: the map is then not defined.
    """
    weights = head(network.outline).weights
    found = [
        class_activation(network.last_map(image), weights[..., int(label)])
        for image, label in zip(images, classes, strict=True)
    ]
    return enlarged(found, images.shape)


def class_activation(
    last_map: NDArray[np.float32], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The class activation map (h, w), at the last map's own resolution (h, w, channels)."""
    return (last_map * weights).sum(axis=-1)


def head(forward: Forward) -> Head:
    """Read off how the logits come from the last map.

    Raises
    ------
    HumanlikeError
        If there is no such map, or more than one dense layer comes after it.
    """
    if forward.pooled is None:  # nothing has an extent
        raise HumanlikeError("cam is not defined for a network without a map; use lime or rise")
    _, height, width, channels = forward.pooled.shape
    averaged, dense = None, None
    for step in _after(forward):
        if step.kind in _IDLE or (dense is not None and step.kind in ("Activation", "Softmax")):
            continue
        if averaged is None and step.kind in _AVERAGING:
            averaged = True
        elif step.kind in _FLATTENING:
            averaged = averaged or False
        elif averaged is not None and dense is None and step.kind == "Dense":
            dense = step.operation
        else:
            several = "several dense layers" if step.kind == "Dense" else f"a {step.kind} layer"
            raise HumanlikeError(
                f"cam is not defined for a network with {several} after its last map, where no "
                "place adds a part of its own to the logit; use gradcam, gradcam++ or extremal"
            )
    if averaged is None or dense is None:
        raise HumanlikeError(
            "cam is not defined for a network without a dense layer after its last map; use "
            "gradcam, gradcam++ or extremal"
        )
    kernel = np.asarray(dense.kernel)
    places = (1, 1) if averaged else (height, width)
    bias = np.asarray(dense.bias) if dense.use_bias else np.zeros(kernel.shape[1], np.float32)
    return Head(kernel.reshape(*places, channels, -1), bias, averaged)


def _after(forward: Forward) -> list[Any]:
    """The steps from the last map on, each taking what the one before it gave."""
    steps, tensor = [], forward.pooled
    for step in forward.steps:
        if step.input is tensor:
            steps.append(step)
            tensor = step.output
    return steps
