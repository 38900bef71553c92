"""A small diffusion model of a data set's own aligned faces.

It learns to find the face under noise (Ho et al. 2020, arXiv 2006.11239), noise levels going as in
Nichol & Dhariwal (2021, arXiv 2102.09672). A small model foretells faces better than noise, which
has no shape; its error is weighed as that of the velocity (Salimans & Ho 2022, arXiv 2202.00512;
Li & He 2025, arXiv 2511.13720).
"""

from __future__ import annotations

import math

import cv2
import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

from humanlike.progress import bar

#: What the kept weights forget at each step: they are a moving mean of those that learn.
MOMENTUM = 0.99

#: Less noise than this share of the variance does not weigh more.
_LEAST_NOISE = 0.05

#: Numbers that stand for all of a face.
_OVERVIEW = 256

#: Channels that are brought to one mean and variance together.
_GROUP = 8


def build(size: int = 64, width: int = 32, depth: int = 3) -> keras.Model:
    """A small U-Net that finds the face under noise; it works at half the faces' size.

    Parameters
    ----------
    size
        Side of the faces; a multiple of 2 ** depth.
    width
        Channels at the largest size, a multiple of 8; they double at each halving.
    depth
        Sizes.

    Returns
    -------
    keras.Model
        From noisy faces (n, size, size, 1), black at -1 and white at 1, and noise levels (n, 1) in
        0 to 1 to faces (n, size, size, 1). Made of standard Keras layers only.
    """
    face, level = keras.Input((size, size, 1), name="face"), keras.Input((1,), name="level")
    time = layers.Dense(4 * width, activation="silu")(level)
    time = layers.Dense(4 * width, activation="silu")(time)

    def block(tensor: keras.KerasTensor, channels: int) -> keras.KerasTensor:
        short = layers.Conv2D(channels, 1)(tensor)
        for _ in range(2):
            tensor = layers.Conv2D(channels, 3, padding="same")(tensor)
            tensor = layers.GroupNormalization(channels // _GROUP)(tensor)
            shift = layers.Reshape((1, 1, channels))(layers.Dense(channels)(time))
            tensor = layers.Activation("silu")(layers.Add()([tensor, shift]))
        return layers.Add()([tensor, short])

    kept, tensor = [], layers.Conv2D(width, 4, strides=2, padding="same")(face)
    for number in range(depth):
        tensor = block(tensor, width * 2**number)
        if number < depth - 1:
            kept.append(tensor)
            tensor = layers.AveragePooling2D(2)(tensor)
    tensor = layers.Add()([tensor, _overview(tensor, time)])
    for number in reversed(range(depth - 1)):
        tensor = layers.UpSampling2D(interpolation="bilinear")(tensor)
        tensor = block(layers.Concatenate()([tensor, kept[number]]), width * 2**number)
    tensor = layers.Conv2DTranspose(1, 4, strides=2, padding="same", name="found")(tensor)
    return keras.Model([face, level], tensor, name="diffusion")


def _overview(tensor: keras.KerasTensor, time: keras.KerasTensor) -> keras.KerasTensor:
    """All of a face at once: faces are aligned, so that places mean something."""
    _, height, width, channels = tensor.shape
    flat = layers.Flatten()(layers.Conv2D(_GROUP * 2, 1)(tensor))
    every = layers.Concatenate()([flat, time])
    for _ in range(2):
        every = layers.Dense(_OVERVIEW, activation="silu")(every)
    spread = layers.Dense(height * width * _GROUP * 2)(every)
    return layers.Conv2D(channels, 1)(layers.Reshape((height, width, _GROUP * 2))(spread))


def signal(level: NDArray[np.floating] | float) -> NDArray[np.float32]:
    """The share of the face's variance that is left at a noise level in 0 to 1."""
    at = np.asarray(level, np.float64)
    return np.clip(np.cos((at + 0.008) / 1.008 * math.pi / 2) ** 2, 1e-4, 0.9999).astype(np.float32)


def fit(
    model: keras.Model,
    images: NDArray[np.uint8],
    *,
    steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    progress: str | None = None,
) -> NDArray[np.float64]:
    """Train a model of `build`, in place; faces are mirrored at random.

    Parameters
    ----------
    images
        (N, S, S) uint8 aligned faces, of any side S.
    steps, batch_size, learning_rate
        Of Adam, whose step size rises and falls along a cosine.
    seed
        The same gives the same weights on the same machine.
    progress
        Label of a progress bar; None for no bar.

    Returns
    -------
    ndarray
        (steps,) the weighted mean squared error of each step.
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    rng = np.random.default_rng(seed)
    known = _scaled(images, model.input_shape[0][1])
    rising = steps // 20
    rate = keras.optimizers.schedules.CosineDecay(
        learning_rate / (rising + 1),
        steps - rising,
        warmup_target=learning_rate,
        warmup_steps=rising,
    )
    optimizer = keras.optimizers.Adam(rate, use_ema=True, ema_momentum=MOMENTUM)
    model.compile(optimizer, "mse", jit_compile=False)
    losses = np.empty(steps)
    for step in bar(range(steps), progress or "", unit="step", disable=progress is None):
        faces = known[rng.integers(len(known), size=batch_size)]
        faces = np.where(rng.random((batch_size, 1, 1, 1)) < 0.5, faces, faces[:, :, ::-1])
        level = rng.random((batch_size, 1)).astype(np.float32)
        noise = rng.standard_normal(faces.shape).astype(np.float32)
        left = signal(level)[..., None, None]
        mixed = np.sqrt(left) * faces + np.sqrt(1 - left) * noise
        weight = 1 / np.maximum(1 - left, _LEAST_NOISE)
        loss = model.train_on_batch([mixed, level], faces, sample_weight=weight[..., 0])
        losses[step] = float(np.squeeze(loss))
    optimizer.finalize_variable_values(model.trainable_variables)
    return losses


def _scaled(images: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    """Faces (n, size, size, 1) in -1 to 1."""
    small = [cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA) for image in images]
    return (np.array(small, np.float32) / 127.5 - 1)[..., None]
