import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from humanlike.people.discs import COVER, covered, disc, hidden_after, shown

CLICK = st.tuples(st.floats(-5, 36), st.floats(-5, 36), st.floats(0.5, 40))


def test_a_disc_by_hand() -> None:
    found = disc([0, 5, 7.5, 10, 11], 10)
    assert found == pytest.approx([1, 1, 0.5, 0, 0])
    # 2 * 6 / 10 - 1 = 0.2; (1 + cos 36°) / 2
    assert disc(6, 10) == pytest.approx((1 + math.cos(math.radians(36))) / 2)


def test_two_discs_by_hand() -> None:
    found = shown([(0, 0, 4), (4, 0, 4)], 5)
    # At (3, 0): 3 of 4 from the first shows half, 1 of 4 from the second all.
    assert found[0, 3] == pytest.approx(1)
    # At (2, 2), sqrt(8) from both: each shows the same s, together 1 - (1 - s)^2.
    s = disc(math.sqrt(8), 4)
    assert found[2, 2] == pytest.approx(1 - (1 - s) ** 2)


@given(st.lists(CLICK, max_size=5), st.randoms())
def test_shown_grows_with_clicks_whatever_their_order(clicks: list, random) -> None:
    hidden = hidden_after(clicks, 32)
    assert hidden.min() >= 0 and (np.diff(hidden, axis=0) <= 0).all()
    shuffled = random.sample(clicks, len(clicks))
    assert np.allclose(shown(shuffled, 32), 1 - hidden[-1])


def test_what_is_hidden_is_gray_and_what_is_shown_is_the_face() -> None:
    face = np.random.default_rng(0).integers(0, 256, (32, 32), np.uint8)
    assert (covered(face, shown([], 32)) == COVER).all()
    assert (covered(face, np.ones((32, 32))) == face).all()
    assert covered(np.full((1, 1), 1, np.uint8), np.full((1, 1), 0.5)) == 65  # 64.5, rounded up
