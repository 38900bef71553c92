"""The diffusion at a tiny size: whether it learns, and whether guidance pushes where it should."""

import keras
import numpy as np
import pytest

from humanlike.boundaries import guided
from humanlike.boundaries.targets import Target

SIZE = 16


@pytest.fixture(scope="module")
def diffusion() -> keras.Model:
    """Trained on plain pictures that are dark or bright all over."""
    keras.utils.set_random_seed(0)
    model = guided.build(SIZE, width=8, depth=2)
    rng = np.random.default_rng(0)
    images = np.repeat(rng.integers(20, 236, 256), SIZE * SIZE).reshape(-1, SIZE, SIZE)
    losses = guided.fit(
        model, images.astype(np.uint8), steps=150, batch_size=16, learning_rate=3e-3, seed=0
    )
    assert losses[:10].mean() > 0.8 > 2 * losses[-30:].mean()
    return model


@pytest.fixture(scope="module")
def bright() -> keras.Model:
    """A network that tells bright pictures from dark ones."""
    image = keras.Input((SIZE, SIZE, 3))
    mean = keras.layers.GlobalAveragePooling2D()(image)
    last = keras.layers.Dense(2, activation="softmax")
    model = keras.Model(image, last(mean))
    last.set_weights([np.array([[0.02, -0.02]] * 3), np.array([-7.6, 7.6])])
    return model


def test_variance_is_kept_at_both_ends() -> None:
    assert guided.signal(0.0) > 0.99 and guided.signal(1.0) < 0.01


def test_guidance_moves_the_share_to_the_target(
    diffusion: keras.Model, bright: keras.Model
) -> None:
    def shares(wanted: float, strength: float) -> float:
        target = Target((0, 1), (wanted,))
        pictures = np.array(
            [guided.sample(diffusion, [bright], target, strength, seed, 20) for seed in range(4)]
        )
        rgb = np.repeat(pictures[..., None], 3, axis=-1).astype(np.float32)
        return float(np.mean(bright(rgb)[:, 0]))

    assert shares(0.95, 0.3) > shares(0.05, 0.3) + 0.3
    first, again = (
        guided.sample(diffusion, [bright], Target((0, 1), (0.5,)), 0.3, 1, 5) for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
