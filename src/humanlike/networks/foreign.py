"""Networks that others trained, opened safely and brought to the form of the project's own.

Whatever a file holds, `open_model` gives one kind of object, which can be tried with every scaling
and then saved as a network from gray faces to probabilities in the project's order of labels. Files
of Keras become Keras networks in the end, as if they had been built here; ONNX files and
SavedModels stay graphs of OpenVINO, which every explainer can use that needs no gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from humanlike.networks import graphs, safety
from humanlike.networks.conventions import scaling_of
from humanlike.networks.safety import refuse

#: Layers between the last one with weights and the output that leave the order of channels alone.
_ORDER_KEPT = ("Activation", "Dropout", "Flatten", "GlobalAveragePooling2D", "ReLU", "Softmax")

#: Names of the layers that are put around a network.
_OWN_NAMES = ("image", "gray", "scaled", "row", "probabilities", "in_order")


class Foreign(Protocol):
    """A network of which is known what it takes, but not yet how it is fed and read."""

    #: Side of the square input in pixels.
    size: int
    #: 1 or 3.
    channels: int
    #: Number of outputs.
    outputs: int
    #: Whether it begins by scaling its input itself, and so expects 0–255.
    scales_itself: bool
    #: What the file calls it, such as "weinet".
    name: str

    def predict(self, images: NDArray[np.uint8], scaling: str) -> NDArray[np.float32]:
        """What it gives for gray faces (n, size, size) scaled so: (n, outputs) float32."""
        ...

    def save(self, path: Path, scaling: str, order: Sequence[int], logits: bool) -> None:
        """Write a network that scales by itself, and gives probabilities in another order.

        Parameters
        ----------
        path
            A `.keras` file to write; what `humanlike.explainers.runtimes.load` takes.
        scaling
            A key of `humanlike.networks.conventions.SCALINGS`.
        order
            Which output comes at each place.
        logits
            Whether the outputs are logits, for which a softmax is added.
        """
        ...


def open_model(path: Path, size: int | None = None) -> Foreign:
    """Open a model file: Keras' `.keras` or HDF5, a SavedModel's folder, or ONNX.

    What a file is, is told by how it begins, not by its name. No code in it is run.

    Parameters
    ----------
    path
    size
        Side of the input in pixels, for networks that take any.

    Raises
    ------
    HumanlikeError
        In one line: there is no such file, it is damaged, of another kind, holds code, or takes or
        gives something else than a picture and a row of classes.
    """
    path = path.parent if path.name == "saved_model.pb" else path
    if path.is_dir():
        if not (path / "saved_model.pb").is_file():
            raise refuse(path, "is a folder without saved_model.pb, so no SavedModel")
        return GraphFile(path, size)
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise refuse(path, f"cannot be read ({error.strerror})") from None
    if head.startswith(b"PK"):
        safety.check_keras(path)
        return KerasFile(path, _load_keras(path), size)
    if head.startswith(b"\x89HDF\r\n"):
        from humanlike.networks.legacy import load_hdf5

        return KerasFile(path, load_hdf5(path), size)
    if safety.is_pickle(head) or path.suffix in (".pt", ".pth", ".pkl", ".pickle", ".joblib"):
        raise safety.pickle_refusal(path)
    if path.suffix.lower() == ".onnx":
        return GraphFile(path, size)
    raise refuse(
        path, "is neither .keras, HDF5 (.h5, .hdf5), ONNX (.onnx) nor the folder of a SavedModel"
    )


def _load_keras(path: Path) -> Any:
    import keras

    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises what the damage leads to
        reason = next(iter(str(error).splitlines()), type(error).__name__)[:200]
        raise refuse(path, f"Keras cannot read it ({reason})") from None


class GraphFile:
    """A network in OpenVINO. See `Foreign`."""

    scales_itself = False

    def __init__(self, path: Path, size: int | None) -> None:
        self._graph = graphs.open_graph(path, size)
        self.size, self.channels = self._graph.size, self._graph.use.channels
        self.outputs, self.name = self._graph.classes, path.stem

    def predict(self, images: NDArray[np.uint8], scaling: str) -> NDArray[np.float32]:
        """See `Foreign.predict`."""
        return self._graph.used(scaling, list(range(self.outputs)), False).predict(images)

    def save(self, path: Path, scaling: str, order: Sequence[int], logits: bool) -> None:
        """See `Foreign.save`."""
        self._graph.used(scaling, list(order), logits).save(path)


class KerasFile:
    """A network in Keras. See `Foreign`."""

    def __init__(self, path: Path, model: Any, size: int | None) -> None:
        shapes = (model.input_shape, model.output_shape)
        if not all(isinstance(shape, tuple) for shape in shapes):
            raise refuse(path, "has several inputs or outputs; one of each can be explained")
        taken, given = shapes
        if len(taken) != 4 or taken[3] not in (1, 3):
            raise refuse(path, f"takes {taken}, no picture of 1 or 3 channels")
        self.size = graphs.square(path, taken[1:3], size)
        self.channels, self.name = int(taken[3]), str(model.name)
        self._model = _flat(model, self.size)
        given = self._model.output_shape
        if None in given[1:] or np.prod(given[1:]) < 2 or np.prod(given[1:]) != max(given[1:]):
            raise refuse(path, f"gives {given}, not one row of classes for each picture")
        self.outputs = int(np.prod(given[1:]))
        first = type(self._model.layers[1]).__name__
        self.scales_itself = first in ("Rescaling", "Normalization")

    def predict(self, images: NDArray[np.uint8], scaling: str) -> NDArray[np.float32]:
        """See `Foreign.predict`."""
        scale, offset = (values.astype(np.float32) for values in scaling_of(scaling, self.channels))
        found = [
            np.asarray(self._model(part[..., None] * scale + offset, training=False))
            for part in np.split(images, range(64, len(images), 64))
        ]
        return np.concatenate(found).reshape(len(images), self.outputs)

    def save(self, path: Path, scaling: str, order: Sequence[int], logits: bool) -> None:
        """See `Foreign.save`."""
        from humanlike.networks.files import save

        save(self.uniform(scaling, order, logits), path)

    def uniform(self, scaling: str, order: Sequence[int], logits: bool) -> Any:
        """The network as `humanlike.networks.builder.build` would give it."""
        import keras
        from keras.layers import Activation, Conv2D, Dense, Flatten, Rescaling

        image = keras.Input((self.size, self.size, 3), name="image")
        scale, offset = scaling_of(scaling, self.channels)
        scaled = image
        if self.channels == 1:
            # Faces are gray, so that one channel is as good as the mean, and exact.
            red = Conv2D(1, 1, use_bias=False, name="gray")
            scaled = red(scaled)
            red.set_weights([np.array([1, 0, 0], np.float32).reshape(1, 1, 3, 1)])
        if scaling != "0..255":
            values = (list(map(float, scale)), list(map(float, offset)))
            scaled = Rescaling(*values, name="scaled")(scaled)
        result = _replay(self._model, scaled)
        if len(result.shape) > 2:
            result = Flatten(name="row")(result)
        if logits:
            result = Activation("softmax", name="probabilities")(result)
        model = keras.Model(image, result, name=_plain(self.name))
        if list(order) == list(range(self.outputs)):
            return model
        wanted = _on_noise(model)[:, list(order)]
        undo = _reorder_last(model, list(order))
        if undo is not None:
            if np.allclose(_on_noise(model), wanted, atol=1e-5):
                return model
            undo()
        last = Dense(self.outputs, use_bias=False, name="in_order")
        result = last(model.output)
        last.set_weights([np.eye(self.outputs, dtype=np.float32)[:, list(order)]])
        return keras.Model(image, result, name=model.name)


def _flat(model: Any, size: int) -> Any:
    """The same network on pictures of a known size, with no network as a layer within it.

    Explainers look for layers, and do not find those within a layer.
    """
    import keras

    image = keras.Input((size, size, model.input_shape[-1]))
    return keras.Model(image, _replay(model, image), name=model.name)


def _replay(model: Any, tensor: Any) -> Any:
    """Call a network's layers one by one, those of networks within it too."""
    import keras

    named: dict[str, Any] = dict.fromkeys(_OWN_NAMES)

    def called(operation: Any) -> Callable[..., Any]:
        if isinstance(operation, keras.Model):
            return lambda inner, *_, **__: through(operation, inner)
        while named.setdefault(operation.name, operation) is not operation:
            operation.name += "_"
        return operation

    def through(part: Any, inner: Any) -> Any:
        if isinstance(part, keras.Sequential):
            part = part._functional
        result = part._run_through_graph(inner, operation_fn=called)
        return result[0] if isinstance(result, list) else result

    return through(model, tensor)


def _reorder_last(model: Any, order: list[int]) -> Callable[[], None] | None:
    """Put the outputs of the last layer with weights in order; how to undo it, or None."""
    for layer in reversed(model.layers):
        if type(layer).__name__ in ("Dense", "Conv2D"):
            before = layer.get_weights()
            if before[0].shape[-1] != len(order):
                return None
            layer.set_weights([weights[..., order] for weights in before])
            return lambda: layer.set_weights(before)
        if type(layer).__name__ not in _ORDER_KEPT:
            return None
    return None


def _on_noise(model: Any) -> NDArray[np.float32]:
    shape = (4, *model.input_shape[1:])
    noise = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    return np.asarray(model(noise, training=False))


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() or c in "_-" else "_" for c in name) or "network"
