import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score

from humanlike.alignment.scores import (
    METRICS,
    ROUNDING,
    f1,
    iou,
    mark,
    precision,
    recall,
    stretch,
)

HEATMAPS = arrays(np.float64, (6, 5), elements=st.floats(-1e3, 1e3, width=32))
REGIONS = arrays(bool, (6, 5))


def test_worked_by_hand():
    # Three marked, four in the mask, two shared; five in either.
    marked = np.array([[1, 1, 1], [0, 0, 0]], bool)
    mask = np.array([[0, 1, 1], [0, 1, 1]], bool)
    assert iou(marked, mask) == 2 / 5
    assert precision(marked, mask) == 2 / 3
    assert recall(marked, mask) == 2 / 4
    assert f1(marked, mask) == pytest.approx(4 / 7)


@settings(max_examples=30)
@given(REGIONS, REGIONS)
def test_metrics_equal_scikit_learns(marked, mask):
    references = (jaccard_score, f1_score, precision_score, recall_score)
    for metric, reference in zip((iou, f1, precision, recall), references, strict=True):
        expected = reference(mask.ravel(), marked.ravel(), zero_division=0)
        assert metric(marked, mask) == pytest.approx(expected)


@given(REGIONS, REGIONS)
def test_f1_follows_from_iou(marked, mask):
    value = iou(marked, mask)
    assert f1(marked, mask) == pytest.approx(2 * value / (1 + value))


@given(arrays(bool, (3, 6, 5)), REGIONS)
def test_stacks_score_as_their_members(stack, mask):
    for metric in METRICS.values():
        np.testing.assert_array_equal(metric(stack, mask), [metric(one, mask) for one in stack])


@given(HEATMAPS)
def test_stretch_fills_eight_bits_and_keeps_order(heatmap):
    stretched = stretch(heatmap)
    assert stretched.dtype == np.uint8
    if np.ptp(heatmap) <= ROUNDING * np.abs(heatmap).max():
        assert not stretched.any()
    else:
        assert (stretched.min(), stretched.max()) == (0, 255)
        assert (np.diff(stretched.ravel()[np.argsort(heatmap.ravel())].astype(int)) >= 0).all()
    np.testing.assert_array_equal(stretch(stretched), stretched)


@given(
    arrays(np.float64, (6, 5), elements=st.floats(-1, 1)),
    st.floats(1e-3, 1e3),
    st.sampled_from([np.float32, np.float64]),
)
def test_rounding_is_not_stretched(noise, level, dtype):
    flat = (level * (1 + 1e-7 * noise)).astype(dtype)
    assert not stretch(flat).any()
    assert not mark(stretch(flat)).any()


@given(st.floats(1e-30, 1e30))
def test_small_values_are_no_rounding(scale):
    np.testing.assert_array_equal(stretch([[0, scale / 2, scale]]), [[0, 128, 255]])


def test_stretch_refuses_nan():
    with pytest.raises(ValueError, match="finite"):
        stretch(np.array([[0, np.nan]]))


def test_otsu_parts_two_levels():
    heatmap = np.array([[0, 10, 20], [200, 220, 255]], np.uint8)
    np.testing.assert_array_equal(mark(heatmap), heatmap >= 200)


def test_numeric_threshold_is_a_share_of_the_greatest_value():
    heatmap = np.array([[0, 127, 128, 255]], np.uint8)
    np.testing.assert_array_equal(mark(heatmap, 0.5), [[False, False, True, True]])
    assert mark(heatmap, 0.0).all()
    np.testing.assert_array_equal(mark(heatmap, 1.0), heatmap == 255)


@pytest.mark.parametrize("threshold", ["otsu", 0.5])
def test_constant_heatmap_marks_nothing_and_scores_nothing(threshold):
    marked = mark(stretch(np.full((4, 4), 0.7)), threshold)
    assert not marked.any()
    for metric in METRICS.values():
        assert metric(marked, np.ones((4, 4), bool)) == 0
