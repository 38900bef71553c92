import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from humanlike.people import fitting

LABELS = ["anger", "fear", "sadness"]


def table(rows: list[tuple[str, str, str, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["observer", "stimulus", "left", "right", "response"])


@given(st.integers(3, 60), st.floats(0.05, 0.4), st.floats(0.05, 0.4), st.integers(0, 9))
def test_stimuli_are_in_one_part_each(n: int, held: float, checked: float, seed: int) -> None:
    names = [f"s{i}" for i in range(n)]
    parts = fitting.split(names, held, checked, seed)
    assert sorted(np.concatenate(list(parts.values()))) == sorted(names)
    again = fitting.split(names[::-1], held, checked, seed)
    assert all(np.array_equal(parts[part], again[part]) for part in fitting.PARTS)


def test_too_few_stimuli_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        fitting.split(["a", "b"], 0.5, 0.5, 0)


@given(st.integers(0, 50), st.integers(0, 20), st.integers(1, 20))
def test_two_to_one_to_one(own: int, group: int, original: int) -> None:
    found = fitting.mixture(own, [group, original], (0.5, 0.5), np.random.default_rng(0))
    assert [len(rows) for rows in found] == [round(own / 2) if group else 0, round(own / 2)]
    for size, rows in zip((group, original), found, strict=True):
        counts = np.bincount(rows, minlength=size) if size else np.zeros(1)
        assert counts.max(initial=0) - counts.min(initial=counts.max(initial=0)) <= 1


def test_a_case_by_hand() -> None:
    trials = table(
        [
            ("o1", "a", "anger", "fear", "anger"),
            ("o2", "a", "anger", "fear", "fear"),
            ("o1", "b", "", "", "sadness"),
        ]
    )
    probabilities = pd.DataFrame([[0.6, 0.2, 0.2], [0.1, 0.4, 0.5]], ["a", "b"], LABELS)
    chosen, same = fitting.choice_probabilities(trials, probabilities)
    np.testing.assert_allclose(chosen, [0.75, 0.25, 0.5])
    assert same.tolist() == [True, False, True]
    found = fitting.agreement(trials, probabilities)
    assert found.log_likelihood == pytest.approx(np.log([0.75, 0.25, 0.5]).mean())
    assert found.accuracy == pytest.approx(2 / 3)
    apart = [
        jensenshannon([0.5, 0.5, 0], [0.75, 0.25, 0], base=2) ** 2,
        jensenshannon([0, 0, 1], [0.1, 0.4, 0.5], base=2) ** 2,
    ]
    assert found.divergence == pytest.approx(np.mean(apart))


def test_models_that_are_their_owners_are_seen_to_be() -> None:
    rng = np.random.default_rng(0)
    stimuli = [f"s{i}" for i in range(40)]
    own = {f"o{n}": rng.dirichlet(np.full(3, 0.5), len(stimuli)) for n in range(12)}
    models = {name: pd.DataFrame(p, stimuli, LABELS) for name, p in own.items()}
    models["group"] = sum(models.values()) / len(models)
    rows = [
        (name, stimulus, "", "", str(rng.choice(LABELS, p=p[i])))
        for name, p in own.items()
        for i, stimulus in enumerate(stimuli)
    ]
    found = fitting.personal(fitting.matrix(table(rows), models), "group", seed=0)
    assert found.better_than_group == found.own_rank == 1
    assert found.diagonal > 0 and found.p < 0.01
    # Observers who are all alike have nobody's model for their own.
    alike = table([(name, s, "", "", str(rng.choice(LABELS))) for name in own for s in stimuli])
    found = fitting.personal(fitting.matrix(alike, models), "group", seed=0)
    assert found.better_than_group < 0.5 and found.own_rank < 0.5


def test_few_trials_are_told() -> None:
    trials = table([("o1", "a", "", "", "fear")] * 3 + [("o2", "a", "", "", "fear")] * 2)
    assert fitting.enough(trials, 3) == (["o1"], ["o2"])
