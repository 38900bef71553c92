"""Cross-validation folds that keep every subject in one."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanlike.errors import HumanlikeError


def assign_folds(table: pd.DataFrame, folds: int, seed: int) -> NDArray[np.int64]:
    """Split each data set's subjects at random into equal parts, and join the parts across sets.

    Parameters
    ----------
    table : DataFrame
        Columns `dataset` and `subject`, one row for each face.
    folds : int
        How many parts.
    seed : int
        Seed of the splits. Each data set has a random stream of its own, so that its folds depend
        neither on the order of the rows nor on which other sets are there.

    Returns
    -------
    ndarray of int64, shape (N,)
        The fold of each row, 0 … folds − 1. Within a data set the folds' numbers of subjects differ
        by one at most.

    Raises
    ------
    HumanlikeError
        If a data set has fewer subjects than there are folds.
    """
    result = np.empty(len(table), dtype=np.int64)
    for dataset, rows in table.groupby("dataset"):
        subjects, subject_of_row = np.unique(rows["subject"].to_numpy(str), return_inverse=True)
        if len(subjects) < folds:
            raise HumanlikeError(
                f"Data set {dataset!r} has {len(subjects)} subjects, too few for {folds} folds:"
                " lower preprocess.folds or leave the set out."
            )
        rng = np.random.default_rng([seed, *str(dataset).encode()])
        # Permuting the folds too spreads the sets' odd subjects over all of them.
        dealt = rng.permutation(folds)[np.arange(len(subjects)) % folds]
        result[table["dataset"] == dataset] = rng.permutation(dealt)[subject_of_row]
    return result
