import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter
from scipy.stats import t

from humanlike.alignment.intervals import (
    interval,
    jackknife_error,
    subject_error,
    subject_influences,
)
from humanlike.alignment.scores import iou, mark, stretch

HEIGHT, WIDTH = 28, 22


@pytest.fixture(scope="module")
def masks():
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    own = ((x - 10) / 7) ** 2 + ((y - 15) / 6) ** 2 < 1
    return {"own": own, "left": x < 7, "top": y < 9}


def noisy_maps(rng, subjects, frames, noise=0.8):
    """Maps about a known mean; a subject's photographs hardly differ."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    mean = np.exp(-((x - 9) ** 2 + (y - 16) ** 2) / 55)
    mean = mean + 0.5 * np.exp(-((x - 17) ** 2 + (y - 6) ** 2) / 15)
    blobs = gaussian_filter(rng.normal(size=(subjects, HEIGHT, WIDTH)), (0, 2, 2))
    maps = np.repeat(mean + noise * blobs / blobs.std(), frames, axis=0)
    return (maps + 0.01 * rng.normal(size=maps.shape)).astype(np.float32)


def score(maps, mask):
    return iou(mark(stretch(maps.mean(axis=0))), mask)


@pytest.mark.parametrize(("subjects", "frames"), [(3, 1), (5, 1), (20, 3), (40, 1)])
def test_intervals_of_subjects_cover_what_other_subjects_would_score(subjects, frames, masks):
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(subjects), frames)
    found = []
    for _ in range(200):
        maps = noisy_maps(rng, subjects, frames)
        errors, free = subject_error([subject_influences(maps, people, masks, "own")])
        estimate = score(maps, masks["own"])
        found.append((estimate, *interval(estimate, errors["iou"], free)))
    estimates, low, high = np.transpose(found)
    truth = estimates.mean()
    assert 0.93 <= np.mean((low <= truth) & (truth <= high)) <= 0.98


@pytest.mark.parametrize("folds", [2, 5])
@pytest.mark.parametrize("trainings", [0.0, 0.6])
def test_intervals_of_folds_cover_what_other_trainings_would_score(folds, trainings, masks):
    rng = np.random.default_rng(0)
    scores = np.empty((800, folds))
    for place in np.ndindex(*scores.shape):
        trained = trainings * gaussian_filter(rng.normal(size=(HEIGHT, WIDTH)), 2) * 7
        scores[place] = score(noisy_maps(rng, 3, 1) + trained, masks["own"])
    left_out = [np.delete(scores, fold, axis=1).mean(axis=1) for fold in range(folds)]
    low, high = interval(0, 1, folds - 1)
    error, off = jackknife_error(left_out), scores.mean() - scores.mean(axis=1)
    assert 0.93 <= np.mean((low * error <= off) & (off <= high * error)) <= 0.97


@given(arrays(float, st.integers(2, 9), elements=st.floats(-1, 1)))
def test_jackknife_of_a_mean_is_its_standard_error(values):
    left_out = [np.delete(values, i).mean() for i in range(len(values))]
    expected = values.std(ddof=1) / np.sqrt(len(values))
    assert jackknife_error(left_out) == pytest.approx(expected, abs=1e-12)


def test_interval_worked_by_hand():
    # Two folds, .2 and .4: the standard error is .1, and t with one degree of freedom 12.706.
    low, high = interval(0.3, jackknife_error([0.4, 0.2]), 1)
    assert (low, high) == (pytest.approx(0.3 - 1.2706, abs=1e-4), pytest.approx(1.5706, abs=1e-4))
    assert t.ppf(0.975, 1) == pytest.approx(12.706, abs=1e-3)
    assert np.isnan(interval(0.3, 0.1, 0)).all()


def test_pushes_of_one_are_the_jackknife_where_the_score_is_linear(masks):
    # Above a fixed threshold the stretched map is linear in the faces only between its levels, so
    # the truth is the leave-one-out jackknife of a score that moves by many pixels.
    rng = np.random.default_rng(1)
    maps = noisy_maps(rng, 3, 1)
    influences = subject_influences(maps, [0, 1, 2], masks, "own")
    for i in range(3):
        rest = np.delete(maps, i, axis=0)
        mirrored = 2 * maps.mean(axis=0) - rest.mean(axis=0)
        expected = (score(mirrored[None], masks["own"]) - score(rest, masks["own"])) / 2
        assert influences["iou"][i] == pytest.approx(np.sqrt(2 / 3) * expected, abs=0.01)


def test_photographs_of_a_subject_move_together(masks):
    maps = noisy_maps(np.random.default_rng(2), 6, 1)
    once = subject_influences(maps, np.arange(6), masks, "own")
    thrice = subject_influences(
        np.repeat(maps, 3, axis=0), np.repeat(np.arange(6), 3), masks, "own"
    )
    np.testing.assert_allclose(thrice, once, atol=0.02)


def test_a_subject_in_two_heatmaps_moves_both(masks):
    maps = noisy_maps(np.random.default_rng(3), 4, 1)
    one = subject_influences(maps, list("abcd"), masks, "own")
    same, free = subject_error([one, one])
    assert free == 3
    np.testing.assert_allclose(same, np.sqrt((one**2).sum()))
    other, free = subject_error([one, one.set_axis(list("efgh"))])
    assert free == 7
    np.testing.assert_allclose(other, np.sqrt((one**2).sum() / 2))


@pytest.mark.parametrize("subjects", [["a"], ["a", "a", "a"], ["a", "b", "b", "b"]])
def test_fewer_than_three_subjects_tell_nothing(subjects, masks):
    maps = noisy_maps(np.random.default_rng(4), len(subjects), 1)
    errors, _ = subject_error([subject_influences(maps, subjects, masks, "own")])
    assert errors.isna().all()


def test_specificity_is_followed_too(masks):
    # Every map lies on the one mask or on another, so own and other IoU move against each other.
    maps = np.stack([masks["own"], masks["own"], masks["left"], masks["own"]]).astype(np.float32)
    influences = subject_influences(maps, range(4), masks, "own", threshold=0.3)
    assert influences["specificity"][2] < influences["iou"][2] < 0


def test_constant_maps_tell_nothing_of_subjects(masks):
    maps = np.full((4, HEIGHT, WIDTH), 0.7, np.float32)
    assert not subject_influences(maps, range(4), masks, "own").to_numpy().any()
