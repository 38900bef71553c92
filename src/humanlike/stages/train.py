"""Fit one network on one fold, and keep the model and what it says of the faces it never saw."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanlike import artifacts
from humanlike.errors import HumanlikeError
from humanlike.faces.augment import Augmentation
from humanlike.networks.inputs import network_images
from humanlike.params import ModelFile, Params, load

if TYPE_CHECKING:
    from humanlike.guidance import Guidance


def run(network: str, fold: int) -> None:
    """Train `network` on every fold but `fold`; write model, history and test predictions.

    Raises
    ------
    HumanlikeError
        The fold has no test or no training faces, weights cannot be had, or the loss is not finite.
    """
    params = load()
    params.check_unit(network, fold)
    faces = artifacts.read_table(artifacts.FACES / "faces.csv")
    held_out = (faces["fold"] == fold).to_numpy()
    origin = params.train.optimisation[network]
    if isinstance(origin, ModelFile):
        take(network, fold, origin, faces[held_out], params)
        return
    for part, rows in (("test", held_out), ("training", ~held_out)):
        if not rows.any():
            raise HumanlikeError(
                f"train {network} fold {fold}: there are no {part} faces; "
                "lower preprocess.folds or add photographs (see plots/rejected.csv)"
            )
        absent = [label for label in params.labels if label not in set(faces["expression"][rows])]
        if absent:
            names = ", ".join(absent)
            print(f"train {network} fold {fold}: no {part} faces of {names}", file=sys.stderr)

    from humanlike import training
    from humanlike.networks.builder import build
    from humanlike.networks.files import save

    settings = params.train
    training.use_threads(settings.threads)
    images = artifacts.read_array(artifacts.FACES / "images.npy")
    landmarks = artifacts.read_array(artifacts.FACES / "landmarks.npy")
    labels = faces["expression"].map(params.labels.index).to_numpy()
    shown, tested = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    if settings.limit is not None and settings.limit < len(shown):
        rng = np.random.default_rng(settings.seed)
        shown = np.sort(rng.choice(shown, settings.limit, replace=False))
    model = build(
        network,
        len(params.labels),
        weights=artifacts.weights(settings.weights),
        input_scaling=settings.input_scaling,
        seed=settings.seed,
    )
    progress = f"train {network} fold {fold}"
    precision = training.choose_precision(settings.precision)
    size = model.input_shape[1]
    history = training.fit(
        model,
        images[shown],
        labels[shown],
        landmarks=landmarks[shown],
        guidance=guidance(images[shown], landmarks[shown], labels[shown], size, progress),
        validation=(images[tested], labels[tested]),
        augmentation=Augmentation(**settings.augmentation.model_dump()),
        seed=settings.seed,
        progress=progress,
        precision=precision,
        **origin.model_dump(),
    )
    history["precision"] = precision
    probabilities = training.predict(model, images[tested])

    with artifacts.whole(artifacts.unit("models", network, fold, ".keras")) as temporary:
        save(model, temporary)
    artifacts.write_table(artifacts.unit("history", network, fold, ".csv"), history)
    artifacts.write_table(
        artifacts.unit("predictions", network, fold, ".csv"),
        predictions(faces.iloc[tested], probabilities, params.labels),
    )


def guidance(
    images: NDArray[np.uint8],
    landmarks: NDArray[np.float32],
    labels: NDArray[np.int64],
    size: int,
    progress: str,
) -> Guidance | None:
    """What is hidden of the training faces while a network learns; None where nothing is."""
    asked = artifacts.read_arrays(artifacts.GUIDANCE)
    if asked["weight"] == 0:
        return None

    from humanlike.canonical.geometry import rescale_landmarks
    from humanlike.guidance import guide

    return guide(
        network_images(images, size),
        rescale_landmarks(landmarks, images.shape[-1], size),
        asked["regions"],
        labels,
        weight=float(asked["weight"]),
        hidden=str(asked["hidden"]),
        progress=f"{progress}: superpixels",
    )


def take(network: str, fold: int, origin: ModelFile, faces: pd.DataFrame, params: Params) -> None:
    """Take a network from its file instead of training it; its history is empty.

    Raises
    ------
    HumanlikeError
        The file is not the one that the params name, cannot be opened safely, or knows other
        classes than `expressions` names.
    """
    from humanlike.networks.conventions import (
        OTHER,
        are_probabilities,
        column_order,
        parse_classes,
        softmax,
    )
    from humanlike.networks.foreign import open_model

    path = Path(origin.file)
    found = artifacts.digest(path)
    if found != origin.sha256:
        raise HumanlikeError(
            f"{path}: its SHA-256 is {found}, and not train.optimisation.{network}.sha256; change"
            " that if this is the file that you mean"
        )
    opened = open_model(path, origin.size)
    classes = parse_classes(origin.classes, opened.outputs)
    order = column_order(classes)
    known = [classes[output] for output in order if classes[output] != OTHER]
    if known != params.labels:
        raise HumanlikeError(
            f"{path} tells {', '.join(known)} apart, and expressions of params.yaml names"
            f" {', '.join(params.labels)}; name the same in both"
        )
    if faces.empty:
        raise HumanlikeError(f"train {network} fold {fold}: there are no faces in this fold")
    images = artifacts.read_array(artifacts.FACES / "images.npy")[faces.index.to_numpy()]
    outputs = opened.predict(network_images(images, opened.size), origin.input)
    logits = not are_probabilities(outputs)
    with artifacts.whole(artifacts.unit("models", network, fold, ".keras")) as temporary:
        opened.save(temporary, origin.input, order, logits)
    probabilities = (softmax(outputs) if logits else outputs)[:, order]
    labels = [*known, *(f"other{number}" for number in range(len(known), len(order)))]
    empty = pd.DataFrame(columns=["epoch", "loss", "accuracy", "val_loss", "val_accuracy"])
    artifacts.write_table(artifacts.unit("history", network, fold, ".csv"), empty)
    artifacts.write_table(
        artifacts.unit("predictions", network, fold, ".csv"),
        predictions(faces, probabilities, labels),
    )


def predictions(faces: pd.DataFrame, probabilities: Any, labels: list[str]) -> pd.DataFrame:
    """One row a test face: its label, the predicted label, and each class's probability."""
    table = faces[["face", "expression"]].copy()
    table["predicted"] = np.asarray(labels)[probabilities.argmax(axis=1)]
    table[[f"p_{label}" for label in labels]] = probabilities
    return table
