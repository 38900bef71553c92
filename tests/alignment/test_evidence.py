"""Where expressions differ, on pictures whose differences are known."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.transform import SimilarityTransform

from humanlike.alignment.attention import auc
from humanlike.alignment.evidence import (
    STABLE,
    Effect,
    differences,
    each_group,
    face_region,
    local_contrast,
    pools,
    register,
    reliability,
    similarity_transform,
)
from humanlike.canonical.geometry import HEIGHT, LANDMARKS, WIDTH
from humanlike.canonical.warp import warp
from humanlike.expressions import EXPRESSIONS
from humanlike.faces.align import align
from humanlike.synthesis.sample import draw_sample

SIDE = 112
POINTS = (LANDMARKS * (0.4, 0.4) + (11, 1)).astype(np.float32)


def pictures(n: int, rng: np.random.Generator, patch: bool = False) -> np.ndarray:
    """Noise on an even picture, with a bright patch on the mouth or without."""
    images = 120 + 8 * rng.standard_normal((n, SIDE, SIDE))
    if patch:
        x, y = POINTS[48:68].mean(axis=0).astype(int)
        images[:, y - 6 : y + 7, x - 8 : x + 9] += 40
    return images.clip(0, 255).astype(np.uint8)


def test_light_is_taken_out():
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.integers(60, 120, (SIDE, SIDE)).astype(np.float32), (0, 0), 1.5)
    darker = 0.5 * image + 10
    plain, dark = (local_contrast(i.round().astype(np.uint8), 8) for i in (4 * image - 240, image))
    assert np.corrcoef(plain.ravel(), dark.ravel())[0, 1] > 0.97
    assert abs(local_contrast(darker.astype(np.uint8), 8).mean()) < 0.05


@given(st.floats(0.5, 2), st.floats(-3, 3), st.floats(-50, 50), st.integers(0, 99))
def test_a_similarity_is_found_again(scale, angle, shift, seed):
    points = np.random.default_rng(seed).normal(0, 30, (8, 2))
    true = SimilarityTransform(scale=scale, rotation=angle, translation=(shift, -shift))
    found = similarity_transform(points, true(points))
    np.testing.assert_allclose(found, true.params[:2], atol=1e-6)


def test_noisy_points_lie_as_near_as_scikit_image_can_bring_them():
    points, target = np.random.default_rng(3).normal(0, 30, (2, 8, 2))
    theirs = SimilarityTransform.from_estimate(points, target)
    ours = similarity_transform(points, target)
    error = np.square(points @ ours[:, :2].T + ours[:, 2] - target).sum()
    assert error <= np.square(theirs(points) - target).sum() + 1e-6


def test_pictures_of_one_person_meet_on_what_no_muscle_moves():
    larger = (POINTS * 1.1 - 4).astype(np.float32)
    images = np.zeros((2, SIDE, SIDE), np.uint8)
    _, moved = register(images, np.stack([POINTS, larger]))
    np.testing.assert_allclose(moved[0][list(STABLE)], moved[1][list(STABLE)], atol=1e-3)


def test_noise_alone_is_no_difference_on_average():
    rng = np.random.default_rng(0)
    labels = np.repeat(["anger", "fear"], 3)
    effect = Effect(2)
    for _ in range(60):
        maps = differences(
            pictures(6, rng), np.stack([POINTS] * 6), labels, ["anger", "fear"], contrast=0.1
        )
        effect.add(maps)
    raw = effect._mean[0][face_region()]
    squared = np.square(local_contrast(pictures(1, rng)[0], 0.1 * SIDE)).mean()
    assert abs(raw.mean()) < 0.02 * squared


def test_what_differs_is_found_where_it_is():
    rng = np.random.default_rng(1)
    labels = np.repeat(["anger", "fear"], 3)
    effect = Effect(2)
    for _ in range(12):
        images = np.concatenate([pictures(3, rng), pictures(3, rng, patch=True)])
        effect.add(differences(images, np.stack([POINTS] * 6), labels, ["anger", "fear"]))
    found = effect.maps()
    y, x = np.unravel_index(found[1].argmax(), (HEIGHT, WIDTH))
    centre = LANDMARKS[48:68].mean(axis=0)
    assert abs(x - centre[0]) < 30 and abs(y - centre[1]) < 30
    assert found[0].max() == pytest.approx(found[1].max(), rel=0.01), "both see the same patch"


def test_an_expression_that_a_person_lacks_is_passed_over():
    rng = np.random.default_rng(2)
    labels = np.array(["anger", "anger", "fear", "neutral"])
    points = np.stack([POINTS] * 4)
    maps = differences(pictures(4, rng), points, labels, ["anger", "disgust", "fear"])
    assert [bool(np.isnan(m).all()) for m in maps] == [False, True, False]
    alone = differences(pictures(2, rng), points[:2], labels[:2], ["anger", "fear"], "neutral")
    assert np.isnan(alone).all()
    effect = Effect(3)
    effect.add(maps)
    assert list(effect.count) == [1, 0, 1]
    assert np.isnan(effect.maps()).all(), "one person has no spread"


def test_the_effect_is_mean_over_spread():
    rng = np.random.default_rng(4)
    people = rng.normal(2, 1, (9, 1, HEIGHT, WIDTH)).astype(np.float32)
    effect = Effect(1)
    for maps in people:
        effect.add(maps)
    spread = people.std(axis=0, ddof=1)[0]
    floor = np.median(spread[face_region()])
    expected = people.mean(axis=0)[0] / np.hypot(spread, floor)
    found = effect.maps()[0]
    np.testing.assert_allclose(found[face_region()], expected[face_region()], rtol=1e-4)
    assert not found[~face_region()].any()


def test_halves_are_stepped_up_by_spearman_and_brown():
    rng = np.random.default_rng(5)
    signal, *noise = rng.standard_normal((3, 1, HEIGHT, WIDTH))
    halves = [(signal + n).astype(np.float32) for n in noise]
    # Halves of reliability 1/2 make a whole of reliability 2/3.
    np.testing.assert_allclose(reliability(*halves), [2 / 3], atol=0.02)
    constant = np.ones((1, HEIGHT, WIDTH), np.float32)
    assert np.isnan(reliability(constant, constant)).all()


def test_people_are_held_against_themselves_and_strangers_in_pools():
    labels = np.tile(["anger", "fear"], 40)
    twice = np.repeat(np.arange(40).astype(str), 2)
    numbers, pooled = pools(twice, labels, seed=0)
    assert not pooled and len(set(numbers)) == 40

    numbers, pooled = pools(np.arange(80).astype(str), labels, seed=0)
    assert pooled and len(set(numbers)) == 8
    for rows in each_group(numbers):
        assert sorted(labels[rows]) == ["anger"] * 5 + ["fear"] * 5


@pytest.mark.slow
def test_evidence_is_where_drawn_expressions_change_the_face():
    faces = list(draw_sample(12, images_per_expression=2, seed=11, low=0.8))
    labels = np.array([face.expression for face in faces])
    subjects = np.array([face.subject for face in faces])
    aligned = [align(face.face.image, face.face.landmarks, 128) for face in faces]
    images, points = (np.stack(part) for part in zip(*aligned, strict=True))
    effect = Effect(len(EXPRESSIONS))
    for rows in each_group(np.unique(subjects, return_inverse=True)[1]):
        effect.add(
            differences(images[rows], points[rows], labels[rows], EXPRESSIONS, against="neutral")
        )
    for label, found in zip(EXPRESSIONS, effect.maps(), strict=True):
        truth = []
        for face in faces:
            if face.expression == label and face.subject in ("s01", "s03", "s05"):
                changed = 255 * face.changed.astype(np.uint8)
                moved, landmarks = align(changed, face.face.landmarks, 128)
                truth.append(warp(moved, landmarks) >= 128)
        assert auc(found, np.mean(truth, axis=0) >= 0.5) > 0.8, label
