"""How far a lower precision moves a network's explanations, and the precision to be had for it.

Rounding is one more source of error beside the sampling of perturbed images, and a network's own:
one that amplifies it is found out by a trial, on the very processor, and stays in float32.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from humanlike.explainers import lime, runtimes
from humanlike.explainers.quantization import INTEGERS, NotInIntegersError, Trial
from humanlike.networks.inputs import network_images

#: Faces that a distance is measured on, and samples of each.
FACES, SAMPLES = 2, 64

#: Of fewer faces it is not worth while to fit a network to integers, which takes seconds.
WORTH_FITTING = 100

#: The largest distance that is allowed: half the error that 1,000 samples leave of the smoothest
#: networks, to which it adds an eighth.
LARGEST = 0.05


def choose(
    model: Path, runtime: str, asked: str, images: NDArray[np.uint8], trial: Trial, n: int
) -> tuple[str, float | None]:
    """The precision that a network is explained in, and the distance that it costs.

    Parameters
    ----------
    model
        The network's file.
    runtime
        What computes it; see `humanlike.explainers.runtimes.prepare`.
    asked
        A precision, or ``auto``: the lowest that the processor has and whose explanations of a few
        faces lie within `LARGEST` of float32's; float32 where none is. Errors decide, and
        no time: on one kind of processor the choice is always the same.
    images : (FACES, S, S) uint8
        The faces that distances are measured on.
    trial
        Others, which a network in integers is fitted to.
    n
        Faces to be explained. Below `WORTH_FITTING`, ``auto`` leaves integers out.

    Returns
    -------
    precision : str
    distance : float or None
        As `distance` gives it; None where float32 was asked for or is all there is.

    Raises
    ------
    NotInIntegersError
        Integers were asked for by name, and the network cannot be computed in them.
    """
    if asked != "auto":
        lower = [] if asked == "float32" else [asked]
    else:
        lower = runtimes.OpenVINO.precisions()[1:] if runtime == "openvino" else []
        lower = [name for name in lower if name not in INTEGERS or n >= WORTH_FITTING]
    if not lower or not len(images):
        return ("float32" if asked == "auto" else asked), None
    distances = []
    for name in reversed(lower):
        try:
            far = distance(model, runtime, name, images, trial)
        except NotInIntegersError:
            if asked != "auto":
                raise
            continue
        if name == asked or far <= LARGEST:
            return name, far
        distances.append(far)
    return "float32", min(distances, default=None)


def distance(
    model: Path, runtime: str, precision: str, images: NDArray[np.uint8], trial: Trial
) -> float:
    """How far LIME's weights in a precision lie from float32's of the same samples.

    Relative to the length of float32's, on average over the faces.
    """
    weights = []
    classes = None
    for name in ("float32", precision):
        predictor = runtimes.load(model, runtime, name, trial=trial)
        seen = network_images(images, predictor.size)
        if classes is None:
            whole = np.zeros(seen.shape, np.uint8), np.ones((len(seen), 1, 1), np.uint8)
            classes = predictor.probabilities(seen, *whole)[:, 0].argmax(axis=1)
        seeds = np.arange(len(seen))
        found = lime.explain(
            predictor, seen, classes, seeds=seeds, samples=SAMPLES, sampling="paired"
        )
        weights.append(np.nan_to_num(found.weights.astype(float)))
    exact, lower = weights
    length = np.linalg.norm(exact, axis=1)
    moved = np.linalg.norm(lower - exact, axis=1)
    # A network that nothing changes has no weights; whatever a precision makes of it is wrong.
    return float(np.where(length > 0, moved / np.maximum(length, 1e-30), moved > 0).mean())
