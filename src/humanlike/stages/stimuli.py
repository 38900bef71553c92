"""Draw the faces that people are to see, of those that the networks never trained on."""

from __future__ import annotations

import numpy as np

from humanlike import artifacts, people_files, studies
from humanlike.params import load
from humanlike.people.experiment.lists import choose


def run() -> None:
    """Write the folder of stimuli.

    Raises
    ------
    HumanlikeError
        There are too few faces of an expression in the folds that params.yaml holds out.
    """
    experiment = studies.load_section("experiment", studies.Experiment)
    faces = artifacts.read_table(artifacts.FACES / "faces.csv")
    # Of these each has a network that was trained without it, and its subject.
    held_out = faces[faces["fold"].isin(load().train.folds)]
    table = choose(
        held_out, experiment.pairs, experiment.choices, experiment.faces, experiment.seed
    )
    rows = table["face"].to_numpy(np.int64)
    images = artifacts.read_array(artifacts.FACES / "images.npy")[rows]
    landmarks = artifacts.read_array(artifacts.FACES / "landmarks.npy")[rows]
    studies.write_stimuli(people_files.STIMULI, table, images, landmarks)
