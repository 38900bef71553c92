"""Fit one network on one fold, and ask it for its predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from numpy.typing import NDArray

from humanlike import processor
from humanlike.errors import HumanlikeError
from humanlike.faces.augment import Augmentation, augment
from humanlike.networks.inputs import network_images
from humanlike.progress import bar

if TYPE_CHECKING:
    from humanlike.guidance import Guidance

_OPTIMIZERS: dict[str, Callable[..., keras.Optimizer]] = {
    "adam": keras.optimizers.Adam,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}


def use_threads(count: int) -> None:
    """Compute every operation on so many threads, however many cores there are.

    TensorFlow shares out an operation's sums among its threads. With their number fixed the same
    training gives the same weights, to the bit, on any number of cores of one kind of processor.
    Without effect once TensorFlow has computed something in this process.
    """
    with suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(count)


def fit(
    model: keras.Model,
    images: NDArray[np.uint8],
    labels: NDArray[np.integer],
    *,
    optimizer: str,
    learning_rate: float,
    epochs: int,
    batch_size: int,
    seed: int,
    schedule: str = "constant",
    dropout: float | None = None,
    augmentation: Augmentation | None = None,
    landmarks: NDArray[np.float32] | None = None,
    guidance: Guidance | None = None,
    validation: tuple[NDArray[np.uint8], NDArray[np.integer]] | None = None,
    progress: str | None = None,
    rows: NDArray[np.integer] | None = None,
    keep_best: bool = False,
    precision: str = "float32",
) -> pd.DataFrame:
    """Train a network, in place, by cross-entropy.

    The same arguments give the same weights, to the bit, on the same kind of processor with as many
    threads (see `use_threads`): TensorFlow is put in its deterministic mode, for the whole process.

    Parameters
    ----------
    model
        As made by `humanlike.networks.builder.build`.
    images
        (N, S, S) uint8 aligned gray faces, of any side S.
    labels
        (N,) class of each face; a class may have none. With `rows`, (M,).
    optimizer, learning_rate
        One of `humanlike.networks.OPTIMIZERS`, and its step size.
    epochs, batch_size
        Passes over the faces, and faces in each step.
    seed
        Seed of the faces' order, of dropout and of the augmentation.
    schedule
        How the step size goes: ``"constant"``, or ``"cosine"``: up to `learning_rate` over the
        first tenth of the steps, and down to 0 along half a cosine (Loshchilov & Hutter 2017,
        arXiv 1608.03983, without restarts), so that the last steps settle what the first found.
    dropout
        0 to below 1, the share that the network's dropout layers drop while it learns; None for
        their own. What drops half keeps a long training from overfitting, and a short one from
        learning anything. Outside `fit` nothing is dropped, and the layers keep their own.
    augmentation
        Random changes made to each face each time it is shown.
    landmarks
        (N, 68, 2) in pixels of `images`; the augmentation's crop needs them.
    guidance
        What is hidden of the faces while the network learns, of the network's input size. A picture
        of whose region a share s is shown has the target s · label + (1 − s) · evenness.
    validation
        Images and labels that each epoch's network is tried on, as `images` and `labels`.
    progress
        Label of a progress bar; None for no bar.
    rows
        (M,) which of the faces each label is of, where a face has several; else each its own.
    keep_best
        Whether the network ends with the weights of the epoch of least `val_loss`, the one before
        training among them; needs `validation`.
    precision
        What layers multiply in while they learn: ``"float32"`` or ``"bfloat16"``, twice as fast
        where the processor has it. Weights are float32, and so is the network once it has learned.

    Returns
    -------
    DataFrame
        One row an epoch: epoch (from 1), loss, accuracy and, with `validation`, val_loss and
        val_accuracy. With `keep_best` a row of epoch 0 comes first, without loss and accuracy.

    Raises
    ------
    HumanlikeError
        If the loss stops being a number.
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    size = model.input_shape[1]
    batches = _training_batches(
        network_images(images, size),
        labels,
        batch_size,
        seed,
        augmentation,
        None if landmarks is None else landmarks * (size / images.shape[-1]),
        guidance,
        model.output_shape[-1],
        rows,
    )
    if guidance and validation:
        validation = validation[0], np.eye(model.output_shape[-1], dtype=np.float32)[validation[1]]
    model.compile(
        optimizer=_OPTIMIZERS[optimizer](
            learning_rate=_step_sizes(schedule, learning_rate, epochs * len(batches))
        ),
        loss="categorical_crossentropy" if guidance else "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,  # XLA is not deterministic, and slower on CPUs
    )
    tested = validation and _batches(network_images(validation[0], size), validation[1], batch_size)
    kept = [_KeepBest(tested)] if keep_best else []
    with (
        _dropping(model, dropout),
        bar(
            title=progress or "",
            total=epochs * len(batches),
            unit="batch",
            disable=progress is None,
        ) as shown,
        _computing(model, precision),
    ):
        history = model.fit(
            batches,
            epochs=epochs,
            validation_data=tested,
            callbacks=[_Progress(shown), _StopAtNaN(learning_rate), *kept],
            shuffle=False,  # the batches come shuffled
            verbose=0,
        ).history
    table = pd.DataFrame(history).rename_axis("epoch").reset_index()
    table["epoch"] += 1
    if kept:
        table = pd.concat([pd.DataFrame([{"epoch": 0, **kept[0].before}]), table])
        table = table.reset_index(drop=True)
    columns = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    return table[[column for column in columns if column in table]]


def choose_precision(asked: str) -> str:
    """Settle what networks are trained in: what is asked or, for ``"auto"``, what is fast here.

    That is ``"bfloat16"`` where the processor multiplies in it, at twice the speed of
    ``"float32"``: the answer is the same on all processors of one kind.
    """
    if asked != "auto":
        return asked
    return "bfloat16" if processor.has_bfloat16() else "float32"


def predict(
    model: keras.Model, images: NDArray[np.uint8], batch_size: int = 128
) -> NDArray[np.float32]:
    """Ask a network for its class probabilities.

    Parameters
    ----------
    model
        As made by `humanlike.networks.builder.build`.
    images
        (N, S, S) uint8 aligned gray faces, of any side S.
    batch_size
        Faces taken at once.

    Returns
    -------
    ndarray
        (N, classes) float32; each row sums to 1.
    """
    if len(images) == 0:
        return np.empty((0, model.output_shape[-1]), np.float32)
    images = network_images(images, model.input_shape[1])
    return model.predict(_batches(images, None, batch_size), verbose=0)


def _step_sizes(
    schedule: str, peak: float, steps: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """The optimiser's step size, or how it goes over the steps; see `fit`."""
    if schedule == "constant":
        return peak
    rising = steps // 10
    return keras.optimizers.schedules.CosineDecay(
        peak / (rising + 1), steps - rising, warmup_target=peak, warmup_steps=rising
    )


@contextmanager
def _dropping(model: keras.Model, share: float | None) -> Iterator[None]:
    """Give dropout layers another rate, unless None, and then their own again."""
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    own = [layer.rate for layer in layers]
    try:
        for layer in layers:
            layer.rate = layer.rate if share is None else share
        yield
    finally:
        for layer, rate in zip(layers, own, strict=True):
            layer.rate = rate


@contextmanager
def _computing(model: keras.Model, precision: str) -> Iterator[None]:
    """Let layers compute in a precision, and then in their own again.

    Weights and their updates stay float32, as do the input's scaling and the probabilities
    (Micikevicius et al., "Mixed precision training", ICLR 2018; bfloat16 has float32's range and so
    needs no scaling of the loss: Kalamkar et al., arXiv 1905.12322, 2019).
    """
    exact = keras.layers.InputLayer, keras.layers.Rescaling
    layers = [layer for layer in model.layers[:-1] if not isinstance(layer, exact)]
    own = [layer.dtype_policy for layer in layers]
    try:
        for layer in layers if precision == "bfloat16" else ():
            layer.dtype_policy = "mixed_bfloat16"
        yield
    finally:
        for layer, policy in zip(layers, own, strict=True):
            layer.dtype_policy = policy


def _batches(
    images: NDArray[np.uint8], labels: NDArray[np.integer] | None, batch_size: int
) -> tf.data.Dataset:
    """Gray images in order, as batches of the RGB that networks take."""
    batches = tf.data.Dataset.from_tensor_slices(images).batch(batch_size).map(_rgb)
    if labels is not None:
        targets = tf.data.Dataset.from_tensor_slices(labels).batch(batch_size)
        batches = tf.data.Dataset.zip((batches, targets))
    return _untuned(batches.prefetch(1))


def _training_batches(
    images: NDArray[np.uint8],
    labels: NDArray[np.integer],
    batch_size: int,
    seed: int,
    augmentation: Augmentation | None,
    landmarks: NDArray[np.floating] | None,
    guidance: Guidance | None = None,
    classes: int = 0,
    rows: NDArray[np.integer] | None = None,
) -> tf.data.Dataset:
    """Gray images in an order new to each epoch, augmented, as batches of RGB and targets.

    The targets are labels or, guided, probabilities of so many classes.
    """
    rng = np.random.default_rng(seed)

    def shown(numbers: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        faces = numbers if rows is None else rows[numbers]
        drawn, kept = images[faces], np.ones(len(faces), np.float32)
        for i, face in enumerate(faces):
            if guidance:
                drawn[i], kept[i] = guidance.draw(drawn[i], face, rng)
            if augmentation not in (None, Augmentation()):
                points = None if landmarks is None else landmarks[face]
                drawn[i] = augment(drawn[i], points, rng, augmentation)
        return drawn, kept

    def load(faces: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        batch, kept = tf.numpy_function(shown, [faces], (tf.uint8, tf.float32))
        batch.set_shape((None, *images.shape[1:]))
        targets = tf.gather(labels, faces)
        if guidance:
            kept.set_shape((None,))
            kept = kept[:, tf.newaxis]
            targets = kept * tf.one_hot(targets, classes) + (1 - kept) / classes
        return _rgb(batch), targets

    faces = tf.data.Dataset.range(len(labels)).shuffle(len(labels), seed=seed)
    return _untuned(faces.batch(batch_size).map(load).prefetch(1))


def _untuned(batches: tf.data.Dataset) -> tf.data.Dataset:
    """The same batches, without TensorFlow's search for the fastest way to make them.

    There is nothing to find, and each pass over the batches ends by waiting for the search: up to
    ten seconds in which nothing is computed.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)


def _rgb(gray: tf.Tensor) -> tf.Tensor:
    return tf.repeat(tf.cast(gray[..., tf.newaxis], tf.float32), 3, axis=-1)


class _Progress(keras.callbacks.Callback):
    """A bar over all batches of all epochs that shows the running loss and accuracy."""

    def __init__(self, progress: Any) -> None:
        super().__init__()
        self.bar = progress

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        self.bar.set_postfix(
            loss=f"{logs['loss']:.3f}", accuracy=f"{logs['accuracy']:.3f}", refresh=False
        )
        self.bar.update()


class _KeepBest(keras.callbacks.Callback):
    """Keep the weights of the least loss on what is held out, the first ones among them."""

    def __init__(self, tested: tf.data.Dataset) -> None:
        super().__init__()
        self.tested = tested

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        found = self.model.evaluate(self.tested, verbose=0, return_dict=True)
        self.before = {"val_loss": found["loss"], "val_accuracy": found["accuracy"]}
        self.least, self.weights = found["loss"], self.model.get_weights()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        loss = (logs or {})["val_loss"]
        if loss < self.least:
            self.least, self.weights = loss, self.model.get_weights()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.model.set_weights(self.weights)


class _StopAtNaN(keras.callbacks.Callback):
    """End the training with one clear line when the loss is no longer a finite number."""

    def __init__(self, learning_rate: float) -> None:
        super().__init__()
        self.learning_rate = learning_rate

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        loss = (logs or {})["loss"]
        if not np.isfinite(loss):
            raise HumanlikeError(
                f"{self.model.name}: the loss became {loss} in epoch {self.epoch + 1}, step "
                f"{batch + 1}; try a learning rate below {self.learning_rate:g}"
            )
