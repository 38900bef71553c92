"""A small diffusion model of a data set's own aligned faces.

Faces of one size that lie alike are few numbers: the model works on their principal components,
each of unit variance, as latent diffusion does on a network's code (Rombach et al. 2022, arXiv
2112.10752). What it foretells is the velocity of Salimans & Ho (2022, arXiv 2202.00512), noise
levels going as in Nichol & Dhariwal (2021, arXiv 2102.09672): before it has learned anything, it
thus draws from a Gaussian of the faces' covariance.
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

#: Faces that are learned from at most; each counts with its mirror image.
FACES = 5000

#: What the kept weights forget at each step: they are a moving mean of those that learn.
MOMENTUM = 0.995

#: Residual blocks.
_BLOCKS = 3

#: Numbers in which a noise level is told.
_TIME = 64


def fit(
    images: NDArray[np.uint8],
    *,
    size: int,
    components: int,
    width: int,
    steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    progress: str | None = None,
) -> keras.Model:
    """Fit a model of faces.

    Parameters
    ----------
    images
        (N, S, S) uint8 aligned faces, of any side S; may be mapped from disk.
    size
        Side of the model's faces.
    components
        Principal components, at most a quarter of the faces and their mirror images.
    width
        Of the network's layers.
    steps, batch_size, learning_rate
        Of Adam, whose step size rises and falls along a cosine.
    seed
        The same gives the same weights on the same machine.
    progress
        Label of a progress bar; None for no bar.

    Returns
    -------
    keras.Model
        From noisy codes (n, k), noise levels (n, 1) in 0 to 1 and codes (n, k) to the velocities
        (n, k) of the first (see `code_of`), and to the faces (n, size, size, 1) in 0 to 255 of the
        last. Made of standard Keras layers only.

    Raises
    ------
    ValueError
        There are fewer than eight faces.
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    rng = np.random.default_rng(seed)
    codes, mean, spread = _components(_small(images, size, rng), components)
    model = _network(codes.shape[1], width)
    rising = steps // 20
    rate = keras.optimizers.schedules.CosineDecay(
        learning_rate / (rising + 1),
        steps - rising,
        warmup_target=learning_rate,
        warmup_steps=rising,
    )
    optimizer = keras.optimizers.Adam(rate, use_ema=True, ema_momentum=MOMENTUM)
    model.compile(optimizer, "mse", jit_compile=False)
    for _ in bar(range(steps), progress or "", unit="step", disable=progress is None):
        code = codes[rng.integers(len(codes), size=batch_size)]
        level = rng.random((batch_size, 1)).astype(np.float32)
        noise = rng.standard_normal(code.shape).astype(np.float32)
        left = signal(level)
        mixed = np.sqrt(left) * code + np.sqrt(1 - left) * noise
        model.train_on_batch([mixed, level], np.sqrt(left) * noise - np.sqrt(1 - left) * code)
    optimizer.finalize_variable_values(model.trainable_variables)
    return _drawing(model, mean, spread, size)


def signal(level: NDArray[np.floating] | float) -> NDArray[np.float32]:
    """The share of the variance that is the face's at a noise level in 0 to 1."""
    at = np.asarray(level, np.float64)
    return np.clip(np.cos((at + 0.008) / 1.008 * math.pi / 2) ** 2, 1e-4, 0.9999).astype(np.float32)


def code_of(noisy: tf.Tensor, velocity: tf.Tensor, left: tf.Tensor) -> tf.Tensor:
    """The code that a noisy one of `left` signal is taken for."""
    return tf.sqrt(left) * noisy - tf.sqrt(1 - left) * velocity


def _small(images: NDArray[np.uint8], size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Some of the faces and their mirror images, (n, size * size)."""
    rows = np.sort(rng.permutation(len(images))[:FACES])
    if len(rows) < 8:
        raise ValueError(f"{len(rows)} faces are too few")
    small = np.array(
        [cv2.resize(images[row], (size, size), interpolation=cv2.INTER_AREA) for row in rows]
    )
    return np.concatenate([small, small[:, :, ::-1]]).reshape(2 * len(rows), -1).astype(float)


def _components(
    faces: NDArray[np.float64], wanted: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Faces (n, k) in units of each component's spread, their mean, and what spread looks like."""
    k = min(wanted, len(faces) // 4)
    mean = faces.mean(axis=0)
    left, singular, directions = np.linalg.svd(faces - mean, full_matrices=False)
    unit = np.sqrt(len(faces) - 1)
    spread = directions[:k] * (singular[:k, None] / unit)
    return tuple(a.astype(np.float32) for a in (left[:, :k] * unit, mean, spread))  # type: ignore[return-value]


def _network(components: int, width: int) -> keras.Model:
    noisy, level = keras.Input((components,), name="noisy"), keras.Input((1,), name="level")
    time = layers.Dense(_TIME, activation="silu")(level)
    time = layers.Dense(_TIME, activation="silu")(time)
    tensor = layers.Dense(width)(noisy)
    for _ in range(_BLOCKS):
        inner = layers.LayerNormalization()(tensor)
        inner = layers.Add()([layers.Dense(width)(inner), layers.Dense(width)(time)])
        inner = layers.Dense(width)(layers.Activation("silu")(inner))
        tensor = layers.Add()([tensor, inner])
    tensor = layers.Activation("silu")(layers.LayerNormalization()(tensor))
    last = layers.Dense(components, kernel_initializer="zeros", name="velocity")
    return keras.Model([noisy, level], last(tensor), name="diffusion")


def _drawing(
    model: keras.Model, mean: NDArray[np.float32], spread: NDArray[np.float32], size: int
) -> keras.Model:
    """The model with what draws a face from its code."""
    code = keras.Input((len(spread),), name="code")
    draw = layers.Dense(size * size, name="face")
    face = layers.Reshape((size, size, 1))(draw(code))
    draw.set_weights([spread, mean])
    return keras.Model([*model.inputs, code], [model.output, face], name="diffusion")
