"""Networks of all shapes, and what gradients are asked of."""

import keras
import numpy as np
import pytest
from keras import layers

from humanlike.errors import HumanlikeError
from humanlike.explainers.differentiable import Differentiable
from humanlike.explainers.gradcam import gradcam

IMAGE = np.random.default_rng(0).integers(0, 256, (1, 32, 32), dtype=np.uint8)


def convolutions():
    return [
        layers.Rescaling(1 / 255),
        layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.MaxPool2D(2),
        layers.Conv2D(6, 3, padding="same", activation="relu"),
    ]


def model(*ending, size=32):
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((size, size, 3)), *convolutions(), *ending])


def nested(inner):
    """The same network inside another, twice, so that layers' names clash."""
    image = keras.Input((32, 32, 3))
    features = keras.Sequential([keras.Input((32, 32, 3)), *inner.layers[:4]], name="body")
    head = keras.Sequential(
        [keras.Input(features.outputs[0].shape[1:]), *inner.layers[4:]], name="top"
    )
    body = keras.Model(image, features(image), name="outer")
    return keras.Sequential([keras.Input((32, 32, 3)), body, head])


def test_the_map_is_found_inside_nested_models():
    plain = model(layers.GlobalAveragePooling2D(), layers.Dense(3, activation="softmax"))
    images, classes = np.repeat(IMAGE, 3, axis=0), np.arange(3)
    expected = gradcam(Differentiable(plain), images, classes)
    assert expected.max() > 0
    found = gradcam(Differentiable(nested(plain)), images, classes)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    "ending",
    [
        [layers.GlobalAveragePooling2D(keepdims=True), layers.Conv2D(9, 1), layers.Flatten()],
        [
            layers.MaxPool2D(2),
            layers.Dropout(0.5),
            layers.MaxPool2D(3, 1, "same"),
            layers.Flatten(),
        ],
        [layers.MaxPool2D(16), layers.Flatten()],
    ],
    ids=["a map of one pixel after it", "poolings and dropout after it", "pooled to one pixel"],
)
def test_the_map_is_told_by_its_extent(ending):
    network = Differentiable(model(*ending, layers.Dense(3, activation="softmax")))
    features, gradients = network.features(IMAGE[0], 0)
    assert features.shape == gradients.shape == (16, 16, 6)


def head(kind):
    return {
        "in dense": [layers.Dense(3, activation="softmax")],
        "a layer": [layers.Dense(3), layers.Softmax()],
        "an activation": [layers.Dense(3), layers.Activation("softmax"), layers.Flatten()],
        "none": [layers.Dense(3)],
    }[kind]


@pytest.mark.parametrize("kind", ["in dense", "a layer", "an activation", "none"])
def test_logits_are_what_softmax_is_taken_of(kind):
    whole = model(layers.Flatten(), *head(kind))
    network = Differentiable(whole)
    x = np.repeat(IMAGE[..., None], 3, -1).astype(np.float32)
    flat = keras.Model(whole.inputs, whole.layers[4].output).predict(x, verbose=0)
    dense = whole.layers[5]
    expected = flat @ dense.kernel.numpy() + dense.bias.numpy()
    np.testing.assert_allclose(network.logits(IMAGE), expected, rtol=1e-5, atol=1e-5)


def test_what_follows_softmax_and_is_unknown_is_undone_by_a_logarithm():
    image = keras.Input((32, 32, 3))
    probabilities = layers.Dense(3, activation="softmax")(layers.Flatten()(image))
    network = Differentiable(keras.Model(image, 0.5 * probabilities + 0.1))
    x = np.repeat(IMAGE[..., None], 3, -1).astype(np.float32)
    expected = np.log(network._model.predict(x, verbose=0))
    np.testing.assert_allclose(network.logits(IMAGE), expected, rtol=1e-5)


@pytest.mark.parametrize("output", ["logit", "softmax"])
def test_gradients_are_finite_differences(output):
    # Stride-1 pooling is where TensorFlow's derivatives have failed before.
    network = Differentiable(
        model(layers.MaxPool2D(2, 1, "same"), layers.Flatten(), layers.Dense(3, "softmax"))
    )
    picture = np.random.default_rng(1).uniform(0, 255, (32, 32)).astype(np.float32)
    gradient = network.input_gradients(picture[None], 2, output)[0]
    direction = np.sign(gradient)

    def score(step):
        logits = network._logits((picture + step * direction)[None]).numpy()[0].astype(float)
        chances = np.exp(logits - logits.max())
        return logits[2] if output == "logit" else (chances / chances.sum())[2]

    slope = (score(0.05) - score(-0.05)) / 0.1
    np.testing.assert_allclose((gradient * direction).sum(), slope, rtol=0.02)


def test_a_network_without_a_map_is_refused_in_one_line():
    dense = keras.Sequential([keras.Input((32, 32, 3)), layers.Flatten(), layers.Dense(3)])
    with pytest.raises(HumanlikeError, match=r"no feature map .*; use integrated_gradients"):
        gradcam(Differentiable(dense), IMAGE, np.array([0]))


def test_a_model_that_is_no_graph_is_refused_in_one_line():
    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.dense = layers.Dense(3)

        def call(self, x):
            return self.dense(keras.ops.mean(x, axis=(1, 2)))

    image = keras.Input((32, 32, 3))
    whole = keras.Model(image, Own()(image))
    with pytest.raises(HumanlikeError, match=r"own is no graph of Keras layers.*use .* lime"):
        Differentiable(whole)
