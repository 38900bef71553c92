"""Drawn faces between two expressions: a person and a view held, the action units moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from humanlike.boundaries.search import Search
from humanlike.boundaries.seen import Judges, Stimulus
from humanlike.boundaries.targets import Target
from humanlike.synthesis.action_units import (
    DRAWN_UNITS,
    complete_units,
    expression_action_units,
)
from humanlike.synthesis.identity import Identity
from humanlike.synthesis.render import render
from humanlike.synthesis.sample import seeded, subject_identity
from humanlike.synthesis.view import View, draw_view

#: Intensities from which a way goes: those of the sample's faces.
LOW, HIGH = 0.8, 1.0

#: Side of the drawn photograph in pixels.
SIDE = 256

#: Crooked ways that are tried after the straight one, their least intensity, and how far, as a
#: logarithm, one action unit goes before or behind the others on them.
WAYS, LEAST, CROOKED = 12, 0.5, 1.2

#: Spread of the first intensities when all are searched at once, and most pictures then.
SPREAD, LOOKS = 0.15, 200


class Start(NamedTuple):
    """Who is drawn, how, and between which faces."""

    identity: Identity
    view: View
    first: Mapping[int, float]  #: action unit -> intensity, of the target's first class
    second: Mapping[int, float]
    seed: int


def draw_start(seed: int, person: int, expressions: tuple[str, str]) -> Start:
    """A person, a view and two clear expressions.

    Parameters
    ----------
    seed, person
        Name the person; persons from 0. None is one of `humanlike.synthesis.sample`'s.
    expressions
        The pair. Person and pair name the view and the intensities.
    """
    numbers = [int.from_bytes(word.encode()[:3], "big") for word in expressions]
    # 2,000 keeps these seeds apart from the sample's and the contrasts'.
    rng = seeded(seed, 2000, person, *numbers)
    identity = subject_identity(seed, 1_000_000 + person)
    first, second = (expression_action_units(word, rng, LOW, HIGH) for word in expressions)
    return Start(identity, draw_view(rng), first, second, int(rng.integers(2**31)))


def between(start: Start, share: float) -> dict[int, float]:
    """Intensities on the straight way, from the second expression (0) to the first (1)."""
    first, second = complete_units(start.first), complete_units(start.second)
    return {unit: share * first[unit] + (1 - share) * second[unit] for unit in DRAWN_UNITS}


def photograph(start: Start, units: Mapping[int, float]) -> NDArray[np.uint8]:
    """The person with some intensities, (`SIDE`, `SIDE`) uint8."""
    return render(start.identity, units, start.view, SIDE).image


def generate(start: Start, target: Target, judges: Judges) -> Stimulus:
    """Bisect the straight way, then crooked ones; where none ends well, search all intensities.

    On every way the probabilities of the pair cross somewhere, but a third expression may lie
    there: of 60 straight ways 57 % ended well. On a crooked way each action unit goes at a pace of
    its own, between intensities of its own. See `humanlike.boundaries.seen.Generator`; `settings`
    are the intensities, ``AU1`` and so on.
    """
    search = Search(lambda place: photograph(start, _units(place)), target, judges)
    search.along(lambda share: _place(between(start, share)))
    rng = np.random.default_rng(start.seed)
    for _ in range(WAYS):
        if search.met:
            break
        search.along(_crooked(start, rng))
    if not search.met:
        origin = _place(between(start, 0.5)) if search.best is None else search.best.place
        search.around(origin, SPREAD, LOOKS, start.seed)
    return search.stimulus(lambda place: {f"AU{unit}": x for unit, x in _units(place).items()})


def _crooked(start: Start, rng: np.random.Generator) -> Callable[[float], NDArray[np.float64]]:
    """A way between the units of both expressions at intensities and paces of their own."""
    ends = [
        _place(complete_units({unit: float(rng.uniform(LEAST, 1)) for unit in units}))
        for units in (start.first, start.second)
    ]
    pace = np.exp(rng.uniform(-CROOKED, CROOKED, len(DRAWN_UNITS)))
    return lambda share: share**pace * ends[0] + (1 - share**pace) * ends[1]


def _place(units: Mapping[int, float]) -> NDArray[np.float64]:
    return np.array([units[unit] for unit in DRAWN_UNITS])


def _units(place: NDArray[np.float64]) -> dict[int, float]:
    intensities = np.clip(place, 0, 1).tolist()
    return complete_units(dict(zip(DRAWN_UNITS, intensities, strict=True)))
