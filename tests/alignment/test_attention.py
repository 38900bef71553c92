import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score

from humanlike.alignment.attention import (
    MEASURES,
    action_unit_attention,
    auc,
    correlation,
    measure_table,
    nss,
    relevance_mass,
    relevance_rank,
)

HEATMAPS = arrays(np.float64, (5, 6), elements=st.integers(0, 6).map(float))
NOISE = arrays(np.float64, (5, 6), elements=st.floats(-1, 1))
MASKS = arrays(bool, (5, 6)).filter(lambda mask: 0 < mask.sum() < mask.size)


@given(HEATMAPS, MASKS)
def test_auc_equals_scikit_learns(heatmap, mask):
    assert auc(heatmap, mask) == pytest.approx(roc_auc_score(mask.ravel(), heatmap.ravel()))


@given(HEATMAPS, MASKS)
def test_correlation_equals_numpys(heatmap, mask):
    assume(np.ptp(heatmap) > 0)
    expected = np.corrcoef(heatmap.ravel(), mask.ravel())[0, 1]
    assert correlation(heatmap, mask) == pytest.approx(expected)


def test_worked_by_hand():
    heatmap = np.array([[4.0, 3.0, 2.0, -1.0]])
    mask = np.array([[True, False, True, False]])
    assert relevance_rank(heatmap, mask) == 1 / 2
    assert relevance_mass(heatmap, mask) == pytest.approx(6 / 9)
    assert auc(heatmap, mask) == 3 / 4
    assert nss(heatmap, mask) == pytest.approx((3 - 2) / np.std([4, 3, 2, -1]))


def test_rank_shares_out_ties():
    # Two places, three pixels tie for the second, one of them in the mask.
    heatmap = np.array([[9, 5, 5, 5, 0]])
    mask = np.array([[True, True, False, False, False]])
    assert relevance_rank(heatmap, mask) == pytest.approx((1 + 1 / 3) / 2)


@given(MASKS)
def test_constant_heatmap_is_at_chance(mask):
    flat = np.ones(mask.shape)
    chance = {"auc": 0.5, "relevance_rank": mask.mean(), "relevance_mass": mask.mean()}
    for name, measure in MEASURES.items():
        assert measure(flat, mask) == pytest.approx(chance.get(name, 0))


@given(MASKS, NOISE, st.floats(1e-3, 1e3))
def test_rounding_is_no_preference(mask, noise, level):
    flat = level * (1 + 1e-7 * noise)
    chance = {"auc": 0.5, "relevance_rank": mask.mean(), "relevance_mass": mask.mean()}
    for name, measure in MEASURES.items():
        assert measure(flat, mask) == pytest.approx(chance.get(name, 0), abs=1e-5), name
        assert measure(np.full(mask.shape, level), mask) == pytest.approx(chance.get(name, 0))


@given(HEATMAPS, MASKS, st.floats(1e-30, 1e30), st.floats(-10, 10))
def test_nss_and_correlation_have_no_unit(heatmap, mask, scale, shift):
    other = scale * (heatmap + shift)
    assert nss(other, mask) == pytest.approx(nss(heatmap, mask), abs=1e-6)
    assert correlation(other, mask) == pytest.approx(correlation(heatmap, mask), abs=1e-6)


@given(MASKS)
def test_the_mask_itself_is_best(mask):
    heatmap = mask.astype(float)
    for name in ("auc", "relevance_rank", "relevance_mass", "correlation"):
        assert MEASURES[name](heatmap, mask) == pytest.approx(1)


def test_table_has_a_row_for_each_heatmap_with_a_mask():
    mask = np.array([[True, False]])
    heatmap = np.array([[1.0, 0.0]])
    table = measure_table({("a", 0, "x"): heatmap, ("a", 0, "neutral"): heatmap}, {"x": mask})
    assert table["expression"].to_list() == ["x"]
    assert table["auc"].item() == 1


def test_attention_is_relative_to_area_and_averaged_over_folds():
    left = np.array([[True, False, False, False]])
    heatmaps = {
        ("a", 0, "x"): np.array([[1.0, 0, 0, 0]]),
        ("a", 1, "x"): np.array([[1.0, 1, 1, 1]]),
    }
    table = action_unit_attention(heatmaps, {4: left, 9: ~left}, {"x": (4,)})
    assert table["attention"].to_list() == [pytest.approx((4 + 1) / 2), pytest.approx(0.5)]
    assert table["share"].to_list() == [pytest.approx(0.625), pytest.approx(0.375)]
    assert table["named"].to_list() == [True, False]
    assert "evidence" not in table


def test_attention_stands_beside_the_evidence_there():
    left = np.array([[True, False, False, False]])
    heatmaps = {("a", 0, "x"): np.ones((1, 4)), ("a", 0, "y"): np.ones((1, 4))}
    # Half of x's evidence lies on the left quarter: twice as much as an even map has there.
    table = action_unit_attention(
        heatmaps, {4: left, 9: ~left}, {}, {"x": np.array([[0.3, 0.2, 0.1, 0.0]])}
    )
    assert table["evidence"][:2].to_list() == [pytest.approx(2), pytest.approx(2 / 3)]
    assert table["evidence"][2:].isna().all()
