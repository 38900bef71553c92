"""Balance, pairing and orthogonality of the designs, and the `lime` package's own random stream."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from humanlike.explainers.sampling import SAMPLINGS, orthogonal, paired

sizes = st.integers(2, 300)
superpixels = st.integers(1, 60)
seeds = st.integers(0, 2**32 - 1)


@given(st.sampled_from(sorted(SAMPLINGS)), sizes, superpixels, seeds)
def test_designs_are_binary_repeatable_and_begin_with_the_whole_face(sampling, n, d, seed):
    design = SAMPLINGS[sampling](n, d, seed)
    assert design.shape == (n, d)
    assert design.dtype == np.uint8
    assert set(np.unique(design)) <= {0, 1}
    assert design[0].all()
    np.testing.assert_array_equal(design, SAMPLINGS[sampling](n, d, seed))


@given(st.sampled_from([paired, orthogonal]), sizes, superpixels, seeds)
def test_pairs_are_complementary_and_so_balanced(sampling, n, d, seed):
    design = sampling(n, d, seed)
    even = n - n % 2
    np.testing.assert_array_equal(design[0:even:2], 1 - design[1:even:2])
    np.testing.assert_array_equal(design[:even].sum(axis=0), even // 2)


@given(st.integers(2, 9), st.data(), seeds)
def test_orthogonal_designs_have_strength_three(exponent, data, seed):
    n = 2**exponent
    d = data.draw(st.integers(1, n // 2 - 1))
    design = orthogonal(n, d, seed)
    signs = 2 * design.astype(int) - 1
    np.testing.assert_array_equal(signs.T @ signs, n * np.eye(d))
    for three in itertools.islice(itertools.combinations(range(d), 3), 20):
        states = design[:, three] @ [4, 2, 1]
        np.testing.assert_array_equal(np.bincount(states, minlength=8), n // 8)


def test_orthogonal_design_by_hand():
    # The four columns of ones and minus ones of a 4 x 4 Hadamard matrix, but for the constant one.
    design = orthogonal(8, 3, seed=0)
    assert {tuple(row) for row in design.tolist()} == set(itertools.product((0, 1), repeat=3))


@pytest.mark.parametrize("n", [600, 1000])
def test_other_sizes_are_nearly_orthogonal(n):
    def off_diagonal(design):
        signs = 2 * design.astype(float) - 1
        return np.abs(signs.T @ signs / n - np.eye(signs.shape[1])).mean()

    assert off_diagonal(orthogonal(n, 30, 1)) < 0.8 * off_diagonal(paired(n, 30, 1))


def test_seeds_give_different_designs():
    for sampling in SAMPLINGS.values():
        assert (sampling(64, 20, 1) != sampling(64, 20, 2)).any()
