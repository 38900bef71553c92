"""Simulated observers: people who never lived, whose minds are known.

They are for two things: to prove that what is measured on people comes out right (`tests/`,
`benchmarks/people.py`), and to show the people's pipeline at work before a study has been run
(`humanlike people simulate`). They are no evidence about people, and their codes say so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import erf, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from humanlike.canonical.geometry import HEIGHT, WIDTH
from humanlike.canonical.masks import action_unit_region
from humanlike.canonical.warp import source_coordinates
from humanlike.expressions import ACTION_UNITS
from humanlike.people.discs import disc

#: Every so many pixels of the canonical face, the simulation weighs whether to click there.
_STEP = 4


@dataclass(frozen=True)
class Observer:
    """Somebody who uncovers a face and says which of two expressions it shows.

    A click falls on the canonical face in proportion to `attention` times what is still hidden,
    misses by `click_noise`, and is carried to the stimulus by its landmarks. Clicks go on until
    `enough` of the attention's mass is seen, or patience ends. The answer is that of signal
    detection theory: a decision variable of unit variance, whose mean lies `sensitivity` / 2 to the
    side of the true expression, less by the root of what is missing to `enough`.

    Attributes
    ----------
    attention : mapping from expression to (HEIGHT, WIDTH)
        Where it looks while the face shows the expression; not negative, in any unit.
    sensitivity : float
        d' of answers once enough is seen.
    bias : float
        Added to the decision variable: above 0 the right expression is favoured.
    lapse : float in [0, 1]
        Share of answers that are given at random.
    click_noise : float
        Standard deviation in pixels of the canonical face, along each axis.
    enough : float in (0, 1)
        Share of the attention's mass.
    impatience : float in [0, 1)
        Chance, after each click, of answering at once.
    pace : float
        Median seconds a click.
    most_clicks : int
    """

    attention: Mapping[str, NDArray[np.floating]]
    sensitivity: float = 2.0
    bias: float = 0.0
    lapse: float = 0.02
    click_noise: float = 4.0
    enough: float = 0.5
    impatience: float = 0.05
    pace: float = 0.7
    most_clicks: int = 30


class Answer(NamedTuple):
    """What an observer did in a trial."""

    response: str
    rt: float  #: seconds
    confidence: float  #: in [0, 1]
    clicks: NDArray[np.float64]  #: (n, 4): x, y in stimulus pixels, t in seconds, radius


class Places(NamedTuple):
    """Where the canonical face's pixels lie in a stimulus; see `canonical.warp`."""

    x: NDArray[np.float32]  #: (HEIGHT, WIDTH)
    y: NDArray[np.float32]
    side: int  #: of the stimulus


def places(landmarks: NDArray[np.floating], side: int) -> Places:
    """Where each pixel of the canonical face lies in a stimulus of landmarks (68, 2)."""
    return Places(*source_coordinates(landmarks, side, side), side)


def uncover(
    observer: Observer,
    expression: str,
    pair: tuple[str, str],
    where: Places,
    radius: float,
    rng: np.random.Generator,
) -> Answer:
    """One trial of the task uncover.

    Parameters
    ----------
    observer
    expression
        What the face shows; one of `pair`.
    pair
        The expressions offered, left and right.
    where
        As `places` gives it.
    radius
        Of the discs, in stimulus pixels.
    rng
        Source of all that is random.
    """
    grid = (slice(_STEP // 2, None, _STEP),) * 2
    attention = np.maximum(observer.attention[expression][grid], 0).astype(float)
    attention /= attention.sum()
    x, y = where.x[grid], where.y[grid]
    hidden = np.ones(attention.shape)
    clicks: list[tuple[float, float, float, float]] = []
    seen, t = 0.0, 0.0
    while len(clicks) < observer.most_clicks and seen < observer.enough:
        click = _click(observer, attention * hidden, where, rng)
        t = round(t + observer.pace * float(np.exp(0.4 * rng.standard_normal())), 2)
        clicks.append((*click, t, radius))
        hidden *= 1 - disc(np.hypot(x - click[0], y - click[1]), radius)
        seen = 1 - float((attention * hidden).sum())
        if rng.random() < observer.impatience:
            break
    dprime = observer.sensitivity * sqrt(min(seen / observer.enough, 1))
    side = 1 if expression == pair[1] else -1
    decision = side * dprime / 2 + rng.standard_normal() + observer.bias
    lapsed = rng.random() < observer.lapse
    response = pair[int(rng.integers(2))] if lapsed else pair[int(decision > 0)]
    rt = round(t + observer.pace * float(np.exp(0.4 * rng.standard_normal())), 3)
    confidence = round(erf(abs(decision) / sqrt(2)), 2)
    return Answer(response, rt, confidence, np.array(clicks))


def _click(
    observer: Observer, wanted: NDArray[np.float64], where: Places, rng: np.random.Generator
) -> tuple[float, float]:
    """A place in the stimulus, drawn on the grid of the canonical face by what is wanted there."""
    total = np.cumsum(wanted)
    cell = int(np.searchsorted(total, rng.random() * total[-1], side="right"))
    row, column = divmod(min(cell, wanted.size - 1), wanted.shape[1])
    jitter = rng.uniform(-_STEP / 2, _STEP / 2, 2) + observer.click_noise * rng.standard_normal(2)
    canonical_x = round(column * _STEP + _STEP // 2 + jitter[0])
    canonical_y = round(row * _STEP + _STEP // 2 + jitter[1])
    at = min(max(canonical_y, 0), HEIGHT - 1), min(max(canonical_x, 0), WIDTH - 1)
    # Within the stimulus, to a tenth of a pixel, as a page would log it.
    x, y = (min(max(float(axis[at]), 0.0), where.side - 1.0) for axis in (where.x, where.y))
    return round(x, 1), round(y, 1)


def textbook_attention(expression: str, width: float = 10.0) -> NDArray[np.float64]:
    """An attention map that is known: the regions of the expression's action units, softened.

    Parameters
    ----------
    expression : str
        One of `humanlike.expressions.EXPRESSIONS`.
    width : float
        Standard deviation of the Gaussian that softens them, in canonical pixels.

    Returns
    -------
    (HEIGHT, WIDTH) float64, its sum 1
    """
    regions = sum(action_unit_region(unit).astype(float) for unit in ACTION_UNITS[expression])
    down, across = (
        np.exp(-(np.subtract.outer(np.arange(n), np.arange(n)) ** 2) / (2 * width**2))
        for n in (HEIGHT, WIDTH)
    )
    soft = down @ regions @ across
    return soft / soft.sum()


@dataclass(frozen=True)
class Rater:
    """Somebody who sees a whole face and names its expression, from weighted evidence.

    The expression with the greatest ``weights @ evidence + noise`` is named.

    Attributes
    ----------
    expressions : sequence of E str
    weights : (E, A)
        What each piece of evidence, such as an action unit's intensity, speaks for.
    noise : float
        Standard deviation of what is added to each expression's sum.
    lapse : float in [0, 1]
        Share of answers that are given at random.
    """

    expressions: Sequence[str]
    weights: NDArray[np.floating]
    noise: float = 0.2
    lapse: float = 0.02

    def answer(
        self,
        evidence: NDArray[np.floating],
        rng: np.random.Generator,
        offered: Sequence[str] | None = None,
    ) -> tuple[list[str], NDArray[np.float64]]:
        """Name the expressions of several faces.

        Parameters
        ----------
        evidence : (n, A)
        rng
        offered
            Some of `expressions`; all by default.

        Returns
        -------
        responses : n str
        confidence : (n,) float64 in [0, 1]
            What the best sum has over the next, against the noise.
        """
        names = list(offered or self.expressions)
        rows = [list(self.expressions).index(name) for name in names]
        sums = np.asarray(evidence, float) @ np.asarray(self.weights, float)[rows].T
        sums += self.noise * rng.standard_normal(sums.shape)
        chosen = sums.argmax(axis=1)
        best = np.sort(sums, axis=1)
        confidence = 1 - np.exp(-(best[:, -1] - best[:, -2]) / max(self.noise, 1e-9))
        lapsed = rng.random(len(sums)) < self.lapse
        chosen = np.where(lapsed, rng.integers(len(names), size=len(sums)), chosen)
        return [names[number] for number in chosen], confidence


def personal_weights(
    expressions: Sequence[str], units: Sequence[int], spread: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The textbook's weights of action units, as one person has learned them.

    Parameters
    ----------
    expressions : E str, all of `humanlike.expressions.EXPRESSIONS`
    units : A action units
    spread : float
        Standard deviation of what is added to each weight; 0 is the textbook.
    rng

    Returns
    -------
    (E, A) float64
        Before the spread, each row is the expression's units at equal weights, of length 1: no
        other row then gives the expression's own face a greater sum.
    """
    named = np.array([[unit in ACTION_UNITS[label] for unit in units] for label in expressions])
    weights = named / np.sqrt(np.maximum(named.sum(axis=1, keepdims=True), 1))
    return weights + spread * rng.standard_normal(weights.shape)
