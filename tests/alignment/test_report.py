import json

import numpy as np
import pytest

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
    draws = {key: np.random.default_rng(0).normal(1, 0.01, 50) for key in keys}
    found = report(blurred_masks, masks, ceilings=dict.fromkeys(keys, 1.0), draws=draws)
    summary = found.summary
    assert summary["iou"] == summary["corrected"] == pytest.approx(1)
    assert summary["permutation_p"] == pytest.approx(1 / 720)
    assert summary["verdict"].startswith("Above chance and specific")
    assert "ellipse" not in summary["verdict"]
    assert summary["iou_interval"]["low"] < 1 < summary["iou_interval"]["high"]
    assert summary["corrected_interval"]["low"] < 1 < summary["corrected_interval"]["high"]


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
