"""The label of a contrast set is carried by one region alone."""

import numpy as np
import pytest

from humanlike.synthesis.contrasts import CONTRASTS, draw_contrast_subject


@pytest.fixture(scope="module", params=CONTRASTS)
def contrast(request):
    drawn = [draw_contrast_subject(request.param, n, 3, seed=1, size=128) for n in range(2)]
    return request.param, [face for faces in drawn for face in faces]


def test_half_of_each_subject_has_each_label(contrast):
    _, faces = contrast
    assert len(faces) == 12
    for subject in ("s01", "s02"):
        labels = [face.label for face in faces if face.subject == subject]
        assert labels == [0] * 3 + [1] * 3


def test_only_the_label_decides_the_region_s_units(contrast):
    region, faces = contrast
    own = {unit for units in CONTRASTS[region] for unit in units}
    for face in faces:
        active = {unit for unit in own if face.action_units[unit] > 0}
        assert active == set(CONTRASTS[region][face.label])


def test_the_other_regions_vary(contrast):
    region, faces = contrast
    own = {unit for units in CONTRASTS[region] for unit in units}
    others = {
        tuple(value for unit, value in face.action_units.items() if unit not in own)
        for face in faces
    }
    assert len(others) > 6


def test_what_changes_lies_in_the_region(contrast):
    region, faces = contrast
    for face in faces:
        landmarks = face.face.landmarks
        middle = {
            "brows": landmarks[17:27],
            "eyes": landmarks[36:48],
            "mouth_corners": landmarks[48:68],
            "mouth_opening": landmarks[48:68],
        }[region].mean(axis=0)
        rows, columns = np.nonzero(face.changed)
        interocular = np.hypot(*(landmarks[45] - landmarks[36]))
        distance = np.hypot(columns - middle[0], rows - middle[1]) / interocular
        assert 0.005 < face.changed.mean() < 0.20
        assert np.median(distance) < 0.8


def test_a_contrast_set_is_repeatable():
    first, again = (list(draw_contrast_subject("eyes", 0, 1, seed=7, size=64)) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.face.image, other.face.image)
        np.testing.assert_array_equal(one.changed, other.changed)


def test_an_unknown_region_is_refused():
    with pytest.raises(KeyError):
        next(draw_contrast_subject("ears", 0))
