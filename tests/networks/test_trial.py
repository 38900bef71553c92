"""The trial of scalings and orders, on outputs whose truth is known."""

import numpy as np
import pytest

from humanlike.expressions import LABELS
from humanlike.networks.conventions import known_orders, softmax
from humanlike.networks.trial import CLEAR, compare

ORDERS = known_orders(7, LABELS[:7])


def simulated(rng: np.random.Generator, labels: list[str], order: str, skill: float) -> np.ndarray:
    """Outputs of a network of that order, which tells labels the better the greater its skill."""
    own = np.array([ORDERS[order].index(label) for label in labels])
    logits = rng.normal(size=(len(labels), 7))
    logits[np.arange(len(labels)), own] += skill
    return softmax(logits)


def drawn(rng: np.random.Generator, n: int, names=ORDERS["FER2013"]) -> list[str]:
    return [str(label) for label in rng.choice(names, n)]


def test_the_true_pair_is_found() -> None:
    rng = np.random.default_rng(0)
    labels = drawn(rng, 100)
    tried = {s: simulated(rng, labels, "AffectNet", k) for s, k in (("0..1", 0.5), ("-1..1", 4))}
    table, choice = compare(tried, ORDERS, labels)
    assert (choice.scaling, choice.order) == ("-1..1", "AffectNet")
    assert choice.clear and choice.accuracy == table.loc["AffectNet", "-1..1"] > 0.8
    assert ("0..1", "AffectNet") in choice.worse


def test_orders_that_the_labels_cannot_tell_apart_are_rivals() -> None:
    """Happiness and neutral have the same numbers in FER2013 and RAF-DB."""
    rng = np.random.default_rng(0)
    labels = drawn(rng, 60, ("happiness", "neutral"))
    _, choice = compare({"0..1": simulated(rng, labels, "FER2013", 4)}, ORDERS, labels)
    assert not choice.clear
    assert {choice.order, *(order for _, order in choice.rivals)} == {"FER2013", "RAF-DB"}


def test_a_scaling_that_makes_no_difference_is_no_rival() -> None:
    rng = np.random.default_rng(0)
    labels = drawn(rng, 60)
    rows = simulated(rng, labels, "FER2013", 4)
    _, choice = compare({"0..1": rows, "0..255": rows}, ORDERS, labels)
    assert choice.clear and choice.scaling == "0..1"


def test_one_label_alone_tells_nothing() -> None:
    rng = np.random.default_rng(0)
    labels = ["happiness"] * 50
    _, choice = compare({"0..1": simulated(rng, labels, "KDEF", 4)}, ORDERS, labels)
    assert not choice.above_chance and not choice.clear


def test_a_network_that_knows_nothing_is_seldom_taken() -> None:
    rng = np.random.default_rng(0)
    taken = 0
    for _ in range(100):
        labels = drawn(rng, 40)
        tried = {s: simulated(rng, labels, "FER2013", 0) for s in ("0..1", "-1..1", "0..255")}
        taken += compare(tried, ORDERS, labels)[1].clear
    assert taken <= 100 * CLEAR


@pytest.mark.parametrize("faces", [30, 200])
def test_a_wrong_pair_is_seldom_taken(faces: int) -> None:
    """A network of middling skill, which two scalings suit nearly alike."""
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(60):
        labels = drawn(rng, faces)
        tried = {s: simulated(rng, labels, "RAF-DB", k) for s, k in (("0..1", 2.0), ("-1..1", 1.8))}
        _, choice = compare(tried, ORDERS, labels)
        wrong += choice.clear and choice.scaling != "0..1"
    assert wrong <= 60 * CLEAR


def test_a_scaling_that_makes_a_network_far_too_sure_is_clearly_worse() -> None:
    """Rectified layers of small biases: 255 times the input is 255 times the logits, about."""
    rng = np.random.default_rng(0)
    labels = drawn(rng, 400)
    logits = np.log(simulated(rng, labels, "FER2013", 3))
    sure = softmax(255 * logits + rng.normal(size=logits.shape, scale=100))
    _, choice = compare({"0..255": sure, "0..1": softmax(logits)}, ORDERS, labels)
    assert choice.clear and choice.scaling == "0..1" and ("0..255", "FER2013") in choice.worse
