"""Receptive fields against gradients, colours against their purpose, cuts against the network."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from humanlike.explainers import runtimes
from humanlike.explainers.prefix import Fields, agrees, colours, find_prefix
from humanlike.explainers.runtimes import prepare
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


def ending(features):
    return keras.layers.Dense(3, "softmax")(keras.layers.Flatten()(features))


def unusual(middle, end=ending):
    """Two convolutions, which a cut after the second would pay for, something between, the rest."""
    image = keras.Input((64, 64, 3))
    features = keras.layers.Conv2D(8, 3, padding="same")(keras.layers.Rescaling(1 / 255)(image))
    features = keras.layers.Conv2D(8, 3, strides=2, padding="same")(middle(features))
    features = keras.layers.Conv2D(8, 3, strides=2, padding="same")(features)
    return keras.Model(image, end(features))


@keras.saving.register_keras_serializable("tests")
def spatial_softmax(features):
    return keras.ops.softmax(features, axis=(1, 2)) * 100


class Conv2D(keras.layers.Conv2D):
    """It bears the name of Keras' and looks at the whole picture."""

    def call(self, inputs):
        return super().call(inputs) - keras.ops.mean(inputs, axis=(1, 2, 3), keepdims=True)


def two_halves(features):
    upper, lower = keras.ops.split(features, 2, axis=1)
    return keras.layers.Concatenate(axis=1)([lower, upper])


def two_channels(features):
    one, other = keras.ops.split(features, 2, axis=-1)
    return keras.layers.Add()([one, other])


def shared(features):
    again = keras.layers.Conv2D(8, 3, padding="same", activation="tanh")
    return keras.layers.Add()([again(features), again(again(features))])


LOOK_FURTHER = {
    "activation of space": lambda x: keras.layers.Activation(spatial_softmax)(x),
    "convolution's activation": lambda x: keras.layers.Conv2D(8, 1, activation=spatial_softmax)(x),
    "softmax of space": lambda x: keras.layers.Softmax(axis=(1, 2))(x),
    "halves exchanged": two_halves,
    "joined along space": lambda x: keras.layers.Concatenate(axis=1)([x, x]),
    "joined along columns": lambda x: keras.layers.Concatenate(axis=-2)([x, x]),
    "rows and columns exchanged": lambda x: keras.layers.Permute((2, 1, 3))(x),
    "all normalised": lambda x: keras.layers.LayerNormalization(axis=(1, 2, 3))(x),
    "namesake": lambda x: Conv2D(8, 3, padding="same")(x),
    "nested": lambda x: keras.Sequential([keras.layers.Conv2D(8, 25, padding="same")])(x),
    "resized": lambda x: keras.layers.Resizing(48, 48)(x),
    "transposed convolution": lambda x: keras.layers.Conv2DTranspose(8, 3, strides=2)(x),
    "rectangular": lambda x: keras.layers.Conv2D(8, (1, 31), padding="same")(x),
    "attention": lambda x: keras.layers.Attention()([x, x]),
}
OTHERS = {
    "several outputs": two_channels,
    "a layer used twice": shared,
    "softmax of channels": lambda x: keras.layers.Conv2D(8, 1, activation="softmax")(x),
    "dilated": lambda x: keras.layers.Conv2D(8, 3, dilation_rate=2, padding="same")(x),
    "separable": lambda x: keras.layers.SeparableConv2D(8, 3, padding="same")(x),
    "gated": lambda x: keras.layers.Multiply()([x, keras.layers.Activation("sigmoid")(x)]),
}


@pytest.mark.parametrize("name", [*LOOK_FURTHER, *OTHERS])
def test_unusual_networks_are_cut_rightly_or_not_at_all(name):
    model = unusual((LOOK_FURTHER | OTHERS)[name])
    prefix = find_prefix(model)
    assert prefix is None or agrees(model, prefix)
    if name in LOOK_FURTHER:  # the first convolution is all that may come before
        assert prefix is None or prefix.fields.last[32] - prefix.fields.first[32] == 2


def test_networks_that_are_no_chain_from_a_square_picture_are_not_cut():
    image, other = keras.Input((64, 64, 3)), keras.Input((4,))
    features = keras.layers.Flatten()(keras.layers.Conv2D(8, 3, strides=2)(image))
    both = keras.layers.Concatenate()([features, other])
    assert find_prefix(keras.Model([image, other], keras.layers.Dense(3)(both))) is None
    two = [keras.layers.Dense(3)(features), keras.layers.Dense(2)(features)]
    assert find_prefix(keras.Model(image, two)) is None
    for shape in [(None, None, 3), (64, 48, 3), (100,)]:
        given = keras.Input(shape)
        assert find_prefix(keras.Model(given, keras.layers.Dense(3)(given))) is None

    class Subclassed(keras.Model):
        def call(self, inputs):
            return inputs

    assert find_prefix(Subclassed()) is None
    assert find_prefix(keras.Sequential([keras.layers.Dense(3)])) is None


@pytest.mark.parametrize("name", NETWORKS)
def test_the_trial_tells_a_right_cut_from_a_wrong_one(name):
    model = NETWORKS[name]()
    prefix = find_prefix(model)
    assert agrees(model, prefix)
    shifted = Fields(
        np.minimum(prefix.fields.first + 4, 63), np.minimum(prefix.fields.last + 4, 63)
    )
    assert not agrees(model, prefix._replace(fields=shifted))


def test_a_network_is_used_whole_where_the_trial_fails(monkeypatch):
    model = NETWORKS["valid"]()
    prefix = find_prefix(model)
    assert prepare(model)._prefix is not None
    nothing = np.zeros_like(prefix.fields.first)
    monkeypatch.setattr(
        runtimes, "find_prefix", lambda _: prefix._replace(fields=Fields(nothing, nothing))
    )
    assert prepare(model)._prefix is None


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
