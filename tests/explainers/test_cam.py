"""CAM against its definition, and against gradient times activation."""

import keras
import numpy as np
import pytest
from keras import layers

from humanlike.errors import HumanlikeError
from humanlike.explainers import cam
from humanlike.explainers.differentiable import Differentiable


def maps_of(network, images, classes):
    head = cam.head(network.outline)
    found = [
        cam.class_activation(network.last_map(image), head.weights[..., label])
        for image, label in zip(images, classes, strict=True)
    ]
    return np.array(found), head


def test_of_an_averaged_map_it_is_the_definitions(golden):
    network = Differentiable(golden.models["gap"])
    found, head = maps_of(network, golden.images, golden.classes)
    np.testing.assert_allclose(found, golden["gap_cam"], rtol=0, atol=1e-4)
    logits = np.take_along_axis(golden.tiny["gap"]["logits"], golden.classes[:, None], 1)[:, 0]
    given = found.mean(axis=(1, 2)) + head.bias[golden.classes]
    np.testing.assert_allclose(given, logits, rtol=0, atol=1e-5)


def test_of_a_flattened_map_it_is_gradient_times_activation(golden):
    network = Differentiable(golden.models["flatten"])
    found, head = maps_of(network, golden.images, golden.classes)
    # HiResCAM of the map before the pooling lies at each window's greatest value.
    sparse = golden["flatten_hirescam_signed"].reshape(4, 8, 2, 8, 2)
    np.testing.assert_allclose(found, sparse.sum(axis=(2, 4)), rtol=0, atol=2e-6)
    logits = np.take_along_axis(golden.tiny["flatten"]["logits"], golden.classes[:, None], 1)[:, 0]
    given = found.sum(axis=(1, 2)) + head.bias[golden.classes]
    np.testing.assert_allclose(given, logits, rtol=0, atol=1e-5)


def test_it_is_enlarged_to_the_face_with_its_sign(golden):
    network = Differentiable(golden.models["gap"])
    found = cam.explain(network, golden.images, golden.classes)
    assert found.shape == golden.images.shape and found.dtype == np.float32
    assert found.min() < 0 < found.max()


def network_of(*head):
    image = keras.Input((16, 16, 3))
    return Differentiable(
        keras.Sequential([image, layers.Conv2D(2, 3, activation="relu"), *head], name="small")
    )


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ([layers.Flatten(), layers.Dense(4, "relu"), layers.Dense(2, "softmax")], "several dense"),
        ([layers.GlobalMaxPooling2D(), layers.Dense(2, "softmax")], "a GlobalMaxPooling2D layer"),
        ([layers.GlobalAveragePooling2D(), layers.Activation("relu"), layers.Dense(2)],
         "a Activation layer"),
        ([layers.GlobalAveragePooling2D()], "without a dense layer"),
    ],
)  # fmt: skip
def test_where_it_is_not_defined_one_line_says_what_to_use(head, reason):
    network = network_of(*head)
    with pytest.raises(HumanlikeError, match=f"not defined .*{reason}.*use gradcam") as refusal:
        cam.explain(network, np.zeros((1, 16, 16), np.uint8), np.zeros(1, int))
    assert "\n" not in str(refusal.value)


def test_dropout_and_a_softmax_of_its_own_change_nothing():
    network = network_of(
        layers.Dropout(0.5),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(2),
        layers.Softmax(),
    )
    image = np.random.default_rng(0).integers(0, 256, (1, 16, 16), dtype=np.uint8)
    found, head = maps_of(network, image, [1])
    np.testing.assert_allclose(found.sum() + head.bias[1], network.logits(image)[0, 1], rtol=1e-5)
