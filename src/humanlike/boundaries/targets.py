"""What networks are to say of a stimulus between two expressions, and whether they do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: A stimulus between two classes is one if both together have at least so much probability and
#: neither has less than that; Wei et al., ICML 2025, arXiv 2505.03641.
BOTH, EACH = 0.8, 0.1

#: What a network is to say at least of a class that it is to be sure of.
SURE = 0.8

#: How far from a wanted share of other than a half a stimulus may lie.
NEAR = 0.1

#: Probabilities come in single precision, and .7 and .1 are to make .8.
_ROUNDING = 1e-6

_SMALLEST = 1e-12


@dataclass(frozen=True)
class Target:
    """What each network is to say.

    Attributes
    ----------
    pair
        Two classes.
    shares
        For each network, the first class' share of the two's probability, from 0 to 1. 1 and 0 ask
        for a network that is sure of one of them, so that (1, 0) asks two networks to disagree.
    """

    pair: tuple[int, int]
    shares: tuple[float, ...]

    def wanted(self, classes: int) -> NDArray[np.float64]:
        """The wanted probabilities, (networks, classes): all of it on the pair."""
        probabilities = np.zeros((len(self.shares), classes))
        probabilities[:, self.pair[0]] = self.shares
        probabilities[:, self.pair[1]] = 1 - np.array(self.shares)
        return probabilities

    def loss(self, probabilities: NDArray[np.floating]) -> float:
        """How far from what is wanted: Kullback–Leibler divergence, in nats, mean over networks.

        The cross-entropy by which diffusion is guided in Wei et al. (2025), less its least value.

        Parameters
        ----------
        probabilities
            (networks, classes).
        """
        found = np.maximum(np.asarray(probabilities, np.float64), _SMALLEST)
        wanted = self.wanted(found.shape[1])
        ratio = np.where(wanted > 0, wanted, 1) / found
        return float((wanted * np.log(ratio)).sum(axis=1).mean())

    def excess(self, probabilities: NDArray[np.floating]) -> float:
        """Log odds of the first class against the second, less the wanted ones, mean over networks.

        It is 0 on the boundary, and along a way from the second class to the first it grows. Shares
        of 0 and 1 count as .5 here.
        """
        found = np.maximum(np.asarray(probabilities, np.float64)[:, list(self.pair)], _SMALLEST)
        sure = np.isin(self.shares, (0, 1))
        shares = np.where(sure, 0.5, self.shares)
        return float((np.log(found[:, 0] / found[:, 1]) - np.log(shares / (1 - shares))).mean())

    def found_shares(self, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        """The first class' share of the two's probability, (networks,)."""
        found = np.maximum(np.asarray(probabilities, np.float64)[:, list(self.pair)], _SMALLEST)
        return found[:, 0] / found.sum(axis=1)

    def success(self, probabilities: NDArray[np.floating]) -> bool:
        """Whether every network says what is wanted.

        For a share of a half as published (`BOTH`, `EACH`); for another, `BOTH` and `NEAR`; for 0
        and 1, `SURE`.
        """
        pairs = np.asarray(probabilities, np.float64)[:, list(self.pair)]
        shares = self.found_shares(probabilities)
        met = [
            two[0 if share == 1 else 1] >= SURE - _ROUNDING
            if share in (0, 1)
            else two.sum() >= BOTH - _ROUNDING
            and (
                two.min() >= EACH - _ROUNDING
                if share == 0.5
                else abs(found - share) <= NEAR + _ROUNDING
            )
            for two, found, share in zip(pairs, shares, self.shares, strict=True)
        ]
        return all(met)
