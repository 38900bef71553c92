"""Does the evidence in drawn faces lie where their expressions truly change the picture?

    python benchmarks/evidence.py

Draws the first persons of the sample anew, a picture of each expression, and again in the same view
and light with the action units of each other expression, or at rest (`evidence.against`): the
pixels that differ are the truth, carried to the standard face, where more than half of the pictures
must differ. Prints with what AUC the maps of the stage `evidence` find them, on the face alone and
on the whole canvas, and how reliable the maps are.
"""

import argparse
from itertools import groupby

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanlike import artifacts
from humanlike.alignment.attention import auc
from humanlike.alignment.evidence import face_region
from humanlike.canonical.warp import warp
from humanlike.faces.align import align
from humanlike.params import load
from humanlike.progress import bar
from humanlike.synthesis.render import changed_pixels
from humanlike.synthesis.sample import draw_sample

#: How the sample was drawn; a picture does not depend on how many others there are.
SEED, LOW = 0, 0.8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--subjects", type=int, default=12)
    parser.add_argument("--least", type=int, default=3, help="gray levels that count as changed")
    options = parser.parse_args()
    against = load().evidence.against
    found = artifacts.read_arrays(artifacts.EVIDENCE)
    labels = [str(label) for label in found["expressions"]]
    truths = truth(labels, against, options.subjects, options.least / 255)
    face = face_region()
    rows = [
        {
            "expression": label,
            "auc_on_the_face": auc(effect[face].astype(np.float32), changed[face]),
            "auc": auc(effect.astype(np.float32), changed),
            "changed": changed[face].mean(),
            "reliability": reliability,
        }
        for label, effect, changed, reliability in zip(
            labels, found["effect"], truths, found["reliability"], strict=True
        )
    ]
    print(f"against {against}, truth of {options.subjects} persons, {options.least} gray levels")
    print(pd.DataFrame(rows).round(3).to_string(index=False))


def truth(labels: list[str], against: str, subjects: int, least: float) -> NDArray[np.bool_]:
    """(E, HEIGHT, WIDTH) bool, the places that differ in more than half of the pictures."""
    share: dict[str, list[NDArray[np.float32]]] = {label: [] for label in labels}
    faces = draw_sample(subjects, 1, SEED, LOW)
    people = groupby(faces, key=lambda face: face.subject)
    for _, drawn in bar(people, "truth", total=subjects, unit="person"):
        shown = {face.expression: face for face in drawn}
        for label in labels:
            own, size = shown[label], len(shown[label].face.image)
            others = (
                [other for other in labels if other != label] if against == "others" else [against]
            )
            differs = np.mean(
                [
                    changed_pixels(
                        own.identity,
                        shown[other].action_units,
                        own.action_units,
                        own.view,
                        size,
                        least,
                    )
                    for other in others
                ],
                axis=0,
            )
            grays = np.rint(255 * differs).astype(np.uint8)
            moved, landmarks = align(grays, own.face.landmarks, size)
            share[label].append(warp(moved, landmarks) / np.float32(255))
    return np.stack([np.mean(maps, axis=0) > 0.5 for maps in share.values()])


if __name__ == "__main__":
    main()
