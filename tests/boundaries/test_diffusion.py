"""The model of faces at a tiny size."""

import keras
import numpy as np
import pytest
from sklearn.decomposition import PCA

from humanlike.boundaries import diffusion


def test_variance_is_kept_at_both_ends() -> None:
    assert diffusion.signal(0.0) > 0.99 and diffusion.signal(1.0) < 0.01


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_the_true_velocity_gives_the_code_back(level: float) -> None:
    code, noise = np.random.default_rng(0).standard_normal((2, 3, 5)).astype(np.float32)
    left = diffusion.signal(level)
    noisy = np.sqrt(left) * code + np.sqrt(1 - left) * noise
    velocity = np.sqrt(left) * noise - np.sqrt(1 - left) * code
    np.testing.assert_allclose(diffusion.code_of(noisy, velocity, left), code, atol=1e-5)


def test_codes_are_whitened_principal_components() -> None:
    faces = np.random.default_rng(0).normal(0, np.arange(1, 13), (60, 12)) + 100
    codes, mean, spread = diffusion._components(faces, 5)
    theirs = PCA(5, whiten=True).fit(faces)
    np.testing.assert_allclose(np.abs(codes), np.abs(theirs.transform(faces)), atol=1e-4)
    again = theirs.inverse_transform(theirs.transform(faces))
    np.testing.assert_allclose(codes @ spread + mean, again, rtol=1e-4)


def test_two_kinds_of_pictures_are_learned(plain: keras.Model) -> None:
    """Better than for a Gaussian, of which a fifth stays unknown at a fifth of noise."""
    velocity = keras.Model(plain.inputs[:2], plain.outputs[0])
    rng = np.random.default_rng(3)
    codes, noise = rng.standard_normal((2, 2000, 4)).astype(np.float32)
    codes[:, 0] = rng.choice([-1, 1], 2000)  # the first component is the brightness
    level = 0.29
    left = diffusion.signal(level)
    assert left == pytest.approx(0.8, abs=0.01)
    mixed = np.sqrt(left) * codes + np.sqrt(1 - left) * noise
    found = diffusion.code_of(mixed, velocity([mixed, np.full((2000, 1), level)]), left)
    assert ((np.asarray(found) - codes)[:, 0] ** 2).mean() < 0.17


def test_too_few_faces_are_refused() -> None:
    with pytest.raises(ValueError, match="3 faces are too few"):
        diffusion.fit(
            np.zeros((3, 8, 8), np.uint8),
            size=8,
            components=2,
            width=8,
            steps=1,
            batch_size=1,
            learning_rate=1e-3,
            seed=0,
        )
