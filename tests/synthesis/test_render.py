"""The drawn photograph: repeatable, and found by a detector that never saw one."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import dlib
import numpy as np
import pandas as pd
import pytest

from humanlike.synthesis.identity import draw_identity
from humanlike.synthesis.render import changed_pixels, render
from humanlike.synthesis.sample import draw_sample
from humanlike.synthesis.view import draw_view

IDENTITY = draw_identity(np.random.default_rng(2))
VIEW = draw_view(np.random.default_rng(3))


def test_a_face_is_an_image_and_its_landmarks():
    face = render(IDENTITY, {12: 0.8}, VIEW, size=200)
    assert face.image.shape == (200, 200)
    assert face.image.dtype == np.uint8
    assert face.landmarks.shape == (68, 2)
    assert face.landmarks.dtype == np.float32
    assert ((face.landmarks > 0) & (face.landmarks < 199)).all()


def test_the_same_arguments_give_the_same_bytes():
    first = render(IDENTITY, {4: 0.7}, VIEW)
    render(draw_identity(np.random.default_rng(9)), {}, VIEW)
    again = render(IDENTITY, {4: 0.7}, VIEW)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.landmarks, again.landmarks)


def test_the_size_only_scales_the_landmarks():
    small, large = (render(IDENTITY, {5: 1}, VIEW, size).landmarks for size in (128, 256))
    # Pixel centres: the middle of an image of n pixels lies at (n - 1) / 2.
    np.testing.assert_allclose((small + 0.5) * 2, large + 0.5, atol=1e-3)


def test_the_lit_side_of_the_face_is_brighter():
    lit_from_right = render(IDENTITY, {}, replace(VIEW, azimuth=0.75, fill=0.04))
    left_cheek, right_cheek = (lit_from_right.landmarks[[k, 30]].mean(axis=0) for k in (2, 14))

    def tone(point):
        x, y = point.astype(int)
        return lit_from_right.image[y - 4 : y + 5, x - 4 : x + 5].mean()

    assert tone(right_cheek) > tone(left_cheek) + 10


def test_nothing_changes_between_equal_settings():
    assert not changed_pixels(IDENTITY, {4: 1}, {4: 1}, VIEW).any()


def test_what_does_not_change_keeps_its_bytes():
    frown, raised = {4: 1.0}, {2: 1.0}
    changed = changed_pixels(IDENTITY, frown, raised, VIEW)
    first, second = (render(IDENTITY, units, VIEW).image for units in (frown, raised))
    difference = np.abs(first.astype(int) - second)
    assert difference[~changed].max() <= 3
    assert difference[changed].mean() > 10
    assert 0.01 < changed.mean() < 0.10


@pytest.fixture(scope="module")
def measured():
    """Faces with the six distances that expressions move, true and as dlib finds them."""
    # Found, not imported: importing the package needs pkg_resources.
    package = importlib.util.find_spec("face_recognition_models")
    model = "models/shape_predictor_68_face_landmarks.dat"
    predictor = dlib.shape_predictor(str(Path(package.origin).parent / model))
    detector = dlib.get_frontal_face_detector()
    rows = []
    for sample in draw_sample(subjects=4, images_per_expression=2):
        found = detector(sample.face.image, 0)
        row = {"subject": sample.subject, "found": len(found)}
        if len(found) == 1:
            points = [
                (point.x, point.y) for point in predictor(sample.face.image, found[0]).parts()
            ]
            row |= {f"true {k}": v for k, v in distances(sample.face.landmarks).items()}
            row |= {f"dlib {k}": v for k, v in distances(np.array(points)).items()}
        rows.append(row)
    return pd.DataFrame(rows)


def distances(points):
    """Six distances relative to that of the outer eye corners, in the eyes' own frame."""
    axis = points[45] - points[36]
    length = np.hypot(*axis)
    x, y = axis / length
    points = (points - points[[36, 45]].mean(axis=0)) @ np.array([[x, -y], [y, x]]) / length
    heights = points[:, 1]
    return {
        "inner brow": heights[[21, 22]].mean(),
        "outer brow": heights[[17, 18, 25, 26]].mean(),
        "lip corners": heights[[48, 54]].mean(),
        "eye opening": heights[[40, 41, 46, 47]].mean() - heights[[37, 38, 43, 44]].mean(),
        "mouth width": points[54, 0] - points[48, 0],
        "mouth opening": heights[66] - heights[62],
    }


def test_dlib_finds_one_face_in_each_image(measured):
    assert (measured["found"] == 1).mean() >= 0.99


@pytest.mark.parametrize(
    "distance",
    ["inner brow", "outer brow", "lip corners", "eye opening", "mouth width", "mouth opening"],
)
def test_dlib_sees_the_expression_move_as_it_does(measured, distance):
    pair = measured[[f"true {distance}", f"dlib {distance}"]]
    within = pair - pair.groupby(measured["subject"]).transform("mean")
    assert within.corr().iloc[0, 1] >= 0.7
