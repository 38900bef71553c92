"""The power of the specificity test, on matrices whose make-up is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from humanlike.alignment.power import (
    Components,
    interaction,
    least_subjects,
    own_minus_others,
    permutation_ps,
    power,
    variance_components,
)
from humanlike.alignment.specificity import permutation_p

TRUE = Components(
    structure=0.02**2, training=0.04**2, subject=0.1**2, folds=5, networks=2, subjects=8
)


def study(
    true: Components, difference: float, rng: np.random.Generator, e: int = 6
) -> tuple[dict, dict]:
    """The matrices of a study as the model has it, of whole units and of halves of subjects."""
    rows, columns = 0.05 * rng.standard_normal((2, e, 1))
    common = 0.25 + rows + columns.T + difference * np.eye(e)
    common = common + np.sqrt(true.structure) * rng.standard_normal((e, e))
    whole, halves = {}, {}
    for fold in range(true.folds):
        # The two halves' subjects, the same for every network.
        share = np.sqrt(true.subject / (true.subjects / 2)) * rng.standard_normal((2, e, e))
        for network in range(true.networks):
            trained = common + np.sqrt(true.training) * rng.standard_normal((e, e))
            halves[str(network), fold] = (trained + share[0], trained + share[1])
            whole[str(network), fold] = trained + share.mean(axis=0)
    return whole, halves


@given(st.integers(0, 999))
def test_only_the_interaction_counts(seed):
    rng = np.random.default_rng(seed)
    matrix = rng.random((5, 5))
    moved = matrix + rng.random((5, 1)) + rng.random((1, 5))
    np.testing.assert_allclose(interaction(moved), interaction(matrix), atol=1e-12)
    assert permutation_p(moved) == pytest.approx(permutation_p(matrix))
    own = np.eye(len(matrix), dtype=bool)
    assert own_minus_others(matrix) == pytest.approx(matrix[own].mean() - matrix[~own].mean())


def test_many_matrices_have_the_p_of_each():
    matrices = np.random.default_rng(0).random((20, 5, 5))
    each = [permutation_p(matrix) for matrix in matrices]
    np.testing.assert_allclose(permutation_ps(matrices), each)


def test_components_are_found_again():
    rng = np.random.default_rng(1)
    found = [variance_components(*study(TRUE, 0.05, rng), subjects=8) for _ in range(200)]
    mean = np.mean([f[:3] for f in found], axis=0)
    np.testing.assert_allclose(mean, TRUE[:3], rtol=0.12)
    assert found[0].folds == 5 and found[0].networks == 2


@pytest.mark.parametrize("difference", [0.0, 0.02, 0.04])
def test_the_power_is_that_of_studies_made_over_and_over(difference):
    rng = np.random.default_rng(2)
    matrices = [
        np.mean(list(study(TRUE, difference, rng)[0].values()), axis=0) for _ in range(3000)
    ]
    made = np.mean(permutation_ps(np.array(matrices)) <= 0.05)
    assert power(TRUE, difference) == pytest.approx(made, abs=0.03)


@pytest.mark.parametrize("difference", [0.02, 0.04])
def test_finished_studies_tell_their_power(difference):
    rng = np.random.default_rng(4)
    told = [
        power(variance_components(*study(TRUE, difference, rng), TRUE.subjects), difference)
        for _ in range(60)
    ]
    assert np.mean(told) == pytest.approx(power(TRUE, difference), abs=0.03)


def test_without_a_difference_the_test_errs_as_often_as_it_says():
    assert power(TRUE, 0.0) == pytest.approx(0.05, abs=0.015)


def test_more_subjects_help_until_the_structure_is_left():
    powers, least = least_subjects(TRUE, 0.04, [2, 8, 32, 128])
    assert list(powers) == sorted(powers)
    assert least is not None and powers[[2, 8, 32, 128].index(least)] >= 0.8
    rough = TRUE._replace(structure=0.2**2)
    assert least_subjects(rough, 0.04, [8, 10_000])[1] is None


def test_one_fold_alone_tells_nothing_of_trainings():
    whole, _ = study(TRUE._replace(folds=1), 0.05, np.random.default_rng(3))
    found = variance_components(whole)
    assert found.training == 0 and np.isnan(found.subject)
    assert 0 <= power(found, 0.05) <= 1
