import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from humanlike.canonical.geometry import HEIGHT, LANDMARKS, WIDTH
from humanlike.canonical.warp import warp
from humanlike.guidance import Guidance, guide

SIDE = 64
#: Landmarks that a face of this side may have: the canonical ones, squeezed.
POINTS = (LANDMARKS * (SIDE / HEIGHT) + (6, 0)).astype(np.float32)
LEFT = np.zeros((HEIGHT, WIDTH), bool)
LEFT[:, : WIDTH // 2] = True


def faces(n: int = 3) -> np.ndarray:
    """Smooth noise, which superpixels cut in many ways."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (n, 8, 8)).astype(float)
    return np.kron(coarse, np.ones((SIDE // 8, SIDE // 8))).astype(np.uint8)


def guided(weight: float = 1.0, hidden: str = "black") -> Guidance:
    regions = np.stack([LEFT, ~LEFT])
    labels = np.array([0, 1, 0])
    points = np.stack([POINTS] * 3)
    return guide(faces(), points, regions, labels, weight=weight, hidden=hidden)


def test_shares_are_those_of_the_region_on_the_canonical_face() -> None:
    found = guided()
    assert found.segments.shape == (3, SIDE, SIDE) and found.shares.dtype == np.float32
    np.testing.assert_allclose(found.shares.sum(axis=1), 1, rtol=1e-6)
    for face, region in enumerate((LEFT, ~LEFT, LEFT)):
        for part in range(found.segments[face].max() + 1):
            lies = warp((found.segments[face] == part).astype(np.uint8), POINTS, order=0) > 0
            expected = (lies & region).sum() / region.sum()
            assert found.shares[face, part] == pytest.approx(expected, abs=1e-6)


def test_worked_by_hand() -> None:
    """Four quarters; the region is two thirds of the first and one third of the last."""
    segments = np.array([[[0, 1], [2, 3]]], np.uint8)
    shares = np.array([[2 / 3, 0, 0, 1 / 3]], np.float32)
    always = Guidance(segments, shares, weight=1.0)
    image = np.array([[10, 20], [30, 40]], np.uint8)
    rng = np.random.default_rng(0)
    seen = {}
    for _ in range(200):
        drawn, share = always.draw(image, 0, rng)
        shown = drawn.ravel() > 0
        assert (drawn[drawn > 0] == image[drawn > 0]).all()
        assert share == pytest.approx(2 / 3 * shown[0] + 1 / 3 * shown[3], abs=1e-6)
        seen[tuple(shown)] = seen.get(tuple(shown), 0) + 1
    assert len(seen) == 16  # every set of parts is drawn


@given(st.integers(0, 2**32 - 1), st.integers(0, 2))
def test_what_is_hidden_does_not_know_the_label(seed: int, face: int) -> None:
    """Another region for the same face: the same picture, and only the share is another."""
    ours = guided()
    theirs = Guidance(ours.segments, ours.shares[:, ::-1].copy(), ours.weight)
    image = faces()[face]
    one, _ = ours.draw(image, face, np.random.default_rng(seed))
    other, _ = theirs.draw(image, face, np.random.default_rng(seed))
    np.testing.assert_array_equal(one, other)


def test_weight_is_the_share_of_pictures_partly_hidden() -> None:
    found, image = guided(weight=0.3), faces()[0]
    rng = np.random.default_rng(1)
    whole = [np.array_equal(found.draw(image, 0, rng)[0], image) for _ in range(2000)]
    # Three standard errors of a share of .7 in 2,000.
    assert np.mean(whole) == pytest.approx(0.7, abs=0.031)
    assert guided(weight=1e-9).draw(image, 0, rng)[1] == 1


def test_what_hides_is_what_explanations_hide_with() -> None:
    image = faces()[0]
    drawn, _ = guided(hidden="mean").draw(image, 0, np.random.default_rng(2))
    assert set(np.unique(drawn)) <= {*np.unique(image), round(float(image.mean()))}
    assert round(float(image.mean())) in drawn


def test_a_region_beyond_the_picture_keeps_the_label() -> None:
    """Landmarks in one point: the region covers one pixel, and its superpixel holds it all."""
    points = np.full((1, 68, 2), SIDE / 2, np.float32)
    inner = np.zeros((1, HEIGHT, WIDTH), bool)
    inner[0, 200:210, 100:120] = True
    found = guide(faces(1), points, inner, np.array([0]), weight=1.0)
    assert sorted(found.shares[0])[-2:] == [0, 1]
