"""Networks that Keras 1, 2 and 3 wrote to HDF5, built anew from Keras 3's layers.

Keras 3 itself reads some of these files, others not, and would run code in them. Here a file is a
description and numbers: each layer that it describes is built if it is one of the tables below,
and filled with the numbers that the file has under its name. Nothing else in the file is looked at.

Keras 1 had other names for layers and settings (`RENAMED_LAYERS`, `RENAMED`), and either version
may have kept the colours before rows and columns (Theano's order, "channels_first"). As processors
compute the other order alone, such a network is built in that one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from humanlike.networks.safety import check_config, check_hdf5, refuse

#: Keras 1's names of layers, and several names of a whole network.
RENAMED_LAYERS = {
    "Convolution2D": "Conv2D",
    "AtrousConvolution2D": "Conv2D",
    "SeparableConvolution2D": "SeparableConv2D",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization",
    "Model": "Functional",
}

#: Keras 1's names of settings.
RENAMED = {
    "nb_filter": "filters",
    "subsample": "strides",
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "bias": "use_bias",
    "output_dim": "units",
    "p": "rate",
    "atrous_rate": "dilation_rate",
    "concat_axis": "axis",
}

_CONVOLUTION = ("kernel_size", "strides", "padding", "dilation_rate", "activation", "use_bias")
_POOLING = ("pool_size", "strides", "padding")

#: Layer -> the settings that say what it computes.
LAYERS: dict[str, tuple[str, ...]] = {
    "Activation": ("activation",),
    "ActivityRegularization": (),
    "Add": (),
    "AveragePooling2D": _POOLING,
    "Average": (),
    "BatchNormalization": ("axis", "epsilon", "center", "scale"),
    "Concatenate": ("axis",),
    "Conv2D": ("filters", "groups", *_CONVOLUTION),
    "Cropping2D": ("cropping",),
    "Dense": ("units", "activation", "use_bias"),
    "DepthwiseConv2D": ("depth_multiplier", *_CONVOLUTION),
    "Dropout": ("rate",),
    "ELU": ("alpha",),
    "Flatten": (),
    "GaussianDropout": ("rate",),
    "GaussianNoise": ("stddev",),
    "GlobalAveragePooling2D": ("keepdims",),
    "GlobalMaxPooling2D": ("keepdims",),
    "LeakyReLU": ("negative_slope",),
    "MaxPooling2D": _POOLING,
    "Maximum": (),
    "Minimum": (),
    "Multiply": (),
    "Normalization": ("axis",),
    "PReLU": ("shared_axes",),
    "Permute": ("dims",),
    "ReLU": ("max_value", "negative_slope", "threshold"),
    "Rescaling": ("scale", "offset"),
    "Reshape": ("target_shape",),
    "SeparableConv2D": ("filters", "depth_multiplier", *_CONVOLUTION),
    "Softmax": ("axis",),
    "SpatialDropout2D": ("rate",),
    "Subtract": (),
    "UpSampling2D": ("size", "interpolation"),
    "ZeroPadding2D": ("padding",),
}

#: Keras 1's `Merge` by its mode.
MERGED = {"sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum"}

#: Settings of a layer that say what it computes only when they are not these values.
_PLAIN = {"mode": (0,), "groups": (1,), "renorm": (False,), "noise_shape": (None,)}

_ACTIVATIONS = {
    *("elu", "exponential", "gelu", "linear", "relu", "relu6", "selu", "sigmoid", "softmax"),
    *("softplus", "softsign", "swish", "silu", "tanh"),
}


def load_hdf5(path: Path) -> keras.Model:
    """Build the network of an HDF5 file of any version of Keras.

    Returns
    -------
    keras.Model
        Of one input and one output, ready to predict; channels come last whatever the file had.

    Raises
    ------
    HumanlikeError
        The file is damaged, holds weights alone, links to another file, or describes a layer that
        is not known here.
    """
    try:
        with h5py.File(path, "r") as file:
            check_hdf5(path, file)
            return _load(path, file)
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)[:200]
        raise refuse(path, f"cannot be read, it is damaged or cut short ({reason})") from None
    except RecursionError:
        raise refuse(path, "describes layers within layers without end") from None


def _load(path: Path, file: h5py.File) -> keras.Model:
    if "model_config" not in file.attrs:
        if "layer_names" in file.attrs or "layers" in file:
            raise refuse(
                path, "holds weights without the network: save the whole network with model.save"
            )
        raise refuse(path, "is HDF5, but no Keras network")
    config = json.loads(_text(file.attrs["model_config"]))
    version = _text(file.attrs.get("keras_version", "1"))
    check_config(path, _without_modules(config))
    model, built = _Reader(path, config).network(config, None)
    fill(path, built, file["model_weights"], _Kernels(config, file.attrs, version))
    return model


def _without_modules(config: Any) -> Any:
    """A description without the modules that some versions named, and others have not."""
    if isinstance(config, dict):
        return {key: _without_modules(v) for key, v in config.items() if key != "module"}
    return [_without_modules(value) for value in config] if isinstance(config, list) else config


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


class _Reader:
    """Builds layers from their descriptions."""

    def __init__(self, path: Path, config: Any) -> None:
        self.path = path
        words = json.dumps(config)
        self.channels_first = '"channels_first"' in words or '"dim_ordering": "th"' in words

    def network(self, config: Any, name: str | None) -> tuple[keras.Model, dict[str, Any]]:
        """The network, and its layers under the names that the file has them under."""
        kind, settings = config["class_name"], config["config"]
        if RENAMED_LAYERS.get(kind, kind) not in ("Functional", "Sequential"):
            raise self.unknown(kind)
        if kind == "Sequential":
            return self.sequential(settings, name)
        return self.functional(settings, name)

    def sequential(self, settings: Any, name: str | None) -> tuple[keras.Model, dict[str, Any]]:
        described = settings if isinstance(settings, list) else settings["layers"]
        shape = self.input_shape(described, settings)
        first = tensor = keras.Input(shape)
        built = {}
        for layer in described:
            if layer["class_name"] != "InputLayer":
                key = layer["config"]["name"] if "name" in layer["config"] else layer["name"]
                built[key], call = self.layer(layer)
                tensor = call(tensor)
        return keras.Model(first, tensor, name=name), built

    def input_shape(self, described: Sequence[Any], settings: Any) -> tuple[int | None, ...]:
        """Shape of what the first layer takes, in rows, columns and channels."""
        first = described[0]["config"]
        nested = first if isinstance(first, list) else first.get("layers")
        if nested:
            own = first if isinstance(first, dict) else {}
            return self.input_shape(nested, own)
        build = settings.get("build_input_shape") if isinstance(settings, dict) else None
        for key in ("batch_input_shape", "batch_shape"):
            if first.get(key):
                build = first[key]
        if not build:
            raise refuse(self.path, "does not say the shape of its input")
        return self.channels_last(build[1:])

    def channels_last(self, shape: Sequence[int | None]) -> tuple[int | None, ...]:
        if self.channels_first and len(shape) == 3:
            return (shape[1], shape[2], shape[0])
        return tuple(shape)

    def functional(self, settings: Any, name: str | None) -> tuple[keras.Model, dict[str, Any]]:
        built: dict[str, Any] = {}
        tensors: dict[tuple[str, int], Any] = {}
        inputs = {}
        waiting: list[tuple[str, int, Any, Any]] = []
        for layer in settings["layers"]:
            key = layer.get("name") or layer["config"]["name"]
            if layer["class_name"] == "InputLayer":
                shape = layer["config"].get("batch_input_shape") or layer["config"]["batch_shape"]
                inputs[key] = tensors[key, 0] = keras.Input(self.channels_last(shape[1:]))
                continue
            built[key], call = self.layer(layer)
            for number, node in enumerate(layer["inbound_nodes"]):
                waiting.append((key, number, node, call))
        while waiting:
            ready = [call for call in waiting if all(s in tensors for s in _sources(call[2]))]
            if not ready:
                raise refuse(self.path, "its layers are not connected to its input")
            for key, number, node, call in ready:
                sources = [tensors[source] for source in _sources(node)]
                tensors[key, number] = call(sources[0] if len(sources) == 1 else sources)
            waiting = [call for call in waiting if (call[0], call[1]) not in tensors]
        ends = [
            [_end(end) for end in _listed(settings[k])] for k in ("input_layers", "output_layers")
        ]
        if [len(end) for end in ends] != [1, 1]:
            raise refuse(self.path, "has several inputs or outputs; one of each can be explained")
        return keras.Model(tensors[ends[0][0]], tensors[ends[1][0]], name=name), built

    def layer(self, described: Any) -> tuple[Any, Callable[[Any], Any]]:
        """A layer or a network within the network, and how it is called."""
        kind = described["class_name"]
        kind = RENAMED_LAYERS.get(kind, kind)
        if kind in ("Functional", "Sequential"):
            model, _ = self.network(described, None)
            return model, model
        settings = self.renamed(dict(described["config"]))
        name = settings.get("name")
        if kind == "Merge":
            mode = settings.pop("mode")
            kind = "Concatenate" if mode == "concat" else MERGED.get(mode, f"Merge of mode {mode}")
        if kind not in LAYERS:
            raise self.unknown(kind)
        self.check_rest(kind, name, settings)
        known = {key: settings[key] for key in LAYERS[kind] if settings.get(key) is not None}
        after: list[Any] = []
        if "activation" in known:
            known["activation"], after = self.activation(known["activation"])
        if self.channels_first and kind in ("Reshape", "Permute", "PReLU", "Softmax"):
            raise refuse(self.path, f"has a {kind} with the channels first, which is not supported")
        if isinstance(known.get("axis"), list):
            known["axis"] = known["axis"][0]
        if self.channels_first and known.get("axis") == 1:
            known["axis"] = -1
        for key, value in known.items():
            if isinstance(value, dict):  # how some versions wrote a number
                known[key] = value["value"]
        if name and "/" not in name:
            known["name"] = name
        made = getattr(layers, kind)(**known)
        made.trainable = settings.get("trainable", True)

        def call(tensor: Any) -> Any:
            if kind == "Flatten" and self.channels_first and len(tensor.shape) == 4:
                tensor = layers.Permute((3, 1, 2))(tensor)
            tensor = made(tensor)
            for layer in after:
                tensor = layer(tensor)
            return tensor

        return made, call

    def renamed(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Settings under the names of Keras 3."""
        if "nb_row" in settings:
            settings["kernel_size"] = [settings.pop("nb_row"), settings.pop("nb_col")]
        settings = {RENAMED.get(key, key): value for key, value in settings.items()}
        if settings.get("concat_axis"):
            settings["axis"] = settings.pop("concat_axis")
        if "alpha" in settings:
            settings.setdefault("negative_slope", settings["alpha"])
        return settings

    def activation(self, named: Any) -> tuple[str, list[Any]]:
        """An activation that Keras 3 has, and layers for one that it computes otherwise."""
        if isinstance(named, dict):
            named = named.get("config", {}) if named.get("class_name") == "function" else named
        if named == "hard_sigmoid":
            # Until Keras 2, x / 5 + 1 / 2 from 0 to 1; in Keras 3, x / 6 + 1 / 2.
            return "linear", [layers.Rescaling(0.2, 0.5), layers.ReLU(1.0)]
        if named not in _ACTIVATIONS:
            raise refuse(self.path, f"has the activation {named!r}, which is not Keras' own")
        return named, []

    def check_rest(self, kind: str, name: Any, settings: dict[str, Any]) -> None:
        """Refuse settings that would have the layer compute something else."""
        for key, plain in _PLAIN.items():
            known = key in LAYERS[kind] or key not in settings
            if not known and settings[key] not in plain:
                value = settings[key]
                raise refuse(
                    self.path, f"its layer {name} has {key} = {value!r}, which is not supported"
                )

    def unknown(self, kind: str) -> Exception:
        return refuse(
            self.path,
            f"has the layer {kind}, which is not one that can be opened here; export to ONNX",
        )


def _listed(ends: Any) -> list[Any]:
    """Inputs or outputs of a network as a list, which a single one is not always."""
    return [ends] if ends and isinstance(ends[0], str) else list(ends)


def _end(end: Any) -> tuple[str, int]:
    return end[0], end[1]


def _sources(node: Any) -> list[tuple[str, int]]:
    """Where a layer's inputs come from: lists until Keras 2, tensors in Keras 3."""
    if isinstance(node, dict):
        first = node["args"][0]
        tensors = first if isinstance(first, list) else [first]
        return [_end(tensor["config"]["keras_history"]) for tensor in tensors]
    return [_end(source) for source in _listed(node)]


class _Kernels:
    """Brings the kernels of convolutions into TensorFlow's order."""

    def __init__(self, config: Any, attributes: Any, version: str) -> None:
        theano_order = version.startswith(("0", "1")) and '"dim_ordering": "th"' in json.dumps(
            config
        )
        self.transposed = theano_order
        # Theano turned the kernel round. Keras 1 did not write which backend it ran on.
        backend = "theano" if theano_order else "tensorflow"
        self.turned = _text(attributes.get("backend", attributes.get("keras_backend", backend)))

    def __call__(self, array: NDArray[Any]) -> NDArray[Any]:
        if array.ndim != 4:
            return array
        if self.transposed:
            array = array.transpose(2, 3, 1, 0)
        return array[::-1, ::-1] if self.turned == "theano" else array


def fill(
    path: Path, built: dict[str, Any], group: h5py.Group, kernels: Callable[..., NDArray[Any]]
) -> None:
    """Fill layers with the numbers that a file has under their names.

    Raises
    ------
    HumanlikeError
        A layer's numbers are missing, or are those of another layer.
    """
    for key, layer in built.items():
        variables = [*layer.trainable_weights, *layer.non_trainable_weights]
        # Of dropout; not a weight that a file has.
        variables = [v for v in variables if "seed_generator" not in v.path]
        if not variables:
            continue
        if key not in group:
            raise refuse(path, f"has no numbers for its layer {key}")
        names = _names(group[key])
        arrays = [kernels(np.asarray(group[key][name])) for name in names]
        if len(arrays) == len(variables) + 1 and arrays[-1].ndim == 0:
            arrays = arrays[:-1]  # how many pictures a Normalization has seen
        matched = _by_name(variables, names, arrays) or arrays
        if [a.shape for a in matched] != [tuple(v.shape) for v in variables]:
            raise refuse(path, f"the numbers of its layer {key} are those of another layer")
        for variable, array in zip(variables, matched, strict=True):
            variable.assign(array)
        for part in getattr(layer, "layers", [layer]):
            if isinstance(part, layers.Normalization):
                part.finalize_state()


def _names(group: h5py.Group) -> list[str]:
    """Names of a layer's arrays in their order; long lists are kept in pieces."""
    if "weight_names" in group.attrs:
        return [_text(name) for name in group.attrs["weight_names"]]
    pieces = [key for key in group.attrs if key.startswith("weight_names")]
    pieces.sort(key=lambda key: int(key.removeprefix("weight_names")))
    return [_text(name) for key in pieces for name in group.attrs[key]]


def _by_name(variables: list[Any], names: list[str], arrays: list[Any]) -> list[Any] | None:
    """The arrays in the order of the variables, where their last two names tell; else None."""
    found = {tuple(n.split(":")[0].split("/")[-2:]): a for n, a in zip(names, arrays, strict=True)}
    wanted = [tuple(variable.path.split("/")[-2:]) for variable in variables]
    if len(found) != len(arrays) or set(wanted) != set(found):
        return None
    return [found[name] for name in wanted]
