import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax as scipy_softmax

from humanlike.errors import HumanlikeError
from humanlike.expressions import EXPRESSIONS, LABELS
from humanlike.networks.conventions import (
    OTHER,
    SCALINGS,
    are_probabilities,
    column_order,
    known_orders,
    parse_classes,
    scaling_of,
    softmax,
)


def test_scalings_of_black_and_white() -> None:
    ends = {
        name: [offset[0], 255 * scale[0] + offset[0]] for name, (scale, offset) in SCALINGS.items()
    }
    assert ends["0..1"] == pytest.approx([0, 1]) and ends["0..255"] == pytest.approx([0, 255])
    assert ends["-1..1"] == pytest.approx([-1, 1])
    assert ends["imagenet"] == pytest.approx([-0.485 / 0.229, (1 - 0.485) / 0.229])
    assert [len(scaling_of("imagenet", channels)[0]) for channels in (1, 3)] == [1, 3]


def test_the_order_of_fer2013_is_ours() -> None:
    """The published list: angry, disgust, fear, happy, sad, surprise, neutral."""
    assert known_orders(7)["FER2013"] == LABELS[:7]
    assert known_orders(6)["FER2013"] == EXPRESSIONS
    assert known_orders(8)["FER+"][:3] == ("neutral", "happiness", "surprise")
    assert "contempt" in known_orders(7)["alphabetical, no neutral"]
    assert known_orders(4) == {}
    assert "alphabetical, no neutral" not in known_orders(7, ["happiness", "neutral"])


def test_orders_are_distinct_and_complete() -> None:
    for outputs in (5, 6, 7, 8):
        orders = list(known_orders(outputs).values())
        assert len(set(orders)) == len(orders)
        assert {len(set(order)) for order in orders} == {outputs}


def test_any_spelling() -> None:
    words = ["ANGRY", " disgusted", "scared", "joy ", "Sad", "surprised", "-"]
    assert parse_classes(words, 7) == (*EXPRESSIONS, OTHER)


@pytest.mark.parametrize(
    ("words", "outputs", "said"),
    [
        ("happy,sad", 3, "2 are named, but the network has 3"),
        ("happy,smile", 2, "happiness is named twice"),
        ("happy,tired", 2, "'tired' is no expression"),
        ("happy,-", 2, "fewer than two"),
    ],
)
def test_classes_that_are_refused(words: str, outputs: int, said: str) -> None:
    with pytest.raises(HumanlikeError, match=said):
        parse_classes(words.split(","), outputs)


@given(st.permutations([*LABELS, OTHER, OTHER]))
def test_columns_come_in_the_projects_order(classes: list[str]) -> None:
    order = column_order(classes)
    assert [classes[output] for output in order] == [*LABELS, OTHER, OTHER]


@given(st.lists(st.lists(st.floats(-300, 300), min_size=3, max_size=3), min_size=1, max_size=4))
def test_softmax_is_scipys(rows: list[list[float]]) -> None:
    logits = np.array(rows, np.float32)
    found = softmax(logits)
    np.testing.assert_allclose(found, scipy_softmax(logits.astype(float), axis=1), atol=1e-6)
    assert are_probabilities(found)


def test_logits_are_told_from_probabilities() -> None:
    assert not are_probabilities(np.array([[2.0, -1.0]]))
    assert not are_probabilities(np.array([[0.9, 0.9]]))
