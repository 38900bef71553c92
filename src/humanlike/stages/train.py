"""Fit one network on one fold, and keep the model and what it says of the faces it never saw."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd

from humanlike import artifacts
from humanlike.errors import HumanlikeError
from humanlike.faces.augment import Augmentation
from humanlike.params import load


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
    history = training.fit(
        model,
        images[shown],
        labels[shown],
        landmarks=landmarks[shown],
        validation=(images[tested], labels[tested]),
        augmentation=Augmentation(**settings.augmentation.model_dump()),
        seed=settings.seed,
        progress=f"train {network} fold {fold}",
        **settings.optimisation[network].model_dump(),
    )
    probabilities = training.predict(model, images[tested])

    with artifacts.whole(artifacts.unit("models", network, fold, ".keras")) as temporary:
        save(model, temporary)
    artifacts.write_table(artifacts.unit("history", network, fold, ".csv"), history)
    artifacts.write_table(
        artifacts.unit("predictions", network, fold, ".csv"),
        predictions(faces.iloc[tested], probabilities, params.labels),
    )


def predictions(faces: pd.DataFrame, probabilities: Any, labels: list[str]) -> pd.DataFrame:
    """One row a test face: its label, the predicted label, and each class's probability."""
    table = faces[["face", "expression"]].copy()
    table["predicted"] = np.asarray(labels)[probabilities.argmax(axis=1)]
    table[[f"p_{label}" for label in labels]] = probabilities
    return table
