"""A small network and a few faces, or what passes for them."""

import numpy as np
import pytest

SIZE = 64


@pytest.fixture(scope="session")
def network():
    """An untrained network whose probabilities vary well with its input."""
    import keras

    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
            keras.layers.MaxPool2D(2),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
            keras.layers.MaxPool2D(3, 2, padding="same"),
            keras.layers.Flatten(),
            keras.layers.Dense(4, activation="softmax", kernel_initializer="he_normal"),
        ]
    )


@pytest.fixture(scope="session")
def images():
    """Three gray images of blobs, (3, SIZE, SIZE) uint8."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:SIZE, :SIZE]
    blobs = [
        sum(
            np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 160) * random.uniform(60, 200)
            for cx, cy in random.uniform(0, SIZE, (9, 2))
        )
        for _ in range(3)
    ]
    return np.clip(20 + np.array(blobs), 0, 255).astype(np.uint8)
