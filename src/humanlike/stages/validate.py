"""Known answers: does the whole path find the region that was made to carry the label?

Each set of drawn faces has one region that alone tells its two labels apart. A network that has
learned the set can only have looked there, so its heatmaps must show that region, and those of a
network that learned shuffled labels must not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

from humanlike import figures
from humanlike.alignment import planted
from humanlike.canonical.geometry import rescale_landmarks
from humanlike.canonical.warp import warp
from humanlike.errors import HumanlikeError
from humanlike.explainers.importance import importance
from humanlike.faces.align import align
from humanlike.faces.detect import detector
from humanlike.faces.extract import find_face
from humanlike.faces.images import Rejected
from humanlike.progress import bar
from humanlike.stages import files
from humanlike.synthesis.contrasts import CONTRASTS, ContrastFace, draw_contrast_subject

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

REGIONS = tuple(CONTRASTS)
SIZE = 224

#: What is asked: planted region first, and these ratios of importance to area.
LEAST_CONCENTRATION = 3.0
MOST_OF_SHUFFLED = 1.5

#: Who weighs the superpixels, in the order of the table.
EXPLAINED = ("network", "shuffled", "random", "oracle")


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


@dataclass(frozen=True)
class Result:
    """What is found in one set."""

    accuracy: float
    epochs: int
    shuffled_accuracy: float
    maps: dict[str, NDArray[np.floating]]  #: (N, S, S) of each of `EXPLAINED`, as the network sees
    changed: NDArray[np.bool_]  #: (N, S, S)
    canonical: dict[str, NDArray[np.floating]]  #: the maps (N, H, W) on the canonical face
    canonical_changed: NDArray[np.bool_]  #: (N, H, W)


def validate(
    output: Path,
    regions: Sequence[str] = REGIONS,
    seed: int = 0,
    effort: Effort = Effort(),
) -> bool:
    """Draw, train, explain and score sets with a known answer; print and write what comes out.

    ``output`` receives ``validation.json``, ``validation.csv`` and ``validation.png``.

    Parameters
    ----------
    output
        Folder to write to.
    regions
        Of `REGIONS`, the regions to plant the label in. The other regions are competitors still.
    seed
        Seed of the faces, the networks and the explanations.
    effort

    Returns
    -------
    bool
        Whether everything asked was reached.

    Raises
    ------
    HumanlikeError
        A region is not known, or no face was found.
    """
    for region in regions:
        if region not in REGIONS:
            raise HumanlikeError(f"--regions: {region} is none of {', '.join(REGIONS)}")
    if not regions:
        raise HumanlikeError(f"--regions: name at least one of {', '.join(REGIONS)}")
    sets = draw(regions, seed, effort)
    places = planted.own_regions(
        {
            region: warped_changes(faces[is_held_out(faces, effort)]).mean(axis=0)
            for region, faces in sets.items()
        }
    )
    results = {region: explain_set(region, sets[region], seed, effort) for region in regions}
    table = tabulate(results, places, effort.accuracy)
    said = verdict(table, effort.accuracy)
    passed = bool(table["passed"].all())

    files.write_table(output / "validation.csv", table)
    files.write_json(
        output / "validation.json",
        {
            "seed": seed,
            **asdict(effort),
            "sets": table.set_index("region").to_dict("index"),
            "passed": passed,
            "verdict": said,
        },
    )
    files.write_bytes(output / "validation.png", figures.png(picture(sets, results, places)))
    typer.echo(f"{in_columns(table)}\n\n{said}")
    return passed


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


def explain_set(region: str, faces: Faces, seed: int, effort: Effort) -> Result:
    """Train on one set and on its shuffled labels, and explain both networks on the same faces.

    The faces are held-out ones that the trained network tells rightly, as many of each label.
    """
    from humanlike.networks.builder import build
    from humanlike.training import network_images, predict

    held_out = is_held_out(faces, effort)
    shown, tested = faces[~held_out], faces[held_out]
    rng = np.random.default_rng([seed, REGIONS.index(region)])
    model = build(effort.network, 2, input_scaling="native", seed=seed)
    accuracy = train(model, shown, tested, seed, effort, region)
    predicted = predict(model, tested.images).argmax(axis=1)
    chosen = tested[choose(predicted == tested.labels, tested.labels, effort.explained, rng)]
    segments, weights = explain(model, chosen, seed, effort)

    blind = build(effort.network, 2, input_scaling="native", seed=seed)
    labels = planted.shuffled_within(shown.labels, shown.subjects, rng)
    shuffled = replace(shown, labels=labels)
    shuffled_accuracy = train(
        blind, shuffled, tested, seed, effort, f"{region}, shuffled", len(accuracy)
    )
    _, blind_weights = explain(blind, chosen, seed, effort)

    size = segments.shape[-1]
    changed = network_images(chosen.changed, size) >= 128
    random_weights = rng.standard_normal(weights.shape, np.float32)
    maps = {
        name: on_superpixels(importance(w), segments)
        for name, w in (
            ("network", weights),
            ("shuffled", blind_weights),
            ("random", random_weights),
        )
    }
    maps["oracle"] = planted.oracle_maps(segments, changed).astype(np.float32)
    seen = rescale_landmarks(chosen.landmarks, SIZE, size)
    canonical = {
        name: np.stack([warp(m, points, order=0) for m, points in zip(many, seen, strict=True)])
        for name, many in maps.items()
    }
    return Result(
        accuracy[-1],
        len(accuracy),
        shuffled_accuracy[-1],
        maps,
        changed,
        canonical,
        warped_changes(chosen),
    )


def is_held_out(faces: Faces, effort: Effort) -> NDArray[np.bool_]:
    """The last subjects are never trained on."""
    return faces.subjects >= effort.subjects - effort.held_out


def train(
    model: keras.Model,
    shown: Faces,
    tested: Faces,
    seed: int,
    effort: Effort,
    title: str,
    epochs: int | None = None,
) -> list[float]:
    """Fit epoch by epoch, and return the accuracy on held-out faces after each.

    Ends after `epochs`, or where None, when the accuracy asked for is reached, but not before the
    least number of epochs, or after as many as are allowed.
    """
    from humanlike.training import fit

    accuracies: list[float] = []
    for epoch in range(epochs or effort.epochs):
        history = fit(
            model,
            shown.images,
            shown.labels,
            optimizer="rmsprop",
            learning_rate=effort.learning_rate,
            epochs=1,
            batch_size=effort.batch_size,
            seed=seed + epoch,
            validation=(tested.images, tested.labels),
            progress=f"train {title}, epoch {epoch + 1}",
        )
        # Keras' 114 of 120 is just below .95.
        accuracies.append(round(float(history["val_accuracy"].iloc[-1]), 6))
        enough = epochs is None and len(accuracies) >= effort.least_epochs
        if enough and accuracies[-1] >= effort.accuracy:
            break
    return accuracies


def choose(
    right: NDArray[np.bool_], labels: NDArray[np.integer], each: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Positions of up to `each` rightly told faces of each label, drawn at random, in order."""
    drawn = [rng.permutation(np.flatnonzero(right & (labels == label)))[:each] for label in (0, 1)]
    return np.sort(np.concatenate(drawn))


def explain(
    model: keras.Model, faces: Faces, seed: int, effort: Effort
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Superpixels of each face, and LIME's weights of them for the class that is predicted."""
    from humanlike.explainers import lime, runtimes
    from humanlike.training import network_images, predict

    predictor = runtimes.prepare(model, "openvino")
    found = lime.explain(
        predictor,
        network_images(faces.images, predictor.size),
        predict(model, faces.images).argmax(axis=1),
        seeds=np.random.SeedSequence(seed).generate_state(len(faces.images)),
        samples=effort.samples,
        sampling=effort.sampling,
        superpixels=effort.superpixels,
        emulate=effort.emulate,
    )
    return found.segments, found.weights


def on_superpixels(
    weights: NDArray[np.float32], superpixels: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Maps (N, H, W) of weights (N, d) on the superpixels (N, H, W)."""
    return np.stack([row[labels] for row, labels in zip(weights, superpixels, strict=True)])


def tabulate(
    results: Mapping[str, Result], places: Mapping[str, NDArray[np.bool_]], accuracy: float
) -> pd.DataFrame:
    """A row for each planted region: accuracies, attention to every region, concentrations."""
    rows = []
    for region, result in results.items():
        seen = planted.attention(result.canonical["network"].mean(axis=0), places)
        ratios, canonical = (
            {name: planted.concentration(maps[name], changed) for name in EXPLAINED}
            for maps, changed in (
                (result.maps, result.changed),
                (result.canonical, result.canonical_changed),
            )
        )
        first = max(seen, key=seen.__getitem__)
        rows.append(
            {
                "region": region,
                "accuracy": result.accuracy,
                "epochs": result.epochs,
                "shuffled_accuracy": result.shuffled_accuracy,
                "area": result.changed.mean(),
                **ratios,
                "first": first,
                "canonical_area": result.canonical_changed.mean(),
                **{f"canonical_{name}": value for name, value in canonical.items()},
                **{f"attention_{name}": value for name, value in seen.items()},
                "passed": result.accuracy >= accuracy
                and first == region
                and ratios["network"] >= LEAST_CONCENTRATION
                and ratios["shuffled"] <= MOST_OF_SHUFFLED,
            }
        )
    return pd.DataFrame(rows).round(4)


def in_columns(table: pd.DataFrame) -> str:
    """The table for a terminal."""
    shown = table[["region", "accuracy", "epochs", "first", "area", *EXPLAINED]]
    shown = shown.rename(columns={"first": "looked at most"})
    formats = dict.fromkeys(("accuracy", "area"), "{:.1%}".format)
    formats |= dict.fromkeys(EXPLAINED, "{:.2f}".format)
    return (
        "Importance inside the truly changing pixels, relative to their area (1 is chance):\n\n"
        + shown.to_string(index=False, formatters=formats)
    )


def verdict(table: pd.DataFrame, accuracy: float) -> str:
    """What the table says, in one line."""
    missed = {
        f"the network did not reach {accuracy:.0%} on held-out subjects in": table["accuracy"]
        < accuracy,
        "the heatmaps look elsewhere than at the planted region in": table["first"]
        != table["region"],
        f"importance inside the changing pixels is below {LEAST_CONCENTRATION:g} times their area "
        "in": table["network"] < LEAST_CONCENTRATION,
        f"shuffled labels score above {MOST_OF_SHUFFLED:g} in": table["shuffled"]
        > MOST_OF_SHUFFLED,
    }
    said = [
        f"{words} {', '.join(table['region'][rows])}"
        for words, rows in missed.items()
        if rows.any()
    ]
    if said:
        return f"Not all as it should be: {'; '.join(said)}."
    return (
        f"The heatmaps found the planted region in {len(table)} of {len(table)} sets, and those of "
        "networks trained on shuffled labels did not: here, a heatmap shows what the network uses."
    )


def picture(
    sets: Mapping[str, Faces],
    results: Mapping[str, Result],
    places: Mapping[str, NDArray[np.bool_]],
) -> Figure:
    """Mean heatmaps over the mean face, with the planted region's outline."""
    pictures, notes = {}, {}
    for region, result in results.items():
        faces = sets[region]
        mean_face = np.mean(
            [warp(i, p) for i, p in zip(faces.images, faces.landmarks, strict=True)], axis=0
        ).astype(np.uint8)
        for name in EXPLAINED:
            pictures[name, region] = figures.heatmap_over_face(
                result.canonical[name].mean(axis=0), mean_face, places[region]
            )
            ratio = planted.concentration(result.maps[name], result.changed)
            notes[name, region] = f"{ratio:.2f}"
    return figures.heatmap_grid(pictures, notes)
