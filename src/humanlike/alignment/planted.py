"""Known answers: does an explanation find the place that was made to carry the label?

"Changed" is the truth: the pixels that the label changes in a drawn face, all else equal. Maps and
changes lie in one plane, the picture's or the canonical face's.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from humanlike.alignment.attention import relevance_mass
from humanlike.alignment.ceiling import perfect_heatmap
from humanlike.alignment.scores import ratio


def own_regions(
    changed: Mapping[str, NDArray[np.floating]], least: float = 0.5
) -> dict[str, NDArray[np.bool_]]:
    """Give each pixel to the label that changes it in most faces.

    What several labels change must be shared out: a smile and a dropped jaw both move the lips, and
    attention to the lips would else count for either.

    Parameters
    ----------
    changed : mapping from region to (H, W) float
        In which share of the faces a pixel changes, in [0, 1].
    least : float
        A pixel that changes in fewer faces belongs to no region.

    Returns
    -------
    dict from region to (H, W) bool
        Without overlap. Pixels that tie go to the region named first.
    """
    shares = np.stack(list(changed.values()))
    owner = np.where(shares.max(axis=0) >= least, shares.argmax(axis=0), -1)
    return {region: owner == number for number, region in enumerate(changed)}


def attention(
    heatmap: NDArray[np.floating], regions: Mapping[str, NDArray[np.bool_]]
) -> dict[str, float]:
    """Each region's share of the positive importance over its share of the canvas.

    1 is what an even heatmap gives to every region; a region without pixels has 0.
    """
    return {
        name: float(ratio(relevance_mass(heatmap, region), region.mean()))
        for name, region in regions.items()
    }


def concentration(maps: NDArray[np.floating], changed: NDArray[np.bool_]) -> float:
    """Share of positive importance inside the truly changing pixels, over their share of area.

    Relevance mass accuracy (Arras et al. 2022, doi 10.1016/j.inffus.2021.11.008), averaged over
    faces, relative to what an even map scores.

    Parameters
    ----------
    maps : (N, H, W) float
        Importance, one map a face.
    changed : (N, H, W) bool
        The pixels that the label changes in that face; some in at least one face.

    Returns
    -------
    float
        From 0 to 1 / mean area; 1 for importance that is spread evenly. A map without positive
        importance counts as 0.
    """
    inside = [relevance_mass(one, truth) for one, truth in zip(maps, changed, strict=True)]
    return float(np.mean(inside) / changed.mean())


def oracle_maps(superpixels: NDArray[np.uint8], changed: NDArray[np.bool_]) -> NDArray[np.floating]:
    """The map nearest to the changed pixels that superpixels allow, (N, H, W), for each face.

    See `ceiling.perfect_heatmap`: each superpixel weighs as much as the share of it that changes.
    """
    return np.stack(
        [
            perfect_heatmap(labels[np.newaxis], truth)
            for labels, truth in zip(superpixels, changed, strict=True)
        ]
    )


def shuffled_within(
    labels: NDArray[np.int64], groups: NDArray, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Permute labels within each group, so that each keeps its numbers of every label.

    Parameters
    ----------
    labels : (N,) int
    groups : (N,) array
        Such as subjects.
    rng : np.random.Generator

    Returns
    -------
    (N,) int
    """
    shuffled = labels.copy()
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        shuffled[members] = rng.permutation(labels[members])
    return shuffled
