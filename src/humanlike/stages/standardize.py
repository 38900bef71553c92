"""Warp the explanations of one network and fold onto the standard face."""

from __future__ import annotations

from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from humanlike import artifacts
from humanlike.canonical.geometry import HEIGHT, WIDTH, rescale_landmarks
from humanlike.canonical.warp import warp
from humanlike.explainers.importance import importance
from humanlike.params import load
from humanlike.progress import bar

#: What scoring needs of the explanations as they are; the first two only superpixels have, the
#: last two only what was computed in a lower precision than float32, or tried to be.
PASSED_ON = ("r2", "n_superpixels", "checked", "curves", "precision", "precision_error")

#: What methods with superpixels find for every face, and once more for the checked ones.
WEIGHTS = ("weights", "weights_again")


def run(network: str, fold: int) -> None:
    """Write the standardised importance maps, mean face and superpixels, where there are any."""
    params = load()
    params.check_unit(network, fold)
    source = artifacts.unit("explanations", network, fold, ".npz")
    explained = artifacts.read_arrays(source, "face", "predicted", *WEIGHTS, *PASSED_ON)
    people = artifacts.read_table(artifacts.FACES / "faces.csv")
    landmarks = artifacts.read_array(artifacts.FACES / "landmarks.npy")

    faces, cut = explained["face"], "weights" in explained
    found, found_again = (
        iter(explained[key]) if cut else artifacts.read_rows(source, key)
        for key in (WEIGHTS if cut else ("maps", "maps_again"))
    )
    segments = artifacts.read_rows(source, "segments") if cut else repeat(None, len(faces))
    positive_only = params.standardize.positive_only
    path = artifacts.unit("standardized", network, fold, ".npz")
    shape = (HEIGHT, WIDTH)
    mean_face = np.zeros(shape)
    with (
        artifacts.Rows(path, shape, np.uint8) as superpixels,
        artifacts.Rows(path, shape, np.float32) as maps,
        artifacts.Rows(path, shape, np.float32) as maps_again,
        bar(faces, f"standardize {network} fold {fold}", unit="face") as progress,
    ):
        for face, one, parts, checked in zip(
            progress, found, segments, explained["checked"], strict=True
        ):
            # Mapped anew for each, as what was read of a mapped file counts as this process's.
            image = artifacts.read_array(artifacts.FACES / "images.npy")[face]
            # The network saw the face at its own size, and so did the explainer.
            seen = rescale_landmarks(
                landmarks[face], len(image), len(one if parts is None else parts)
            )
            labels = None if parts is None else warp(parts, seen, order=0)
            if labels is not None:
                superpixels.append(labels)
            maps.append(laid_on(one, positive_only, seen, labels))
            if checked:
                maps_again.append(laid_on(next(found_again), positive_only, seen, labels))
            mean_face += warp(image, landmarks[face], order=1)
        artifacts.write_arrays(
            path,
            face=faces,
            subject=people["subject"].to_numpy(str)[faces],
            predicted=explained["predicted"],
            **({"superpixels": superpixels} if cut else {}),
            maps=maps,
            maps_again=maps_again,
            mean_face=(mean_face / max(len(faces), 1)).round().astype(np.uint8),
            **{key: explained[key] for key in PASSED_ON if key in explained},
        )


def laid_on(
    found: NDArray[np.float32],
    positive_only: bool,
    landmarks: NDArray[np.floating],
    superpixels: NDArray[np.uint8] | None,
) -> NDArray[np.float32]:
    """Importance on the standard face, of a map (S, S) or of weights (d,) of superpixels (H, W)."""
    (found,) = importance(found[np.newaxis], positive_only)
    return warp(found, landmarks) if superpixels is None else found[superpixels]
