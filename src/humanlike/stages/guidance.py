"""Where networks are taught to look while they learn, if they are; see `humanlike.guidance`.

A stage of its own between evidence and train: of what it reads, trainings depend on the bytes that
it writes alone. While guidance is off, these are the same whatever becomes of the evidence, the
references or the score's code, and nothing is trained again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from humanlike import artifacts
from humanlike.alignment.evidence import face_region
from humanlike.errors import HumanlikeError
from humanlike.params import Params, load
from humanlike.report.pictures import read_reference


def run() -> None:
    """Write the region of each expression, and how networks are taught to look there.

    Raises
    ------
    HumanlikeError
        As `regions`.
    """
    params = load()
    asked = params.train.guidance
    if asked.weight == 0:
        artifacts.write_arrays(artifacts.GUIDANCE, weight=np.array(0.0))
        return
    artifacts.write_arrays(
        artifacts.GUIDANCE,
        weight=np.array(asked.weight),
        hidden=np.array(asked.hidden),
        regions=regions(params),
    )


def regions(params: Params) -> NDArray[np.bool_]:
    """The region (HEIGHT, WIDTH) of each of `params.labels`.

    The whole face for those without one. Permuted, each expression that has a region is given the
    next one's, and the last the first's.

    Raises
    ------
    HumanlikeError
        The reference cannot be read, or a map of it has no region.
    """
    asked = params.train.guidance
    found = (
        {} if asked.reference == "none" else read_reference(asked.reference, params.labels).masks()
    )
    named = [label for label in params.labels if label in found]
    moved = named[1:] + named[:1] if asked.permuted else named
    given = {label: found[other] for label, other in zip(named, moved, strict=True)}
    for label, region in given.items():
        if not region.any():
            raise HumanlikeError(
                f"train.guidance.reference: the map of {label} in {asked.reference} is the same "
                "everywhere, and no region; draw one, or delete the map to mean the whole face"
            )
    return np.stack([given.get(label, face_region()) for label in params.labels])
