"""Whether a map finds the place that was made to carry the label."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from humanlike.alignment.planted import (
    attention,
    concentration,
    oracle_maps,
    own_regions,
    shuffled_within,
)

SHAPE = (4, 5)
SHARES = arrays(float, SHAPE, elements=st.floats(0, 1))
MAPS = arrays(float, (3, *SHAPE), elements=st.floats(0, 1))


def test_each_pixel_goes_to_the_label_that_changes_it_most() -> None:
    brows, lips = np.array([[0.9, 0.6, 0.5, 0.4]]), np.array([[0.1, 0.7, 0.5, 0.3]])
    owned = own_regions({"brows": brows, "lips": lips})
    assert owned["brows"].tolist() == [[True, False, True, False]]
    assert owned["lips"].tolist() == [[False, True, False, False]]


@given(st.lists(SHARES, min_size=1, max_size=4), st.floats(0.1, 1))
def test_regions_do_not_overlap_and_cover_what_changes(shares, least) -> None:
    owned = own_regions({str(number): share for number, share in enumerate(shares)}, least)
    assert np.array_equal(
        sum(mask.astype(int) for mask in owned.values()), np.max(shares, 0) >= least
    )


def test_attention_is_importance_relative_to_area() -> None:
    heatmap = np.array([[6.0, 2, 2, 0], [-5, 0, 0, 0]])
    left = np.zeros((2, 4), bool)
    left[:, 0] = True
    found = attention(heatmap, {"left": left, "none": left & False})
    # 6 of 10 on a quarter of the canvas
    assert found == {"left": pytest.approx(2.4), "none": 0}


def test_concentration_by_hand() -> None:
    maps = np.array([[[3.0, 1, 0, 0]], [[0, 0, 1, 1]]])
    changed = np.array([[[True, False, False, False]], [[False, True, True, False]]])
    # (3/4 + 1/2) / 2 of the importance, on (1/4 + 2/4) / 2 of the area
    assert concentration(maps, changed) == pytest.approx(0.625 / 0.375)


@given(arrays(bool, (3, *SHAPE)), st.floats(0.1, 10))
def test_an_even_map_has_a_concentration_of_one(changed, level) -> None:
    changed[0, 0, 0] = True
    assert concentration(np.full(changed.shape, level), changed) == pytest.approx(1)


@given(MAPS, arrays(bool, (3, *SHAPE)))
def test_no_map_is_more_concentrated_than_the_changed_pixels(maps, changed) -> None:
    changed[:, 0, 0] = True
    assert concentration(maps, changed) <= concentration(changed.astype(float), changed) + 1e-9


def test_the_oracle_weighs_superpixels_by_the_share_that_changes() -> None:
    superpixels = np.array([[[0, 0, 1, 1]], [[0, 1, 1, 1]]], np.uint8)
    changed = np.array([[[True, False, True, True]], [[False, False, False, True]]])
    expected = [[[0.5, 0.5, 1, 1]], [[0, 1 / 3, 1 / 3, 1 / 3]]]
    assert oracle_maps(superpixels, changed) == pytest.approx(np.array(expected))


@given(arrays(np.int64, 20, elements=st.integers(0, 1)), st.integers(0, 2**32))
def test_shuffling_keeps_each_subject_s_labels(labels, seed) -> None:
    subjects = np.arange(20) // 4
    before = labels.copy()
    shuffled = shuffled_within(labels, subjects, np.random.default_rng(seed))
    assert np.array_equal(labels, before)
    for subject in range(5):
        assert shuffled[subjects == subject].sum() == labels[subjects == subject].sum()


def test_shuffling_moves_labels_within_subjects() -> None:
    labels = np.tile([0, 1], 50)
    shuffled = shuffled_within(labels, np.arange(100) // 20, np.random.default_rng(0))
    assert 0.3 < (shuffled == labels).mean() < 0.7
