"""A lower precision is chosen by how far it moves explanations whose weights are known."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humanlike.explainers import precision, runtimes
from humanlike.explainers.quantization import NotInIntegersError, Trial

MODEL = Path("network.keras")
FACES = np.random.default_rng(0).integers(0, 256, (2, 64, 64), dtype=np.uint8)
TRIAL = Trial.of(255 - FACES)
MANY = precision.WORTH_FITTING


class Linear:
    """Two classes, linear in the superpixels; a precision stretches the weights by a share."""

    size, classes = 64, 2

    def __init__(self, share):
        self.share = share

    def probabilities(self, images, segments, samples):
        weights = np.linspace(-1, 1, samples.shape[-1]) / samples.shape[-1]
        one = 0.6 + (1 + self.share) * samples.astype(float) @ weights
        return np.stack([one, 1 - one], axis=-1)


@pytest.fixture
def moved(monkeypatch):
    """By how much each precision that the processor has moves the weights; what was loaded."""
    shares = {"float32": 0.0, "bfloat16": 0.01, "mixed": 0.3, "int8": 0.2}
    loaded = []

    def load(model, runtime, name, trial):
        assert trial is TRIAL
        loaded.append(name)
        return Linear(shares[name])

    monkeypatch.setattr(runtimes, "load", load)
    monkeypatch.setattr(runtimes.OpenVINO, "precisions", classmethod(lambda cls: list(shares)))
    return shares, loaded


@settings(deadline=None, max_examples=15)
@given(st.floats(-0.5, 0.5))
def test_the_distance_is_the_share_that_the_weights_are_stretched_by(share):
    with pytest.MonkeyPatch.context() as patch:
        known = {"float32": Linear(0.0), "lower": Linear(share)}
        patch.setattr(runtimes, "load", lambda model, runtime, name, trial: known[name])
        found = precision.distance(MODEL, "openvino", "lower", FACES, TRIAL)
    assert found == pytest.approx(abs(share), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(
    ("bfloat16", "mixed", "int8", "expected"),
    [
        (0.01, 0.3, 0.2, "bfloat16"),
        (0.01, 0.3, -0.03, "int8"),
        (0.01, 0.02, 0.06, "mixed"),
        (0.2, 0.25, 0.3, "float32"),
        (0.2, 0.1, 0.0, "int8"),
    ],
)
def test_auto_takes_the_lowest_that_moves_little(moved, bfloat16, mixed, int8, expected):
    moved[0].update(bfloat16=bfloat16, mixed=mixed, int8=int8)
    used, distance = precision.choose(MODEL, "openvino", "auto", FACES, TRIAL, MANY)
    assert used == expected
    known = abs(moved[0][used]) if used != "float32" else min(bfloat16, mixed, int8)
    assert distance == pytest.approx(known, rel=1e-4, abs=1e-6)
    # Once one serves, those above it are not tried.
    names = list(moved[0])
    above = names[1 : names.index(expected)] if expected != "float32" else []
    assert not set(above) & set(moved[1])


def test_what_is_asked_for_is_used_and_measured(moved):
    moved[0]["bfloat16"] = 0.3
    assert precision.choose(MODEL, "openvino", "bfloat16", FACES, TRIAL, 1) == (
        "bfloat16",
        pytest.approx(0.3, rel=1e-4),
    )


def test_few_faces_are_not_worth_a_network_in_integers(moved):
    moved[0].update(mixed=0.0, int8=0.0)
    few = precision.choose(MODEL, "openvino", "auto", FACES, TRIAL, MANY - 1)
    assert few == ("bfloat16", pytest.approx(0.01, rel=1e-4))
    assert not {"mixed", "int8"} & set(moved[1])
    asked = precision.choose(MODEL, "openvino", "int8", FACES, TRIAL, 1)
    assert asked == ("int8", pytest.approx(0, abs=1e-6))


def test_a_network_that_fails_in_integers_is_explained_in_another_precision(moved, monkeypatch):
    load = runtimes.load

    def failing(model, runtime, name, trial=None):
        if name in ("mixed", "int8"):
            raise NotInIntegersError("explain.precision: no such shape")
        return load(model, runtime, name, trial=trial)

    monkeypatch.setattr(runtimes, "load", failing)
    moved[0]["bfloat16"] = 0.01
    used, _ = precision.choose(MODEL, "openvino", "auto", FACES, TRIAL, MANY)
    assert used == "bfloat16"
    moved[0].pop("bfloat16")
    alone = precision.choose(MODEL, "openvino", "auto", FACES, TRIAL, MANY)
    assert alone == ("float32", None)
    with pytest.raises(NotInIntegersError, match="no such shape"):
        precision.choose(MODEL, "openvino", "int8", FACES, TRIAL, MANY)


@pytest.mark.parametrize(
    ("runtime", "asked", "faces"),
    [("openvino", "float32", 2), ("tensorflow", "auto", 2), ("openvino", "auto", 0)],
)
def test_float32_needs_no_trial(moved, runtime, asked, faces):
    assert precision.choose(MODEL, runtime, asked, FACES[:faces], TRIAL, MANY) == ("float32", None)
    assert moved[1] == []


def test_a_network_that_nothing_changes_moves_only_where_rounding_changes_it(moved, monkeypatch):
    class Constant(Linear):
        def probabilities(self, images, segments, samples):
            return super().probabilities(images, segments, samples * 0)

    known = {"float32": Constant(0.0), "bfloat16": Constant(0.0), "int8": Linear(0.0)}
    monkeypatch.setattr(runtimes, "load", lambda model, runtime, name, trial: known[name])
    assert precision.distance(MODEL, "openvino", "bfloat16", FACES, TRIAL) == 0
    assert precision.distance(MODEL, "openvino", "int8", FACES, TRIAL) == 1
