import math

import numpy as np
import pytest

from humanlike.alignment.specificity import (
    cross_table,
    expression_matrix,
    permutation_p,
)
from humanlike.alignment.table import mark_all


def test_worked_by_hand():
    matrix = [[0.5, 0.1, 0.1], [0.2, 0.4, 0.2], [0.3, 0.3, 0.6]]
    assert permutation_p(matrix) == 1 / math.factorial(3)


def test_constant_matrix_is_no_evidence():
    assert permutation_p(np.full((4, 4), 0.3)) == 1


def test_p_is_uniform_on_random_data():
    rng = np.random.default_rng(0)
    ps = [permutation_p(rng.random((4, 4))) for _ in range(1000)]
    # 24 equally likely values: P(p <= k / 24) = k / 24.
    for k in (1, 6, 12, 18):
        assert np.mean(np.array(ps) <= k / 24 + 1e-9) == pytest.approx(k / 24, abs=0.05)


def test_matrix_averages_folds_then_networks(masks):
    three = {expression: masks[expression] for expression in ("anger", "fear", "sadness")}
    marked = {
        ("a", 0, "anger"): masks["anger"],
        ("a", 1, "anger"): ~masks["anger"],
        ("b", 0, "anger"): masks["anger"],
        ("b", 0, "fear"): masks["fear"],
        ("b", 0, "surprise"): masks["fear"],
    }
    cross = cross_table(marked, three)
    assert list(cross["expression"]) == ["anger", "anger", "anger", "fear"]
    matrix = expression_matrix(cross)
    # No heatmap of sadness: its mask is left out.
    assert list(matrix.index) == list(matrix.columns) == ["anger", "fear"]
    assert matrix.loc["anger", "anger"] == pytest.approx((0.5 + 1) / 2)
    assert matrix.loc["fear", "fear"] == 1


def test_published_heatmaps_are_not_specific(published_heatmaps, masks):
    matrix = expression_matrix(cross_table(mark_all(published_heatmaps), masks))
    own = np.eye(len(matrix), dtype=bool)
    means = [matrix.to_numpy()[cells].mean() for cells in (own, ~own)]
    np.testing.assert_array_equal(np.round(means, 3), [0.260, 0.250])
    assert permutation_p(matrix) == pytest.approx(0.306, abs=1e-3)
