"""The eight networks that ship with Keras, without their ImageNet classifier.

Each is described by its constructor, the range of input that its ImageNet weights were made for
(its own ``preprocess_input``) and the name under which Keras keeps those weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
from keras.layers import Rescaling

from humanlike.errors import HumanlikeError


def caffe(image: keras.KerasTensor) -> keras.KerasTensor:
    """RGB in 0–255 -> BGR with ImageNet's mean colour taken off."""
    return Rescaling(1.0, offset=[-103.939, -116.779, -123.68])(keras.ops.flip(image, axis=-1))


def symmetric(image: keras.KerasTensor) -> keras.KerasTensor:
    """RGB in 0–255 -> RGB in −1–1."""
    return Rescaling(1 / 127.5, offset=-1.0)(image)


def unchanged(image: keras.KerasTensor) -> keras.KerasTensor:
    """RGB in 0–255, for the networks that rescale by themselves."""
    return image


@dataclass(frozen=True)
class Application:
    """A Keras application: how it is made, what it expects and what its weights file is called."""

    construct: Callable[..., keras.Model]
    native_scaling: Callable[[keras.KerasTensor], keras.KerasTensor]
    weights_file: str


_keras = keras.applications
_ORDERING = "weights_tf_dim_ordering_tf_kernels_notop.h5"

#: Key -> application.
APPLICATIONS = {
    "inceptionv3": Application(_keras.InceptionV3, symmetric, f"inception_v3_{_ORDERING}"),
    "vgg19": Application(_keras.VGG19, caffe, f"vgg19_{_ORDERING}"),
    "vgg16": Application(_keras.VGG16, caffe, f"vgg16_{_ORDERING}"),
    "resnet50": Application(_keras.ResNet50, caffe, f"resnet50_{_ORDERING}"),
    "resnet101v2": Application(_keras.ResNet101V2, symmetric, f"resnet101v2_{_ORDERING}"),
    "xception": Application(_keras.Xception, symmetric, f"xception_{_ORDERING}"),
    "mobilenetv3": Application(
        _keras.MobileNetV3Large, unchanged, "weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5"
    ),
    "efficientnetv2": Application(_keras.EfficientNetV2B0, unchanged, "efficientnetv2-b0_notop.h5"),
}


def features(key: str, image: keras.KerasTensor, weights: str) -> keras.KerasTensor:
    """Run an image through an application up to its globally averaged features.

    Parameters
    ----------
    key
        A key of `APPLICATIONS`.
    image
        The scaled input, (None, S, S, 3).
    weights
        ``"none"``, ``"imagenet"`` (downloaded by Keras on first use, from its own cache after
        that) or a folder of weights files; see `weights_path`.

    Returns
    -------
    keras.KerasTensor
        (None, channels).

    Raises
    ------
    HumanlikeError
        If the weights cannot be had or belong to another network.
    """
    source = {"none": None, "imagenet": "imagenet"}.get(weights, weights)
    if source not in (None, "imagenet"):
        source = str(weights_path(key, Path(weights)))
    try:
        body = APPLICATIONS[key].construct(
            include_top=False, weights=source, input_tensor=image, pooling="avg"
        )
    except Exception as error:  # Keras raises a bare Exception when a download fails
        if source is None:
            raise
        raise HumanlikeError(_weights_failure(key, source, error)) from error
    return body.output


def weights_path(key: str, folder: Path) -> Path:
    """Find a network's weights, saved without the classifier, in a folder.

    Looked for in turn: ``<key>.weights.h5``, then the name under which Keras itself caches the
    ImageNet weights (`Application.weights_file`), so that a copy of ``~/.keras/models`` serves.

    Raises
    ------
    HumanlikeError
        If the folder holds neither.
    """
    names = (f"{key}.weights.h5", APPLICATIONS[key].weights_file)
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise HumanlikeError(
        f"train.weights: the folder {folder} has no weights for {key}; "
        f"put {names[0]} or {names[1]} there, or set train.weights to none"
    )


def _weights_failure(key: str, source: str, error: Exception) -> str:
    if source != "imagenet":
        return (
            f"train.weights: {source} does not hold the weights of {key} without its classifier "
            f"({_first_line(error)})"
        )
    return (
        f"train.weights: the ImageNet weights of {key} could not be downloaded "
        f"({_first_line(error)}); set train.weights to none to train from scratch, or to a folder "
        f"of weights/ that holds {key}.weights.h5 or {APPLICATIONS[key].weights_file}"
    )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
