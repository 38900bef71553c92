import numpy as np
import pytest
from sklearn.decomposition import PCA

from humanlike.boundaries import naturalness


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    """Smooth pictures of a few shapes: as good as faces here."""
    rng = np.random.default_rng(0)
    shapes = rng.standard_normal((6, 64, 64)).cumsum(1).cumsum(2)
    shapes /= shapes.std(axis=(1, 2), keepdims=True)
    mixed = np.tensordot(rng.standard_normal((160, 6)), shapes, 1)
    noisy = mixed + 0.1 * rng.standard_normal(mixed.shape)
    return np.clip(128 + 20 * noisy, 0, 255).astype(np.uint8)


def test_the_model_is_scikit_learns_probabilistic_pca(faces: np.ndarray) -> None:
    subjects = np.repeat(np.arange(40), 4)
    model = naturalness.fit(faces, subjects, seed=3)
    people = np.random.default_rng(3).permutation(40)[:20]
    fitted = naturalness.rows(faces[np.isin(subjects, people)])
    oracle = PCA(len(model.components), svd_solver="full").fit(fitted)
    rows = naturalness.rows(faces)
    np.testing.assert_allclose(model.log_likelihood(rows), oracle.score_samples(rows), rtol=1e-6)


def test_noise_is_less_natural_than_what_was_not_seen(faces: np.ndarray) -> None:
    model = naturalness.fit(faces[:120], np.repeat(np.arange(30), 4), seed=0)
    assert 0.2 < model.share(faces[120:]).mean() < 0.8
    noise = np.random.default_rng(1).integers(0, 256, (5, 64, 64)).astype(np.uint8)
    assert model.share(noise).max() == 0


def test_too_few_faces_are_refused(faces: np.ndarray) -> None:
    with pytest.raises(ValueError, match="too few"):
        naturalness.fit(faces[:10], np.arange(10), seed=0)
