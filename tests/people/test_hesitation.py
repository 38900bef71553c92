"""Simulated observers, whose hesitation and whose own weights are known."""

import itertools

import numpy as np
import pandas as pd
import pytest

from humanlike.boundaries import render
from humanlike.expressions import EXPRESSIONS, LABELS
from humanlike.people import hesitation, psychometric
from humanlike.people.observers import Rater, personal_weights
from humanlike.people.readers import read_wide
from humanlike.synthesis.action_units import DRAWN_UNITS


def study(spread: float, seed: int, observers: int = 30) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Choices about drawn faces half-way between expressions and near them; no picture is drawn."""
    rows, units = [], []
    for (first, second), person in itertools.product(
        itertools.combinations(EXPRESSIONS, 2), (0, 1)
    ):
        start = render.draw_start(seed, person, (first, second))
        for share in (0.5, 0.05, 0.95):
            rows.append((f"{first}-{second}-{person}-{share}", f"s{person}", first, second, share))
            units.append([render.between(start, share)[unit] for unit in DRAWN_UNITS])
    made = pd.DataFrame(rows, columns=["stimulus", "subject", "first", "second", "share"])
    made = made.assign(generator="render", networks="one", target="alone")
    hesitant = 0.5 - np.abs(made["share"] - 0.5)
    made = made.assign(p_one_anger=1 - hesitant, p_one_fear=hesitant)
    made = made.assign(p_two_anger=hesitant, p_two_fear=1 - hesitant)
    rng = np.random.default_rng(seed)
    parts = []
    for number in range(observers):
        weights = personal_weights(EXPRESSIONS, DRAWN_UNITS, spread, rng)
        response, confidence = Rater(EXPRESSIONS, weights, 0.2).answer(np.array(units), rng)
        rt = np.exp(0.5 * (1 - confidence) + 0.2 * rng.standard_normal(len(rows)))
        who = {"observer": f"o{number:02d}", "session": f"o{number:02d}", "task": "categorise"}
        parts.append(
            pd.DataFrame({"stimulus": made["stimulus"], "response": response, "rt": rt}).assign(
                **who, left="", right="", trial=np.arange(1, len(rows) + 1)
            )
        )
    return pd.concat(parts, ignore_index=True), made


def test_the_boundary_is_harder_for_those_who_are_made_so() -> None:
    trials, made = study(0.15, seed=0)
    told = hesitation.analyse(trials, EXPRESSIONS, made, resamples=100)
    for name in ("boundary_entropy", "boundary_entropy_mixed", "boundary_log_rt"):
        assert told.metrics[name]["low"] > 0, name
    # Balanced pairs: the mixed model has the same difference as the plain mean.
    assert told.metrics["boundary_entropy_mixed"]["difference"] == pytest.approx(
        told.metrics["boundary_entropy"]["difference"], abs=1e-6
    )
    assert told.metrics["entropy_reliability"] > 0.7
    found = told.metrics["correlations"]["one"]
    assert found["low"] > 0.3 and found["r"] < found["ceiling"]
    assert told.metrics["individuality"]["there"]
    assert told.unsaid == []


def test_observers_without_own_weights_have_none_found() -> None:
    found = [
        hesitation.individuality(study(0, seed)[0], EXPRESSIONS, seed, splits=10)
        for seed in range(8)
    ]
    assert sum(one.there for one in found) <= 1
    assert abs(np.mean([one.difference.difference for one in found])) < 0.05


def test_choices_at_random_have_no_difference() -> None:
    trials, made = study(0, seed=1, observers=12)
    rng = np.random.default_rng(0)
    trials["response"] = rng.choice(EXPRESSIONS, len(trials))
    told = hesitation.analyse(trials, EXPRESSIONS, made, resamples=100)
    assert told.metrics["boundary_entropy"]["low"] < 0 < told.metrics["boundary_entropy"]["high"]
    assert abs(told.metrics["krippendorff"]) < 0.03


def votes(own: float) -> pd.DataFrame:
    """25 raters who name 800 stimuli in 8 classes; `own`: how much each prefers classes."""
    rng = np.random.default_rng(0)
    lead = rng.normal(0, 1, (800, 8))
    lead[np.arange(800), rng.integers(0, 8, 800)] += 2.5
    strange = rng.normal(0, own, (25, 1, 8))
    chosen = (lead + strange + rng.gumbel(0, 1, (25, 800, 8))).argmax(axis=2)
    wide = pd.DataFrame(chosen.T.astype(str), columns=[f"participant{n}" for n in range(25)])
    wide.insert(0, "filename", [f"{n}.jpg" for n in range(800)])
    answers = {str(n): label for n, label in enumerate(LABELS)}
    return read_wide(wide, "votes.csv", "filename", ["participant*"], answers)


def test_a_table_of_votes_tells_what_it_can_and_names_the_rest() -> None:
    trials = votes(0)
    told = hesitation.analyse(trials, LABELS)
    assert told.metrics["observers"] == 25 and told.metrics["stimuli"] == 800
    assert 0.5 < told.metrics["modal_share"] < 0.7 and 0.25 < told.metrics["krippendorff"] < 0.45
    assert not told.metrics["individuality"]["there"]
    assert [line.partition(":")[0] for line in told.unsaid] == [
        "reaction times",
        "boundary against controls",
        "correlation with networks",
    ]
    found = hesitation.individuality(votes(0.8), LABELS, 0, splits=10)
    assert found.there and found.own > 0.5 > 0.1 > abs(found.others)


def test_one_observer_alone_has_no_ceiling() -> None:
    trials, made = study(0.1, seed=0, observers=1)
    told = hesitation.analyse(trials, EXPRESSIONS, made, resamples=100)
    assert any("noise ceiling" in line for line in told.unsaid)
    assert any("individual differences" in line for line in told.unsaid)


def test_matched_by_hand() -> None:
    made = pd.DataFrame(
        {
            "stimulus": ["a", "b", "c", "d"],
            "generator": "morph",
            "networks": "one",
            "subject": ["s1", "s1", "s1", "s2"],
            "first": "anger",
            "second": "fear",
            "share": [0.5, 0.1, 0.9, 0.5],
            "target": "alone",
        }
    )
    values = pd.Series({"a": 2.0, "b": 1.0, "c": 0.5, "d": 9.0})
    found = hesitation.matched(values, made)
    assert found[["boundary", "control"]].to_numpy().tolist() == [[2.0, 0.75]]


def test_thresholds_along_a_drawn_way_are_recovered() -> None:
    levels = np.linspace(0, 1, 9)
    rng = np.random.default_rng(0)
    for person, pair in enumerate(
        [("anger", "happiness"), ("fear", "sadness"), ("disgust", "surprise")]
    ):
        start = render.draw_start(2, person, pair)
        units = np.array([[render.between(start, x)[u] for u in DRAWN_UNITS] for x in levels])
        weights = personal_weights(EXPRESSIONS, DRAWN_UNITS, 0.1, rng)
        rows = [EXPRESSIONS.index(label) for label in pair]
        lead = units @ (weights[rows[0]] - weights[rows[1]])
        true = float(np.interp(0, lead, levels))
        rater = Rater(EXPRESSIONS, weights, noise=0.3, lapse=0.02)
        n = 150
        chosen = [
            rater.answer(np.repeat(u[None], n, 0), rng, pair)[0].count(pair[0]) for u in units
        ]
        found = psychometric.fit(levels, chosen, np.full(len(levels), n), guess=None)
        assert found.function.threshold == pytest.approx(true, abs=0.05)
