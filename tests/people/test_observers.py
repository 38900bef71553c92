import numpy as np
import pytest

from humanlike.canonical.geometry import LANDMARKS
from humanlike.expressions import EXPRESSIONS
from humanlike.people import clicks
from humanlike.people.behaviour import sensitivity
from humanlike.people.observers import (
    Observer,
    Rater,
    personal_weights,
    places,
    textbook_attention,
    uncover,
)
from humanlike.synthesis.action_units import DRAWN_UNITS

SIDE = 275
ATTENTION = {label: textbook_attention(label) for label in EXPRESSIONS}
WHERE = places(LANDMARKS, SIDE)


def test_the_same_seed_gives_the_same_trial() -> None:
    first, second = (
        uncover(Observer(ATTENTION), "fear", ("fear", "anger"), WHERE, 16, np.random.default_rng(3))
        for _ in range(2)
    )
    assert first.response == second.response and first.rt == second.rt
    assert (first.clicks == second.clicks).all()


def test_clicks_lie_in_the_stimulus_in_the_order_of_time() -> None:
    rng = np.random.default_rng(0)
    wild = Observer(ATTENTION, click_noise=200.0, impatience=0.0, most_clicks=15)
    for _ in range(20):
        found = uncover(wild, "anger", ("anger", "fear"), WHERE, 16, rng)
        assert found.clicks.shape[1] == 4 and 1 <= len(found.clicks) <= 15
        assert (found.clicks[:, :2] >= 0).all() and (found.clicks[:, :2] <= SIDE - 1).all()
        assert (np.diff(found.clicks[:, 2]) >= 0).all() and found.rt >= found.clicks[-1, 2]
        assert 0 <= found.confidence <= 1


def test_the_first_clicks_are_where_the_attention_is() -> None:
    rng = np.random.default_rng(1)
    observer = Observer(ATTENTION, most_clicks=1, click_noise=0.0)
    places_clicked = np.array(
        [
            uncover(observer, "happiness", ("happiness", "fear"), WHERE, 16, rng).clicks[0, :2]
            for _ in range(1000)
        ]
    )
    centre = places_clicked.mean(axis=0)
    y, x = np.mgrid[: ATTENTION["happiness"].shape[0], : ATTENTION["happiness"].shape[1]]
    expected = [(axis * ATTENTION["happiness"]).sum() for axis in (x, y)]
    assert centre == pytest.approx(expected, abs=4)


def test_sensitivity_bias_and_lapse_are_found_again() -> None:
    """The decision alone, with one click that shows enough."""
    rng = np.random.default_rng(2)
    everywhere = {label: np.ones((275, 224)) for label in EXPRESSIONS}
    observer = Observer(everywhere, 1.5, bias=0.3, lapse=0.0, enough=0.01, impatience=0.0)
    n = 1000
    right = {
        label: sum(
            uncover(observer, label, ("fear", "anger"), WHERE, 200, rng).response == label
            for _ in range(n)
        )
        for label in ("fear", "anger")
    }
    found = sensitivity(right["fear"], n, right["anger"], n)
    assert found.dprime == pytest.approx(1.5, abs=0.2)
    assert found.criterion == pytest.approx(0.3, abs=0.1)
    guessing = Observer(everywhere, 5.0, lapse=1.0, enough=0.01)
    answers = [
        uncover(guessing, "fear", ("fear", "anger"), WHERE, 200, rng).response for _ in range(400)
    ]
    assert answers.count("fear") == pytest.approx(200, abs=40)


def test_answers_before_enough_is_seen_are_worse() -> None:
    rng = np.random.default_rng(3)
    patient, hasty = (Observer(ATTENTION, 3.0, impatience=i, lapse=0.0) for i in (0.0, 0.9))
    rights = []
    for observer in (patient, hasty):
        answers = [
            uncover(observer, "fear", ("fear", "anger"), WHERE, 10, rng).response
            for _ in range(300)
        ]
        rights.append(answers.count("fear"))
    assert rights[0] > rights[1] + 30


def test_textbook_attention_is_a_soft_copy_of_the_units() -> None:
    for label in EXPRESSIONS:
        assert ATTENTION[label].sum() == pytest.approx(1) and ATTENTION[label].min() >= 0
    alike = clicks.standard([clicks.on_grid(m) for m in ATTENTION.values()])
    assert (alike @ alike.T)[~np.eye(6, dtype=bool)].max() < 0.95


def test_raters_who_know_the_textbook_and_have_no_noise_are_right() -> None:
    rng = np.random.default_rng(0)
    weights = personal_weights(EXPRESSIONS, DRAWN_UNITS, 0.0, rng)
    faces = (weights > 0).astype(float)
    rater = Rater(EXPRESSIONS, weights, noise=0.0, lapse=0.0)
    responses, confidence = rater.answer(faces, rng)
    assert responses == list(EXPRESSIONS)
    assert ((confidence >= 0) & (confidence <= 1)).all()
    assert set(rater.answer(faces, rng, ["fear", "anger"])[0]) <= {"fear", "anger"}


def test_raters_differ_with_spread_and_err_with_noise() -> None:
    rng = np.random.default_rng(1)
    faces = np.repeat(personal_weights(EXPRESSIONS, DRAWN_UNITS, 0.0, rng) > 0, 50, axis=0) * 1.0
    truth = np.repeat(EXPRESSIONS, 50)
    rates = []
    for noise in (0.1, 1.0):
        rater = Rater(EXPRESSIONS, personal_weights(EXPRESSIONS, DRAWN_UNITS, 0.2, rng), noise)
        rates.append(np.mean(np.array(rater.answer(faces, rng)[0]) == truth))
    assert rates[0] > rates[1]
    lapsing = Rater(EXPRESSIONS, personal_weights(EXPRESSIONS, DRAWN_UNITS, 0.0, rng), 0.0, 1.0)
    assert np.mean(np.array(lapsing.answer(faces, rng)[0]) == truth) == pytest.approx(
        1 / 6, abs=0.07
    )
