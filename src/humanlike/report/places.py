"""Where a heatmap looks, in words for parts of the face."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanlike.alignment.attention import relevance_mass
from humanlike.canonical.parts import BESIDE, face_parts
from humanlike.report.answers import figure


def attention_by_part(heatmap: ArrayLike) -> dict[str, float]:
    """Share of the positive importance on each part, by its share of the canvas; chance 1.

    Parameters
    ----------
    heatmap : (HEIGHT, WIDTH) array

    Returns
    -------
    dict from each of `face_parts` to attention, the greatest first
    """
    values = np.asarray(heatmap, float)
    found = {
        name: relevance_mass(values, part) / part.mean() for name, part in face_parts().items()
    }
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def where(heatmap: ArrayLike) -> str:
    """The parts that a heatmap dwells on most, such as "most on the mouth (2.31 …)"."""
    values = np.asarray(heatmap, float)
    if np.ptp(values) == 0:
        return "the same everywhere"
    (first, most), (second, next_most), *_ = attention_by_part(values - values.min()).items()
    said = f"most {_on(first)} ({figure(most, 2)} times its area)"
    return f"{said}, then {_on(second)} ({figure(next_most, 2)})" if next_most > 1 else said


def why(heatmap: ArrayLike, mask: NDArray[np.bool_]) -> str:
    """What a heatmap has in common with a mask and what not, by part of the face.

    Parts of the mask are those that it covers by a third or more.
    """
    values = np.asarray(heatmap, float)
    if np.ptp(values) == 0:
        return "the same everywhere"
    found = attention_by_part(values - values.min())
    named = {name for name, part in face_parts().items() if mask[part].mean() >= 1 / 3}
    groups = {
        "in the mask": [name for name in found if name in named and found[name] > 1],
        "missed in the mask": [name for name in found if name in named and found[name] <= 1],
        "outside the mask": [name for name in found if name not in named and found[name] > 1],
    }
    said = [
        f"{words}: " + ", ".join(f"{name} ({figure(found[name], 2)})" for name in names)
        for words, names in groups.items()
        if names
    ]
    return "; ".join(said)


def _on(part: str) -> str:
    return part if part == BESIDE else f"on the {part}"
