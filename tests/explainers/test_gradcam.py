"""Grad-CAM and Grad-CAM++ against captum's and pytorch-grad-cam's numbers."""

import cv2
import numpy as np
import pytest

from humanlike.explainers import gradcam


@pytest.mark.parametrize(
    ("name", "output", "tolerance"), [("signed", "logit", 2e-6), ("softmax", "softmax", 5e-7)]
)
def test_gradcam_is_captums(golden, kind, differentiable, name, output, tolerance):
    found = np.array(
        [
            gradcam.weighted(*differentiable.features(image, label, output))
            for image, label in zip(golden.images, golden.classes, strict=True)
        ]
    )
    expected = golden[f"{kind}_gradcam_{name}"]
    if name == "softmax":
        found = np.maximum(found, 0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def test_gradcam_is_rectified_and_enlarged_to_the_face(golden, kind, differentiable):
    found = gradcam.gradcam(differentiable, golden.images, golden.classes)
    small = golden[f"{kind}_gradcam"]
    expected = [cv2.resize(one, (64, 64), interpolation=cv2.INTER_LINEAR) for one in small]
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)
    assert found.dtype == np.float32 and found.min() >= 0


def test_gradcam_plus_plus_is_pytorch_grad_cams(golden, kind, differentiable):
    found = [
        gradcam.plus_plus(*differentiable.features(image, label))
        for image, label in zip(golden.images, golden.classes, strict=True)
    ]
    np.testing.assert_allclose(found, golden[f"{kind}_gradcam_pp"], rtol=0, atol=2e-4)


def test_gradcam_plus_plus_is_enlarged_as_there(golden, kind, differentiable):
    if kind == "flatten":
        pytest.skip("known for the other network alone")

    def stretched(one):
        one = one - one.min()
        return one / (1e-7 + one.max())

    small = gradcam.plus_plus(*differentiable.features(golden.images[0], golden.classes[0]))
    large = gradcam.enlarged([stretched(small)], (1, 64, 64))[0]
    expected = golden["gap_gradcam_pp_upsampled_image0"]
    np.testing.assert_allclose(stretched(large), expected, rtol=0, atol=3e-5)


def test_gradients_of_the_features_are_hirescams(golden, kind, differentiable):
    for face, (image, label) in enumerate(zip(golden.images, golden.classes, strict=True)):
        features, gradients = differentiable.features(image, label)
        expected = golden[f"{kind}_hirescam_signed"][face]
        np.testing.assert_allclose((features * gradients).sum(axis=-1), expected, rtol=0, atol=2e-6)
