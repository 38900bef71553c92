import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from humanlike.alignment.bootstrap import STEP, face_weights, interval, resampled_iou
from humanlike.alignment.scores import iou, mark, stretch

HEIGHT, WIDTH = 28, 22


@pytest.fixture
def mask():
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return ((x - 10) / 7) ** 2 + ((y - 15) / 6) ** 2 < 1


def noisy_maps(rng, n, noise):
    """Maps of n faces about a known mean."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    mean = np.exp(-((x - 9) ** 2 + (y - 16) ** 2) / 55)
    mean = mean + 0.5 * np.exp(-((x - 17) ** 2 + (y - 6) ** 2) / 15)
    blobs = gaussian_filter(rng.normal(size=(n, HEIGHT, WIDTH)), (0, 2, 2))
    return (mean + noise * blobs / blobs.std()).astype(np.float32)


def score(maps, mask):
    return iou(mark(stretch(maps.mean(axis=0))), mask)


def test_weights_of_a_face_do_not_depend_on_its_company():
    ours = face_weights([3, 8, 5], 6)
    swapped = face_weights([5, 3, 8], 6)
    np.testing.assert_array_equal(ours, swapped[:, [1, 2, 0]])
    assert (face_weights([3, 8, 5], 6, seed=1) != ours).any()


def test_weights_are_positive_and_sum_to_one():
    weights = face_weights(range(9), 500)
    assert weights.shape == (500, 9)
    assert (weights > 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(face_weights([4], 3), np.ones((3, 1)))


def test_spread_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(0).normal(size=12)
    draws = face_weights(range(12), 5000) @ values
    assert draws.std() / STEP == pytest.approx(values.std(ddof=1) / np.sqrt(12), rel=0.05)


@pytest.mark.parametrize("threshold", ["otsu", 0.4])
def test_resampled_scores_are_those_of_the_weighted_heatmaps(threshold, mask):
    maps = noisy_maps(np.random.default_rng(0), 7, 0.5)
    weights = face_weights(range(7), 120)
    expected = [
        iou(mark(stretch(np.tensordot(w, maps, 1)), threshold), mask) for w in weights
    ]  # fmt: skip
    found = resampled_iou(maps, mask, weights, threshold)
    # A value on the edge of two of the 256 levels may fall to either.
    np.testing.assert_allclose(found, expected, atol=0.02)
    assert np.mean(found == expected) > 0.9


def test_constant_maps_score_nothing(mask):
    maps = np.ones((3, HEIGHT, WIDTH), np.float32)
    assert not resampled_iou(maps, mask, face_weights(range(3), 4)).any()


def test_interval_worked_by_hand():
    low, high = interval(0.5, np.array([0.4, 0.5, 0.6]))
    assert (low, high) == (
        pytest.approx(0.5 - 1.96 * 0.2, abs=1e-4),
        pytest.approx(0.892, abs=1e-4),
    )


@pytest.mark.parametrize(("n", "noise"), [(20, 0.6), (15, 1.0)])
def test_interval_covers_what_other_faces_would_score(n, noise, mask):
    rng = np.random.default_rng(0)
    truth = np.mean([score(noisy_maps(rng, n, noise), mask) for _ in range(600)])
    covered = []
    for trial in range(150):
        maps = noisy_maps(rng, n, noise)
        draws = resampled_iou(maps, mask, face_weights(range(n), 60, seed=trial))
        low, high = interval(score(maps, mask), draws)
        covered.append(low <= truth <= high)
    assert 0.90 <= np.mean(covered) <= 0.98
