"""A whole data set of drawn faces, each face seeded by its own place in the set."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from humanlike.expressions import EXPRESSIONS
from humanlike.synthesis.action_units import complete_units, expression_action_units
from humanlike.synthesis.identity import Identity, draw_identity
from humanlike.synthesis.render import Face, changed_pixels, render
from humanlike.synthesis.view import View, draw_view

#: What a sample shows, in the order of its images.
SAMPLE_LABELS = (*EXPRESSIONS, "neutral")


@dataclass(frozen=True)
class SampleFace:
    """One image of a sample and everything that is known about it."""

    subject: str
    expression: str
    number: int  #: from 1, within subject and expression
    identity: Identity
    action_units: dict[int, float]  #: every drawn unit
    view: View
    face: Face

    @cached_property
    def changed(self) -> npt.NDArray[np.bool_]:
        """(size, size), the pixels that the expression changes; drawn when first asked for."""
        size = len(self.face.image)
        return changed_pixels(self.identity, {}, self.action_units, self.view, size)


def draw_sample(
    subjects: int = 24,
    images_per_expression: int = 5,
    seed: int = 0,
    low: float = 0.6,
    high: float = 1.0,
    size: int = 256,
) -> Iterator[SampleFace]:
    """Draw every subject in every expression, one face after another.

    Each subject and each face has a seed of its own, so that none depends on how many others are
    drawn.

    Parameters
    ----------
    subjects
        How many persons.
    images_per_expression
        Images of each expression, and of the neutral face, for each subject.
    seed
        Seed of the whole sample.
    low, high
        Range of the action units' intensities, within [0, 1]: .6 to 1 is easy, .2 to 1 hard.
    size
        Side of the images in pixels.

    Yields
    ------
    SampleFace
        Ordered by subject, expression (`SAMPLE_LABELS`) and number.
    """
    for subject in range(subjects):
        identity = subject_identity(seed, subject)
        for label, expression in enumerate(SAMPLE_LABELS):
            for number in range(images_per_expression):
                rng = seeded(seed, subject, label, number)
                units = complete_units(expression_action_units(expression, rng, low, high))
                view = draw_view(rng)
                face = render(identity, units, view, size)
                name = f"s{subject + 1:02d}"
                yield SampleFace(name, expression, number + 1, identity, units, view, face)


def subject_identity(seed: int, subject: int) -> Identity:
    """The person of that number (from 0) in every set of that seed."""
    return draw_identity(seeded(seed, subject))


def seeded(seed: int, *place: int) -> np.random.Generator:
    """A generator for one place in a set, independent of those of all other places."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=place))
