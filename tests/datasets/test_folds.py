import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from humanlike.datasets.folds import assign_folds
from humanlike.errors import HumanlikeError


def table(**subjects: int) -> pd.DataFrame:
    """Three faces of each subject of each data set, sets of so many subjects."""
    rows = [
        (name, f"{name}/{number}")
        for name, count in subjects.items()
        for number in range(count)
        for _ in range(3)
    ]
    return pd.DataFrame(rows, columns=["dataset", "subject"])


@given(
    counts=st.lists(st.integers(5, 23), min_size=1, max_size=3),
    folds=st.integers(2, 5),
    seed=st.integers(0, 2**31 - 1),
)
def test_subjects_are_whole_and_parts_equal(counts: list[int], folds: int, seed: int) -> None:
    faces = table(**{f"set{number}": count for number, count in enumerate(counts)})
    fold = assign_folds(faces, folds, seed)
    assert fold.shape == (len(faces),)
    assert (faces.assign(fold=fold).groupby("subject")["fold"].nunique() == 1).all()
    for _, rows in faces.assign(fold=fold).groupby("dataset"):
        sizes = (
            rows.drop_duplicates("subject")["fold"].value_counts().reindex(range(folds)).fillna(0)
        )
        assert sizes.max() - sizes.min() <= 1


@given(seed=st.integers(0, 2**31 - 1), shuffling=st.randoms(use_true_random=False))
def test_neither_order_nor_other_sets_matter(seed: int, shuffling) -> None:
    faces = table(a=7, b=11)
    fold = assign_folds(faces, 5, seed)
    order = list(range(len(faces)))
    shuffling.shuffle(order)
    np.testing.assert_array_equal(assign_folds(faces.iloc[order], 5, seed), fold[order])
    only_b = faces["dataset"] == "b"
    np.testing.assert_array_equal(assign_folds(faces[only_b], 5, seed), fold[only_b])


def test_the_split_is_random() -> None:
    faces = table(a=10)
    splits = {tuple(assign_folds(faces, 2, seed)) for seed in range(20)}
    assert len(splits) > 15


def test_leftover_subjects_spread_over_folds() -> None:
    faces = table(**{f"set{number}": 6 for number in range(40)})
    fold = assign_folds(faces, 5, 0)
    sizes = np.bincount(fold[::3])
    assert sizes.min() > 40
    assert sizes.sum() == 240


def test_too_few_subjects() -> None:
    with pytest.raises(HumanlikeError, match="'a' has 3 subjects, too few for 4 folds"):
        assign_folds(table(a=3, b=9), 4, 0)
