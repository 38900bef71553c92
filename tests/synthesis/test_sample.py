"""Each face of a sample hangs on its own place in it, and on nothing else."""

from collections import Counter

import numpy as np

from humanlike.expressions import ACTION_UNITS
from humanlike.synthesis.sample import SAMPLE_LABELS, draw_sample


def faces(**arguments):
    return {
        (sample.subject, sample.expression, sample.number): sample
        for sample in draw_sample(size=64, **arguments)
    }


def test_a_sample_grows_without_changing():
    sample = faces(subjects=2, images_per_expression=2)
    assert Counter(subject for subject, _, _ in sample) == {"s01": 14, "s02": 14}
    assert Counter(expression for _, expression, _ in sample) == dict.fromkeys(SAMPLE_LABELS, 4)
    few = faces(subjects=1, images_per_expression=1)
    for key, face in few.items():
        np.testing.assert_array_equal(face.face.image, sample[key].face.image)


def test_another_seed_draws_other_faces():
    one, other = (faces(subjects=1, images_per_expression=1, seed=seed) for seed in (0, 1))
    assert all((one[key].face.image != other[key].face.image).any() for key in one)


def test_intensities_keep_to_their_range():
    for sample in draw_sample(1, 1, low=0.2, high=0.3, size=64):
        units = ACTION_UNITS.get(sample.expression, ())
        assert all(0.2 <= sample.action_units[unit] <= 0.3 for unit in units)
        others = set(sample.action_units) - {*units, 25}
        assert all(sample.action_units[unit] == 0 for unit in others)
