"""The faces that an experiment draws its stimuli from, for the stage and the command."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanlike import artifacts
from humanlike.params import load
from humanlike.people.experiment.lists import choose
from humanlike.studies import Experiment


def draw_stimuli(
    experiment: Experiment,
) -> tuple[pd.DataFrame, NDArray[np.uint8], NDArray[np.float32]]:
    """Draw stimuli from the aligned faces of the folds that params.yaml holds out.

    Of these each has a network that was trained without it, and without its subject.

    Returns
    -------
    DataFrame, (N, S, S) uint8, (N, 68, 2) float32
        As `humanlike.studies.write_stimuli` takes them.

    Raises
    ------
    HumanlikeError
        There are no aligned faces, or too few of an expression.
    """
    faces = artifacts.read_table(artifacts.FACES / "faces.csv")
    held_out = faces[faces["fold"].isin(load().train.folds)]
    table = choose(
        held_out, experiment.pairs, experiment.choices, experiment.faces, experiment.seed
    )
    rows = table["face"].to_numpy(np.int64)
    images = artifacts.read_array(artifacts.FACES / "images.npy")[rows]
    landmarks = artifacts.read_array(artifacts.FACES / "landmarks.npy")[rows]
    return table, images, landmarks
