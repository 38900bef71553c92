"""Image sets with a known answer: one region of the face alone tells the two labels apart.

A classifier that learns such a set can only have looked at that region, so an explanation of it
can be checked against the truth, the pixels that the label's action unit changes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from humanlike.synthesis.action_units import complete_units
from humanlike.synthesis.identity import Identity
from humanlike.synthesis.render import Face, changed_pixels, render
from humanlike.synthesis.sample import seeded, subject_identity
from humanlike.synthesis.view import View, draw_view

#: Region -> the action units of label 0 and those of label 1.
CONTRASTS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "brows": ((4,), (2,)),
    "eyes": ((7,), (5,)),
    "mouth_corners": ((15,), (12,)),
    "mouth_opening": ((), (25, 26)),
}

#: Region -> the combinations of action units that it may freely show when it is not the label's.
_FREE_SETTINGS: dict[str, tuple[tuple[int, ...], ...]] = {
    "brows": ((), (1,), (2,), (4,), (1, 2), (1, 4), (1, 2, 4)),
    "eyes": ((), (5,), (7,), (6,)),
    "nose": ((), (9,)),
    "mouth_corners": ((), (12,), (15,), (20,)),
    "lips": ((), (23,)),
    "mouth_opening": ((), (25,), (26,)),
}


@dataclass(frozen=True)
class ContrastFace:
    """One image of a contrast set."""

    subject: str
    label: int  #: 0 or 1
    identity: Identity
    units: tuple[dict[int, float], dict[int, float]]  #: units above rest under each label
    view: View
    face: Face

    @property
    def action_units(self) -> dict[int, float]:
        """Intensity of every drawn unit."""
        return complete_units(self.units[self.label])

    @cached_property
    def changed(self) -> npt.NDArray[np.bool_]:
        """(size, size), the pixels that the label changes; drawn when first asked for."""
        return changed_pixels(self.identity, *self.units, self.view, len(self.face.image))


def draw_contrast_subject(
    region: str,
    subject: int,
    images_per_label: int = 10,
    seed: int = 0,
    low: float = 0.6,
    high: float = 1.0,
    size: int = 256,
) -> Iterator[ContrastFace]:
    """Draw one person's faces of a set whose label is carried by ``region`` alone.

    View, light and the action units of every other region are drawn freely and without regard to
    the label; no person's faces depend on the others'.

    Parameters
    ----------
    region
        One of `CONTRASTS`.
    subject
        Number of the person, from 0.
    images_per_label
        Images of each label.
    seed
        Seed of the whole set. Persons are those of `draw_sample` with the same seed.
    low, high
        Range of the action units' intensities, within [0, 1].
    size
        Side of the images in pixels.

    Yields
    ------
    ContrastFace
        Ordered by label and number.

    Raises
    ------
    KeyError
        If the region is not known.
    """
    contrast = CONTRASTS[region]
    place = tuple(CONTRASTS).index(region)
    identity = subject_identity(seed, subject)
    for label in (0, 1):
        for number in range(images_per_label):
            # 1,000 keeps these seeds apart from the sample's.
            rng = seeded(seed, subject, 1000 + place, label, number)
            free = _free_units(region, rng, low, high)
            first, second = (free | _intensities(units, rng, low, high) for units in contrast)
            view = draw_view(rng)
            yield ContrastFace(
                subject=f"s{subject + 1:02d}",
                label=label,
                identity=identity,
                units=(first, second),
                view=view,
                face=render(identity, second if label else first, view, size),
            )


def _free_units(region: str, rng: np.random.Generator, low: float, high: float) -> dict[int, float]:
    """Units of every region but ``region``, each region in a setting of its own choice."""
    units: dict[int, float] = {}
    for other, settings in _FREE_SETTINGS.items():
        if other != region:
            chosen = settings[rng.integers(len(settings))]
            units |= _intensities(chosen, rng, low, high)
    return units


def _intensities(
    units: tuple[int, ...], rng: np.random.Generator, low: float, high: float
) -> dict[int, float]:
    return {unit: float(rng.uniform(low, high)) for unit in units}
