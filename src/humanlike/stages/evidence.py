"""Where the expressions differ in the photographs themselves, on the standard face."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanlike import artifacts, figures
from humanlike.alignment.evidence import Effect, differences, each_group, pools, reliability
from humanlike.canonical.masks import ekman_mask
from humanlike.canonical.warp import warp
from humanlike.errors import HumanlikeError
from humanlike.expressions import EXPRESSIONS
from humanlike.params import load
from humanlike.progress import bar

#: Faces that the picture's mean face is made of, at most.
_SHOWN = 200


def run() -> None:
    """Write the evidence map of each expression, and how reliable it is.

    Raises
    ------
    HumanlikeError
        Expressions are to be held against neutral faces, and there are none.
    """
    params = load()
    labels = [label for label in params.labels if label != params.evidence.against]
    images = artifacts.read_array(artifacts.FACES / "images.npy")
    landmarks = artifacts.read_array(artifacts.FACES / "landmarks.npy")
    faces = artifacts.read_table(artifacts.FACES / "faces.csv")
    shown = faces["expression"].to_numpy(str)
    if params.evidence.against == "neutral" and "neutral" not in shown:
        raise HumanlikeError(
            "evidence.against: neutral needs neutral faces; name neutral in `expressions`, or hold "
            "the expressions against each other: evidence.against: others"
        )

    groups, pooled = grouped(faces, params.evidence.seed)
    whole, halves = Effect(len(labels)), (Effect(len(labels)), Effect(len(labels)))
    # Dealt at random: files come ordered by data set and person.
    numbers = np.random.default_rng(params.evidence.seed).permutation(groups.max() + 1)
    each = list(each_group(groups))
    for number, rows in zip(numbers, bar(each, "evidence", unit="person"), strict=True):
        maps = differences(
            images[rows],
            landmarks[rows],
            shown[rows],
            labels,
            params.evidence.against,
            params.evidence.contrast,
            params.evidence.smoothing,
        )
        whole.add(maps)
        halves[number % 2].add(maps)
    effect = whole.maps()
    reliable = reliability(*(half.maps() for half in halves))
    artifacts.write_arrays(
        artifacts.EVIDENCE,
        expressions=np.array(labels),
        # Half precision: three digits, as many as the map has, in half the room.
        effect=effect.astype(np.float16),
        reliability=reliable.round(4),
        persons=whole.count,
        pooled=np.array(pooled),
    )
    known = reliable[~np.isnan(reliable)]
    artifacts.write_json(
        artifacts.METRICS / "evidence.json",
        {
            "reliability": round(float(known.mean()), 4) if len(known) else None,
            "persons": int(whole.count.max(initial=0)),
            "pooled": pooled,
        },
    )
    picture = draw(dict(zip(labels, effect, strict=True)), images, landmarks)
    artifacts.write_bytes(artifacts.PLOTS / "evidence.png", picture)


def grouped(faces: pd.DataFrame, seed: int) -> tuple[NDArray[np.int64], bool]:
    """Each face's person or pool, from 0; and whether there are pools in any data set."""
    numbers = np.empty(len(faces), np.int64)
    first, any_pooled = 0, False
    for _, rows in faces.groupby("dataset", sort=True):
        found, pooled = pools(rows["subject"].to_numpy(str), rows["expression"].to_numpy(str), seed)
        numbers[rows.index] = first + found
        first += int(found.max()) + 1
        any_pooled |= pooled
    return numbers, any_pooled


def draw(
    effects: dict[str, NDArray[np.float32]], images: NDArray[np.uint8], landmarks: NDArray
) -> bytes:
    """The maps over the mean face, as a picture; the Ekman masks outlined."""
    every = np.linspace(0, len(images) - 1, min(len(images), _SHOWN)).astype(int)
    mean_face = np.mean([warp(images[i], landmarks[i]) for i in every], axis=0).astype(np.uint8)
    pictures = {
        ("evidence", label): figures.heatmap_over_face(
            effect, mean_face, ekman_mask(label) if label in EXPRESSIONS else None
        )
        for label, effect in effects.items()
        if not np.isnan(effect).any()
    }
    if not pictures:  # nowhere are two expressions to be held against each other
        pictures["evidence", "not known"] = np.repeat(mean_face[..., None], 3, axis=2)
    return figures.png(figures.heatmap_grid(pictures))
