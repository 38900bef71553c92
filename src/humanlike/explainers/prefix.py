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
        Functional or sequential, of square images. Layers whose receptive field is not known here
        (attention, global pooling, ...) end the search along their branch.
    """
    import keras

    functional = keras.Model(model.inputs[0], model.outputs[0])
    operations = [operation for operation in functional.operations if _inputs(operation)]
    work = np.array([_work(operation) for operation in operations], float)
    size = model.input_shape[1]
    pixel = np.arange(size)
    fields = {id(model.inputs[0]): Fields(pixel, pixel)}
    best, least = None, WORTH_IT * work.sum()
    for place, operation in enumerate(operations):
        seen = [fields[id(tensor)] for tensor in _inputs(operation) if id(tensor) in fields]
        known = len(seen) == len(_inputs(operation))
        field = _fields(operation, seen) if known else None
        if field is None or np.max(field.last - field.first) >= LARGEST_FIELD * size:
            continue
        output = operation.output
        fields[id(output)] = field
        cost = work[place + 1 :].sum() + ACTIVATION_COST * np.prod(output.shape[1:])
        cost += work[: place + 1].sum() / 10
        if cost < least and _is_cut(operations, place):
            best, least = Prefix(output, field), cost
    return best


def _inputs(operation: Any) -> list[Any]:
    """The tensors that an operation takes; none for an input layer."""
    if type(operation).__name__ == "InputLayer":
        return []
    tensors = operation.input
    return list(tensors) if isinstance(tensors, list | tuple) else [tensors]


def _work(operation: Any) -> float:
    """Multiplications of an operation, and what it costs to write its output."""
    written = float(np.prod(operation.output.shape[1:]))
    kernel = sum(np.prod(weight.shape) for weight in getattr(operation, "weights", ()))
    places = float(np.prod(operation.output.shape[1:-1]))
    return places * float(kernel) + ACTIVATION_COST * written


def _is_cut(operations: list[Any], place: int) -> bool:
    """Whether all that is computed later depends on the input through this output alone."""
    later = operations[place + 1 :]
    produced = {id(operation.output) for operation in later} | {id(operations[place].output)}
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
