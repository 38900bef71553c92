import warnings

import numpy as np
import pytest

from humanlike.alignment.references import (
    Reference,
    agreement,
    answers,
    looks_at,
    map_correlations,
)
from humanlike.alignment.report import report
from humanlike.canonical.masks import ekman_mask
from humanlike.expressions import EXPRESSIONS

EKMAN = Reference("ekman", {label: ekman_mask(label) for label in EXPRESSIONS})
SHAPE = EKMAN.maps["anger"].shape


def gray(seed: int) -> Reference:
    rng = np.random.default_rng(seed)
    return Reference("evidence", {label: rng.random(SHAPE) for label in EXPRESSIONS})


def test_bool_maps_are_masks_and_gray_ones_are_marked() -> None:
    assert not EKMAN.gray and gray(0).gray
    for label, mask in EKMAN.masks().items():
        np.testing.assert_array_equal(mask, EKMAN.maps[label])
    low = gray(0).masks(0.1)["anger"].mean()
    assert low == pytest.approx(0.9, abs=0.02)


def test_a_map_correlates_with_itself() -> None:
    reference = gray(1)
    heatmaps = {("net", 0, label): 3 * m + 1 for label, m in reference.maps.items()}
    heatmaps["net", 0, "neutral"] = np.ones(SHAPE)
    table = map_correlations(heatmaps, reference)
    assert len(table) == 6
    np.testing.assert_allclose(table["map_correlation"], 1)


def test_references_are_scored_against_each_other() -> None:
    blurred = Reference("blurred", {k: v.astype(float) for k, v in EKMAN.maps.items()})
    table = agreement([EKMAN, blurred]).set_index(["reference", "against"])
    assert table.loc[("blurred", "ekman"), "iou"] == 1
    assert table.loc[("ekman", "blurred"), "permutation_p"] == pytest.approx(1 / 720)
    assert len(agreement([EKMAN, gray(2)])) == 2


def test_each_question_has_an_answer_and_the_cells_have_names() -> None:
    yes = {
        **{"permutation_p": 0.01, "iou": 0.5, "other_masks": 0.2},
        "chance": {"shift": 0.1, "shift_p": 0.001},
    }
    no = {**yes, "permutation_p": 0.4}
    elsewhere = {**yes, "chance": {"shift": 0.4, "shift_p": 0.2}}
    unknown = {**yes, "permutation_p": None, "other_masks": None}
    nowhere = {**unknown, "chance": elsewhere["chance"]}
    said = [looks_at(summary) for summary in (yes, no, elsewhere, unknown, nowhere)]
    assert said == [True, False, False, None, False]
    said = answers({"ekman": no, "evidence": yes})
    assert "where the theory says? No (own 0.500, others 0.200, p 0.400)" in said
    assert "where the information is? Yes" in said
    assert said.endswith("It looks at the evidence though not at the masks.")
    assert answers({"ekman": no, "evidence": no}).endswith("neither the masks nor the evidence.")
    assert "No (own 0.500, moved anywhere else 0.400, p 0.200)." in answers({"mine": nowhere})
    assert "where mine says? Too few expressions to tell (own 0.500)." in answers({"mine": unknown})


def test_one_map_alone_is_scored_without_others() -> None:
    one = {"happiness": ekman_mask("happiness")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = report({("net", 0, "happiness"): ekman_mask("happiness").astype(float)}, one)
    assert found.summary["iou"] == 1
    assert found.summary["other_masks"] is None and found.summary["permutation_p"] is None
    assert "nan" not in found.summary["verdict"]
