"""How usual a made face is among a data set's own faces, whatever networks say of it."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

#: Side at which faces are compared, in pixels.
SIDE = 32

#: Components of the model, at most a quarter of the faces that it is fitted on.
COMPONENTS = 60

#: Faces that are taken at most, half to fit and half to compare with.
FACES = 2000


class Naturalness(NamedTuple):
    """A probabilistic principal component model of aligned faces.

    Tipping & Bishop (1999), doi 10.1111/1467-9868.00196. What counts is not its likelihood, which
    has no scale, but what share of the faces that it was not fitted on are less likely.
    """

    mean: NDArray[np.float64]  #: (SIDE * SIDE,)
    components: NDArray[np.float64]  #: (k, SIDE * SIDE), of length 1
    variances: NDArray[np.float64]  #: (k,), along the components
    noise: NDArray[np.float64]  #: (), the mean variance along all others
    others: NDArray[np.float64]  #: log-likelihoods of the faces held out, sorted

    def share(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The share of held-out faces that are less likely than each face, from 0 to 1.

        Real faces of people that the model has not seen have .5 on average; 0 is a face less usual
        than all of them.

        Parameters
        ----------
        images
            (n, S, S) uint8, aligned.
        """
        return np.searchsorted(self.others, self.log_likelihood(rows(images))) / len(self.others)

    def log_likelihood(self, faces: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density (n,) of faces as `rows` gives them."""
        k, d = self.components.shape
        centred = faces - self.mean
        along = centred @ self.components.T
        rest = (centred**2).sum(axis=1) - (along**2).sum(axis=1)
        distance = (along**2 / self.variances).sum(axis=1) + rest / self.noise
        volume = np.log(self.variances).sum() + (d - k) * np.log(self.noise)
        return -(d * np.log(2 * np.pi) + volume + distance) / 2


def fit(images: NDArray[np.uint8], subjects: NDArray, seed: int) -> Naturalness:
    """Fit on half of the subjects' faces, and compare with the other half's.

    Parameters
    ----------
    images
        (N, S, S) uint8, aligned; may be mapped from disk, as at most `FACES` are read.
    subjects
        (N,) who they show.
    seed
        Of the halves.

    Raises
    ------
    ValueError
        There are fewer than eight faces in either half.
    """
    people, who = np.unique(subjects, return_inverse=True)
    rng = np.random.default_rng(seed)
    first = np.isin(who, rng.permutation(len(people))[: len(people) // 2])
    halves = [np.flatnonzero(first), np.flatnonzero(~first)]
    if min(map(len, halves)) < 8:
        raise ValueError(f"{len(images)} faces of {len(people)} subjects are too few")
    fitted, others = (rows(images[np.sort(rng.permutation(half)[: FACES // 2])]) for half in halves)
    k = min(COMPONENTS, len(fitted) // 4)
    mean = fitted.mean(axis=0)
    _, singular, directions = np.linalg.svd(fitted - mean, full_matrices=False)
    variances = singular**2 / (len(fitted) - 1)
    noise = np.asarray(variances[k:].sum() / (min(fitted.shape) - k))
    model = Naturalness(mean, directions[:k], variances[:k], noise, np.empty(0))
    return model._replace(others=np.sort(model.log_likelihood(others)))


def rows(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Faces (n, S, S) as (n, SIDE * SIDE), each with its own mean and contrast taken out."""
    size = (SIDE, SIDE)
    small = [cv2.resize(np.asarray(face), size, interpolation=cv2.INTER_AREA) for face in images]
    found = np.array(small, np.float64).reshape(len(images), -1)
    centred = found - found.mean(axis=1, keepdims=True)
    return centred / np.maximum(centred.std(axis=1, keepdims=True), 1)
