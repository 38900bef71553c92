"""Draw the faces that people are to see, of those that the networks never trained on."""

from __future__ import annotations

from humanlike import people_files, studies
from humanlike.study_faces import draw_stimuli


def run() -> None:
    """Write the folder of stimuli.

    Raises
    ------
    HumanlikeError
        There are too few faces of an expression in the folds that params.yaml holds out.
    """
    experiment = studies.load_section("experiment", studies.Experiment)
    studies.write_stimuli(people_files.STIMULI, *draw_stimuli(experiment))
