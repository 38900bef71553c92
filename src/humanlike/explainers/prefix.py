"""The first layers of a network, where what is hidden far away makes no difference.

An activation depends on the superpixels in its receptive field alone. Give superpixels that share a
receptive field different colours (C of them, as on a map), and hide superpixels colour by colour:
the 2^C pictures that arise hold every activation that any sample can bring about, and a sample's
own are gathered from them. So the first layers, which cost the most and have the smallest fields,
are computed for 32 or 64 pictures a face instead of a thousand; the result is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import networkx as nx
import numpy as np

if TYPE_CHECKING:
    import keras

#: Largest receptive field that pays, as a share of the image's side: a superpixel of thirty is
#: about twice as wide, and 4 to 6 colours do.
LARGEST_FIELD = 1 / 8

#: A gathered or written activation costs about as much as this many multiplications.
ACTIVATION_COST = 100

#: A cut must leave at most this share of the work.
WORTH_IT = 0.9


class Fields(NamedTuple):
    """The input pixels that each place of a square layer sees along an axis."""

    first: np.ndarray  #: (h,) int
    last: np.ndarray  #: (h,) int, inclusive


class Prefix(NamedTuple):
    """Where to cut a network in two."""

    output: Any  #: Keras tensor between the two parts, (None, h, h, channels)
    fields: Fields  #: receptive fields of its places


def find_prefix(model: keras.Model) -> Prefix | None:
    """Find the cut that saves the most work, or None where none would save any.

    Parameters
    ----------
    model
        Any. Without one square image as input and one output there is no cut. Operations whose
        receptive field is not known here (attention, global pooling, nested networks, layers and
        activations that are not Keras', ...) end the search along their branch.
    """
    import keras

    image, *others = getattr(model, "inputs", None) or [None]
    if image is None or others or len(model.outputs) != 1:
        return None
    if len(image.shape) != 4 or image.shape[1] is None or image.shape[1] != image.shape[2]:
        return None
    functional = keras.Model(image, model.outputs[0])
    operations = [operation for operation in functional.operations if _inputs(operation)]
    work = np.array([_work(operation) for operation in operations], float)
    size = image.shape[1]
    pixel = np.arange(size)
    fields = {id(image): Fields(pixel, pixel)}
    best, least = None, WORTH_IT * work.sum()
    for place, operation in enumerate(operations):
        seen = [fields[id(tensor)] for tensor in _inputs(operation) if id(tensor) in fields]
        known = len(seen) == len(_inputs(operation))
        field = _fields(operation, seen) if known and _is_known(operation) else None
        if field is None or np.max(field.last - field.first) >= LARGEST_FIELD * size:
            continue
        output = operation.output
        if output.shape[1:3] != (len(field.first),) * 2:
            continue
        fields[id(output)] = field
        cost = work[place + 1 :].sum() + ACTIVATION_COST * _values(output)
        cost += work[: place + 1].sum() / 10
        if cost < least and _is_cut(operations, place):
            best, least = Prefix(output, field), cost
    return best


def _inputs(operation: Any) -> list[Any]:
    """The tensors that an operation takes; none for an input layer."""
    if type(operation).__name__ == "InputLayer":
        return []
    return _flat(operation.input)


def _flat(tensors: Any) -> list[Any]:
    """The tensors of any nesting."""
    import keras

    return keras.tree.flatten(tensors)


def _values(tensor: Any) -> float:
    """How many values a tensor has for each image; an axis of unknown length counts as 1."""
    return float(np.prod([length or 1 for length in tensor.shape[1:]]))


def _work(operation: Any) -> float:
    """Multiplications of an operation, and what it costs to write its output."""
    outputs = _flat(operation.output)
    kernel = sum(np.prod(weight.shape) for weight in getattr(operation, "weights", ()))
    places = max(_values(output) / (output.shape[-1] or 1) for output in outputs)
    written = sum(_values(output) for output in outputs)
    return places * float(kernel) + ACTIVATION_COST * written


def _is_cut(operations: list[Any], place: int) -> bool:
    """Whether all that is computed later depends on the input through this output alone."""
    later = operations[place + 1 :]
    produced = {id(tensor) for operation in later for tensor in _flat(operation.output)}
    produced.add(id(operations[place].output))
    return all(id(tensor) in produced for operation in later for tensor in _inputs(operation))


_WINDOWED = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D", "AveragePooling2D")
_POINTWISE = (
    "Activation",
    "Add",
    "BatchNormalization",
    "Concatenate",
    "Dropout",
    "Multiply",
    "Normalization",
    "ReLU",
    "Rescaling",
)

#: Activations that look at one place, if at all its channels.
_ACTIVATIONS = (
    "celu",
    "elu",
    "exponential",
    "gelu",
    "hard_sigmoid",
    "hard_silu",
    "leaky_relu",
    "linear",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "tanh",
)


def _is_known(operation: Any) -> bool:
    """Whether an operation is Keras' own, and does nothing else by its arguments."""
    import keras

    known = {getattr(keras.activations, name) for name in _ACTIVATIONS}
    return (
        type(operation).__module__.startswith("keras.src.")
        and getattr(operation, "data_format", "channels_last") in ("channels_last", None)
        and getattr(operation, "activation", keras.activations.linear) in known
        and (type(operation).__name__ != "Concatenate" or operation.axis in (-1, 3))
    )


def _fields(operation: Any, seen: list[Fields]) -> Fields | None:
    """Receptive fields of an operation's output, given those of its inputs; None if not known."""
    kind = type(operation).__name__
    if kind in _WINDOWED:
        return _windowed(operation, seen[0])
    if kind in _POINTWISE and len({len(fields.first) for fields in seen}) == 1:
        first = np.min([fields.first for fields in seen], axis=0)
        return Fields(first, np.max([fields.last for fields in seen], axis=0))
    if kind == "Flip" and operation.axis in (-1, 3):  # of the colours, not of the picture
        return seen[0]
    if kind == "ZeroPadding2D":
        (before, after), columns = operation.padding
        if columns == (before, after):
            return Fields(*(np.pad(edge, (before, after), "edge") for edge in seen[0]))
    return None


def _windowed(operation: Any, seen: Fields) -> Fields | None:
    pooling = hasattr(operation, "pool_size")
    window = operation.pool_size if pooling else operation.kernel_size
    dilation = (1, 1) if pooling else operation.dilation_rate
    strides = operation.strides
    if len(set(window)) + len(set(strides)) + len(set(dilation)) != 3:
        return None  # not square
    width, stride = (window[0] - 1) * dilation[0] + 1, strides[0]
    size, places = len(seen.first), operation.output.shape[1]
    padding = max((places - 1) * stride + width - size, 0) if operation.padding == "same" else 0
    start = np.arange(places) * stride - padding // 2
    return Fields(
        seen.first[np.clip(start, 0, size - 1)],
        seen.last[np.clip(start + width - 1, 0, size - 1)],
    )


def agrees(model: keras.Model, prefix: Prefix) -> bool:
    """Whether a network cut in two gives what it gives whole, for a few random samples of a face.

    The face is noise, in four superpixels. The activations at the cut are compared, where an
    output near 0 or 1 would hide a difference, and the outputs.
    """
    import keras

    random = np.random.default_rng(0)
    size = model.inputs[0].shape[1]
    pixels = np.moveaxis(np.indices((size, size)), 0, -1)[:, :, None]
    middles = random.uniform(0, size, (4, 2))
    segments = np.square(pixels - middles).sum(axis=-1).argmin(axis=-1)
    segments = np.unique(segments, return_inverse=True)[1].reshape(size, size)
    samples = random.integers(0, 2, (6, segments.max() + 1))
    face = random.integers(0, 256, (size, size, 1)).repeat(3, axis=-1)

    def perturbed(shown: np.ndarray) -> np.ndarray:
        return (face * shown[:, segments, None]).astype(np.float32)

    first = keras.Model(model.inputs[0], prefix.output)
    rest = keras.Model(prefix.output, model.outputs[0])
    colour, seen = colours(segments, prefix.fields)
    pictures = np.arange(2 ** seen.shape[-1])[:, None] >> colour & 1
    shown = np.pad(samples, ((0, 0), (0, 1)))[:, seen]
    number = shown @ (1 << np.arange(seen.shape[-1]))
    row, column = np.indices(number.shape[1:])
    gathered = np.asarray(first(perturbed(pictures), training=False))[number, row, column]
    return all(
        np.abs(cut - whole).max() <= 1e-3 * np.abs(whole).max()
        for cut, whole in (
            (gathered, np.asarray(first(perturbed(samples), training=False))),
            (
                np.asarray(rest(gathered, training=False)),
                np.asarray(model(perturbed(samples), training=False)),
            ),
        )
    )


def colours(segments: np.ndarray, fields: Fields) -> tuple[np.ndarray, np.ndarray]:
    """Colour superpixels so that no two of one colour share a receptive field.

    Parameters
    ----------
    segments : (S, S) uint8
        Superpixel of each pixel, from 0 without gaps.
    fields
        Receptive fields along either axis.

    Returns
    -------
    colour : (d,) int
        Colour of each superpixel, from 0 without gaps.
    seen : (h, h, colours) int
        The superpixel of each colour that each place sees, d where it sees none.

    References
    ----------
    Brélaz, "New Methods to Color the Vertices of a Graph", Communications of the ACM 22 (1979),
    doi 10.1145/359094.359101 (DSATUR).
    """
    d = int(segments.max()) + 1
    sees = _any(_any(segments[..., None] == np.arange(d), fields, 0), fields, 1)
    together = sees.reshape(-1, d).astype(np.float32)
    graph = nx.from_numpy_array((together.T @ together > 0) & ~np.eye(d, dtype=bool))
    found = nx.greedy_color(graph, "DSATUR")
    colour = np.array([found[superpixel] for superpixel in range(d)])
    seen = np.full((*sees.shape[:2], colour.max() + 1), d, np.int32)
    row, column, superpixel = np.nonzero(sees)
    seen[row, column, colour[superpixel]] = superpixel
    return colour, seen


def _any(mask: np.ndarray, fields: Fields, axis: int) -> np.ndarray:
    """Whether `mask` holds anywhere in each receptive field along an axis."""
    count = np.cumsum(mask, axis=axis, dtype=np.int32)
    count = np.concatenate([np.zeros_like(count.take([0], axis)), count], axis)
    return count.take(fields.last + 1, axis) > count.take(fields.first, axis)
