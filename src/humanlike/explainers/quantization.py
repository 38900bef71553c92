"""Networks that multiply in integers of eight bits, fitted to faces with parts hidden.

Weights and activations are rounded to 256 levels between the least and the greatest values that
were seen, as in Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", CVPR 2018 (arXiv 1712.05877); OpenVINO's NNCF finds the levels
and corrects what they add on average. Processors with VNNI multiply such integers about four times
as fast as float32, those with AVX2 alone nearly twice as fast.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanlike import processor
from humanlike.errors import HumanlikeError
from humanlike.explainers.sampling import paired
from humanlike.explainers.superpixels import superpixels
from humanlike.networks.inputs import network_images

#: Precisions of integers. A mixed one leaves the last layer in float32, and those first ones that
#: are computed once for many samples: they cost little time, and round as much as others.
INTEGERS = ("mixed", "int8")

#: Faces that a network is fitted to, samples of each, and the superpixels that these hide.
FACES, SAMPLES = 4, 32
SUPERPIXELS, COMPACTNESS = 30, 20


class NotInIntegersError(HumanlikeError):
    """OpenVINO or NNCF fails of a network in integers."""


@contextlib.contextmanager
def failing_in(precision: str) -> Iterator[None]:
    """Name integers where OpenVINO or NNCF fails of a network in them."""
    try:
        yield
    except RuntimeError as error:
        if precision not in INTEGERS:
            raise
        reason = [line for line in str(error).splitlines() if line.strip()] or [repr(error)]
        raise NotInIntegersError(
            f"explain.precision: OpenVINO cannot compute this network in {precision}; set float32"
            f" or bfloat16 ({reason[-1]})"
        ) from error


@dataclass(frozen=True)
class Trial:
    """A few faces of a size, which a network in integers is fitted to."""

    pixels: bytes
    size: int

    @classmethod
    def of(cls, images: NDArray[np.uint8]) -> Trial:
        """The trial of gray faces, (n, S, S) uint8."""
        return cls(np.ascontiguousarray(images).tobytes(), images.shape[-1])

    @property
    def images(self) -> NDArray[np.uint8]:
        """The faces, (n, S, S)."""
        return np.frombuffer(self.pixels, np.uint8).reshape(-1, self.size, self.size)


def samples_of(trial: Trial | None, size: int) -> Iterator[tuple[NDArray[np.uint8], ...]]:
    """A trial's faces as a network of a size is asked for them.

    Yields
    ------
    image : (size, size) uint8
    segments : (size, size) uint8
        Superpixel of each pixel.
    samples : (SAMPLES, d) uint8
        Which superpixels are shown: all, none, and pairs drawn at random.

    Raises
    ------
    ValueError
        There is no trial.
    """
    if trial is None:
        raise ValueError("a network in integers is fitted to a trial's faces; there are none")
    for face, image in enumerate(network_images(trial.images, size)):
        segments = superpixels(image, SUPERPIXELS, COMPACTNESS)
        yield image, segments, paired(SAMPLES, int(segments.max()) + 1, face)


def layers(graph: Any) -> list[str]:
    """Names of the operations of a graph of OpenVINO's that have weights, as they are computed."""
    weighted = ("Convolution", "GroupConvolution", "MatMul")
    ordered = graph.get_ordered_ops()
    return [one.get_friendly_name() for one in ordered if one.get_type_name() in weighted]


def in_integers(
    graph: Any, batches: Iterable[tuple[Any, ...]], first: int = 0, last: int = 0
) -> Any:
    """A graph of OpenVINO's that multiplies in integers of eight bits.

    Parameters
    ----------
    graph : openvino.Model
    batches
        Inputs of the graph that the levels are fitted to.
    first, last
        So many of the first and of the last layers stay as they are. Where those are all, so does
        the graph.

    Returns
    -------
    openvino.Model
        Of the same inputs and outputs.

    Raises
    ------
    HumanlikeError
        NNCF is not installed.
    RuntimeError
        NNCF fails of the graph.
    """
    try:
        import nncf
        from nncf.quantization.advanced_parameters import OverflowFix, QuantizationParameters
    except ModuleNotFoundError as error:
        raise HumanlikeError(
            "explain.precision: int8 takes NNCF, which is not installed; `pip install nncf`, or"
            " set explain.precision: float32"
        ) from error
    nncf.set_log_level(logging.ERROR)
    weighted = layers(graph)
    if first + last >= len(weighted) > 0:
        return graph
    names = [one.get_friendly_name() for one in graph.get_ordered_ops()]
    exact = names[: names.index(weighted[first - 1]) + 1] if first else []
    exact += weighted[len(weighted) - last :]
    batches = list(batches)
    with contextlib.redirect_stdout(io.StringIO()), _unbound():  # its progress bars
        try:
            return nncf.quantize(
                graph,
                nncf.Dataset(batches),
                subset_size=len(batches),
                # Among the names are those of constants, which NNCF would not find.
                ignored_scope=nncf.IgnoredScope(names=exact, validate=False),
                advanced_parameters=nncf.AdvancedQuantizationParameters(
                    # Else what enters a depthwise convolution has levels for each row of places, as
                    # NNCF takes an image's second axis for its channels; OpenVINO fails of some.
                    activations_quantization_params=QuantizationParameters(per_channel=False),
                    # Without VNNI the sum of two products has sixteen bits: half the levels of a
                    # weight are left out, and it is never exceeded. NNCF's own choice is to leave
                    # them out in the first layer.
                    overflow_fix=(
                        OverflowFix.FIRST_LAYER if processor.has_vnni() else OverflowFix.ENABLE
                    ),
                ),
            )
        except (nncf.InternalError, nncf.UnsupportedModelError, nncf.ValidationError) as error:
            raise RuntimeError(str(error)) from error


@contextlib.contextmanager
def _unbound() -> Iterator[None]:
    """Give threads back the cores that they had.

    NNCF runs graphs in OpenVINO without a way to tell it not to bind threads; every process would
    be left with one bound to the first core, and workers share it.
    """
    tasks = Path("/proc/self/task")
    allowed = os.sched_getaffinity(0) if tasks.exists() else set()
    try:
        yield
    finally:
        for task in tasks.iterdir() if allowed else ():
            with contextlib.suppress(ProcessLookupError):  # a thread that has just ended
                os.sched_setaffinity(int(task.name), allowed)
