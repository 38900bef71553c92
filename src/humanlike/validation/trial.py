"""Train on a set and on its shuffled labels, and explain both networks on the same faces."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from humanlike.alignment import planted
from humanlike.canonical.geometry import rescale_landmarks
from humanlike.canonical.warp import warp
from humanlike.explainers.importance import importance
from humanlike.networks.inputs import network_images
from humanlike.validation.sets import REGIONS, SIZE, Effort, Faces, is_held_out, warped_changes

if TYPE_CHECKING:
    import keras

#: Who weighs the superpixels, in the order of the table.
EXPLAINED = ("network", "shuffled", "random", "oracle")


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


@dataclass(frozen=True)
class Pair:
    """Two networks, one of a set and one of its shuffled labels, and faces to explain."""

    model: keras.Model
    blind: keras.Model
    faces: Faces  #: held-out ones that the trained network tells rightly, as many of each label
    accuracies: list[float]  #: of the first after each epoch, on held-out subjects
    shuffled_accuracy: float


def train_pair(
    region: str, faces: Faces, seed: int, effort: Effort, rng: np.random.Generator
) -> Pair:
    """Train on one set and on its shuffled labels, and choose the faces to explain."""
    from humanlike.networks.builder import build
    from humanlike.training import predict

    held_out = is_held_out(faces, effort)
    shown, tested = faces[~held_out], faces[held_out]
    model = build(effort.network, 2, input_scaling="native", seed=seed)
    accuracy = train(model, shown, tested, seed, effort, region)
    predicted = predict(model, tested.images).argmax(axis=1)
    chosen = tested[choose(predicted == tested.labels, tested.labels, effort.explained, rng)]

    blind = build(effort.network, 2, input_scaling="native", seed=seed)
    labels = planted.shuffled_within(shown.labels, shown.subjects, rng)
    shuffled = replace(shown, labels=labels)
    shuffled_accuracy = train(
        blind, shuffled, tested, seed, effort, f"{region}, shuffled", len(accuracy)
    )
    return Pair(model, blind, chosen, accuracy, shuffled_accuracy[-1])


def explain_set(region: str, faces: Faces, seed: int, effort: Effort) -> Result:
    """Train on one set and on its shuffled labels, and explain both networks on the same faces."""

    rng = np.random.default_rng([seed, REGIONS.index(region)])
    pair = train_pair(region, faces, seed, effort, rng)
    chosen = pair.faces
    segments, weights = explain(pair.model, chosen, seed, effort)
    _, blind_weights = explain(pair.blind, chosen, seed, effort)

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
        pair.accuracies[-1],
        len(pair.accuracies),
        pair.shuffled_accuracy,
        maps,
        changed,
        canonical,
        warped_changes(chosen),
    )


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
    from humanlike.training import predict

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
