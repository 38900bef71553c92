import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from humanlike.alignment.ceiling import chance_corrected, fold_agreement, perfect_heatmap
from humanlike.alignment.scores import iou, mark, stretch


def test_perfect_weights_are_shares_inside_the_mask():
    superpixels = np.array([[[0, 0, 2, 2]]], np.uint8)
    mask = np.array([[True, False, True, True]])
    np.testing.assert_array_equal(perfect_heatmap(superpixels, mask), [[0.5, 0.5, 1, 1]])


@given(arrays(np.uint8, (1, 5, 6), elements={"max_value": 4}), arrays(bool, (5, 6)))
def test_no_map_constant_on_superpixels_is_nearer_to_the_mask(superpixels, mask):
    design = (superpixels.reshape(-1, 1) == np.arange(5)).astype(float)
    weights, *_ = np.linalg.lstsq(design, mask.ravel().astype(float))
    np.testing.assert_allclose(
        perfect_heatmap(superpixels, mask).ravel(), design @ weights, atol=1e-9
    )


def test_many_superpixels_reach_the_mask_and_few_do_not(masks):
    mask = masks["surprise"]
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]]

    def ceiling(columns, rows):
        """Of grids that lie otherwise on every face."""
        right, down = rng.integers(240 // columns, size=20), rng.integers(290 // rows, size=20)
        labels = [
            (x + dx) * columns // 240 + (columns + 1) * ((y + dy) * rows // 290)
            for dx, dy in zip(right, down, strict=True)
        ]
        return iou(mark(stretch(perfect_heatmap(np.array(labels, np.uint8), mask))), mask)

    coarse, medium, fine = ceiling(2, 2), ceiling(5, 6), ceiling(13, 17)
    assert coarse < medium < fine
    assert medium == pytest.approx(0.76, abs=0.1)
    assert fine > 0.85


def test_reliability_of_published_folds(published_heatmaps):
    marked = {key: mark(heatmap) for key, heatmap in published_heatmaps.items()}
    table = fold_agreement(marked, published_heatmaps)
    assert len(table) == 36
    # .541 over all twelve networks; six of them are here.
    assert table["reliability"].mean() == pytest.approx(0.541, abs=0.01)


def test_reliability_of_equal_folds_and_of_one():
    region = np.array([[True, False]])
    keys = [("a", 0, "x"), ("a", 1, "x"), ("b", 0, "x")]
    table = fold_agreement(dict.fromkeys(keys, region), dict.fromkeys(keys, region * 1.0))
    assert table.to_dict("records") == [
        {
            "network": "a",
            "expression": "x",
            "reliability": 1,
            "fold_correlation": pytest.approx(1),
        }
    ]


@given(arrays(np.float64, (4, 5), elements=st.floats(-1, 1)), st.floats(1e-3, 1e3))
def test_folds_do_not_agree_on_rounding(noise, level):
    flat = level * (1 + 1e-7 * noise)
    keys = [("a", 0, "x"), ("a", 1, "x")]
    marked = {key: mark(stretch(flat)) for key in keys}
    table = fold_agreement(marked, dict.fromkeys(keys, flat))
    assert table["fold_correlation"].isna().all()
    assert table["reliability"].item() == 0


def test_chance_corrected():
    assert chance_corrected(0.2, 0.2, 0.7) == 0
    assert chance_corrected(0.7, 0.2, 0.7) == 1
    assert chance_corrected(0.1, 0.2, 0.7) == pytest.approx(-0.2)
    with warnings.catch_warnings(action="error"):
        assert np.isnan(chance_corrected(*np.array([0.2, 0.2, 0.2])))
