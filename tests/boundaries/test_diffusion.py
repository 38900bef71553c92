"""The model of faces at a tiny size."""

import keras
import numpy as np

from humanlike.boundaries import diffusion

SIZE = 16


def test_variance_is_kept_at_both_ends() -> None:
    assert diffusion.signal(0.0) > 0.99 and diffusion.signal(1.0) < 0.01


def test_pictures_are_found_under_noise(plain: keras.Model) -> None:
    rng = np.random.default_rng(3)
    gray = rng.uniform(-0.8, 0.8, (32, 1, 1, 1))
    left = diffusion.signal(0.4)
    noisy = np.sqrt(left) * gray + np.sqrt(1 - left) * rng.standard_normal((32, SIZE, SIZE, 1))
    found = plain.predict([noisy, np.full((32, 1), 0.4)], verbose=0)
    assert np.abs(found - gray).mean() < 0.25 * np.abs(noisy / np.sqrt(left) - gray).mean()
