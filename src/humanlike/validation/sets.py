"""Sets of drawn faces in which one region alone tells the two labels apart."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanlike.canonical.warp import warp
from humanlike.errors import HumanlikeError
from humanlike.faces.align import align
from humanlike.faces.detect import detector
from humanlike.faces.extract import find_face
from humanlike.faces.images import Rejected
from humanlike.progress import bar
from humanlike.synthesis.contrasts import CONTRASTS, ContrastFace, draw_contrast_subject

REGIONS = tuple(CONTRASTS)
SIZE = 224


@dataclass(frozen=True)
class Effort:
    """How much is drawn, trained and explained."""

    subjects: int = 30
    held_out: int = 6  #: of the subjects
    images_per_label: int = 10  #: of each subject
    network: str = "weinet"
    learning_rate: float = 1e-4
    batch_size: int = 8
    least_epochs: int = 3
    epochs: int = 12  #: at most
    accuracy: float = 0.95  #: on held-out subjects, at which training stops
    explained: int = 8  #: faces of each label
    samples: int = 256
    sampling: str = "paired"
    emulate: bool = True
    superpixels: int = 100


@dataclass(frozen=True)
class Faces:
    """Aligned faces of one set."""

    images: NDArray[np.uint8]  #: (N, SIZE, SIZE)
    landmarks: NDArray[np.float32]  #: (N, 68, 2)
    changed: NDArray[np.uint8]  #: (N, SIZE, SIZE), 255 where the label changes the face
    labels: NDArray[np.int64]  #: (N,) 0 or 1
    subjects: NDArray[np.int64]  #: (N,) from 0

    def __getitem__(self, chosen: NDArray[Any]) -> Faces:
        return Faces(*(array[chosen] for array in vars(self).values()))


def draw(regions: Sequence[str], seed: int, effort: Effort) -> dict[str, Faces]:
    """Draw every region's set; of regions without a planted label only the held-out subjects.

    Where the label changes the picture is drawn for held-out subjects alone.
    """
    first_held_out = effort.subjects - effort.held_out
    jobs = [
        (region, subject)
        for region in REGIONS
        for subject in range(effort.subjects)
        if region in regions or subject >= first_held_out
    ]
    work = partial(_draw_subject, effort.images_per_label, first_held_out, seed)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        drawn = bar(pool.map(work, jobs), "draw and align", total=len(jobs), unit="subject")
        parts = list(zip(jobs, drawn, strict=True))
    return {
        region: _together([faces for _, faces in group])
        for region, group in groupby(parts, key=lambda part: part[0][0])
    }


def _draw_subject(
    images_per_label: int, first_held_out: int, seed: int, job: tuple[str, int]
) -> Faces:
    region, subject = job
    rows = []
    for face in draw_contrast_subject(region, subject, images_per_label, seed, low=0.8):
        found = _aligned(face, with_change=subject >= first_held_out)
        if found is not None:
            rows.append((*found, face.label, subject))
    if not rows:
        raise HumanlikeError(f"{region}: no face was found in the pictures of subject {subject}")
    return Faces(*(np.array(column) for column in zip(*rows, strict=True)))


def _aligned(
    face: ContrastFace, with_change: bool
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint8]] | None:
    """The face as the pipeline finds and aligns it, and what changes, carried along with it."""
    photograph = face.face.image
    try:
        _, landmarks = find_face(photograph, detector("hog"))
    except Rejected:
        return None
    image, moved = align(photograph, landmarks, SIZE)
    if not with_change:
        return image, moved, np.zeros_like(image)
    changed, _ = align(255 * face.changed.astype(np.uint8), landmarks, SIZE)
    return image, moved, changed


def _together(parts: Sequence[Faces]) -> Faces:
    return Faces(
        *(np.concatenate(arrays) for arrays in zip(*(vars(p).values() for p in parts), strict=True))
    )


def warped_changes(faces: Faces) -> NDArray[np.bool_]:
    """What the label changes of each face, on the canonical face."""
    return np.stack(
        [warp(c, points) >= 128 for c, points in zip(faces.changed, faces.landmarks, strict=True)]
    )


def is_held_out(faces: Faces, effort: Effort) -> NDArray[np.bool_]:
    """The last subjects are never trained on."""
    return faces.subjects >= effort.subjects - effort.held_out
