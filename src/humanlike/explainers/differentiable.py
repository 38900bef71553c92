"""A network that gradients are asked of, layer by layer; TensorFlow is loaded on first use.

A Keras graph is walked operation by operation, into the models nested in it, so that any map inside
can be looked at and differentiated by. Which map is meant is told by its shape: names and orders of
layers are their author's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from humanlike.errors import HumanlikeError
from humanlike.explainers.loading import keep_last

if TYPE_CHECKING:
    import keras

#: Probabilities below it are taken for it, where logits must be made of them.
LEAST_PROBABILITY = 1e-30

#: Operations that pass on what they get: between softmax and output they leave logits logits.
_PASSING = ("Dropout", "Flatten", "GetItem", "Identity", "Reshape", "Squeeze", "Take")

_POOLING = ("AveragePooling2D", "MaxPooling2D", "AveragePool", "MaxPool")


class Step(NamedTuple):
    """One operation on the way through a network."""

    operation: Any
    input: Any  #: its first tensor
    output: Any

    @property
    def kind(self) -> str:
        return type(self.operation).__name__


class Forward(NamedTuple):
    """A way through a network."""

    steps: list[Step]
    logits: Any  #: (b, classes), what the last softmax is taken of
    features: Any  #: (b, h, w, channels), see `Differentiable.forward`
    pooled: Any  #: (b, h', w', channels), the same after the poolings that follow it


@keep_last
def load(model: Path) -> Differentiable:
    """Load a network's file; asked again for the last one, return the same object.

    Raises
    ------
    HumanlikeError
        If the file is no network, or no graph of Keras layers.
    """
    from humanlike.networks import files

    return Differentiable(files.load(model))


class Differentiable:
    """A network, (b, S, S, 3) float32 in 0–255 to probabilities, for gradients.

    Parameters
    ----------
    model : keras.Model
        Functional or sequential, models in it likewise.

    Raises
    ------
    HumanlikeError
        If the model is no graph of Keras layers.
    """

    def __init__(self, model: keras.Model) -> None:
        import tensorflow as tf

        # float32 means float32: on a GPU, TensorFlow would round factors to 10 bits.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        self.size, self.classes = int(model.input_shape[1]), int(model.output_shape[-1])
        self._model = model
        self._softmax: int | None = None
        # Traced, not computed: what is kept of it are the tensors' shapes and their order.
        tf.function(self._survey, autograph=False).get_concrete_function(
            tf.TensorSpec((1, self.size, self.size), tf.float32)
        )

    def _survey(self, pictures: Any) -> Any:
        steps, output = self._walk(pictures)
        self._softmax, self._take_logarithm = _find_softmax(steps)
        self._pooled = _last_with_extent(steps)
        self._features = _before_pooling(steps, self._pooled)
        #: A way through the network without values, to look up what follows what.
        self.outline = self.forward(pictures)
        return output

    def forward(self, pictures: Any) -> Forward:
        """Follow gray pictures (b, S, S) float32, 0 to 255, through the network.

        The features are the last map on the way that has an extent (more than one pixel each way),
        before any pooling that comes after it.
        """
        import tensorflow as tf

        steps, output = self._walk(pictures)
        if self._take_logarithm:
            output = tf.math.log(tf.maximum(output, LEAST_PROBABILITY))
        if self._pooled is None or self._features is None:
            return Forward(steps, output, None, None)
        return Forward(steps, output, steps[self._features].output, steps[self._pooled].output)

    def score(self, forward: Forward, labels: Any, output: str) -> Any:
        """The explained class's ``"logit"`` or, of ``"softmax"``, its probability, (b,)."""
        import tensorflow as tf

        scores = tf.nn.softmax(forward.logits) if output == "softmax" else forward.logits
        return tf.gather(scores, labels, axis=1, batch_dims=1)

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits (n, classes) of faces (n, S, S), one after another."""
        rows = [self._logits(image[None].astype(np.float32)).numpy() for image in images]
        return np.reshape(rows, (len(images), self.classes))

    def last_map(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The last map that has an extent, (h, w, channels), after its poolings, of a face."""
        return self._last_map(image[None].astype(np.float32)).numpy()[0]

    def features(
        self, image: NDArray[np.uint8], label: int, output: str = "logit"
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The features (h, w, channels) of a face (S, S), and the class's gradient by them.

        Raises
        ------
        HumanlikeError
            If no map in the network has an extent.
        """
        if self._features is None:
            raise HumanlikeError(
                f"{self._model.name} has no feature map with an extent: the gradcam methods need "
                "a convolutional network; use integrated_gradients, or lime"
            )
        found = self._feature_gradients[output](image[None].astype(np.float32), label)
        features, gradients = (array.numpy()[0] for array in found)
        return features, gradients

    def input_gradients(
        self, pictures: NDArray[np.float32], label: int, output: str = "logit"
    ) -> NDArray[np.float32]:
        """The class's gradient by the gray levels of pictures (b, S, S), 0 to 255."""
        return self._input_gradients[output](pictures, label).numpy()

    @cached_property
    def _logits(self) -> Callable[..., Any]:
        return self._compiled(lambda pictures: self.forward(pictures).logits)

    @cached_property
    def _last_map(self) -> Callable[..., Any]:
        return self._compiled(lambda pictures: self.forward(pictures).pooled)

    def _compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        import tensorflow as tf

        return tf.function(function, input_signature=self._signature(1)[:1])

    @cached_property
    def _feature_gradients(self) -> dict[str, Callable[..., Any]]:
        import tensorflow as tf

        def gradients(output: str) -> Callable[..., Any]:
            def function(pictures: Any, label: Any) -> Any:
                with tf.GradientTape() as tape:
                    tape.watch(pictures)
                    forward = self.forward(pictures)
                    score = self.score(forward, label[None], output)
                return forward.features, tape.gradient(score, forward.features)

            return tf.function(function, input_signature=self._signature(1))

        return {output: gradients(output) for output in ("logit", "softmax")}

    @cached_property
    def _input_gradients(self) -> dict[str, Callable[..., Any]]:
        import tensorflow as tf

        def gradients(output: str) -> Callable[..., Any]:
            def function(pictures: Any, label: Any) -> Any:
                labels = tf.fill((tf.shape(pictures)[0],), label)
                with tf.GradientTape() as tape:
                    tape.watch(pictures)
                    score = self.score(self.forward(pictures), labels, output)
                return tape.gradient(score, pictures)

            return tf.function(function, input_signature=self._signature(None))

        return {output: gradients(output) for output in ("logit", "softmax")}

    def _signature(self, batch: int | None) -> list[Any]:
        import tensorflow as tf

        return [
            tf.TensorSpec((batch, self.size, self.size), tf.float32),
            tf.TensorSpec((), tf.int32),
        ]

    def _walk(self, pictures: Any) -> tuple[list[Step], Any]:
        """Call every operation, but leave the last softmax out where that is known."""
        import tensorflow as tf

        steps: list[Step] = []

        def run(model: keras.Model, tensor: Any) -> Any:
            outputs = _graph(model)._run_through_graph(tensor, visit)
            return outputs[0] if len(outputs) == 1 else outputs

        def visit(operation: Any) -> Callable[..., Any]:
            if _is_model(operation):
                return lambda tensor, **_: run(operation, tensor)

            def call(*args: Any, **kwargs: Any) -> Any:
                if len(steps) == self._softmax:
                    output = _without_softmax(operation, args[0])
                else:
                    output = operation(*args, **kwargs)
                first = args[0][0] if isinstance(args[0], list | tuple) else args[0]
                steps.append(Step(operation, first, output))
                return output

            return call

        output = run(self._model, tf.repeat(pictures[..., None], 3, axis=-1))
        return steps, output


def _is_model(operation: Any) -> bool:
    import keras

    return isinstance(operation, keras.Model)


def _graph(model: keras.Model) -> Any:
    """A model's graph of operations; Keras walks it in the same way to call a model."""
    import keras

    try:
        graph = keras.Model(model.inputs, model.outputs)
    except (AttributeError, TypeError, ValueError):
        graph = None
    if not hasattr(graph, "_run_through_graph"):
        raise HumanlikeError(
            f"{model.name} is no graph of Keras layers, whose gradients could be asked for; use a "
            "method that only hides parts of the face: lime, kernelshap, occlusion or rise"
        )
    return graph


def _find_softmax(steps: list[Step]) -> tuple[int | None, bool]:
    """Which step is the softmax that makes the output, and whether a logarithm must undo it."""
    for number in reversed(range(len(steps))):
        step = steps[number]
        if _has_softmax(step.operation) and step.output.shape.rank == 2:
            dense = step.kind in ("Activation", "Dense", "Softmax")
            follow = steps[number + 1 :]
            known = dense and all(later.kind in _PASSING for later in follow)
            return (number, False) if known else (None, True)
    return None, False


def _has_softmax(operation: Any) -> bool:
    import keras

    if type(operation).__name__ == "Softmax":
        return True
    return getattr(operation, "activation", None) is keras.activations.softmax


def _without_softmax(operation: Any, tensor: Any) -> Any:
    """What a layer's softmax is taken of."""
    if type(operation).__name__ != "Dense":
        return tensor
    product = tensor @ operation.kernel
    return product + operation.bias if operation.use_bias else product


def _last_with_extent(steps: list[Step]) -> int | None:
    for number in reversed(range(len(steps))):
        if _has_extent(steps[number].output):
            return number
    return None


def _has_extent(tensor: Any) -> bool:
    shape = getattr(tensor, "shape", ())
    return len(shape) == 4 and None not in shape[1:3] and min(shape[1:3]) > 1


def _before_pooling(steps: list[Step], number: int | None) -> int | None:
    """The step whose map is pooled, or only passed on, to become that of a step."""
    while number is not None and steps[number].kind in (*_POOLING, "Dropout", "Identity"):
        source = [i for i in range(number) if steps[i].output is steps[number].input]
        if not source or not _has_extent(steps[source[-1]].output):
            break
        number = source[-1]
    return number
