"""Networks as graphs that OpenVINO runs: ONNX files and TensorFlow's SavedModels.

OpenVINO reads what a graph computes and has no way to run Python, to read a file or to write one:
an operation of that kind is none that it knows. Nor does it give gradients.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanlike.errors import HumanlikeError
from humanlike.networks.conventions import scaling_of, softmax
from humanlike.networks.safety import refuse

#: Faces a forward pass, where the graph takes more than one.
BATCH_SIZE = 32

_PARTS = ("graph.xml", "graph.bin", "use.json")

#: Operations of TensorFlow that run Python or touch files, and are no part of reading a checkpoint.
_RUN_OR_READ = {
    *("PyFunc", "EagerPyFunc", "PyFuncStateless", "ReadFile", "WriteFile", "MatchingFiles"),
    *("WholeFileReader", "WholeFileReaderV2", "PrintV2", "GeneratorDataset"),
}


@dataclass(frozen=True)
class Use:
    """How a graph is fed with gray faces, and how its outputs are read."""

    size: int
    channels: int
    channels_first: bool
    batch: int
    scaling: str = "0..255"
    order: tuple[int, ...] | None = None  #: outputs in the order of the classes; None: as they are
    logits: bool = False


class Graph:
    """A network in OpenVINO.

    Attributes
    ----------
    size : int
        Side of the square input in pixels.
    classes : int
        Number of outputs.
    """

    def __init__(self, model: Any, use: Use) -> None:
        self.model, self.use = model, use
        self.size = use.size
        self.classes = int(
            np.prod([d.get_length() for d in list(model.output(0).partial_shape)[1:]])
        )
        self._settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "f32",
            # Every process would bind its first thread to the first core, and workers share it.
            "ENABLE_CPU_PINNING": False,
        }

    def compiled_with(self, settings: dict[str, Any], model: Any) -> Graph:
        """Another form of the graph, compiled with other settings of OpenVINO's for processors."""
        other = Graph(model, self.use)
        other._settings = settings
        _ = other._run  # compiled here, where it is known what fails
        return other

    def used(self, scaling: str, order: list[int], logits: bool) -> Graph:
        """The same graph, fed and read in another way."""
        use = replace(self.use, scaling=scaling, order=tuple(order), logits=logits)
        return Graph(self.model, use)

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The outputs for gray faces (n, S, S) uint8, as (n, classes) float32."""
        outputs = [self._run(fed)[0] for fed in self.fed(images)]
        found = np.array(outputs, np.float32).reshape(-1, self.classes)[: len(images)]
        if self.use.logits:
            found = softmax(found).astype(np.float32)
        return found if self.use.order is None else found[:, list(self.use.order)]

    def fed(self, images: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
        """The graph's inputs for gray faces (n, S, S) uint8, batch by batch."""
        batch = self.use.batch
        for start in range(0, len(images), batch):
            part = images[start : start + batch]
            # Every batch has the same shape, as a runtime may round otherwise in another.
            yield self._scaled(np.pad(part, ((0, batch - len(part)), (0, 0), (0, 0))))

    def _scaled(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        scale, offset = scaling_of(self.use.scaling, self.use.channels)
        axis = 1 if self.use.channels_first else 3
        shape = [1, 1, 1, 1]
        shape[axis] = self.use.channels
        gray = np.expand_dims(images, axis).astype(np.float32)
        fed = gray * scale.astype(np.float32).reshape(shape)
        return fed + offset.astype(np.float32).reshape(shape)

    @cached_property
    def _run(self) -> Any:
        import openvino

        compiled = openvino.Core().compile_model(self.model, "CPU", self._settings)
        return lambda fed: compiled(fed, share_inputs=True)

    def save(self, path: Path) -> None:
        """Write graph and use to one file, whose bytes depend on nothing else."""
        import openvino

        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".saving-") as name:
            folder = Path(name)
            openvino.serialize(self.model, folder / _PARTS[0], folder / _PARTS[1])
            (folder / _PARTS[2]).write_text(json.dumps(asdict(self.use)))
            with zipfile.ZipFile(folder / "graph.zip", "w") as archive:
                for part in _PARTS:
                    with archive.open(zipfile.ZipInfo(part), "w", force_zip64=True) as target:
                        target.write((folder / part).read_bytes())
            (folder / "graph.zip").replace(path)


def is_graph(path: Path) -> bool:
    """Whether a file is one that `Graph.save` wrote."""
    try:
        with zipfile.ZipFile(path) as archive:
            return set(archive.namelist()) == set(_PARTS)
    except (OSError, zipfile.BadZipFile):
        return False


def load_graph(path: Path) -> Graph:
    """Read a graph that `Graph.save` wrote."""
    import openvino

    with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(path) as archive:
        for part in _PARTS:
            archive.extract(part, name)
        use = json.loads(Path(name, _PARTS[2]).read_text())
        # Its numbers would be mapped from a file that is deleted.
        core = openvino.Core()
        core.set_property({"ENABLE_MMAP": False})
        model = core.read_model(Path(name, _PARTS[0]))
    if use["order"] is not None:
        use["order"] = tuple(use["order"])
    return Graph(model, Use(**use))


def open_graph(path: Path, size: int | None = None) -> Graph:
    """Open an ONNX file or the folder of a SavedModel.

    Parameters
    ----------
    path
    size
        Side of the input in pixels, where the graph leaves it open.

    Raises
    ------
    HumanlikeError
        The file is damaged, has an operation that OpenVINO lacks, or takes something else than
        pictures.
    """
    try:
        import openvino
    except ModuleNotFoundError as error:
        raise HumanlikeError(
            f"{path}: OpenVINO opens such files, and is not installed; `pip install openvino`"
        ) from error
    if path.is_dir():
        _check_saved_model(path)
    try:
        core = openvino.Core()
        core.set_property({"ENABLE_MMAP": False})
        model = core.read_model(path)
    except Exception as error:  # OpenVINO raises RuntimeError, and others for some formats
        raise refuse(path, f"OpenVINO cannot read it ({_reason(error)})") from None
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise refuse(path, "has several inputs or outputs; one of each can be explained")
    use = _use(path, model, size)
    channels = (use.channels, use.size, use.size)
    shape = channels if use.channels_first else (*channels[1:], channels[0])
    fixed = model.input(0).partial_shape[0]
    batches = [fixed.get_length()] if fixed.is_static else [BATCH_SIZE, 1]
    if fixed.is_static and fixed.get_length() == 1:
        batches = [BATCH_SIZE, 1]
    for batch in batches:
        try:
            found = model.clone()
            found.reshape([batch, *shape])
            outputs = list(found.output(0).partial_shape)
            # A graph made for one face may take more, and mix them up.
            if not all(d.is_static for d in outputs) or outputs[0].get_length() != batch:
                continue
            graph = Graph(found, replace(use, batch=batch))
            faces = np.random.default_rng(0).integers(0, 256, (2, use.size, use.size), np.uint8)
            together = graph.predict(faces)
            alone = [graph.predict(face[None])[0] for face in faces]
        except Exception:  # the next batch size is tried
            continue
        if graph.classes > 1 and np.allclose(together, alone, atol=1e-4, rtol=1e-3):
            return graph
    raise refuse(
        path,
        f"OpenVINO cannot run it on pictures of {use.size} × {use.size} pixels, or it gives "
        f"something else than one row of classes for each (its output is "
        f"{model.output(0).partial_shape})",
    )


def _use(path: Path, model: Any, size: int | None) -> Use:
    """Read from the shape of the input how it is fed."""
    shape = [d.get_length() if d.is_static else None for d in model.input(0).partial_shape]
    if len(shape) != 4:
        raise refuse(
            path, f"takes an input of {len(shape)} dimensions; a picture with a batch has 4"
        )
    first = shape[1] in (1, 3)
    if not first and shape[3] not in (1, 3):
        raise refuse(path, f"takes {model.input(0).partial_shape}, no picture of 1 or 3 channels")
    side = shape[2:] if first else shape[1:3]
    channels = (shape[1] if first else shape[3]) or 0
    return Use(square(path, side, size), channels, first, 1)


def square(path: Path, side: list[int | None] | tuple[int | None, ...], size: int | None) -> int:
    """The side of a square input, from the file or as asked for.

    Raises
    ------
    HumanlikeError
        It is not square, left open, or another than asked for.
    """
    known = {length for length in side if length is not None}
    if len(known) > 1:
        raise refuse(path, f"takes pictures of {side[0]} × {side[1]} pixels; only square ones do")
    if not known and size is None:
        raise refuse(path, "takes pictures of any size; say which with --size")
    if known and size not in (None, *known):
        raise refuse(path, f"takes pictures of {known.pop()} pixels a side, not {size}")
    return known.pop() if known else int(size or 0)


def _check_saved_model(path: Path) -> None:
    """Refuse a SavedModel whose graph would run Python, or read or write files."""
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString((path / "saved_model.pb").read_bytes())
    except (OSError, DecodeError) as error:
        raise refuse(path, f"is no SavedModel, or a damaged one ({error})") from None
    for meta in saved.meta_graphs:
        nodes = [*meta.graph_def.node]
        for function in meta.graph_def.library.function:
            nodes += function.node_def
        for node in nodes:
            if node.op in _RUN_OR_READ:
                raise refuse(
                    path, f"has the operation {node.op}, which runs code or touches files; no such"
                )


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Exception from", "Check '"))]
    return (told or lines or [type(error).__name__])[0][:200]
