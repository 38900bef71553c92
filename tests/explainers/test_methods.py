"""Every method on every kind of network: a map of the face, or one line that says why not."""

import keras
import numpy as np
import pytest
from keras import layers

from humanlike.errors import HumanlikeError
from humanlike.explainers.differentiable import Differentiable
from humanlike.explainers.hiding import Hiding
from humanlike.explainers.methods import METHODS
from humanlike.explainers.runtimes import prepare
from humanlike.networks.builder import build
from humanlike.params import Params

LITTLE = {
    "lime": {"samples": 20, "superpixels": 6},
    "kernelshap": {"samples": 40, "superpixels": 6},
    "occlusion": {"cells": 4, "window": 2},
    "rise": {"masks": 20},
    "integrated_gradients": {"steps": 3},
    "smoothgrad": {"samples": 3},
    "extremal": {"iterations": 2, "fast": True, "areas": [0.1]},
}
#: Made anew for each network: a layer's start is drawn when the layer is made.
ENDINGS = {
    "averaged": lambda: [layers.GlobalAveragePooling2D()],
    "flattened": lambda: [layers.MaxPool2D(2), layers.Flatten()],
    "several dense": lambda: [layers.Flatten(), layers.Dense(5, activation="relu")],
}
SIZE = 32


@pytest.fixture(scope="module", params=[*ENDINGS, "weinet"])
def network(request):
    """A name, and the network for either kind of method."""
    if request.param == "weinet":
        model = build("weinet", 3, seed=0)
    else:
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [
                keras.Input((SIZE, SIZE, 3)),
                layers.Rescaling(1 / 255),
                layers.Conv2D(6, 3, strides=2, activation="relu"),
                *ENDINGS[request.param](),
                layers.Dense(3, activation="softmax"),
            ]
        )
    return request.param, Hiding(prepare(model, "openvino")), Differentiable(model)


@pytest.mark.parametrize("method", METHODS)
def test_it_explains_or_says_in_one_line_why_not(network, images, method):
    name, predictor, differentiable = network
    row = METHODS[method]
    every = images.shape[-1] // predictor.size
    # One face for each class: Grad-CAM of a class that nothing speaks for is nothing.
    image = np.repeat(images[:1, ::every, ::every], 3, axis=0)

    def explain():
        return row.explain(
            differentiable if row.gradients else predictor,
            image,
            np.arange(3),
            np.array([5, 6, 7], np.uint32),
            **LITTLE.get(method, {}),
        )

    if (method, name) == ("cam", "several dense"):
        with pytest.raises(HumanlikeError, match=r"cam is not defined .* use gradcam") as refusal:
            explain()
        assert "\n" not in str(refusal.value)
        return
    found, again = explain(), explain()
    if row.superpixels:
        np.testing.assert_array_equal(found.segments, again.segments)
        found, again = (
            np.take_along_axis(f.weights[:, None], f.segments.astype(int), axis=2)
            for f in (found, again)
        )
    assert found.shape == image.shape and found.dtype == np.float32
    assert np.isfinite(found).all() and np.ptp(found) > 0
    np.testing.assert_array_equal(again, found)


def test_every_method_has_a_section_of_its_name():
    names = {field.alias or name for name, field in Params.model_fields.items()}
    assert set(METHODS) <= names
