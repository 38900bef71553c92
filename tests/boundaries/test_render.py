import numpy as np
import pytest

from humanlike.boundaries import render
from humanlike.boundaries.seen import Judges, judge
from humanlike.boundaries.targets import Target
from humanlike.faces.images import Rejected
from humanlike.synthesis.action_units import DRAWN_UNITS

PAIR = ("surprise", "anger")


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_a_drawn_face_is_moved_to_the_wanted_share(judges: Judges, share: float) -> None:
    start = render.draw_start(0, 0, PAIR)
    target = Target((0, 1), (share,))
    found = render.generate(start, target, judges)
    assert target.success(found.probabilities)
    assert target.found_shares(found.probabilities) == pytest.approx(share, abs=0.05)
    # What is claimed can be done again from the settings alone.
    units = {unit: found.settings[f"AU{unit}"] for unit in DRAWN_UNITS}
    again = judge(render.photograph(start, units), judges)
    np.testing.assert_array_equal(again.image, found.image)
    np.testing.assert_array_equal(again.probabilities, found.probabilities)


@pytest.mark.slow
def test_the_same_start_gives_the_same_face(judges: Judges) -> None:
    target = Target((0, 1), (0.5,))
    first, second = (
        render.generate(render.draw_start(4, 1, PAIR), target, judges) for _ in range(2)
    )
    np.testing.assert_array_equal(first.image, second.image)
    assert first.settings == second.settings


def test_what_cannot_be_met_gives_the_best_that_was_seen(
    judges: Judges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "LOOKS", 12)
    monkeypatch.setattr(render, "WAYS", 1)
    third = Target((0, 2), (0.5,))
    found = render.generate(render.draw_start(0, 0, PAIR), third, judges)
    assert not third.success(found.probabilities)
    assert found.looked >= 20


def test_faces_that_no_detector_finds_are_refused(judges: Judges) -> None:
    blind = judges._replace(detect=lambda gray, upsample: iter(()))
    with pytest.raises(Rejected, match="no face"):
        render.generate(render.draw_start(0, 0, PAIR), Target((0, 1), (0.5,)), blind)
