"""Runtimes that compute a network's probabilities of many perturbed versions of a face.

The perturbed images are made inside the runtime's graph, from the face, its superpixels and the 0/1
samples, so that nothing but those ever crosses into it. TensorFlow is loaded on the first call.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from humanlike import processor
from humanlike.errors import HumanlikeError
from humanlike.explainers.loading import keep_last
from humanlike.explainers.prefix import agrees, colours, find_prefix
from humanlike.explainers.quantization import (
    INTEGERS,
    Trial,
    failing_in,
    in_integers,
    layers,
    samples_of,
)

if TYPE_CHECKING:
    import keras

    from humanlike.networks.graphs import Graph

#: Perturbed images a forward pass. Larger is no faster, and takes memory in proportion.
BATCH_SIZE = 32


class Predictor(Protocol):
    """A network in a runtime."""

    #: Side of the network's square input in pixels.
    size: int
    #: Number of classes.
    classes: int

    def probabilities(
        self, images: np.ndarray, segments: np.ndarray, samples: np.ndarray
    ) -> np.ndarray:
        """Classify perturbed faces.

        Parameters
        ----------
        images : (n, S, S) uint8
            Gray faces; the network sees them repeated to three channels.
        segments : (n, S, S) uint8
            Superpixel of each pixel.
        samples : (n, m, d) uint8
            For each face, m times which of its superpixels are shown (1) and hidden (0).

        Returns
        -------
        (n, m, classes) float32
        """
        ...


#: Inputs of a graph, and what gives those that a network in integers is fitted to.
Batches = Iterable[tuple[Any, ...]]
Examples = Callable[[], Batches]


@keep_last
def load(
    model: Path,
    runtime: str,
    precision: str,
    batch_size: int = BATCH_SIZE,
    trial: Trial | None = None,
) -> Network | Opened:
    """Load a network's file into a runtime; asked again for the last one, return the same object.

    Raises
    ------
    HumanlikeError
        If the file is no network, or the runtime or the precision is not to be had here.
    """
    from humanlike.networks import files, graphs

    if graphs.is_graph(model):
        if runtime != "openvino":
            raise HumanlikeError(
                f"{model} came from ONNX or a SavedModel, which OpenVINO alone runs here; set"
                " explain.runtime: openvino"
            )
        return Opened(graphs.load_graph(model), OpenVINO(precision), trial)
    return prepare(files.load(model), runtime, precision, batch_size, trial)


def prepare(
    model: keras.Model,
    runtime: str = "tensorflow",
    precision: str = "float32",
    batch_size: int = BATCH_SIZE,
    trial: Trial | None = None,
) -> Network:
    """Put a network, (S, S, 3) float32 in 0–255 to probabilities, into a runtime.

    Parameters
    ----------
    model
        Functional or sequential Keras model.
    runtime
        ``"tensorflow"``, on the GPU where there is one, or ``"openvino"``, on the CPU.
    precision
        ``"float32"``, or with OpenVINO ``"bfloat16"``, ``"mixed"`` or ``"int8"`` where the
        processor computes in it; see `humanlike.explainers.quantization.INTEGERS`.
    batch_size
        Perturbed images a forward pass; does not change the results.
    trial
        Faces that a network in integers is fitted to; others are not changed by them.

    Raises
    ------
    HumanlikeError
        If the runtime is not installed or the machine lacks the precision.
    ValueError
        If integers are asked for without a trial.
    """
    if runtime == "openvino":
        return Network(model, OpenVINO(precision), batch_size, trial)
    if precision != "float32":
        raise HumanlikeError(
            f"explain.precision: {precision} is not offered by the {runtime} runtime;"
            " use float32, or explain.runtime: openvino"
        )
    return Network(model, TensorFlow(), batch_size, trial)


class TensorFlow:
    """Compiles for TensorFlow, on the GPU where there is one."""

    def __init__(self) -> None:
        import tensorflow as tf

        # float32 means float32: on a GPU, TensorFlow would round factors to 10 bits.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        self.put, self._concatenate = tf.constant, tf.concat

    def compile(
        self, traced: Any, examples: Examples, first: Any = None, passing: bool = False
    ) -> Callable[..., Any]:
        """Return the function itself: TensorFlow runs what it has traced."""
        return traced

    def join(self, answers: Iterable[Any], n: int) -> Any:
        """Put a graph's n answers after each other."""
        return self._concatenate(list(answers), 0)


class OpenVINO:
    """Compiles for OpenVINO, on the CPU, from TensorFlow's graph: both compute the same thing."""

    #: Precision -> OpenVINO's hint for what is no integer, and its name of what a processor can do.
    PRECISIONS = MappingProxyType(
        {
            "float32": ("f32", "FP32"),
            "bfloat16": ("bf16", "BF16"),
            "mixed": ("f32", "INT8"),
            "int8": ("f32", "INT8"),
        }
    )

    def __init__(self, precision: str = "float32") -> None:
        try:
            import openvino
        except ModuleNotFoundError as error:
            raise HumanlikeError(
                "explain.runtime: OpenVINO is not installed; `pip install openvino`, or set"
                " explain.runtime: tensorflow"
            ) from error
        hint, capability = self.PRECISIONS[precision]
        self.precision = precision
        self._convert, self._core = openvino.convert_model, openvino.Core()
        if capability not in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise HumanlikeError(
                f"explain.precision: this processor does not compute in {precision};"
                " set explain.precision: float32"
            )
        self._settings = {
            "INFERENCE_PRECISION_HINT": hint,
            "PERFORMANCE_HINT": "LATENCY",
            # Every process would bind its first thread to the first core, and workers share it.
            "ENABLE_CPU_PINNING": False,
        }
        # OpenVINO takes every core, and does not know what Dask and job schedulers set.
        if "OMP_NUM_THREADS" in os.environ:
            self._settings["INFERENCE_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"]
        self.put = np.ascontiguousarray
        self._joined = np.empty(0, np.float32)

    @classmethod
    def precisions(cls) -> list[str]:
        """What this processor computes in, the most exact first."""
        import openvino

        offered = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        # OpenVINO offers what it emulates too.
        own = {"bfloat16": processor.has_bfloat16, **dict.fromkeys(INTEGERS, processor.has_int8)}
        return [
            name
            for name, (_, capability) in cls.PRECISIONS.items()
            if capability in offered and (name not in own or own[name]())
        ]

    @property
    def settings(self) -> dict[str, Any]:
        """What graphs are compiled with."""
        return dict(self._settings)

    def compile(
        self, traced: Any, examples: Examples, first: Any = None, passing: bool = False
    ) -> Callable[..., Any]:
        """Convert a traced TensorFlow function; it then takes and returns NumPy arrays.

        `first` traces the layers at its beginning that a mixed precision leaves in float32. Where
        the answers are `passing`, the next one overwrites the last.
        """
        with failing_in(self.precision):
            exact = self.precision == "mixed" and first is not None
            n = len(layers(self._convert(first))) if exact else 0
            graph = self.fitted(self._convert(traced), examples, n)
            network = self._core.compile_model(graph, "CPU", self._settings)
        return lambda *arrays: network(arrays, share_inputs=True, share_outputs=passing)[0]

    def join(self, answers: Iterable[np.ndarray], n: int) -> np.ndarray:
        """Put a graph's n answers, all of a shape, after each other; overwritten by the next ones.

        Tens of megabytes a face: to ask the system for them anew takes longer than to write them.
        """
        end = 0
        for answer in answers:
            start, end = end, end + len(answer)
            if self._joined.shape[1:] != answer.shape[1:] or len(self._joined) < n * len(answer):
                self._joined = np.empty((n * len(answer), *answer.shape[1:]), answer.dtype)
            self._joined[start:end] = answer
        return self._joined[:end]

    def fitted(self, graph: Any, examples: Examples, first: int = 0) -> Any:
        """The graph itself or, where the precision is one of integers, one fitted to examples.

        `first` is how many layers at its beginning a mixed precision leaves in float32.
        """
        if self.precision not in INTEGERS:
            return graph
        exact = {"first": first, "last": 1} if self.precision == "mixed" else {}
        return in_integers(graph, examples(), **exact)


class Network:
    """A network that classifies perturbed faces. See `Predictor`.

    Where a face's samples outnumber the pictures that its superpixels' colours make, its first
    layers are computed for those pictures alone (see `humanlike.explainers.prefix`). Other faces
    go through whole, a batch running over from one face to the next. So do all faces where a trial
    on random samples says that the network cannot be cut: only time is lost.

    Every batch has the same shape, the last one filled up, because a runtime may round otherwise in
    another shape: so a face's result is the same to the bit in whatever company it comes.
    """

    def __init__(
        self,
        model: keras.Model,
        backend: TensorFlow | OpenVINO,
        batch_size: int = BATCH_SIZE,
        trial: Trial | None = None,
    ) -> None:
        self.size, self.classes = model.input_shape[1], model.output_shape[-1]
        self._trial = trial
        self._model, self._backend, self._batch_size = model, backend, batch_size
        prefix = find_prefix(model)
        self._prefix = prefix if prefix is not None and agrees(model, prefix) else None

    def probabilities(
        self,
        images: np.ndarray,
        segments: np.ndarray,
        samples: np.ndarray,
        hidden: np.ndarray | None = None,
    ) -> np.ndarray:
        """See `Predictor.probabilities`; `hidden` (n, S, S) uint8 is shown where a face is hidden.

        It is black unless given.
        """
        n, m, _ = samples.shape
        hidden = np.zeros_like(images) if hidden is None else hidden
        found = np.empty((n, m, self.classes), np.float32)
        whole = []
        for face in range(n):
            if self._prefix is not None:
                colour, seen = colours(segments[face], self._prefix.fields)
                if 2 ** seen.shape[-1] < m:
                    pictures = (images[[face]], hidden[[face]], segments[[face]])
                    found[face] = self._with_prefix(pictures, samples[face], colour, seen)
                    continue
            whole.append(face)
        if whole:
            pictures = (images[whole], hidden[whole], segments[whole])
            found[whole] = self._whole(pictures, samples[whole])
        return found

    def blended(self, image: np.ndarray, hidden: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Classify a face that soft masks hide.

        Parameters
        ----------
        image, hidden : (S, S) uint8
            A gray face, and what it shows where it is hidden.
        masks : (m, S, S) float32
            1 where the face is shown, 0 where it is hidden.

        Returns
        -------
        (m, classes) float32
        """
        batches = self._in_batches((image, hidden), (masks,))
        return _run(self._blend, batches)[: len(masks)]

    def _whole(self, pictures: tuple[np.ndarray, ...], samples: np.ndarray) -> np.ndarray:
        n, m, _ = samples.shape
        found = _run(self._perturb_all, self._of_whole(pictures, samples))
        return found[: n * m].reshape(n, m, -1)

    def _of_whole(self, pictures: tuple[np.ndarray, ...], samples: np.ndarray) -> Batches:
        n, m, d = samples.shape
        faces = np.repeat(np.arange(n, dtype=np.int32), m)
        return self._in_batches(pictures, (faces, samples.reshape(n * m, d)))

    def _with_prefix(
        self,
        pictures: tuple[np.ndarray, ...],
        samples: np.ndarray,
        colour: np.ndarray,
        seen: np.ndarray,
    ) -> np.ndarray:
        rest = self._gather_rest  # before the activations, which fitting it would overwrite
        return _run(rest, self._of_rest(pictures, samples, colour, seen))[: len(samples)]

    def _of_first(
        self, pictures: tuple[np.ndarray, ...], colour: np.ndarray, seen: np.ndarray
    ) -> Batches:
        states = np.arange(2 ** seen.shape[-1])[:, None] >> colour & 1
        return self._in_batches(
            pictures, (np.zeros(len(states), np.int32), states.astype(np.uint8))
        )

    def _of_rest(
        self,
        pictures: tuple[np.ndarray, ...],
        samples: np.ndarray,
        colour: np.ndarray,
        seen: np.ndarray,
    ) -> Batches:
        batches = list(self._of_first(pictures, colour, seen))
        first = (self._perturb_first(*batch) for batch in batches)
        # One more column, never shown, for the places that see no superpixel of a colour.
        rows = np.pad(samples[:, : len(colour)], ((0, 0), (0, 1)))
        return self._in_batches((self._backend.join(first, len(batches)), seen), (rows,))

    def _in_batches(
        self, whole: tuple[np.ndarray, ...], batched: tuple[np.ndarray, ...]
    ) -> Batches:
        """A graph's inputs: those that are the same for all, and those that come in batches."""
        put, size = self._backend.put, self._batch_size
        fixed = [put(array) for array in whole]
        length = len(batched[0])
        padded = [
            np.pad(array, ((0, -length % size), *[(0, 0)] * (array.ndim - 1))) for array in batched
        ]
        return (
            (*fixed, *(put(array[start : start + size]) for array in padded))
            for start in range(0, length, size)
        )

    @cached_property
    def _first(self) -> Any:
        """The first layers, traced, where the network can be cut."""
        import keras

        if self._prefix is None:
            return None
        first = keras.Model(self._model.inputs[0], self._prefix.output)
        return _perturb(first, self._batch_size)

    @cached_property
    def _perturb_all(self) -> Callable[..., Any]:
        traced = _perturb(self._model, self._batch_size)
        return self._backend.compile(traced, self._tried_whole, self._first)

    @cached_property
    def _blend(self) -> Callable[..., Any]:
        def tried() -> Batches:
            for image, segments, samples in self._tried:
                masks = samples[:, segments].astype(np.float32)
                yield from self._in_batches((image, np.zeros_like(image)), (masks,))

        return self._backend.compile(_blend(self._model, self._batch_size), tried, self._first)

    @cached_property
    def _perturb_first(self) -> Callable[..., Any]:
        return self._backend.compile(self._first, self._tried_whole, self._first, passing=True)

    @cached_property
    def _gather_rest(self) -> Callable[..., Any]:
        import keras

        assert self._prefix is not None
        fields = self._prefix.fields
        rest = keras.Model(self._prefix.output, self._model.outputs[0])

        def tried() -> Batches:
            for image, segments, samples in self._tried:
                # Four scattered parts make sixteen pictures; superpixels may make too many.
                parts = segments % 4
                pictures = (image[None], np.zeros_like(image[None]), parts[None])
                for batch in self._of_rest(pictures, samples[:, :4], *colours(parts, fields)):
                    yield tuple(np.array(array) for array in batch)  # else of the last face

        return self._backend.compile(_gather(rest, self._batch_size), tried)

    @cached_property
    def _tried(self) -> list[tuple[np.ndarray, ...]]:
        return list(samples_of(self._trial, self.size))

    def _tried_whole(self) -> Batches:
        for image, segments, samples in self._tried:
            pictures = (image[None], np.zeros_like(image[None]), segments[None])
            yield from self._of_whole(pictures, samples[None])


class Opened:
    """A graph, opened from a file, that classifies perturbed faces. See `Predictor`."""

    def __init__(self, graph: Graph, backend: OpenVINO, trial: Trial | None = None) -> None:
        self.size, self.classes = graph.size, graph.classes

        def tried() -> Batches:
            for image, segments, samples in samples_of(trial, self.size):
                yield from ((fed,) for fed in graph.fed(image * samples[:, segments]))

        with failing_in(backend.precision):
            self._graph = graph.compiled_with(backend.settings, backend.fitted(graph.model, tried))

    def probabilities(
        self,
        images: np.ndarray,
        segments: np.ndarray,
        samples: np.ndarray,
        hidden: np.ndarray | None = None,
    ) -> np.ndarray:
        """See `Network.probabilities`."""
        n, m, _ = samples.shape
        hidden = np.zeros_like(images) if hidden is None else hidden
        found = np.empty((n, m, self.classes), np.float32)
        for face in range(n):
            for start in range(0, m, BATCH_SIZE):
                rows = slice(start, start + BATCH_SIZE)
                shown = samples[face, rows][:, segments[face]] == 1
                found[face, rows] = self._graph.predict(np.where(shown, images[face], hidden[face]))
        return found

    def blended(self, image: np.ndarray, hidden: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """See `Network.blended`."""
        found = np.empty((len(masks), self.classes), np.float32)
        for start in range(0, len(masks), BATCH_SIZE):
            shares = masks[start : start + BATCH_SIZE]
            blend = shares * image + (1 - shares) * hidden.astype(np.float32)
            found[start : start + BATCH_SIZE] = self._graph.predict(blend)
        return found


def _run(forward: Callable[..., Any], batches: Batches) -> np.ndarray:
    """A graph's answers of all batches, one after the other; a GPU need not wait for the host."""
    return np.concatenate([forward(*batch) for batch in batches])


def _perturb(model: keras.Model, batch_size: int) -> Any:
    """Trace ``(images, hidden, segments, faces, rows) -> output`` as a TensorFlow function.

    `faces` (batch_size,) int32 says to which of the images each of the `rows` (batch_size, d)
    uint8, samples, belongs.
    """
    import tensorflow as tf

    size = model.input_shape[1]

    def forward(images: Any, hidden: Any, segments: Any, faces: Any, rows: Any) -> Any:
        superpixel = tf.cast(tf.gather(segments, faces), tf.int32)
        shown = tf.gather(rows, superpixel, axis=1, batch_dims=1)
        seen = tf.gather(images, faces) * shown + tf.gather(hidden, faces) * (1 - shown)
        gray = tf.cast(seen, tf.float32)
        return model(tf.repeat(gray[..., None], 3, axis=-1), training=False)

    signature = [
        tf.TensorSpec((None, size, size), tf.uint8),
        tf.TensorSpec((None, size, size), tf.uint8),
        tf.TensorSpec((None, size, size), tf.uint8),
        tf.TensorSpec((batch_size,), tf.int32),
        tf.TensorSpec((batch_size, None), tf.uint8),
    ]
    return tf.function(forward, input_signature=signature).get_concrete_function()


def _blend(model: keras.Model, batch_size: int) -> Any:
    """Trace ``(image, hidden, masks) -> output`` as a TensorFlow function."""
    import tensorflow as tf

    size = model.input_shape[1]

    def forward(image: Any, hidden: Any, masks: Any) -> Any:
        behind = tf.cast(hidden, tf.float32)
        gray = behind + masks * (tf.cast(image, tf.float32) - behind)
        return model(tf.repeat(gray[..., None], 3, axis=-1), training=False)

    signature = [
        tf.TensorSpec((size, size), tf.uint8),
        tf.TensorSpec((size, size), tf.uint8),
        tf.TensorSpec((batch_size, size, size), tf.float32),
    ]
    return tf.function(forward, input_signature=signature).get_concrete_function()


def _gather(rest: keras.Model, batch_size: int) -> Any:
    """Trace ``(activations, seen, rows) -> output`` as a TensorFlow function.

    `activations` (pictures, h, h, channels) float32 are those of the pictures, whose numbers have
    bit c set where colour c is shown; `seen` (h, h, colours) int32 says which superpixel of each
    colour a place sees.
    """
    import tensorflow as tf

    _, height, width, channels = rest.input_shape

    def forward(activations: Any, seen: Any, rows: Any) -> Any:
        shown = tf.cast(tf.gather(rows, seen, axis=1), tf.int32)
        bits = tf.bitwise.left_shift(1, tf.range(tf.shape(seen)[-1]))
        picture = tf.reduce_sum(shown * bits, axis=-1)
        place = tf.reshape(tf.range(height * width), (height, width))
        every = tf.reshape(activations, (-1, channels))
        return rest(tf.gather(every, picture * (height * width) + place), training=False)

    signature = [
        tf.TensorSpec((None, height, width, channels), tf.float32),
        tf.TensorSpec((height, width, None), tf.int32),
        tf.TensorSpec((batch_size, None), tf.uint8),
    ]
    return tf.function(forward, input_signature=signature).get_concrete_function()
