import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import rel_entr

from humanlike.boundaries.targets import Target

HALF = Target((0, 2), (0.5,))


def test_the_published_criterion() -> None:
    assert HALF.success(np.array([[0.4, 0.2, 0.4]]))
    assert HALF.success(np.array([[0.7, 0.2, 0.1]]))
    assert not HALF.success(np.array([[0.39, 0.21, 0.4]]))  # both together .79
    assert not HALF.success(np.array([[0.9, 0.01, 0.09]]))  # the lesser below .1


def test_another_share_is_met_near_it() -> None:
    quarter = Target((0, 2), (0.25,))
    assert quarter.success(np.array([[0.3, 0.0, 0.7]]))
    assert not quarter.success(np.array([[0.5, 0.0, 0.5]]))


def test_two_networks_disagree_when_both_are_sure() -> None:
    apart = Target((0, 2), (1.0, 0.0))
    assert apart.success(np.array([[0.8, 0.1, 0.1], [0.0, 0.1, 0.9]]))
    assert not apart.success(np.array([[0.8, 0.1, 0.1], [0.8, 0.1, 0.1]]))
    assert not apart.success(np.array([[0.79, 0.1, 0.11], [0.0, 0.1, 0.9]]))


@given(
    st.lists(st.floats(0.01, 1), min_size=3, max_size=3),
    st.floats(0.01, 0.99),
)
def test_the_loss_is_the_divergence_and_least_at_the_target(raw: list[float], share: float) -> None:
    target = Target((0, 2), (share,))
    p = np.array(raw)[None] / np.sum(raw)
    assert target.loss(p) == pytest.approx(rel_entr(target.wanted(3), p).sum())
    assert target.loss(p) >= target.loss(target.wanted(3)) == pytest.approx(0, abs=1e-9)


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_the_excess_has_the_sign_of_what_is_too_much(share: float, found: float) -> None:
    excess = Target((0, 1), (share,)).excess(np.array([[found, 1 - found]]))
    assert np.sign(round(excess, 9)) == np.sign(round(found - share, 12)) or abs(excess) < 1e-6
