"""Receptive fields against gradients, colours against their purpose, cuts against the network."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from humanlike.explainers.prefix import Fields, colours, find_prefix
from humanlike.networks.builder import build


def network(*layers):
    return keras.Sequential([keras.Input((64, 64, 3)), *layers])


def branched():
    image = keras.Input((64, 64, 3))
    scaled = keras.layers.ZeroPadding2D(1)(keras.layers.Rescaling(1 / 255)(image))
    stem = keras.layers.Conv2D(4, 3, strides=2)(scaled)
    branch = keras.layers.DepthwiseConv2D(3, padding="same")(stem)
    joined = keras.layers.Add()([stem, keras.layers.BatchNormalization()(branch)])
    pooled = keras.layers.GlobalAveragePooling2D(keepdims=True)(joined)
    gated = keras.layers.Multiply()([joined, keras.layers.Dense(4)(pooled)])
    narrow = keras.layers.Conv2D(4, 3, strides=4)(gated)
    return keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(narrow)))


def flipped(axis):
    image = keras.Input((64, 64, 3))
    turned = keras.ops.flip(keras.layers.Rescaling(1 / 255)(image), axis=axis)
    features = keras.layers.Conv2D(4, 3, strides=4)(keras.layers.Conv2D(16, 3)(turned))
    return keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(features)))


NETWORKS = {
    "valid": lambda: network(
        keras.layers.Conv2D(8, 3),
        keras.layers.AveragePooling2D(2),
        keras.layers.Conv2D(8, 3, strides=4),
        keras.layers.Flatten(),
        keras.layers.Dense(3),
    ),
    "same": lambda: network(
        keras.layers.Conv2D(16, 4, strides=2, padding="same"),
        keras.layers.AveragePooling2D(2, 1, padding="same"),
        keras.layers.Conv2D(4, 5, strides=3, padding="same"),
        keras.layers.Flatten(),
        keras.layers.Dense(3),
    ),
    "branched": branched,
    "flipped": lambda: flipped(-1),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_receptive_fields_hold_every_pixel_that_matters(name):
    model = NETWORKS[name]()
    prefix = find_prefix(model)
    first = tf.function(keras.Model(model.inputs[0], prefix.output))
    image = tf.Variable(np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)), dtype=tf.float32)
    places = len(prefix.fields.first)
    for row, column in [(0, 0), (places // 2, places - 1), (places - 1, 3)]:
        with tf.GradientTape() as tape:
            seen = tf.reduce_sum(first(image)[0, row, column])
        matters = np.abs(tape.gradient(seen, image).numpy()[0]).sum(axis=-1) > 0
        rows, columns = np.flatnonzero(matters.any(axis=1)), np.flatnonzero(matters.any(axis=0))
        assert (rows[0], rows[-1]) == (prefix.fields.first[row], prefix.fields.last[row])
        assert (columns[0], columns[-1]) == (
            prefix.fields.first[column],
            prefix.fields.last[column],
        )


@pytest.mark.parametrize("name", NETWORKS)
def test_the_two_parts_are_the_network(name):
    model = NETWORKS[name]()
    cut = find_prefix(model).output
    image = np.random.default_rng(1).uniform(0, 255, (2, 64, 64, 3)).astype(np.float32)
    middle = keras.Model(model.inputs[0], cut)(image)
    np.testing.assert_allclose(keras.Model(cut, model.outputs[0])(middle), model(image), rtol=1e-5)


@pytest.mark.parametrize("scaling", ["paper", "native"])
@pytest.mark.parametrize("key", ["vgg16", "resnet50", "mobilenetv3"])
def test_applications_are_cut_however_their_input_is_scaled(key, scaling):
    prefix = find_prefix(build(key, input_scaling=scaling))
    assert prefix is not None
    assert prefix.output.shape[1] < 112


def test_a_mirrored_picture_is_not_cut():
    assert find_prefix(flipped(2)) is None


def test_no_cut_is_made_where_none_pays():
    assert find_prefix(network(keras.layers.Conv2D(4, 20), keras.layers.Flatten())) is None


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_superpixels_that_are_seen_together_differ_in_colour(d, reach, seed):
    random = np.random.default_rng(seed)
    centres = random.uniform(0, 24, (d, 2))
    pixels = np.mgrid[:24, :24].transpose(1, 2, 0)[:, :, None]
    nearest = np.square(pixels - centres).sum(axis=-1).argmin(axis=-1)
    segments = np.unique(nearest, return_inverse=True)[1].reshape(24, 24).astype(np.uint8)
    d = segments.max() + 1
    middle = np.arange(0, 24, 2)
    fields = Fields(np.maximum(middle - reach, 0), np.minimum(middle + reach, 23))

    colour, seen = colours(segments, fields)
    assert colour.shape == (d,)
    assert seen.shape == (12, 12, colour.max() + 1)
    for row in range(12):
        for column in range(12):
            window = segments[
                fields.first[row] : fields.last[row] + 1,
                fields.first[column] : fields.last[column] + 1,
            ]
            inside = np.unique(window)
            assert len(set(colour[inside])) == len(inside)
            assert sorted(k for k in seen[row, column] if k < d) == inside.tolist()
            assert (seen[row, column, colour[inside]] == inside).all()
