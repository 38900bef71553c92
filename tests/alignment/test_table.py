import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from humanlike.alignment.scores import METRICS
from humanlike.alignment.table import mark_all, mean_maps, mean_over_folds, pooled, score_table


def test_published_tables_to_four_decimals(published_heatmaps, masks, shared):
    scores = mean_over_folds(score_table(mark_all(published_heatmaps), masks))
    published = pd.read_csv(shared / "golden" / "published_tables_3_4.csv")
    both = scores.merge(published, on=["network", "expression"], suffixes=("", "_published"))
    assert len(both) == 36
    for metric in METRICS:
        # Half a unit of the fourth decimal.
        np.testing.assert_allclose(both[metric], both[f"{metric}_published"], atol=5.0001e-5)


def test_pooled_heatmap_scores_otherwise(published_heatmaps, masks):
    anger = {key: h for key, h in published_heatmaps.items() if key[::2] == ("silnet", "anger")}
    by_fold = mean_over_folds(score_table(mark_all(anger), masks))
    together = {("silnet", 0, "anger"): pooled(anger, "network")["silnet",]}
    assert by_fold["iou"].item() == pytest.approx(0.2062, abs=5e-5)
    assert score_table(mark_all(together), masks)["iou"].item() > 0.24


def test_missing_heatmaps_do_not_count(masks):
    heatmaps = {
        ("a", 0, "anger"): masks["anger"],
        ("a", 1, "anger"): ~masks["anger"],
        ("a", 0, "fear"): masks["fear"],
        ("a", 0, "neutral"): masks["fear"],
    }
    table = score_table(mark_all(heatmaps), masks)
    assert list(table["iou"]) == [1, 0, 1]
    means = mean_over_folds(table)
    assert list(means["expression"]) == ["anger", "fear"]
    assert list(means["iou"]) == [0.5, 1]


def test_pooled_by_any_part_of_the_key():
    heatmaps = {
        ("a", 0, "x"): np.full((1, 1), 1.0),
        ("a", 1, "x"): np.full((1, 1), 3.0),
        ("b", 0, "x"): np.full((1, 1), 8.0),
    }
    assert {k: v.item() for k, v in pooled(heatmaps, "network").items()} == {("a",): 2, ("b",): 8}
    assert pooled(heatmaps)[()].item() == 4


@given(
    arrays(np.float32, (9, 3, 2), elements=st.floats(-1, 1, width=32)),
    arrays(np.int8, 9, elements=st.integers(0, 3)),
)
def test_mean_maps_are_those_of_the_stacked_maps_to_the_bit(maps, groups):
    found = dict(mean_maps(iter(maps), groups.tolist()))
    assert found.keys() == set(groups.tolist())
    for group, mean in found.items():
        expected = maps[groups == group].mean(axis=0, dtype=float)
        np.testing.assert_array_equal(mean, expected, strict=True)


def test_a_mean_map_comes_with_the_last_of_its_maps():
    read = []

    def maps():
        for number in range(5):
            read.append(number)
            yield np.full((2, 2), number)

    come = [(group, mean[0, 0], len(read)) for group, mean in mean_maps(maps(), list("aabab"))]
    assert come == [("a", 4 / 3, 4), ("b", 3, 5)]
    with pytest.raises(ValueError, match="zip"):
        list(mean_maps(maps(), list("aaaa")))
