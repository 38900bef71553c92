"""Gradients by the pixels, against captum's numbers."""

import numpy as np

from humanlike.explainers.gradients import integrated_gradients, smoothgrad


def test_integrated_gradients_are_captums(golden, kind, differentiable):
    found = integrated_gradients(differentiable, golden.images, golden.classes, steps=50)
    expected = golden[f"{kind}_integrated_gradients"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
    zero = golden[f"{kind}_logits_zero_input"][golden.classes]
    own = differentiable.logits(golden.images)[np.arange(4), golden.classes]
    delta = golden[f"{kind}_integrated_gradients_delta"]
    np.testing.assert_allclose(found.sum(axis=(1, 2)) - (own - zero), delta, rtol=0, atol=1e-3)


def test_without_noise_smoothgrad_is_captums_gradient(golden, kind, differentiable):
    found = smoothgrad(
        differentiable,
        golden.images,
        golden.classes,
        seeds=np.zeros(4, int),
        samples=3,
        noise=0,
        magnitude=False,
    )
    expected = golden[f"{kind}_input_gradient"]
    np.testing.assert_allclose(256 * found, expected, rtol=0, atol=1e-5)


def test_smoothgrad_is_the_mean_over_its_noise(golden, kind, differentiable):
    one = slice(0, 1)
    found = smoothgrad(
        differentiable, golden.images[one], golden.classes[one],
        seeds=np.array([5]), samples=12, noise=0.1,
    )  # fmt: skip
    image = golden.images[0]
    field = np.random.default_rng(5).standard_normal((12, 64, 64))
    pictures = image + 0.1 * (int(image.max()) - int(image.min())) * field
    label = int(golden.classes[0])
    every = [
        differentiable.input_gradients(picture[None].astype(np.float32), label)
        for picture in pictures
    ]
    np.testing.assert_allclose(found[0], np.abs(np.mean(every, axis=0)[0]), rtol=0, atol=1e-8)


def test_a_face_is_explained_the_same_in_any_company(golden, kind, differentiable):
    seeds = np.array([1, 2, 3, 4])
    settings = {"samples": 7, "noise": 0.2}
    together = smoothgrad(differentiable, golden.images, golden.classes, seeds=seeds, **settings)
    for face in range(4):
        one = slice(face, face + 1)
        alone = smoothgrad(
            differentiable, golden.images[one], golden.classes[one], seeds=seeds[one], **settings
        )
        np.testing.assert_array_equal(alone[0], together[face])
