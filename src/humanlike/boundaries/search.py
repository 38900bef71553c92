"""Find, among the pictures that a generator can make, one of which networks say what is wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import cma
import numpy as np
from numpy.typing import NDArray

from humanlike.boundaries.seen import Judged, Judges, Stimulus, judge
from humanlike.boundaries.targets import Target
from humanlike.faces.images import Rejected

#: A search ends where the target is met and every share is so near to the wanted one.
CLOSE = 0.05

#: The loss of a picture without a face: more than any face has.
_NO_FACE = 100.0


class Try(NamedTuple):
    """A picture that was looked at."""

    place: NDArray[np.float64]  #: the generator's parameters
    judged: Judged
    success: bool
    loss: float


class Search:
    """Pictures made and judged one after the other, the best of them kept.

    Parameters
    ----------
    draw
        Gives the photograph (H, W) uint8 of a place, parameters within [0, 1].
    target, judges
        What is wanted, and of whom.
    """

    def __init__(
        self,
        draw: Callable[[NDArray[np.float64]], NDArray[np.uint8]],
        target: Target,
        judges: Judges,
    ) -> None:
        self._draw, self._target, self._judges = draw, target, judges
        self.best: Try | None = None
        self.looked = 0
        self._reason = Rejected("no picture was made")

    @property
    def met(self) -> bool:
        """Whether a picture was found on which the search may end."""
        if self.best is None or not self.best.success:
            return False
        wanted = np.array(self._target.shares)
        off = np.abs(self._target.found_shares(self.best.judged.probabilities) - wanted)
        return bool(np.all((off <= CLOSE) | np.isin(wanted, (0, 1))))

    def look(self, place: NDArray[np.float64]) -> Judged | None:
        """Make and judge one picture; None where it has no face that passes."""
        self.looked += 1
        try:
            found = judge(self._draw(place), self._judges)
        except Rejected as reason:
            self._reason = reason
            return None
        loss = self._target.loss(found.probabilities)
        success = self._target.success(found.probabilities)
        if self.best is None or (not success, loss) < (not self.best.success, self.best.loss):
            self.best = Try(np.array(place), found, success, loss)
        return found

    def along(self, way: Callable[[float], NDArray[np.float64]], steps: int = 10) -> None:
        """Bisect a way from the second class (0) to the first (1) for the wanted share.

        A place without a face ends the search: which half to go on in is unknown.
        """
        low, high = 0.0, 1.0
        for _ in range(steps):
            middle = (low + high) / 2
            found = self.look(way(middle))
            if found is None or self.met:
                return
            if self._target.excess(found.probabilities) > 0:
                high = middle
            else:
                low = middle

    def around(self, start: NDArray[np.float64], spread: float, looks: int, seed: int) -> None:
        """Minimise the target's loss within [0, 1] from a place on, without gradients.

        CMA-ES; Hansen, arXiv 1604.00772.

        Parameters
        ----------
        start
            Where to begin.
        spread
            Standard deviation of the first pictures' parameters.
        looks
            Most pictures.
        seed
            The same gives the same pictures.
        """
        strategy = cma.CMAEvolutionStrategy(
            np.clip(start, 0.01, 0.99),
            spread,
            # 0 would be taken for the time.
            {"bounds": [0, 1], "seed": seed % 2**31 + 1, "maxfevals": looks, "verbose": -9},
        )
        while not strategy.stop():
            places = strategy.ask()
            losses = []
            for place in places:
                found = self.look(np.asarray(place))
                if self.met:
                    return
                losses.append(_NO_FACE if found is None else self._target.loss(found.probabilities))
            strategy.tell(places, losses)

    def stimulus(self, settings: Callable[[NDArray[np.float64]], dict[str, float]]) -> Stimulus:
        """The best picture, with how it was made.

        Raises
        ------
        humanlike.faces.images.Rejected
            No picture had a face; the reason is the last one's.
        """
        if self.best is None:
            raise self._reason
        found = self.best.judged
        natural = float(self._judges.naturalness(found.image[None])[0])
        return Stimulus(*found, natural, settings(self.best.place), self.looked)
