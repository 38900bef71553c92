import pandas as pd
import pytest
from experiments import PAIRS, stimuli_table
from hypothesis import given, settings
from hypothesis import strategies as st

from humanlike.errors import HumanlikeError
from humanlike.people.experiment.lists import balanced, choose, part
from humanlike.people.trials import STIMULI


def as_table(lists, stimuli: pd.DataFrame) -> pd.DataFrame:
    rows = [(number, *trial) for number, trials in enumerate(lists) for trial in trials]
    table = pd.DataFrame(rows, columns=["list", "stimulus", "left", "right"])
    table = table.merge(stimuli[["stimulus", "expression", "other"]], on="stimulus")
    return table.assign(side=(table["left"] == table["expression"]).astype(int))


def spread(counts: pd.Series) -> int:
    return int(counts.max() - counts.min())


@st.composite
def designs(draw):
    pairs = draw(st.sampled_from([PAIRS[:1], PAIRS, [*PAIRS, ["happiness", "sadness"]]]))
    each = draw(st.integers(1, 7))
    trials = draw(st.integers(1, 2 * len(pairs) * each))
    return stimuli_table(each, pairs), draw(st.integers(1, 15)), trials, draw(st.integers(0, 99))


@settings(max_examples=40)
@given(designs())
def test_lists_are_balanced(design) -> None:
    stimuli, observers, trials, seed = design
    table = as_table(balanced(stimuli, observers, trials, True, seed), stimuli)
    cell = ["expression", "other"]
    assert (table.groupby("list").size() == trials).all() and table["list"].nunique() == observers
    assert not table.duplicated(["list", "stimulus"]).any()
    # What is offered is the stimulus's own pair.
    offered = table[["left", "right"]].apply(frozenset, axis=1)
    assert (offered == table[["expression", "other"]].apply(frozenset, axis=1)).all()
    # Within a list: expressions, and the side of the right answer within each.
    cells = stimuli.groupby(cell).ngroups
    for _, one in table.groupby("list"):
        counts = one.groupby(cell).size()
        assert counts.max() - (counts.min() if len(counts) == cells else 0) <= 1
        for _, of_cell in one.groupby(cell):
            assert abs(2 * of_cell["side"].sum() - len(of_cell)) <= 2
    # Over all lists: expressions, faces, and each face's two sides.
    assert (
        spread(table.groupby(cell).size().reindex(stimuli.groupby(cell).groups, fill_value=0)) <= 1
    )
    for _, of_cell in stimuli.groupby(cell):
        shown = table.groupby("stimulus").size().reindex(of_cell["stimulus"], fill_value=0)
        assert spread(shown) <= 1
    sides = table.groupby("stimulus")["side"].agg(["sum", "count"])
    assert (abs(2 * sides["sum"] - sides["count"]) <= 1).all()


def test_balance_is_exact_where_the_numbers_divide() -> None:
    stimuli = stimuli_table(6)
    table = as_table(balanced(stimuli, 6, 16, True, 0), stimuli)
    assert (table.groupby(["list", "expression"]).size() == 4).all()
    assert (table.groupby(["list", "expression"])["side"].sum() == 2).all()
    assert (table.groupby("stimulus").size() == 4).all()
    assert (table.groupby("stimulus")["side"].sum() == 2).all()


def test_the_order_differs_from_list_to_list_and_hangs_on_the_seed() -> None:
    stimuli = stimuli_table(4)
    lists = balanced(stimuli, 3, 16, True, 0)
    assert lists == balanced(stimuli, 3, 16, True, 0)
    assert lists != balanced(stimuli, 3, 16, True, 1)
    orders = {tuple(trial.stimulus for trial in one) for one in lists}
    assert len(orders) == 3
    # The cells come mixed, not one after the other.
    expressions = stimuli.set_index("stimulus")["expression"]
    told = [expressions[trial.stimulus] for trial in lists[0]]
    assert told != sorted(told)


def test_without_pairs_all_are_offered() -> None:
    stimuli = stimuli_table(4)
    table = as_table(balanced(stimuli, 2, 8, False, 0), stimuli)
    assert (table[["left", "right"]] == "").all(axis=None)
    assert (table.groupby(["list", "expression"]).size() == 2).all()


def test_too_few_stimuli_are_named() -> None:
    with pytest.raises(HumanlikeError, match=r"trials: 20 need 5 stimuli of anger against disgust"):
        balanced(stimuli_table(4), 2, 20, True, 0)
    alone = stimuli_table(2).assign(other="")
    with pytest.raises(HumanlikeError, match="stimulus s000 has no other expression"):
        balanced(alone, 2, 2, True, 0)


def test_practice_takes_from_the_cells_in_turn() -> None:
    stimuli = stimuli_table(3)
    practice, main = part(stimuli, 4, 0)
    assert sorted(practice["expression"]) == ["anger", "disgust", "fear", "surprise"]
    assert set(practice["stimulus"]).isdisjoint(main["stimulus"]) and len(main) == 8
    with pytest.raises(HumanlikeError, match="leave none for the trials"):
        part(stimuli, 12, 0)


def faces(subjects: int, each: int) -> pd.DataFrame:
    rows = [
        (f"x{subject}", expression)
        for subject in range(subjects)
        for expression in ("anger", "disgust", "fear")
        for _ in range(each)
    ]
    table = pd.DataFrame(rows, columns=["subject", "expression"])
    return table.assign(face=range(len(table)))


def test_faces_are_drawn_once_and_from_many_subjects() -> None:
    pool = faces(5, 4)
    table = choose(pool, [["anger", "disgust"], ["anger", "fear"]], [], 5, 0)
    assert list(table.columns) == list(STIMULI) and len(table) == 20
    assert not table["face"].duplicated().any()
    by_cell = table.groupby(["expression", "other"])
    assert (by_cell.size() == 5).all()
    # The first five of an expression are of five subjects.
    assert by_cell["subject"].nunique().loc[("disgust", "anger")] == 5
    drawn = pool.set_index("face").loc[table["face"]]
    assert (drawn["expression"].to_numpy() == table["expression"]).all()
    # Ids follow an order that tells nothing.
    assert list(table["stimulus"]) == [f"s{n:02d}" for n in range(1, 21)]
    assert list(table["expression"]) != sorted(table["expression"])


def test_too_few_faces_are_named() -> None:
    pairs = [["anger", "disgust"], ["anger", "fear"]]
    with pytest.raises(HumanlikeError, match="anger: 22 faces are needed and 20 are there"):
        choose(faces(5, 4), pairs, [], 11, 0)
