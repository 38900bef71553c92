"""Faces between two expressions out of a diffusion model of the data set's own aligned faces.

Sampling takes few, deterministic steps (Song et al. 2021, arXiv 2010.02502), in each of which the
face that is taken shape is pushed down the gradient of the target's loss on the networks
(classifier guidance, Dhariwal & Nichol 2021, arXiv 2105.05233), as in Wei et al. (2025).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import cv2
import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from humanlike.boundaries.diffusion import code_of, signal
from humanlike.boundaries.search import Search
from humanlike.boundaries.seen import Judges, Stimulus
from humanlike.boundaries.targets import Target

#: Steps of sampling, as published.
STEPS = 50

#: How strongly pictures are pushed, of every noise that sampling starts from.
STRENGTHS = (0.05, 0.1, 0.2, 0.4)

#: Noises that are tried at most.
NOISES = 4

#: A face is enlarged to this side before it goes the way of photographs, in pixels.
PHOTOGRAPH = 256

_SMALLEST = 1e-7


class Sampler:
    """Faces out of noise, pushed to what networks are to say of them.

    Parameters
    ----------
    diffusion
        As `humanlike.boundaries.diffusion.fit` leaves it.
    networks
        From (n, s, s, 3) in 0 to 255 to probabilities, one for each of a target's shares.
    """

    def __init__(self, diffusion: keras.Model, networks: Sequence[keras.Model]) -> None:
        noisy, level, code = diffusion.inputs
        velocity, face = diffusion.outputs
        self._velocity = keras.Model([noisy, level], velocity)
        self._face = keras.Model(code, face)
        self._networks = networks
        self._step = tf.function(self._one_step)

    def __call__(
        self, target: Target, strengths: Sequence[float], seed: int, steps: int = STEPS
    ) -> NDArray[np.uint8]:
        """Sample from one noise at several strengths.

        Parameters
        ----------
        target
            Cross-entropy to its shares is what pushes.
        strengths
            (n,) how far each step moves the face's code, in units of its components' spread times
            the noise that is left; 0 is no guidance.
        seed
            Of the noise.
        steps
            Of sampling.

        Returns
        -------
        ndarray
            (n, size, size) uint8.
        """
        n = len(strengths)
        start = np.random.default_rng(seed).standard_normal((1, self._face.input_shape[1]))
        noisy = tf.constant(np.repeat(start, n, axis=0), tf.float32)
        wanted = tf.constant(target.wanted(self._networks[0].output_shape[-1]), tf.float32)
        far = tf.constant(np.reshape(strengths, (n, 1)), tf.float32)
        for now, after in pairwise(np.linspace(0.999, 0, steps + 1, dtype=np.float32)):
            noise_levels = tf.constant(now), tf.constant(signal(now)), tf.constant(signal(after))
            noisy, code = self._step(noisy, wanted, far, *noise_levels)
        gray = self._face(code).numpy()[..., 0]
        return np.clip(gray + 0.5, 0, 255).astype(np.uint8)

    def _one_step(
        self,
        noisy: tf.Tensor,
        wanted: tf.Tensor,
        strengths: tf.Tensor,
        level: tf.Tensor,
        left: tf.Tensor,
        then: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Less noisy codes, and the codes that they are taken for."""
        levels = tf.fill((tf.shape(noisy)[0], 1), level)
        with tf.GradientTape() as tape:
            tape.watch(noisy)
            code = code_of(noisy, self._velocity([noisy, levels], training=False), left)
            loss = self._loss(self._face(code), wanted)
        push = tape.gradient(loss, noisy)
        # Of one size, so that one strength serves every network.
        push /= tf.sqrt(tf.reduce_mean(push**2, axis=1, keepdims=True)) + _SMALLEST
        code -= strengths * tf.sqrt(1 - left) * push
        noise = (noisy - tf.sqrt(left) * code) / tf.sqrt(1 - left)
        return tf.sqrt(then) * code + tf.sqrt(1 - then) * noise, code

    def _loss(self, face: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
        """Cross-entropy to what is wanted, summed over faces and networks."""
        found = []
        for number, network in enumerate(self._networks):
            side = network.input_shape[1]
            seen = tf.image.resize(tf.clip_by_value(face, 0, 255), (side, side), antialias=True)
            p = network(tf.repeat(seen, 3, axis=-1), training=False)
            found.append(-tf.reduce_sum(wanted[number] * tf.math.log(p + _SMALLEST)))
        return tf.add_n(found)


class Start(NamedTuple):
    """What is sampled from."""

    sample: Sampler  #: pushed by the judges' networks
    seed: int


def generate(start: Start, target: Target, judges: Judges) -> Stimulus:
    """Sample at several strengths until the target is met, from one noise after the other.

    See `humanlike.boundaries.seen.Generator`; `settings` are which ``noise`` and the ``strength``.
    """
    seeds = np.random.default_rng(start.seed).integers(2**31, size=NOISES)
    pictures: list[NDArray[np.uint8]] = []
    search = Search(lambda place: _enlarged(pictures[int(place[0])]), target, judges)
    for seed in seeds:
        first = len(pictures)
        pictures += list(start.sample(target, STRENGTHS, int(seed)))
        for number in range(first, len(pictures)):
            search.look(np.array([number]))
            if search.met:
                return search.stimulus(_settings)
    return search.stimulus(_settings)


def _settings(place: NDArray[np.float64]) -> dict[str, float]:
    noise, strength = divmod(int(place[0]), len(STRENGTHS))
    return {"noise": float(noise), "strength": STRENGTHS[strength]}


def _enlarged(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    side = (PHOTOGRAPH, PHOTOGRAPH)
    return np.asarray(cv2.resize(picture, side, interpolation=cv2.INTER_CUBIC), np.uint8)
