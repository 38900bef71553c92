"""Warp the explanations of one network and fold onto the standard face."""

from __future__ import annotations

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


def run(network: str, fold: int) -> None:
    """Write the standardised importance maps, mean face and superpixels, where there are any."""
    params = load()
    params.check_unit(network, fold)
    explained = artifacts.read_arrays(artifacts.unit("explanations", network, fold, ".npz"))
    people = artifacts.read_table(artifacts.FACES / "faces.csv")
    images = artifacts.read_array(artifacts.FACES / "images.npy")
    landmarks = artifacts.read_array(artifacts.FACES / "landmarks.npy")

    faces, segments = explained["face"], explained.get("segments")
    found, found_again = (
        importance(explained[key], params.standardize.positive_only)
        for key in (("maps", "maps_again") if segments is None else ("weights", "weights_again"))
    )
    size = (found if segments is None else segments).shape[-1]
    shape = (len(faces), HEIGHT, WIDTH)
    superpixels = np.empty(shape if segments is not None else (0, 0, 0), np.uint8)
    maps = np.empty(shape, np.float32)
    maps_again = []
    mean_face = np.zeros(shape[1:])
    again = iter(found_again)
    for i, face in enumerate(bar(faces, f"standardize {network} fold {fold}", unit="face")):
        # The network saw the face at its own size, and so did the explainer.
        seen = rescale_landmarks(landmarks[face], images.shape[-1], size)
        labels = None
        if segments is not None:
            labels = superpixels[i] = warp(segments[i], seen, order=0)
        maps[i] = laid_on(found[i], seen, labels)
        if explained["checked"][i]:
            maps_again.append(laid_on(next(again), seen, labels))
        mean_face += warp(images[face], landmarks[face], order=1)
    artifacts.write_arrays(
        artifacts.unit("standardized", network, fold, ".npz"),
        face=faces,
        subject=people["subject"].to_numpy(str)[faces],
        predicted=explained["predicted"],
        **({} if segments is None else {"superpixels": superpixels}),
        maps=maps,
        maps_again=np.array(maps_again, np.float32).reshape(-1, HEIGHT, WIDTH),
        mean_face=(mean_face / max(len(faces), 1)).round().astype(np.uint8),
        **{key: explained[key] for key in PASSED_ON if key in explained},
    )


def laid_on(
    found: NDArray[np.float32],
    landmarks: NDArray[np.floating],
    superpixels: NDArray[np.uint8] | None,
) -> NDArray[np.float32]:
    """The standard face's map of a map (S, S), or of weights (d,) of its superpixels (H, W)."""
    return warp(found, landmarks) if superpixels is None else found[superpixels]
