"""Teach a network where to look: hide parts of faces while it learns, and ask it to be less sure.

A picture with some of its superpixels hidden keeps its label in proportion to the share of the
label's region that is still shown; the rest of the target is spread evenly over all classes. What
is hidden is drawn without regard to the label, so that its outline tells nothing: only what was
lost does. It is the opposite of Ross, Hughes & Doshi-Velez (2017), arXiv 1703.03717, who punish the
gradient outside a region: explanations by hiding see nothing of that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanlike.canonical.warp import warp
from humanlike.explainers.hiding import hidden_pictures
from humanlike.explainers.superpixels import superpixels
from humanlike.progress import bar

#: Superpixels asked of SLIC, and how square: the study's, as the faces are explained by such.
SUPERPIXELS, COMPACTNESS = 30, 20.0


@dataclass(frozen=True)
class Guidance:
    """Training faces cut into parts, and what each part holds of where to look.

    Attributes
    ----------
    segments : (N, S, S) uint8
        Part of each pixel, numbered from 0.
    shares : (N, d) float32
        Share of the label's region that lies in each part; rows sum to 1.
    weight : float
        Share of the pictures that are partly hidden, in (0, 1].
    hidden : str
        What is seen where a face is hidden: a key of `humanlike.explainers.hiding.HIDDEN`.
    """

    segments: NDArray[np.uint8]
    shares: NDArray[np.float32]
    weight: float
    hidden: str = "black"

    def draw(
        self, image: NDArray[np.uint8], face: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], float]:
        """Show a face, or hide each of its parts with probability one half.

        Parameters
        ----------
        image : (S, S) uint8
            The face that row `face` of `segments` is of.

        Returns
        -------
        image : (S, S) uint8
        share : float in [0, 1]
            Of the label's region that is still shown.
        """
        if rng.random() >= self.weight:
            return image, 1.0
        shown = rng.random(self.shares.shape[1]) < 0.5
        there = np.take(shown, self.segments[face])
        hidden = hidden_pictures(image[None], self.hidden)[0]
        return np.where(there, image, hidden), float(self.shares[face] @ shown)


def guide(
    images: NDArray[np.uint8],
    landmarks: NDArray[np.floating],
    regions: NDArray[np.bool_],
    labels: NDArray[np.integer],
    *,
    weight: float,
    hidden: str = "black",
    progress: str | None = None,
) -> Guidance:
    """Cut training faces into superpixels and see what each holds of the face's region.

    Parameters
    ----------
    images : (N, S, S) uint8
        Gray faces at the network's input size.
    landmarks : (N, 68, 2)
        In their pixels.
    regions : (E, HEIGHT, WIDTH) bool
        Of each class, on the canonical face; none is empty.
    labels : (N,) int
        Class of each face.
    """
    parts = np.empty(images.shape, np.uint8)
    held = []
    for i, image in enumerate(bar(images, progress or "", unit="face", disable=progress is None)):
        parts[i] = superpixels(image, SUPERPIXELS, COMPACTNESS)
        on_canonical = warp(parts[i], landmarks[i], order=0)
        held.append(np.bincount(on_canonical[regions[labels[i]]]))
    shares = np.zeros((len(images), int(parts.max(initial=0)) + 1), np.float32)
    for row, counts in zip(shares, held, strict=True):
        row[: len(counts)] = counts / counts.sum()
    return Guidance(parts, shares, weight, hidden)
