import os
import subprocess
import sys
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from humanlike import processor
from humanlike.errors import HumanlikeError
from humanlike.faces.augment import Augmentation
from humanlike.guidance import Guidance
from humanlike.networks.inputs import network_images
from humanlike.training import (
    _batches,
    _step_sizes,
    _training_batches,
    choose_precision,
    fit,
    predict,
)

SIDE = 16
TRAIN = """
import hashlib
import numpy as np
from humanlike.faces.augment import Augmentation
from humanlike.guidance import Guidance
from humanlike.networks.builder import build
from humanlike.training import choose_precision, fit, use_threads

use_threads(2)
rng = np.random.default_rng(0)
model = build("NETWORK", seed=3)
fit(model, rng.integers(0, 256, (20, 64, 64), np.uint8), np.arange(20) % 6, optimizer="adam",
    learning_rate=1e-3, epochs=2, batch_size=8, seed=3, schedule="cosine",
    precision=choose_precision("auto"),
    augmentation=Augmentation(gamma=0.5, translation=0.1, mirror=True))
print(hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest())
"""
SETTINGS = {
    "optimizer": "adam",
    "learning_rate": 0.01,
    "epochs": 3,
    "batch_size": 8,
    "seed": 0,
}


def small_network(classes: int = 3) -> keras.Model:
    """A network that trains in no time, with dropout and batch normalisation to be seeded."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    layers = keras.layers
    image = keras.Input((SIDE, SIDE, 3))
    features = layers.Rescaling(1 / 255)(image)
    features = layers.Conv2D(4, 3, activation="relu")(features)
    features = layers.BatchNormalization()(features)
    features = layers.Dropout(0.2)(layers.Flatten()(features))
    return keras.Model(image, layers.Dense(classes, activation="softmax")(features), name="small")


@pytest.fixture
def faces() -> tuple[np.ndarray, np.ndarray]:
    """Three classes, told apart by which third of the image is bright."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 60)
    images = rng.integers(0, 100, (60, 2 * SIDE, 2 * SIDE), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 10 * label : 10 * label + 10] += 120
    return images, labels


def test_learns_what_can_be_learnt(faces):
    images, labels = faces
    model = small_network()
    history = fit(model, images, labels, validation=faces, **SETTINGS | {"epochs": 10})
    assert list(history.columns) == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    assert history["epoch"].tolist() == list(range(1, 11))
    assert history["loss"].iloc[-1] < history["loss"].iloc[0] / 2
    assert (predict(model, images).argmax(axis=1) == labels).mean() > 0.9


def test_history_without_validation(faces):
    assert list(fit(small_network(), *faces, **SETTINGS).columns) == ["epoch", "loss", "accuracy"]


@pytest.mark.parametrize(
    "augmentation", [None, Augmentation(gamma=0.5, translation=0.1, crop=0.3, mirror=True)]
)
def test_same_seed_same_weights(faces, augmentation):
    images, labels = faces
    landmarks = np.random.default_rng(1).uniform(4, 28, (len(images), 68, 2)).astype(np.float32)

    def weights(seed):
        model = small_network()
        settings = SETTINGS | {"seed": seed, "epochs": 2}
        fit(model, images, labels, augmentation=augmentation, landmarks=landmarks, **settings)
        return np.concatenate([weight.ravel() for weight in model.get_weights()]).tobytes()

    assert weights(5) == weights(5)
    assert weights(5) != weights(6)


def test_bfloat16_rounds_while_the_network_learns_and_leaves_it_as_it_was(faces):
    images, labels = faces

    def trained(precision):
        model = small_network()
        seen = []

        class Look(keras.callbacks.Callback):
            def on_train_begin(self, logs=None):
                seen.extend(layer.compute_dtype for layer in self.model.layers)

        # What Keras calls back is what it trains: the layers' own words for what they compute in.
        original = model.fit
        model.fit = lambda *a, callbacks, **k: original(*a, callbacks=[*callbacks, Look()], **k)
        fit(model, images, labels, precision=precision, **SETTINGS | {"epochs": 10})
        return model, seen

    model, seen = trained("bfloat16")
    names = [type(layer).__name__ for layer in model.layers]
    exact = {"InputLayer", "Rescaling", "Dense"}
    assert seen == ["float32" if name in exact else "bfloat16" for name in names]
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert {weight.dtype for weight in model.weights} <= {"float32", "uint32"}
    assert (predict(model, images).argmax(axis=1) == labels).mean() > 0.9

    again, _ = trained("bfloat16")
    other, seen = trained("float32")
    assert set(seen) == {"float32"}
    bytes_of = [b"".join(w.tobytes() for w in m.get_weights()) for m in (model, again, other)]
    assert bytes_of[0] == bytes_of[1] != bytes_of[2]
    # Rounding makes no other network of it.
    assert np.abs(predict(model, images) - predict(other, images)).mean() < 0.1


@pytest.mark.parametrize(("there", "chosen"), [(True, "bfloat16"), (False, "float32")])
def test_bfloat16_is_taken_where_the_processor_has_it(there, chosen, monkeypatch):
    monkeypatch.setattr(processor, "has_bfloat16", lambda: there)
    asked = ("auto", "float32", "bfloat16")
    assert [choose_precision(one) for one in asked] == [chosen, "float32", "bfloat16"]


@pytest.mark.slow
@pytest.mark.parametrize("network", ["weinet", "songnet"])
def test_two_processes_train_the_same_network_to_the_bit_on_any_number_of_cores(network):
    command = [sys.executable, "-c", TRAIN.replace("NETWORK", network)]
    cores = os.sched_getaffinity(0)
    found = [
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            text=True,
            preexec_fn=partial(os.sched_setaffinity, 0, some),
        ).stdout
        for some in (cores, {min(cores)})
    ]
    assert len(found[0].strip()) == 64
    assert found[0] == found[1]


def test_every_epoch_shows_every_face_once_in_a_new_order():
    images = np.arange(20, dtype=np.uint8).repeat(SIDE * SIDE).reshape(20, SIDE, SIDE)
    batches = _training_batches(images, np.arange(20), 8, 0, None, None)
    orders = []
    for _ in range(2):
        shown = [(batch.numpy(), labels.numpy()) for batch, labels in batches]
        assert [len(labels) for _, labels in shown] == [8, 8, 4]
        rgb, labels = (np.concatenate(part) for part in zip(*shown, strict=True))
        assert rgb.dtype == np.float32
        assert rgb.shape == (20, SIDE, SIDE, 3)
        assert (rgb == labels[:, None, None, None]).all()
        assert sorted(labels) == list(range(20))
        orders.append(labels.tolist())
    assert orders[0] != orders[1]


def test_no_pass_over_the_batches_ends_by_waiting(faces):
    images, labels = faces
    for batches in (
        _training_batches(images, labels, 4, 0, None, None),
        _batches(images, labels, 4),
        _batches(images, None, 4),
    ):
        assert batches.options().autotune.enabled is False


def test_augmentation_changes_what_is_shown():
    images = np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE), dtype=np.uint8)
    settings = Augmentation(translation=0.2)
    batches = _training_batches(images, np.zeros(1, int), 1, 0, settings, None)
    first, second = (next(iter(batches))[0].numpy() for _ in range(2))
    assert not np.array_equal(first[0, ..., 0], images[0])
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(("share", "dropped"), [(None, 0.2), (0.0, 0.0), (0.7, 0.7)])
def test_dropout_is_replaced_while_the_network_learns(faces, share, dropped):
    model = small_network()
    layer = next(layer for layer in model.layers if isinstance(layer, keras.layers.Dropout))
    call, shares = layer.call, []

    def watched(inputs, training=False):
        outputs = call(inputs, training=training)
        if training:
            kept = keras.ops.cast(keras.ops.not_equal(outputs, 0), "float32")
            there = keras.ops.cast(keras.ops.not_equal(inputs, 0), "float32")
            share = 1 - keras.ops.sum(kept) / keras.ops.sum(there)
            tf.py_function(lambda value: shares.append(float(value)), [share], [])
        return outputs

    layer.call = watched
    fit(model, *faces, dropout=share, **SETTINGS)
    assert len(shares) == 24
    assert np.mean(shares) == pytest.approx(dropped, abs=0.02)
    assert layer.rate == 0.2  # the saved network is as it was built


def test_classes_without_a_face_are_no_obstacle(faces):
    images, labels = faces
    some = labels != 1
    model = small_network(classes=5)
    history = fit(model, images[some], labels[some], validation=faces, **SETTINGS)
    assert np.isfinite(history.to_numpy()).all()
    assert predict(model, images).shape == (60, 5)


def test_a_loss_that_is_no_number_ends_in_one_line(faces):
    settings = SETTINGS | {"optimizer": "sgd", "learning_rate": 1e30}
    with pytest.raises(HumanlikeError, match=r"small: the loss became nan .*learning rate below"):
        fit(small_network(), *faces, **settings)


def test_progress_is_shown_when_asked(faces, capsys):
    fit(small_network(), *faces, progress="small fold 0", **SETTINGS)
    shown = capsys.readouterr().err
    assert "small fold 0" in shown
    assert "24/24" in shown  # 3 epochs of 60 faces in batches of 8
    assert "accuracy=" in shown
    fit(small_network(), *faces, **SETTINGS)
    assert capsys.readouterr().err == ""


def test_predictions_are_those_of_keras_and_do_not_depend_on_the_batch(faces):
    images, _ = faces
    model = small_network()
    rgb = network_images(images, SIDE)[..., None].repeat(3, axis=-1).astype(np.float32)
    probabilities = predict(model, images)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities, model(rgb).numpy(), atol=1e-6)
    np.testing.assert_allclose(probabilities, predict(model, images, batch_size=7), atol=1e-6)


def test_no_faces_no_predictions():
    empty = np.empty((0, SIDE, SIDE), np.uint8)
    assert predict(small_network(), empty).shape == (0, 3)


def test_shrinking_averages_areas():
    image = np.random.default_rng(0).integers(0, 256, (1, 8, 8), dtype=np.uint8)
    blocks = image.reshape(1, 4, 2, 4, 2).mean(axis=(2, 4))
    assert np.abs(network_images(image, 4) - blocks).max() <= 0.5


def test_enlarging_and_keeping():
    images = np.full((2, 4, 4), 37, np.uint8)
    enlarged = network_images(images, 9)
    assert enlarged.shape == (2, 9, 9)
    assert enlarged.dtype == np.uint8
    assert (enlarged == 37).all()
    assert network_images(images, 4) is images


def test_the_cosine_rises_for_a_tenth_of_the_steps_and_ends_at_nothing():
    sizes = _step_sizes("cosine", 0.2, 40)
    # By hand: four steps up in fifths, then 36 along half a cosine.
    steps = [float(sizes(step)) for step in range(41)]
    np.testing.assert_allclose(steps[:5], [0.04, 0.08, 0.12, 0.16, 0.2], rtol=1e-6)
    np.testing.assert_allclose(steps[4 + 18], 0.1, rtol=1e-6)
    assert steps[4:] == sorted(steps[4:], reverse=True)
    assert steps[40] == pytest.approx(0, abs=1e-8)
    assert _step_sizes("constant", 0.2, 40) == 0.2


@pytest.mark.parametrize("steps", [1, 9, 10])
def test_few_steps_have_a_size_too(steps):
    sizes = [float(_step_sizes("cosine", 0.2, steps)(step)) for step in range(steps)]
    assert all(0 < size < 0.2001 for size in sizes)  # float32
    assert max(sizes) == pytest.approx(0.2)


def halves(weight: float = 1.0) -> Guidance:
    """Faces of two parts, of which the left one holds the whole region."""
    segments = np.zeros((60, SIDE, SIDE), np.uint8)
    segments[:, :, SIDE // 2 :] = 1
    return Guidance(segments, np.tile(np.float32([1, 0]), (60, 1)), weight)


def test_a_guided_batch_is_as_even_as_its_region_is_hidden(faces):
    images = np.full((60, SIDE, SIDE), 200, np.uint8)
    batches = _training_batches(images, faces[1], 60, 0, None, None, halves(), 3)
    rgb, targets = (part.numpy() for part in next(iter(batches)))
    shown = rgb[:, 0, 0, 0] > 0
    assert 10 < shown.sum() < 50
    assert set(np.unique(targets[shown])) == {0, 1}
    np.testing.assert_allclose(targets[~shown], 1 / 3)
    np.testing.assert_allclose(targets.sum(axis=1), 1)


@pytest.mark.parametrize(("left", "taught"), [(1.0, True), (0.5, False)])
def test_a_guided_network_is_sure_where_it_was_taught_to_look(left, taught):
    """Both halves tell the class; the left alone counts, or each counts half: hiding alone."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    images = rng.integers(0, 60, (60, SIDE, SIDE), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[5 * label : 5 * label + 5] += 150
    guidance = halves()
    guidance.shares[:] = [left, 1 - left]
    model = small_network()
    history = fit(
        model, images, labels, guidance=guidance, validation=(images, labels),
        **SETTINGS | {"epochs": 40},
    )  # fmt: skip
    assert {"accuracy", "val_accuracy"} <= set(history)
    sure = []
    for hidden in (slice(SIDE // 2), slice(SIDE // 2, SIDE)):
        seen = images.copy()
        seen[:, :, hidden] = 0
        sure.append(predict(model, seen)[np.arange(60), labels].mean())
    without_left, without_right = sure
    if taught:
        assert without_left < 0.5 and without_right > 0.8
    else:
        assert abs(without_left - without_right) < 0.25


def test_same_seed_same_guided_weights(faces):
    images, labels = faces
    settings = {"guidance": halves(0.5), "augmentation": Augmentation(mirror=True), **SETTINGS}

    def weights(seed):
        model = small_network()
        fit(model, network_images(images, SIDE), labels, **settings | {"seed": seed, "epochs": 2})
        return np.concatenate([weight.ravel() for weight in model.get_weights()]).tobytes()

    assert weights(5) == weights(5)
    assert weights(5) != weights(6)
