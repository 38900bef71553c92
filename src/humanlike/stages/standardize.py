"""Warp the explanations of one network and fold onto the standard face."""

from __future__ import annotations

import numpy as np

from humanlike import artifacts
from humanlike.canonical.geometry import HEIGHT, WIDTH, rescale_landmarks
from humanlike.canonical.warp import warp
from humanlike.explainers.importance import importance
from humanlike.params import load
from humanlike.progress import bar


def run(network: str, fold: int) -> None:
    """Write the standardised importance maps, superpixels and mean face of one network and fold."""
    params = load()
    params.check_unit(network, fold)
    explained = artifacts.read_arrays(artifacts.unit("explanations", network, fold, ".npz"))
    people = artifacts.read_table(artifacts.FACES / "faces.csv")
    images = artifacts.read_array(artifacts.FACES / "images.npy")
    landmarks = artifacts.read_array(artifacts.FACES / "landmarks.npy")

    segments, faces = explained["segments"], explained["face"]
    weights = importance(explained["weights"], params.standardize.positive_only)
    shape = (len(faces), HEIGHT, WIDTH)
    superpixels = np.empty(shape, np.uint8)
    maps = np.empty(shape, np.float32)
    mean_face = np.zeros(shape[1:])
    for i, face in enumerate(bar(faces, f"standardize {network} fold {fold}", unit="face")):
        # The network saw the face at its own size, and so did the superpixels.
        seen = rescale_landmarks(landmarks[face], images.shape[-1], segments.shape[-1])
        superpixels[i] = warp(segments[i], seen, order=0)
        maps[i] = weights[i, superpixels[i]]
        mean_face += warp(images[face], landmarks[face], order=1)
    again = importance(explained["weights_again"], params.standardize.positive_only)
    checked = np.flatnonzero(explained["checked"])
    maps_again = [row[superpixels[i]] for row, i in zip(again, checked, strict=True)]
    artifacts.write_arrays(
        artifacts.unit("standardized", network, fold, ".npz"),
        face=faces,
        # Two data sets may give two people one name.
        subject=(people["dataset"] + "/" + people["subject"]).to_numpy(str)[faces],
        predicted=explained["predicted"],
        superpixels=superpixels,
        maps=maps,
        maps_again=np.array(maps_again, np.float32).reshape(-1, HEIGHT, WIDTH),
        mean_face=(mean_face / max(len(faces), 1)).round().astype(np.uint8),
        **{key: explained[key] for key in ("r2", "n_superpixels", "checked", "curves")},
    )
