import numpy as np
import pytest

from humanlike.boundaries import morph, render
from humanlike.boundaries.seen import Judges, judge
from humanlike.boundaries.targets import Target


@pytest.fixture(scope="module")
def ends(judges: Judges) -> list[morph.Photograph]:
    start = render.draw_start(0, 0, ("surprise", "anger"))
    large = judges._replace(size=224)
    seen = [judge(render.photograph(start, units), large) for units in start[2:4]]
    return [morph.Photograph(one.image, one.landmarks) for one in seen]


def test_the_ends_are_the_photographs(ends: list[morph.Photograph]) -> None:
    for share, picture in zip((1, 0), ends, strict=True):
        found = morph.morph(*ends, shape=share, light=share)
        inner = (slice(8, -8),) * 2
        off = np.abs(found[inner].astype(int) - picture.gray[inner])
        assert np.quantile(off, 0.99) <= 1


def test_points_move_with_the_landmarks() -> None:
    # A bright dot on a landmark lies on the landmark between, wherever the dot was.
    rng = np.random.default_rng(0)
    first = np.stack(np.meshgrid(np.linspace(20, 80, 9), np.linspace(20, 80, 8)), -1).reshape(-1, 2)
    first = first[:68].astype(np.float32)
    second = first + rng.uniform(-2, 2, first.shape).astype(np.float32)
    place = 40
    pictures = []
    for points in (first, second):
        y, x = np.mgrid[:100, :100]
        far = np.hypot(x - points[place, 0], y - points[place, 1])
        pictures.append(morph.Photograph((255 * np.exp(-far / 3)).astype(np.uint8), points))
    found = morph.morph(*pictures, shape=0.25, light=0.5)
    brightest = np.unravel_index(found.argmax(), found.shape)[::-1]
    wanted = 0.25 * first[place] + 0.75 * second[place]
    assert np.hypot(*(np.array(brightest) - wanted)) < 1.2


def test_a_morph_is_bisected_to_the_boundary(ends: list[morph.Photograph], judges: Judges) -> None:
    target = Target((0, 1), (0.5,))
    found = morph.generate(morph.Start([(ends[0], ends[1])], seed=0), target, judges)
    assert target.success(found.probabilities)
    assert target.found_shares(found.probabilities) == pytest.approx(0.5, abs=0.05)
    assert 0 < found.settings["shape"] < 1


def test_no_photographs(judges: Judges) -> None:
    with pytest.raises(ValueError, match="no photographs"):
        morph.generate(morph.Start([], 0), Target((0, 1), (0.5,)), judges)
