"""Faces between two expressions out of a diffusion model of the data set's own aligned faces.

The model learns to take noise out of faces (Ho et al. 2020, arXiv 2006.11239; cosine schedule of
Nichol & Dhariwal 2021, arXiv 2102.09672). Sampling takes few, deterministic steps (Song et al.
2021, arXiv 2010.02502), each pushed by the gradient of the target's loss on the networks
(classifier guidance, Dhariwal & Nichol 2021, arXiv 2105.05233), as in Wei et al. (2025).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import cv2
import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

from humanlike.boundaries.seen import Judges, Stimulus, judge
from humanlike.boundaries.targets import Target
from humanlike.faces.images import Rejected
from humanlike.progress import bar

#: Steps of sampling, as published.
STEPS = 50

#: How strongly sampling is pushed, tried in this order: the first that meets the target is taken.
STRENGTHS = (1.0, 3.0, 10.0)

#: A face is sampled at this side before it goes the way of photographs, in pixels.
PHOTOGRAPH = 256

_SMALLEST = 1e-7


def build(size: int = 64, width: int = 32, depth: int = 3) -> keras.Model:
    """A small U-Net that tells the noise in a face.

    Parameters
    ----------
    size
        Side of the faces; a multiple of 2 ** (depth - 1).
    width
        Channels at full size; they double at each halving.
    depth
        Sizes.

    Returns
    -------
    keras.Model
        From faces (n, size, size, 1) in -1 to 1 and noise levels (n, 1) in 0 to 1 to the noise
        (n, size, size, 1). Made of standard Keras layers only.
    """
    face, level = keras.Input((size, size, 1), name="face"), keras.Input((1,), name="level")
    time = layers.Dense(4 * width, activation="silu")(level)
    time = layers.Dense(4 * width, activation="silu")(time)

    def block(tensor: keras.KerasTensor, channels: int) -> keras.KerasTensor:
        short = layers.Conv2D(channels, 1)(tensor)
        for _ in range(2):
            tensor = layers.GroupNormalization(8)(
                layers.Conv2D(channels, 3, padding="same")(tensor)
            )
            shift = layers.Reshape((1, 1, channels))(layers.Dense(channels)(time))
            tensor = layers.Activation("silu")(layers.Add()([tensor, shift]))
        return layers.Add()([tensor, short])

    kept, tensor = [], face
    for number in range(depth):
        tensor = block(tensor, width * 2**number)
        if number < depth - 1:
            kept.append(tensor)
            tensor = layers.AveragePooling2D(2)(tensor)
    for number in reversed(range(depth - 1)):
        tensor = layers.UpSampling2D(interpolation="bilinear")(tensor)
        tensor = block(layers.Concatenate()([tensor, kept[number]]), width * 2**number)
    noise = layers.Conv2D(1, 1, kernel_initializer="zeros", name="noise")(tensor)
    return keras.Model([face, level], noise, name="diffusion")


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
        Of Adam.
    seed
        The same gives the same weights on the same machine.
    progress
        Label of a progress bar; None for no bar.

    Returns
    -------
    ndarray
        (steps,) the mean squared error of each step: 1 is a model that knows nothing.
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    rng, size = np.random.default_rng(seed), model.input_shape[0][1]
    model.compile(keras.optimizers.Adam(learning_rate), "mse", jit_compile=False)
    losses = np.empty(steps)
    for step in bar(range(steps), progress or "", unit="step", disable=progress is None):
        rows = np.sort(rng.integers(len(images), size=batch_size))
        faces = _scaled(images[rows], size)
        faces = np.where(rng.random((batch_size, 1, 1, 1)) < 0.5, faces, faces[:, :, ::-1])
        level = rng.random((batch_size, 1)).astype(np.float32)
        noise = rng.standard_normal(faces.shape).astype(np.float32)
        left = signal(level)[..., None, None]
        mixed = np.sqrt(left) * faces + np.sqrt(1 - left) * noise
        losses[step] = float(np.squeeze(model.train_on_batch([mixed, level], noise)))
    return losses


class Start(NamedTuple):
    """What is sampled from."""

    diffusion: keras.Model  #: as `fit` leaves it
    networks: Sequence[keras.Model]  #: the judges' networks, for their gradients
    seed: int


def generate(start: Start, target: Target, judges: Judges) -> Stimulus:
    """Sample until the target is met, pushed ever more strongly.

    See `humanlike.boundaries.seen.Generator`; `settings` is the ``strength``.
    """
    best: tuple[tuple[bool, float], Stimulus] | None = None
    reason = Rejected("no picture was made")
    for looked, strength in enumerate(STRENGTHS, 1):
        gray = sample(start.diffusion, start.networks, target, strength, start.seed)
        photograph = cv2.resize(gray, (PHOTOGRAPH, PHOTOGRAPH), interpolation=cv2.INTER_CUBIC)
        try:
            seen = judge(np.asarray(photograph, np.uint8), judges)
        except Rejected as why:
            reason = why
            continue
        natural = float(judges.naturalness(seen.image[None])[0])
        made = Stimulus(*seen, natural, {"strength": strength}, looked)
        success = target.success(seen.probabilities)
        rank = (not success, target.loss(seen.probabilities))
        if best is None or rank < best[0]:
            best = rank, made
        if success:
            break
    if best is None:
        raise reason
    return best[1]._replace(looked=looked)


def sample(
    diffusion: keras.Model,
    networks: Sequence[keras.Model],
    target: Target,
    strength: float,
    seed: int,
    steps: int = STEPS,
) -> NDArray[np.uint8]:
    """One face out of noise.

    Parameters
    ----------
    diffusion
        As `fit` leaves it.
    networks
        From (n, s, s, 3) in 0 to 255 to probabilities, one for each of the target's shares.
    target
        Cross-entropy to its shares is what pushes.
    strength
        How far each step goes down the gradient, in units of the noise's own step; 0 is no
        guidance.
    seed
        Of the noise that it starts from.
    steps
        Of sampling.

    Returns
    -------
    ndarray
        (size, size) uint8.
    """
    size = diffusion.input_shape[0][1]
    rng = np.random.default_rng(seed)
    noisy = tf.constant(rng.standard_normal((1, size, size, 1)), tf.float32)
    wanted = tf.constant(target.wanted(networks[0].output_shape[-1]), tf.float32) if networks else 0
    levels = np.linspace(0.999, 0, steps + 1, dtype=np.float32)
    for now, after in pairwise(levels):
        left, then = signal(now), signal(after)
        with tf.GradientTape() as tape:
            tape.watch(noisy)
            noise = diffusion([noisy, tf.constant([[now]])], training=False)
            face = tf.clip_by_value((noisy - tf.sqrt(1 - left) * noise) / tf.sqrt(left), -1, 1)
            loss = _cross_entropy(face, networks, wanted) if strength and networks else None
        if loss is not None:
            push = tape.gradient(loss, noisy)
            # Of the length that the noise has, so that one strength serves every network.
            push *= math.sqrt(size * size) / (tf.norm(push) + _SMALLEST)
            noise += strength * math.sqrt(1 - left) * push
            face = tf.clip_by_value((noisy - tf.sqrt(1 - left) * noise) / tf.sqrt(left), -1, 1)
        noisy = tf.sqrt(then) * face + tf.sqrt(1 - then) * noise
    gray = np.asarray(noisy)[0, :, :, 0]
    return np.clip((gray + 1) * 127.5 + 0.5, 0, 255).astype(np.uint8)


def _cross_entropy(
    face: tf.Tensor, networks: Sequence[keras.Model], wanted: tf.Tensor
) -> tf.Tensor:
    found = []
    for number, network in enumerate(networks):
        side = network.input_shape[1]
        seen = tf.image.resize((face + 1) * 127.5, (side, side), antialias=True)
        p = network(tf.repeat(seen, 3, axis=-1), training=False)
        found.append(-tf.reduce_sum(wanted[number] * tf.math.log(p + _SMALLEST)))
    return tf.add_n(found) / len(found)


def _scaled(images: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    """Faces (n, size, size, 1) in -1 to 1."""
    small = [cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA) for image in images]
    return (np.array(small, np.float32) / 127.5 - 1)[..., None]
