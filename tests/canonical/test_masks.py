import cv2
import numpy as np
import pytest

from humanlike.canonical.geometry import HEIGHT, LANDMARKS, WIDTH
from humanlike.canonical.masks import ACTION_UNITS_WITH_REGION, action_unit_region, ekman_mask
from humanlike.expressions import ACTION_UNITS, EXPRESSIONS

#: Share of white pixels in the published masks.
PUBLISHED_AREA = {
    "anger": 0.250,
    "disgust": 0.234,
    "fear": 0.300,
    "happiness": 0.214,
    "sadness": 0.309,
    "surprise": 0.237,
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_mask_equals_the_published_one(expression, shared):
    path = shared / "golden" / "ekman_masks" / f"{expression}.png"
    published = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 0
    np.testing.assert_array_equal(ekman_mask(expression), published)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_mask_has_the_published_area(expression):
    mask = ekman_mask(expression)
    assert mask.shape == (HEIGHT, WIDTH)
    assert mask.mean() == pytest.approx(PUBLISHED_AREA[expression], abs=5e-4)


def test_masks_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        ekman_mask("anger")[0, 0] = True


def test_unknown_expression():
    with pytest.raises(KeyError):
        ekman_mask("neutral")


def test_every_unit_of_the_expressions_has_a_region():
    units = {unit for units in ACTION_UNITS.values() for unit in units}
    assert units <= set(ACTION_UNITS_WITH_REGION)


def test_regions_lie_where_the_unit_acts():
    from_brow_to_chin = [(1, 2), (4,), (5, 7), (6, 9), (12, 15, 20), (23,), (17, 26)]
    heights = [
        np.mean([np.nonzero(action_unit_region(unit))[0].mean() for unit in units])
        for units in from_brow_to_chin
    ]
    assert heights == sorted(heights)


@pytest.mark.parametrize("unit", ACTION_UNITS_WITH_REGION)
def test_regions_are_small_and_about_the_middle(unit):
    region = action_unit_region(unit)
    assert 0.02 < region.mean() < 0.1
    assert np.nonzero(region)[1].mean() == pytest.approx(LANDMARKS[27:31, 0].mean(), abs=5)
