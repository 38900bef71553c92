"""How large a study must be before its score can say that heatmaps are specific.

The permutation test (`specificity.permutation_p`) sees a matrix of IoUs, heatmaps' expressions in
rows and masks' in columns, and of it only the interaction: what a heatmap scores with every mask,
or a mask with every heatmap, is the same whichever masks are dealt to which heatmaps. There the
diagonal stands out by the sought difference, over a background of three kinds, which is taken to
be normal:

- structure that any number of faces would show again, such as two masks that overlap;
- what another training would have changed, less with more folds and networks;
- what other subjects would have changed, less with more of them.
"""

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Studies that are simulated: a power is then known to 1.8 points at the worst (95 %).
SIMULATIONS = 3000


class Components(NamedTuple):
    """Variances of one entry of the matrix, and how the run that they come from was made."""

    structure: float
    training: float  #: of one fold of one network
    subject: float  #: of a heatmap of one subject; NaN where subjects are not known
    folds: int
    networks: int
    subjects: float  #: mean number behind a heatmap; NaN where not known


def interaction(matrix: ArrayLike) -> NDArray[np.float64]:
    """Take the means of rows and columns out of matrices (..., E, E)."""
    m = np.asarray(matrix, float)
    rows, columns = m.mean(axis=-1, keepdims=True), m.mean(axis=-2, keepdims=True)
    return m - rows - columns + m.mean(axis=(-2, -1), keepdims=True)


def variance_components(
    matrices: Mapping[tuple[str, int], ArrayLike],
    halves: Mapping[tuple[str, int], tuple[ArrayLike, ArrayLike]] | None = None,
    subjects: float = np.nan,
) -> Components:
    """Estimate from a finished run what its matrix would vary by.

    Parameters
    ----------
    matrices : mapping from (network, fold) to (E, E)
        IoU of each heatmap (rows) with each mask (columns).
    halves : mapping with the same keys to two (E, E), optional
        The same from two halves of the subjects behind each heatmap. Halves of one network and
        fold differ by their subjects alone; folds differ by subjects and trainings.
    subjects : float
        Mean number of subjects behind a heatmap.

    Returns
    -------
    Components
        By the method of moments; a component that comes out negative is 0. Without two folds of a
        network, what another training would change is unknown and counts as structure.
    """
    known = {unit: interaction(matrix) for unit, matrix in matrices.items()}
    networks = sorted({network for network, _ in known})
    e = next(iter(known.values())).shape[0]
    degrees = (e - 1) ** 2

    by_network = [[m for (n, _), m in known.items() if n == network] for network in networks]
    spread = [np.sum((np.array(ms) - np.mean(ms, axis=0)) ** 2) for ms in by_network]
    free = sum(len(ms) - 1 for ms in by_network) * degrees
    between = float(sum(spread) / free) if free else 0.0
    subject = np.nan
    if halves:
        differences = [np.subtract(*map(interaction, pair)) for pair in halves.values()]
        # Two halves, each of half the subjects: the difference has four times a subject's share.
        subject = float(np.mean(np.square(differences)) * e * e / degrees * subjects / 4)
        training = max(0.0, between - subject / subjects)
    else:
        training = between

    folds = len(known) / len(networks)
    mean = np.mean([np.mean(ms, axis=0) for ms in by_network], axis=0)
    background = mean - interaction(np.eye(e)) * own_minus_others(mean)
    noise = _noise(training, subject, subjects, folds, len(networks))
    structure = max(0.0, float(np.sum(background**2) / (degrees - 1)) - noise)
    return Components(structure, training, subject, round(folds), len(networks), subjects)


def own_minus_others(matrix: ArrayLike) -> float:
    """Mean of the diagonal less the mean of the rest, of a matrix (E, E)."""
    m = np.asarray(matrix, float)
    e = len(m)
    return float(np.trace(m) / e - (m.sum() - np.trace(m)) / (e * (e - 1)))


def power(
    components: Components,
    difference: float,
    expressions: int = 6,
    *,
    subjects: float | None = None,
    folds: int | None = None,
    networks: int | None = None,
    level: float = 0.05,
    seed: int = 0,
) -> float:
    """Chance that the permutation test calls a true difference specific, by simulation.

    Parameters
    ----------
    components
        As `variance_components` gives them.
    difference : float
        True own minus other masks' IoU.
    expressions : int
        Size of the matrix, 4 to 8.
    subjects, folds, networks
        Of the planned study; the run's own by default.
    level : float
        A p below or at it is called specific.
    seed : int

    Returns
    -------
    float in [0, 1]
    """
    noise = _noise(
        components.training,
        components.subject,
        components.subjects if subjects is None else subjects,
        components.folds if folds is None else folds,
        components.networks if networks is None else networks,
    )
    rng = np.random.default_rng(seed)
    background = rng.standard_normal((SIMULATIONS, expressions, expressions))
    matrices = np.sqrt(components.structure + noise) * background
    matrices += difference * np.eye(expressions)
    return float(np.mean(permutation_ps(matrices) <= level))


def permutation_ps(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """`specificity.permutation_p` of many matrices (n, E, E) at once."""
    e = matrices.shape[-1]
    own = np.trace(matrices, axis1=1, axis2=2)
    at_least = np.zeros(len(matrices), np.int64)
    deals = list(permutations(range(e)))
    for deal in deals:
        dealt = matrices[:, np.arange(e), deal].sum(axis=1)
        at_least += dealt >= own - 1e-12
    return at_least / len(deals)


def least_subjects(
    components: Components,
    difference: float,
    numbers: Sequence[int],
    wanted: float = 0.8,
    **design: int,
) -> tuple[NDArray[np.float64], int | None]:
    """The power at each number of subjects, and the least number that has the power wanted.

    Parameters
    ----------
    components, difference
        As for `power`.
    numbers : increasing int
        Of subjects behind each heatmap.
    wanted : float
    **design
        Further arguments of `power`.

    Returns
    -------
    powers : (n,) float64
    least : int or None
        None where none of the numbers has it.
    """
    powers = np.array([power(components, difference, subjects=n, **design) for n in numbers])
    enough = np.flatnonzero(powers >= wanted)
    return powers, int(numbers[enough[0]]) if len(enough) else None


def _noise(
    training: float, subject: float, subjects: float, folds: float, networks: float
) -> float:
    """Variance of an entry of the mean matrix. Networks are explained on the same subjects."""
    of_subjects = 0.0 if np.isnan(subject) else subject / (subjects * folds)
    return training / (folds * networks) + of_subjects
