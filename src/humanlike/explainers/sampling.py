"""Which superpixels each perturbed image shows: the 0/1 designs that LIME learns from.

A design is an (n, d) uint8 array: n perturbed images (rows) of d superpixels (columns), 1 shown and
0 hidden. Its first row is all ones, the whole face, as in the `lime` package.
"""

import numpy as np


def bernoulli(n: int, d: int, seed: int) -> np.ndarray:
    """Show each superpixel with probability one half, independently.

    This is the sampling of Ribeiro et al., "Why Should I Trust You?", KDD 2016, and draws the very
    numbers that ``LimeImageExplainer(random_state=seed)`` draws when it is given a `random_seed`.

    Parameters
    ----------
    n, d : int
        Perturbed images and superpixels.
    seed : int
        Seed of the legacy generator that the `lime` package uses, 0 to 2**32 - 1.

    Returns
    -------
    (n, d) uint8
    """
    design = np.random.RandomState(seed).randint(0, 2, n * d).reshape(n, d)
    design[0] = 1
    return design.astype(np.uint8)


def paired(n: int, d: int, seed: int) -> np.ndarray:
    """Draw complementary pairs: each row at an even place is followed by its opposite.

    All effects of an even number of superpixels cancel within a pair. An odd `n` leaves the last
    row alone.

    Parameters
    ----------
    n, d, seed : int
        Perturbed images, superpixels, and the seed.

    Returns
    -------
    (n, d) uint8

    References
    ----------
    Covert & Lee, "Improving KernelSHAP: Practical Shapley Value Estimation Using Linear
    Regression", AISTATS 2021 (paired sampling); Hammersley & Morton, "A New Monte Carlo Technique:
    Antithetic Variates", 1956.
    """
    half = np.random.default_rng(seed).integers(0, 2, (-(-n // 2), d), dtype=np.uint8)
    half[0] = 1
    return _with_complements(half)[:n]


def orthogonal(n: int, d: int, seed: int) -> np.ndarray:
    """Draw a folded-over Hadamard design: random columns of a Hadamard matrix, and its complement.

    Every superpixel is shown in half of the rows, every two superpixels share each of their four
    states equally often, and so do every three: an orthogonal array of strength 3. This holds to
    the row where `n` is a power of two above 2 d; any other `n` takes a random n/2 rows of the next
    larger matrix, and their complements, so that balance and pairing stay exact (for even `n`) and
    orthogonality nearly so.

    Parameters
    ----------
    n, d, seed : int
        Perturbed images, superpixels, and the seed.

    Returns
    -------
    (n, d) uint8

    References
    ----------
    Plackett & Burman, "The Design of Optimum Multifactorial Experiments", Biometrika 33 (1946),
    doi 10.1093/biomet/33.4.305; Hedayat, Sloane & Stufken, *Orthogonal Arrays* (1999), chapters 7
    (Hadamard matrices) and 11.
    """
    random = np.random.default_rng(seed)
    half = -(-n // 2)
    order = 1 << (max(half, d + 1) - 1).bit_length()
    rows = np.concatenate([[0], 1 + random.permutation(order - 1)])[:half]
    columns = 1 + random.choice(order - 1, size=d, replace=False)
    # Sylvester's matrix: an entry is the parity of the bits that its row and column share.
    parity = np.bitwise_count(rows[:, None] & columns) & 1
    return _with_complements((1 - parity).astype(np.uint8))[:n]


def _with_complements(half: np.ndarray) -> np.ndarray:
    return np.stack([half, 1 - half], axis=1).reshape(-1, half.shape[1])


#: Name of a sampling -> its design of (n, d, seed). `bernoulli` is the study's.
SAMPLINGS = {"bernoulli": bernoulli, "paired": paired, "orthogonal": orthogonal}

#: Name of a sampling -> how many rows from the first on belong together: what a fit knows of a row
#: through its opposite, it would not know of a new one.
TOGETHER = {"bernoulli": 1, "paired": 2, "orthogonal": 2}
