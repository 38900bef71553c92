import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humanlike.canonical.geometry import HEIGHT, LANDMARKS, WIDTH
from humanlike.people import clicks
from humanlike.people.clicks import COLUMNS, ROWS
from humanlike.people.discs import disc
from humanlike.people.observers import textbook_attention

#: A square stimulus in which the canonical face lies as it is, but for the last rows.
SIDE = 275


def maps(seed: int, n: int, noise: float, truth: np.ndarray | None = None) -> np.ndarray:
    """Maps of observers who share one map, each with noise of its own."""
    rng = np.random.default_rng(seed)
    shared = rng.standard_normal((ROWS, COLUMNS)) if truth is None else truth
    return shared + noise * rng.standard_normal((n, ROWS, COLUMNS))


def test_the_grid_keeps_smooth_maps() -> None:
    soft = textbook_attention("surprise")
    back = clicks.from_grid(clicks.on_grid(soft))
    assert back.shape == (HEIGHT, WIDTH)
    assert np.corrcoef(back.ravel(), soft.ravel())[0, 1] > 0.999
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    inner = (slice(8, -8), slice(8, -8))
    assert np.allclose(clicks.from_grid(clicks.on_grid(x + 2 * y))[inner], (x + 2 * y)[inner])


def test_a_trial_by_hand() -> None:
    """Two discs on the canonical face itself: at grid points the rule can be worked out."""
    nose = LANDMARKS[30] + (0.0, 0.0)
    discs = [(*nose, 20.0), (nose[0] + 12, nose[1], 20.0)]
    equal = clicks.trial_map(discs, LANDMARKS, SIDE, "equal")
    order = clicks.trial_map(discs, LANDMARKS, SIDE, "order")
    row, column = 34, 27  # canonical (110, 138): the nose itself
    assert (column * 4 + 2, row * 4 + 2) == tuple(nose)
    first, second = disc(0, 20), disc(12, 20)
    assert equal[row, column] == pytest.approx(1 - (1 - first) * (1 - second))
    assert order[row, column] == pytest.approx(first + (1 - first) * second / 2)
    # 16 to the right: 16 from the first, 4 from the second.
    first, second = disc(16, 20), disc(4, 20)
    assert order[row, column + 4] == pytest.approx(first + (1 - first) * second / 2, abs=1e-5)


def test_clicks_follow_the_landmarks() -> None:
    """The same place of the face, clicked in a face that is elsewhere and larger, is the same."""
    discs = np.array([(*LANDMARKS[48], 16.0), (*LANDMARKS[36], 16.0)])
    other = clicks.trial_map(discs * 0.5 + (30, 20, 0), LANDMARKS * 0.5 + (30, 20), 256)
    here = clicks.trial_map(discs, LANDMARKS, SIDE)
    assert clicks.standard(other) @ clicks.standard(here) == pytest.approx(1, abs=1e-4)


def test_maps_of_trials_come_in_the_trials_order() -> None:
    trials = pd.DataFrame(
        {"observer": "o", "session": ["s", "s", "t"], "trial": [2, 1, 1], "stimulus": "f"}
    )
    places = pd.DataFrame(
        [("o", "s", 1, 2, 90, 90), ("o", "s", 1, 1, 60, 60), ("o", "s", 2, 1, 100, 140)],
        columns=["observer", "session", "trial", "order", "x", "y"],
    ).assign(radius=12.0, t=0.0)
    found = clicks.trial_maps(trials, places, {"f": LANDMARKS}, SIDE)
    expected = [
        clicks.trial_map([(100, 140, 12)], LANDMARKS, SIDE),
        clicks.trial_map([(60, 60, 12), (90, 90, 12)], LANDMARKS, SIDE),
        np.zeros((ROWS, COLUMNS)),
    ]
    assert np.allclose(found, expected)


def test_a_classification_image_by_hand() -> None:
    masks = np.array([[1, 0], [3, 0], [0, 0], [1, 0], [2, 0]], float)
    # Right: 1 and 3, mean 2; wrong: 0, 1 and 2, mean 1. Squares 2 + 2, 3 degrees of freedom.
    # The only error is its own median: twice its square.
    error = np.sqrt(2 * 4 / 3 * (1 / 2 + 1 / 3))
    found = clicks.gains(masks, [1, 1, 0, 0, 0]).mean(axis=0)
    assert found == pytest.approx([1 / error, 0])
    assert not clicks.gains(masks, [1, 1, 1, 1, 1]).any()


def test_a_classification_image_finds_what_decides() -> None:
    """Bubbles at random: answers are right more often where one corner is seen."""
    rng = np.random.default_rng(0)
    masks = (rng.random((4000, 8, 8)) < 0.5).astype(float)
    right = rng.random(4000) < np.where(masks[:, 1, 2] > 0, 0.85, 0.65)
    found = clicks.gains(masks, right).mean(axis=0)
    assert np.unravel_index(found.argmax(), found.shape) == (1, 2) and found.max() > 7
    others = np.delete(found.ravel(), 10)
    assert abs(others.mean()) < 0.3 and others.std() * 2**0.5 == pytest.approx(1, abs=0.25)


def test_each_observer_counts_the_same() -> None:
    found = clicks.observer_maps(
        np.arange(3.0)[:, None, None] * np.ones((3, ROWS, COLUMNS)), ["b", "a", "b"]
    )
    assert found[:, 0, 0].tolist() == [1, 1]


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_products_of_standard_maps_are_correlations(seed: int) -> None:
    values = maps(seed, 3, 2.0)
    values[2] = seed
    face = clicks.face_on_grid()
    found = clicks.standard(values)
    for i in range(3):
        if values[i][face].std() > 1e-6 and values[0][face].std() > 1e-6:
            expected = np.corrcoef(values[0][face], values[i][face])[0, 1]
            assert found[0] @ found[i] == pytest.approx(expected, abs=1e-6)


def test_split_half_reliability_is_what_another_group_would_give() -> None:
    observers = maps(0, 40, 4.0)
    more = maps(1, 40, 4.0, truth=maps(0, 1, 0.0)[0])
    again = clicks.standard(observers.mean(axis=0)) @ clicks.standard(more.mean(axis=0))
    assert clicks.split_half(observers) == pytest.approx(again, abs=0.03)
    # By hand: the variance of the mean's signal over that of the mean.
    assert clicks.split_half(observers) == pytest.approx(1 / (1 + 16 / 40), abs=0.03)
    assert np.isnan(clicks.split_half(observers[:1]))


def test_halves_of_two_observers_are_the_observers() -> None:
    two = maps(0, 2, 1.0)
    r = float(np.prod(clicks.standard(two), axis=0).sum())
    assert clicks.split_half(two) == pytest.approx(2 * r / (1 + r))


@settings(max_examples=30)
@given(st.integers(2, 12), st.floats(0.1, 5), st.integers(0, 1000))
def test_nothing_fits_better_than_the_upper_ceiling(n: int, noise: float, seed: int) -> None:
    observers = maps(seed, n, noise)
    ceiling = clicks.noise_ceiling(observers)
    known = clicks.standard(observers)
    best = clicks.fits(observers.mean(axis=0)[None], observers).mean()
    truth = clicks.fits(maps(seed, 1, 0.0), observers).mean()
    assert max(best, truth) <= ceiling.upper + 1e-9 and ceiling.lower <= ceiling.upper
    others = [np.delete(known, i, axis=0).sum(axis=0) for i in range(n)]
    left_out = [
        float(own @ other) / np.linalg.norm(other) for own, other in zip(known, others, strict=True)
    ]
    assert ceiling.lower == pytest.approx(np.mean(left_out))


def test_observers_without_a_map_are_left_out() -> None:
    observers = maps(0, 4, 1.0)
    observers[2] = 0.5
    assert clicks.noise_ceiling(observers) == pytest.approx(
        clicks.noise_ceiling(observers[[0, 1, 3]])
    )
    assert np.isnan(clicks.fits(observers[:1], observers)[0]).tolist() == [
        False,
        False,
        True,
        False,
    ]
    assert np.isnan(clicks.noise_ceiling(observers[1:3]).lower)


def test_what_is_left_out_is_left_out() -> None:
    trials = maps(1, 12, 3.0, maps(0, 1, 0.0)[0])
    observers, faces = np.repeat(["a", "b", "c"], 4), np.tile(["f", "g"], 6)
    wanted = maps(0, 2, 0.5)
    without_observer, without_face = clicks.fits_without(wanted, trials, observers, faces)

    def mean(rows: np.ndarray) -> np.ndarray:
        each = clicks.observer_maps(trials[rows], observers[rows])
        return clicks.fits(wanted, each).mean(axis=1)

    for code in "abc":
        assert without_observer.loc[code].to_numpy() == pytest.approx(mean(observers != code))
    for code in "fg":
        assert without_face.loc[code].to_numpy() == pytest.approx(mean(faces != code))


def test_an_observer_who_saw_one_face_has_no_map_without_it() -> None:
    trials = maps(0, 3, 1.0)
    _, without = clicks.fits_without(trials[:1], trials, ["a", "a", "b"], ["f", "g", "f"])
    expected = clicks.fits(trials[:1], trials[1:2])[0, 0]
    assert without.loc["f", 0] == pytest.approx(expected)
