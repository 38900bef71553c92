import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from humanlike.alignment.intervals import FIGURES
from humanlike.alignment.report import report, verdict
from humanlike.canonical.masks import action_unit_region
from humanlike.expressions import ACTION_UNITS


@pytest.fixture(scope="module")
def published(published_heatmaps, masks):
    return report(published_heatmaps, masks)


@pytest.fixture
def blurred_masks(masks):
    """Heatmaps of two networks that look where the masks are, and nowhere else."""
    rng = np.random.default_rng(0)
    return {
        (network, fold, expression): mask + 0.1 * rng.random(mask.shape)
        for network in "ab"
        for fold in (0, 1)
        for expression, mask in masks.items()
    }


def test_published_heatmaps(published):
    summary = published.summary
    assert summary["iou"] == pytest.approx(0.2602, abs=1e-4)
    assert summary["chance"]["area"] == pytest.approx(0.135, abs=0.01)
    assert summary["chance"]["shift"] == pytest.approx(0.143, abs=0.01)
    assert summary["chance"]["shift_p"] < 0.05
    assert summary["prior"]["ellipse"] == pytest.approx(0.389, abs=1e-3)
    assert summary["prior"]["white"] == pytest.approx(0.257, abs=1e-3)
    assert summary["prior"]["grand_mean"] == pytest.approx(0.380, abs=0.01)
    assert summary["specificity"] == pytest.approx(summary["iou"] - summary["other_masks"])
    assert summary["permutation_p"] > 0.05
    assert summary["ceiling"] is None and summary["corrected"] is None
    assert summary["verdict"].startswith("Not above chance for the expression")


def test_every_level_of_the_report_agrees(published):
    assert len(published.by_fold) == 180
    assert len(published.by_expression) == 36
    assert published.by_expression["iou"].mean() == pytest.approx(published.summary["iou"])
    networks = published.networks.values()
    for figure in ("iou", "other_masks", "reliability", "auc"):
        mean = np.mean([network[figure] for network in networks])
        assert mean == pytest.approx(published.summary[figure])
    assert np.diag(published.matrix).mean() == pytest.approx(published.summary["iou"])


def test_summary_is_plain_json(published):
    assert json.loads(json.dumps(published.summary, allow_nan=False)) == published.summary


def test_heatmaps_that_are_their_masks(blurred_masks, masks):
    keys = list(blurred_masks)
    found = report(blurred_masks, masks, ceilings=dict.fromkeys(keys, 1.0))
    summary = found.summary
    assert summary["iou"] == summary["corrected"] == pytest.approx(1)
    assert summary["permutation_p"] == pytest.approx(1 / 720)
    assert summary["verdict"].startswith("Above chance and specific")
    assert "ellipse" not in summary["verdict"]


def influences_of(keys, subjects="abc", moved=0.01):
    table = pd.DataFrame(moved, list(subjects), FIGURES)
    return dict.fromkeys(keys, table)


def test_intervals_are_students_over_folds(published, published_heatmaps):
    scores = published.by_fold.pivot_table("iou", ["network", "expression"], "fold")
    folds = scores.mean()
    margin = t.ppf(0.975, 4) * folds.std() / np.sqrt(5)
    ends = published.summary["iou_interval"]
    assert ends == pytest.approx({"low": folds.mean() - margin, "high": folds.mean() + margin})
    assert ends == pytest.approx({"low": 0.239, "high": 0.281}, abs=5e-4)
    cell = published.by_expression.iloc[0]
    ours = scores.loc[cell["network"], cell["expression"]]
    margin = t.ppf(0.975, 4) * ours.std() / np.sqrt(5)
    assert (cell["iou_low"], cell["iou_high"]) == pytest.approx(
        (max(ours.mean() - margin, 0), ours.mean() + margin)
    )
    own = published.by_fold.groupby("fold")[["iou", "other_masks"]].mean()
    difference = own["iou"] - own["other_masks"]
    margin = t.ppf(0.975, 4) * difference.std() / np.sqrt(5)
    ends = published.summary["specificity_interval"]
    assert ends["high"] == pytest.approx(published.summary["specificity"] + margin)
    assert published.summary["corrected_interval"] is None
    assert published.summary["iou_interval_subjects"] is None
    assert published.by_fold["subjects_low"].isna().all()


def test_corrected_interval_moves_with_chance_and_ceiling(published_heatmaps, masks):
    keys = [key for key in published_heatmaps if key[0] == "vgg16"]
    some = {key: published_heatmaps[key] for key in keys}
    found = report(some, masks, ceilings={key: 0.7 + 0.01 * key[1] for key in keys})
    rows = found.by_fold
    left_out = []
    for fold in range(5):
        m = rows[rows["fold"] != fold][["iou", "chance_shift", "ceiling"]].mean()
        left_out.append((m["iou"] - m["chance_shift"]) / (m["ceiling"] - m["chance_shift"]))
    error = np.sqrt(4 / 5 * ((left_out - np.mean(left_out)) ** 2).sum())
    ends = found.summary["corrected_interval"]
    assert ends["high"] - ends["low"] == pytest.approx(2 * t.ppf(0.975, 4) * error)
    assert (ends["low"] + ends["high"]) / 2 == pytest.approx(found.summary["corrected"])


def test_one_fold_says_nothing_of_trainings_but_of_subjects(blurred_masks, masks):
    one = {key: heatmap for key, heatmap in blurred_masks.items() if key[1] == 0}
    found = report(one, masks, influences=influences_of(one))
    assert found.summary["iou_interval"] is None
    assert found.by_expression["iou_low"].isna().all()
    # A subject moves all twelve heatmaps by .01, and three of them their mean by .01 √3.
    margin = t.ppf(0.975, 2) * 0.01 * np.sqrt(3)
    ends = found.summary["iou_interval_subjects"]
    assert ends == pytest.approx({"low": found.summary["iou"] - margin, "high": 1}, abs=1e-6)
    low = found.by_fold["iou"] - margin
    np.testing.assert_allclose(found.by_fold["subjects_low"], low)


def test_subjects_count_by_their_heatmaps_share_of_the_mean(masks):
    keys = [("a", 0, "fear"), ("a", 1, "fear"), ("a", 0, "anger")]
    heatmaps = {key: masks["surprise"] * 1.0 for key in keys}
    moved = {
        key: pd.DataFrame(0.01, list(names), FIGURES)
        for key, names in zip(keys, ("abc", "def", "ghi"), strict=True)
    }
    found = report(heatmaps, masks, influences=moved)
    error = 0.01 * np.sqrt(3 * 0.25**2 + 3 * 0.25**2 + 3 * 0.5**2)
    ends = found.summary["iou_interval_subjects"]
    assert ends["high"] - ends["low"] == pytest.approx(2 * t.ppf(0.975, 8) * error)


def test_fewer_than_three_subjects_have_no_interval(blurred_masks, masks):
    found = report(blurred_masks, masks, influences=influences_of(blurred_masks, "ab"))
    for table, column in ((found.by_fold, "subjects_low"), (found.by_expression, "iou_low")):
        assert table[column].isna().all()
    for summary in (found.summary, *found.networks.values()):
        assert summary["iou_interval"] is summary["iou_interval_subjects"] is None
        assert summary["specificity_interval"] is None
    assert json.loads(json.dumps(found.summary, allow_nan=False)) == found.summary


def test_an_expression_that_one_fold_lacks_leaves_an_interval(blurred_masks, masks):
    del blurred_masks["a", 1, "fear"]
    found = report(blurred_masks, masks)
    assert found.summary["iou_interval"]["low"] <= found.summary["iou"]
    unknown = found.by_expression[found.by_expression["iou_low"].isna()]
    assert unknown[["network", "expression"]].to_numpy().tolist() == [["a", "fear"]]


def test_heatmaps_of_noise_are_not_above_chance(masks):
    rng = np.random.default_rng(0)
    heatmaps = {("a", 0, e): rng.random(mask.shape) for e, mask in masks.items()}
    assert report(heatmaps, masks).summary["verdict"].startswith("Not above chance")


def test_one_expression_and_one_fold(masks):
    found = report({("a", 0, "fear"): masks["fear"] * 1.0}, masks)
    assert found.summary["permutation_p"] is None
    assert found.summary["reliability"] is None
    assert "Too few expressions" in found.summary["verdict"]
    alone = report({("a", 0, "fear"): masks["fear"] * 1.0}, {"fear": masks["fear"]})
    assert alone.summary["other_masks"] is None


def test_attention_of_heatmaps_on_one_action_unit(masks):
    region = action_unit_region(12)
    found = report(
        {("a", 0, "happiness"): region * 1.0},
        masks,
        regions={unit: action_unit_region(unit) for unit in (1, 12)},
        action_units=ACTION_UNITS,
    ).attention.set_index("action_unit")
    assert found.loc[12, "attention"] == pytest.approx(1 / region.mean())
    assert found.loc[1, "attention"] == 0
    assert found["named"].to_dict() == {1: False, 12: True}


@pytest.mark.parametrize(
    ("shift_p", "permutation_p", "ellipse", "start", "below_ellipse"),
    [
        (0.3, 0.01, 0.4, "Not above chance: ", False),
        (0.01, 0.3, 0.4, "Not above chance for the expression: ", True),
        (0.01, None, 0.2, "Above chance in place: ", False),
        (0.01, 0.01, 0.4, "Above chance and specific", True),
        (0.01, 0.01, 0.2, "Above chance and specific", False),
    ],
)
def test_verdict(shift_p, permutation_p, ellipse, start, below_ellipse):
    words = verdict(
        {
            "iou": 0.3,
            "other_masks": 0.25,
            "permutation_p": permutation_p,
            "chance": {"shift": 0.15, "shift_p": shift_p},
            "prior": {"ellipse": ellipse},
        }
    )
    assert words.startswith(start)
    assert ("ellipse" in words) == below_ellipse
    assert words.endswith(".")
