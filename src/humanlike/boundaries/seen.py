"""A made photograph becomes what networks see, the way that photographs take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from humanlike.boundaries.targets import Target
from humanlike.faces.align import align
from humanlike.faces.detect import Detector
from humanlike.faces.extract import find_face


class Judges(NamedTuple):
    """Who judges what is made, and how photographs come before them."""

    #: Each from (n, S, S) uint8 aligned faces to probabilities (n, classes).
    networks: Sequence[Callable[[NDArray[np.uint8]], NDArray[np.floating]]]
    #: (n, S, S) uint8 aligned faces -> (n,), see `naturalness.Naturalness.share`
    naturalness: Callable[[NDArray[np.uint8]], NDArray[np.floating]]
    detect: Detector  #: as photographs are detected
    size: int  #: side S of the aligned faces
    upsample: int = 0  #: how often the photograph is doubled before detection

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.floating]:
        """Of faces (n, S, S) uint8, (networks, n, classes)."""
        return np.stack([network(images) for network in self.networks])


class Judged(NamedTuple):
    """An aligned face and what the networks say of it."""

    image: NDArray[np.uint8]  #: (S, S)
    landmarks: NDArray[np.float32]  #: (68, 2) in pixels of `image`
    probabilities: NDArray[np.floating]  #: (networks, classes)


class Stimulus(NamedTuple):
    """What a generator makes."""

    image: NDArray[np.uint8]  #: (S, S), aligned
    landmarks: NDArray[np.float32]  #: (68, 2) in pixels of `image`
    probabilities: NDArray[np.floating]  #: (networks, classes)
    naturalness: float  #: from 0 to 1; see `humanlike.boundaries.naturalness`
    settings: dict[str, float]  #: how it was made, as the generator's parameters have it
    looked: int  #: how many pictures the networks were shown for it


class Generator(Protocol):
    """The contract of `render`, `morph` and `guided`."""

    def __call__(self, start: Any, target: Target, judges: Judges) -> Stimulus:
        """Make one stimulus.

        Raises
        ------
        humanlike.faces.images.Rejected
            No picture on the way had a face that the detector and the landmarks find.
        """
        ...


def judge(photograph: NDArray[np.uint8], judges: Judges) -> Judged:
    """Detect, align and ask.

    Parameters
    ----------
    photograph
        (H, W) uint8.

    Raises
    ------
    humanlike.faces.images.Rejected
        As of a photograph: no face, or landmarks beyond the picture.
    """
    found = find_face(photograph, judges.detect, judges.upsample)
    image, landmarks = align(photograph, found.landmarks, judges.size)
    return Judged(image, landmarks, judges.probabilities(image[None])[:, 0])
