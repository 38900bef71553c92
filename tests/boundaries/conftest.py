from collections.abc import Callable

import keras
import numpy as np
import pytest

from humanlike.boundaries import diffusion, render
from humanlike.boundaries.seen import Judges, judge
from humanlike.faces.detect import detector

SIZE = 96
PAIR = ("surprise", "anger")


def darkness(images: np.ndarray) -> np.ndarray:
    """How much darker the mouth is than the face; the nose is in the middle of an aligned face."""
    size = images.shape[-1]
    mouth = images[
        :, round(0.66 * size) : round(0.84 * size), round(0.4 * size) : round(0.6 * size)
    ]
    return images.mean(axis=(1, 2)) - mouth.mean(axis=(1, 2))


@pytest.fixture(scope="session")
def judges() -> Judges:
    """A network that tells an open mouth from a shut one, and gives a third class .02 always."""
    nobody = Judges([lambda x: np.zeros((len(x), 3))], lambda x: x[:, 0, 0], detector("auto"), SIZE)
    start = render.draw_start(0, 0, PAIR)
    seen = [judge(render.photograph(start, units), nobody).image for units in start[2:4]]
    wide, shut = darkness(np.array(seen))
    assert wide > shut

    def network(images: np.ndarray) -> np.ndarray:
        first = 1 / (1 + np.exp(-8 * (darkness(images) - (wide + shut) / 2) / (wide - shut)))
        return np.column_stack([0.98 * first, 0.98 * (1 - first), np.full(len(images), 0.02)])

    asked: Callable[[np.ndarray], np.ndarray] = network
    return Judges([asked], lambda x: np.full(len(x), 0.5), detector("auto"), SIZE)


@pytest.fixture(scope="session")
def plain() -> keras.Model:
    """A diffusion model of plain pictures of 8 pixels, half of them dark and half bright."""
    rng = np.random.default_rng(0)
    bright = rng.integers(2, size=(256, 1, 1)) * 130 + 60
    images = bright + rng.normal(0, 4, (256, 8, 8)) + rng.normal(0, 10, (256, 1, 1))
    return diffusion.fit(
        images.astype(np.uint8),
        size=8,
        components=4,
        width=64,
        steps=800,
        batch_size=32,
        learning_rate=4e-3,
        seed=0,
    )
