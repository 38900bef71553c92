"""Explain what one network says of the faces of its held-out fold.

The work goes in chunks of faces, each written as soon as it is done: a run that was killed goes on
from its last chunk, and ends with the bytes of one that was not. Every face has a seed of its own,
so neither the chunks nor where they were computed change a result.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import humanlike.explainers
from humanlike.errors import HumanlikeError
from humanlike.networks.registry import NETWORKS
from humanlike.params import Params, load
from humanlike.progress import bar
from humanlike.stages import cluster, files
from humanlike.stages.train import check_unit

FACES_PER_CHUNK = 10
UNFINISHED = files.ARTIFACTS / "unfinished"


def run(network: str, fold: int) -> None:
    """Write the explanations of one network and fold.

    Raises
    ------
    HumanlikeError
        The network or fold is not in params.yaml, an input is missing or damaged, or the machine
        lacks the asked precision.
    """
    params = load()
    check_unit(params, network, fold)
    model = files.unit("models", network, fold, ".keras")
    chosen = choose(
        files.read_table(files.unit("predictions", network, fold, ".csv")),
        params.labels,
        params.explain.positives_per_class,
        params.explain.seed,
    )
    settings = explainer_settings(params)
    folder = UNFINISHED / f"{network}-fold{fold}-{fingerprint(model, chosen, settings)}"
    chunks = [
        chosen.iloc[start : start + FACES_PER_CHUNK]
        for start in range(0, len(chosen), FACES_PER_CHUNK)
    ]
    paths = [folder / f"{number:05d}.npz" for number in range(len(chunks))]
    todo = [number for number, path in enumerate(paths) if not path.exists()]

    faces = files.read_array(files.FACES / "images.npy")
    size = NETWORKS[network].input_size

    def task(number: int) -> dict[str, Any]:
        chunk = chunks[number]
        return {
            "images": np.ascontiguousarray(faces[chunk["face"].to_numpy()]),
            "size": size,
            "classes": chunk["predicted"].map(params.labels.index).to_numpy(),
            "seeds": seeds(chunk["face"], params.explain.seed),
            "settings": settings,
        }

    with bar(
        total=len(chosen),
        initial=sum(len(chunk) for chunk in chunks) - sum(len(chunks[n]) for n in todo),
        title=f"explain {network} fold {fold}",
        unit="face",
    ) as progress:
        for number, arrays in cluster.run(explain_chunk, model, todo, task):
            files.write_arrays(paths[number], **arrays)
            progress.update(len(chunks[number]))

    files.write_arrays(
        files.unit("explanations", network, fold, ".npz"),
        face=chosen["face"].to_numpy(np.int64),
        predicted=chosen["predicted"].to_numpy(np.str_),
        **join([files.read_arrays(path) for path in paths], size),
    )
    shutil.rmtree(folder, ignore_errors=True)


def choose(
    predictions: pd.DataFrame, labels: Sequence[str], per_class: int, seed: int
) -> pd.DataFrame:
    """Draw up to `per_class` of the faces predicted as each label, at random, in order of face."""
    parts = []
    for number, label in enumerate(labels):
        rows = predictions[predictions["predicted"] == label]
        rng = np.random.default_rng([seed, number])
        parts.append(rows.sample(min(per_class, len(rows)), random_state=rng).sort_values("face"))
    return pd.concat(parts)


def seeds(faces: pd.Series, seed: int) -> NDArray[np.uint32]:
    """One seed a face, the same whichever chunk the face is in."""
    return np.array(
        [np.random.SeedSequence([seed, int(face)]).generate_state(1)[0] for face in faces],
        np.uint32,
    )


def explainer_settings(params: Params) -> dict[str, Any]:
    """What the explainer and its runtime are told, apart from the faces."""
    return {
        "runtime": params.explain.runtime,
        "precision": params.explain.precision,
        **params.lime.model_dump(),
    }


def fingerprint(model: Path, chosen: pd.DataFrame, settings: dict[str, Any]) -> str:
    """Name all that a chunk depends on, so that no other run's chunk is taken for this one's."""
    digest = hashlib.sha256()
    try:
        sources = sorted(Path(humanlike.explainers.__path__[0]).glob("*.py"))
        for path in (model, files.FACES / "images.npy", *sources):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    except FileNotFoundError as error:
        raise HumanlikeError(f"{error.filename}: no such file; `dvc repro` makes it") from None
    digest.update(chosen[["face", "predicted"]].to_csv().encode())
    digest.update(json.dumps([settings, FACES_PER_CHUNK]).encode())
    return digest.hexdigest()[:16]


def explain_chunk(
    model: Path,
    images: NDArray[np.uint8],
    size: int,
    classes: NDArray[np.int64],
    seeds: NDArray[np.uint32],
    settings: dict[str, Any],
) -> dict[str, NDArray[Any]]:
    """Explain a few faces with the model of a file; the model stays loaded for the next chunk."""
    from humanlike.explainers import lime, runtimes
    from humanlike.training import network_images

    options = dict(settings)
    predictor = runtimes.load(model, options.pop("runtime"), options.pop("precision"))
    found = lime.explain(predictor, network_images(images, size), classes, seeds=seeds, **options)
    return {
        "segments": found.segments,
        "weights": found.weights,
        "r2": found.r2,
        "n_superpixels": found.n_superpixels,
    }


def join(chunks: list[dict[str, NDArray[Any]]], size: int) -> dict[str, NDArray[Any]]:
    """Put chunks together; weights of faces with fewer superpixels are padded with NaN."""
    if not chunks:
        return {
            "segments": np.zeros((0, size, size), np.uint8),
            "weights": np.zeros((0, 1), np.float32),
            "r2": np.zeros(0, np.float32),
            "n_superpixels": np.zeros(0, np.int32),
        }
    widest = max(chunk["weights"].shape[1] for chunk in chunks)
    joined = {
        key: np.concatenate([chunk[key] for chunk in chunks])
        for key in ("segments", "r2", "n_superpixels")
    }
    joined["weights"] = np.concatenate(
        [
            np.pad(
                chunk["weights"],
                ((0, 0), (0, widest - chunk["weights"].shape[1])),
                constant_values=np.nan,
            )
            for chunk in chunks
        ]
    )
    return joined
