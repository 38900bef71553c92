"""Explain what one network says of the faces of its held-out fold.

The work goes in chunks of faces, each written as soon as it is done: a run that was killed goes on
from its last chunk, and ends with the bytes of one that was not. Every face has a seed of its own,
so neither the chunks nor where they were computed change a result.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import humanlike.explainers
from humanlike import artifacts, cluster
from humanlike.errors import HumanlikeError
from humanlike.explainers.faithfulness import CURVES, SHARES
from humanlike.explainers.methods import METHODS
from humanlike.networks.inputs import network_images
from humanlike.params import Params, load
from humanlike.progress import bar

if TYPE_CHECKING:
    from humanlike.explainers.quantization import Trial

FACES_PER_CHUNK = 10
RUNTIME_OF_GRADIENTS = ("tensorflow", "float32")
UNFINISHED = artifacts.ARTIFACTS / "unfinished"

#: A folder's name ends in its `fingerprint`; a half-written chunk has a dot and a process' number.
FOLDER = re.compile(r".+-fold\d+-[0-9a-f]{16}")
CHUNK = re.compile(r"\d{5}\.npz|\.\d{5}\.\d+\.npz")

#: What is as large as the picture that the network sees; memory does not hold them all at once.
PICTURES = ("segments", "maps", "maps_again")


def run(network: str, fold: int) -> None:
    """Write the explanations of one network and fold.

    Raises
    ------
    HumanlikeError
        The network or fold is not in params.yaml, an input is missing or damaged, or the machine
        lacks the asked precision.
    """
    params = load()
    params.check_unit(network, fold)
    model = artifacts.unit("models", network, fold, ".keras")
    chosen = choose(
        artifacts.read_table(artifacts.unit("predictions", network, fold, ".csv")),
        params.labels,
        params.explain.positives_per_class,
        params.explain.checked_per_class,
        params.explain.seed,
    )
    say_who_computes(params)
    faces = artifacts.read_array(artifacts.FACES / "images.npy")
    settings = explainer_settings(params)
    settings["precision"], moved, trial = precision(model, params, faces, chosen["face"])
    known = fingerprint(model, chosen, {**settings, "seed": params.explain.seed})
    folder = UNFINISHED / f"{network}-fold{fold}-{known}"
    chunks = [
        chosen.iloc[start : start + FACES_PER_CHUNK]
        for start in range(0, len(chosen), FACES_PER_CHUNK)
    ]
    paths = [folder / f"{number:05d}.npz" for number in range(len(chunks))]
    todo = [number for number, path in enumerate(paths) if not path.exists()]

    def task(number: int) -> dict[str, Any]:
        chunk = chunks[number]
        return {
            "images": np.ascontiguousarray(faces[chunk["face"].to_numpy()]),
            "classes": chunk["predicted"].map(params.labels.index).to_numpy(),
            "seeds": seeds(chunk["face"], params.explain.seed),
            "other_seeds": seeds(chunk["face"], params.explain.seed, again=True),
            "checked": chunk["checked"].to_numpy(),
            "trial": trial,
            "settings": settings,
        }

    with bar(
        total=len(chosen),
        initial=sum(len(chunk) for chunk in chunks) - sum(len(chunks[n]) for n in todo),
        title=f"explain {network} fold {fold}",
        unit="face",
    ) as progress:
        for number, arrays in cluster.run(explain_chunk, model, todo, task):
            artifacts.write_arrays(paths[number], **arrays)
            progress.update(len(chunks[number]))

    target = artifacts.unit("explanations", network, fold, ".npz")
    with join(paths, params.explain.method, target) as found:
        artifacts.write_arrays(
            target,
            face=chosen["face"].to_numpy(np.int64),
            predicted=chosen["predicted"].to_numpy(np.str_),
            checked=chosen["checked"].to_numpy(np.bool_),
            **found,
            **moved,
        )
    forget_chunks(network, fold)


def forget_chunks(network: str, fold: int) -> None:
    """Delete the chunks of a unit that is finished, those of other params and models too.

    Nothing goes but what this stage writes; a folder with anything else in it stays.
    """
    for folder in UNFINISHED.glob(f"{network}-fold{fold}-*"):
        if not FOLDER.fullmatch(folder.name):
            continue
        for path in folder.iterdir():
            if CHUNK.fullmatch(path.name):
                path.unlink()
        with suppress(OSError):
            folder.rmdir()


def choose(
    predictions: pd.DataFrame, labels: Sequence[str], per_class: int, checked: int, seed: int
) -> pd.DataFrame:
    """Draw up to `per_class` of the faces predicted as each label, at random, in order of face.

    The explanations of the first `checked` that are drawn for each label are to be checked.
    """
    parts = []
    for number, label in enumerate(labels):
        rows = predictions[predictions["predicted"] == label]
        rng = np.random.default_rng([seed, number])
        drawn = rows.sample(min(per_class, len(rows)), random_state=rng)
        parts.append(drawn.assign(checked=np.arange(len(drawn)) < checked).sort_values("face"))
    return pd.concat(parts)


def seeds(faces: pd.Series, seed: int, again: bool = False) -> NDArray[np.uint32]:
    """One seed a face, the same whichever chunk the face is in; others when asked again."""
    return np.array(
        [
            np.random.SeedSequence([seed, int(face), *[1] * again]).generate_state(1)[0]
            for face in faces
        ],
        np.uint32,
    )


def explainer_settings(params: Params) -> dict[str, Any]:
    """What the explainer and its runtime are told, apart from the faces."""
    return {
        "method": params.explain.method,
        "hidden": params.explain.hidden,
        "runtime": params.explain.runtime,
        "precision": params.explain.precision,
        **params.method,
    }


def precision(
    model: Path, params: Params, faces: NDArray[np.uint8], chosen: pd.Series
) -> tuple[str, dict[str, NDArray[Any]], Trial]:
    """The precision that computes; what it was found to cost, to be kept; and the trial.

    A network in integers is fitted to faces all over the chosen ones, but for those that its
    distance is then measured on, where there are any others.
    """
    from humanlike.explainers import quantization
    from humanlike.explainers.precision import FACES, choose

    asked, own = params.explain, chosen.to_numpy()
    others = own[FACES:] if len(own) > FACES else own
    step = -(-len(others) // quantization.FACES) or 1
    trial = quantization.Trial.of(faces[others[::step]])
    used, distance = choose(
        model, asked.runtime, asked.precision, faces[own[:FACES]], trial, len(own)
    )
    if distance is None:
        return used, {}, trial
    moved = {"precision": np.array(used), "precision_error": np.array(distance, np.float32)}
    return used, moved, trial


def say_who_computes(params: Params) -> None:
    """Say so where the asked runtime or precision does not serve the method."""
    asked = params.explain
    if METHODS[asked.method].gradients and (asked.runtime, asked.precision) != RUNTIME_OF_GRADIENTS:
        print(
            f"explain: {asked.method} needs gradients, which TensorFlow computes in float32; "
            f"{asked.runtime} ({asked.precision}) takes the checked faces apart",
            file=sys.stderr,
        )


def fingerprint(model: Path, chosen: pd.DataFrame, settings: dict[str, Any]) -> str:
    """Name all that a chunk depends on, so that no other run's chunk is taken for this one's."""
    digest = hashlib.sha256()
    try:
        sources = sorted(Path(humanlike.explainers.__path__[0]).glob("*.py"))
        for path in (model, artifacts.FACES / "images.npy", *sources):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    except FileNotFoundError as error:
        raise HumanlikeError(f"{error.filename}: no such file; `dvc repro` makes it") from None
    digest.update(chosen[["face", "predicted", "checked"]].to_csv().encode())
    digest.update(json.dumps([settings, FACES_PER_CHUNK]).encode())
    return digest.hexdigest()[:16]


def explain_chunk(
    model: Path,
    images: NDArray[np.uint8],
    classes: NDArray[np.int64],
    seeds: NDArray[np.uint32],
    other_seeds: NDArray[np.uint32],
    checked: NDArray[np.bool_],
    trial: Trial,
    settings: dict[str, Any],
) -> dict[str, NDArray[Any]]:
    """Explain a few faces with the model of a file; the model stays loaded for the next chunk.

    The checked ones are explained again with other seeds, and taken apart: superpixel by
    superpixel, or cell by cell of a grid where the method has no superpixels.
    """
    from humanlike.explainers import differentiable, faithfulness, runtimes
    from humanlike.explainers.hiding import Hiding

    options = dict(settings)
    method = METHODS[options.pop("method")]
    runtime = runtimes.load(model, options.pop("runtime"), options.pop("precision"), trial=trial)
    predictor = Hiding(runtime, options.pop("hidden"))
    network = differentiable.load(model) if method.gradients else predictor
    seen = network_images(images, predictor.size)
    found = method.explain(network, seen, classes, seeds, **options)
    seen, classes, other_seeds = seen[checked], classes[checked], other_seeds[checked]
    again = (
        method.explain(network, seen, classes, other_seeds, **options)
        if method.random
        else found[checked]
    )
    if method.superpixels:
        segments, weights = again.segments, found.weights[checked]
    else:
        segments, weights = faithfulness.on_cells(found[checked])
    curves = faithfulness.probability_curves(
        predictor, seen, segments, weights, classes, other_seeds
    )
    if not method.superpixels:
        return {"maps": found, "maps_again": again, "curves": curves}
    return {
        "segments": found.segments,
        "weights": found.weights,
        "r2": found.r2,
        "n_superpixels": found.n_superpixels,
        "weights_again": again.weights,
        "curves": curves,
    }


@contextmanager
def join(
    paths: Sequence[Path], method: str, target: Path
) -> Iterator[Mapping[str, NDArray[Any] | artifacts.Rows]]:
    """Put chunks together, for the file that they end in.

    Weights of faces with fewer superpixels are padded with NaN. Pictures go from file to file.
    """
    if not paths:
        yield nothing(METHODS[method].superpixels)
        return
    first = artifacts.read_arrays(paths[0])
    few = [key for key in first if key not in PICTURES]
    chunks = [artifacts.read_arrays(path, *few) for path in paths]
    widest = max((c["weights"].shape[1] for c in chunks if "weights" in c), default=0)

    def together(key: str) -> NDArray[Any] | artifacts.Rows:
        if key in PICTURES:
            shape, dtype = first[key].shape[1:], first[key].dtype
            rows = spools.enter_context(artifacts.Rows(target, shape, dtype))
            for row in (row for path in paths for row in artifacts.read_rows(path, key)):
                rows.append(row)
            return rows
        arrays = [chunk[key] for chunk in chunks]
        if key.startswith("weights"):
            arrays = [
                np.pad(a, ((0, 0), (0, widest - a.shape[1])), constant_values=np.nan)
                for a in arrays
            ]
        return np.concatenate(arrays)

    with ExitStack() as spools:
        yield {key: together(key) for key in first}


def nothing(superpixels: bool) -> dict[str, NDArray[Any]]:
    """What is found where there is no face to explain."""
    found: dict[str, NDArray[Any]] = (
        {
            "segments": np.zeros((0, 1, 1), np.uint8),
            "weights": np.zeros((0, 1), np.float32),
            "r2": np.zeros(0, np.float32),
            "n_superpixels": np.zeros(0, np.int32),
            "weights_again": np.zeros((0, 1), np.float32),
        }
        if superpixels
        else dict.fromkeys(("maps", "maps_again"), np.zeros((0, 1, 1), np.float32))
    )
    return {**found, "curves": np.zeros((0, len(CURVES), len(SHARES)), np.float32)}
