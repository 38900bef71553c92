"""Which units an expression has, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from humanlike.expressions import ACTION_UNITS, EXPRESSIONS
from humanlike.synthesis.action_units import (
    DRAWN_UNITS,
    complete_units,
    expression_action_units,
)


@given(st.sampled_from(EXPRESSIONS), st.integers(0, 2**32), st.floats(0, 1), st.floats(0, 1))
def test_an_expression_has_its_units_in_the_range_asked_for(expression, seed, one, other):
    low, high = sorted((one, other))
    units = expression_action_units(expression, np.random.default_rng(seed), low, high)
    assert tuple(units) == ACTION_UNITS[expression]
    assert all(low <= intensity <= high for intensity in units.values())


def test_neutral_has_no_units():
    assert expression_action_units("neutral", np.random.default_rng(0)) == {}


def test_every_unit_of_the_six_expressions_is_drawn():
    assert {unit for units in ACTION_UNITS.values() for unit in units} <= set(DRAWN_UNITS)


def test_a_dropped_jaw_parts_the_lips():
    assert complete_units({26: 0.8})[25] == pytest.approx(0.4)
    assert complete_units({26: 0.8, 25: 0.9})[25] == pytest.approx(0.9)


@pytest.mark.parametrize("units", [{3: 0.5}, {12: 1.01}, {12: -0.1}, {12: float("nan")}])
def test_what_cannot_be_drawn_is_refused(units):
    with pytest.raises(ValueError, match="action unit"):
        complete_units(units)
