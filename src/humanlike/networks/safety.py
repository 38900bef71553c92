"""Is a model file only layers and numbers? What could run code or read other files is refused."""

from __future__ import annotations

import json
import pickletools
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from humanlike.errors import HumanlikeError

#: Most bytes that the numbers in one file may take when unpacked: twice the largest of the twelve
#: networks with its optimiser's state.
MOST_BYTES = 6 * 2**30

#: Most bytes of a network's description in JSON.
MOST_TEXT = 64 * 2**20

#: Modules whose classes a network may be made of.
_MODULES = (
    *("keras", "keras.layers", "keras.models", "keras.initializers", "keras.regularizers"),
    *("keras.constraints", "keras.activations", "keras.ops"),
    *("keras.src.layers", "keras.src.models", "keras.src.ops", "keras.src.activations"),
)

#: Of those modules, what holds or calls code, or reads files.
_REFUSED = {
    "Lambda": "a Lambda layer holds Python code",
    "__lambda__": "it holds Python code",
    "TFSMLayer": "it loads another file",
    "TorchModuleWrapper": "it holds a pickle",
    "FlaxLayer": "it holds Python code",
    "JaxLayer": "it holds Python code",
    "IntegerLookup": "it may read other files",
    "StringLookup": "it may read other files",
    "IndexLookup": "it may read other files",
    "TextVectorization": "it may read other files",
}

#: How Keras writes values that are no layers.
_VALUES = {
    *("__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__"),
    *("__complex__", "__tuple__"),
}

_PICKLE = "is a pickle, and opening one runs code; not opened: export the network to ONNX"


def refuse(path: Path, reason: str) -> HumanlikeError:
    """A model file that is not opened, and why."""
    return HumanlikeError(f"{path}: {reason}")


def check_config(path: Path, config: Any) -> None:
    """Refuse a network's description that names anything but Keras' own layers.

    Raises
    ------
    HumanlikeError
    """
    for found in _objects(config):
        name, module = found["class_name"], found.get("module")
        if name in _REFUSED:
            raise refuse(
                path, f"has {_article(name)} {name}, and {_REFUSED[name]}; no code from a file runs"
            )
        if name in _VALUES:
            continue
        if name == "function":
            # A function is named, never held; those of Keras are plain strings.
            if module in ("builtins", *_MODULES) and _is_activation(found.get("config")):
                continue
            raise refuse(path, f"names the function {found.get('config')!r}, which is not Keras'")
        if "module" in found and not _allowed(str(found["module"])):
            raise refuse(
                path,
                f"has {_article(name)} {name}, which is not Keras' own, and its code is not run; "
                "export the network to ONNX",
            )


def _article(name: str) -> str:
    return "an" if name[0] in "AEIOU" else "a"


def _allowed(module: str) -> bool:
    return module in _MODULES or module.startswith(tuple(f"{known}." for known in _MODULES[1:]))


def _is_activation(name: Any) -> bool:
    import keras

    return isinstance(name, str) and hasattr(keras.activations, name)


def _objects(config: Any) -> Iterator[dict[str, Any]]:
    """Every description of an object within a description, at any depth."""
    unread = [config]
    while unread:
        here = unread.pop()
        if isinstance(here, dict):
            if isinstance(here.get("class_name"), str):
                yield here
            unread += here.values()
        elif isinstance(here, list):
            unread += here


def check_hdf5(path: Path, file: h5py.File) -> None:
    """Refuse an HDF5 file that leads to other files, or that unpacks to more than `MOST_BYTES`.

    Raises
    ------
    HumanlikeError
    """
    total = 0
    unread: list[h5py.Group] = [file]
    seen: set[Any] = set()
    while unread:
        group = unread.pop()
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise refuse(path, f"its part {name!r} is a link, which may lead to another file")
            part = group[name]
            if isinstance(part, h5py.Group):
                if part.id in seen:
                    raise refuse(path, f"its part {name!r} holds itself")
                seen.add(part.id)
                unread.append(part)
                continue
            if not isinstance(part, h5py.Dataset):
                raise refuse(path, f"its part {name!r} is neither a group nor numbers")
            if part.external or part.is_virtual:
                raise refuse(path, f"its part {name!r} lies in another file")
            total += part.nbytes
    if total > MOST_BYTES:
        raise refuse(path, f"unpacks to {total / 2**30:.1f} GiB, more than a network's file should")


def check_archive(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse a ZIP archive that is PyTorch's, or that unpacks to more than `MOST_BYTES`.

    Raises
    ------
    HumanlikeError
    """
    parts = archive.infolist()
    if any(part.filename.endswith(".pkl") for part in parts):
        raise refuse(path, f"is PyTorch's, and {_PICKLE}: torch.onnx.export")
    total = sum(part.file_size for part in parts)
    if total > MOST_BYTES:
        raise refuse(path, f"unpacks to {total / 2**30:.1f} GiB, more than a network's file should")


def check_keras(path: Path) -> None:
    """Refuse a `.keras` archive that holds more than Keras' own layers and numbers.

    Raises
    ------
    HumanlikeError
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_archive(path, archive)
            if archive.getinfo("config.json").file_size > MOST_TEXT:
                raise refuse(path, "its config.json is larger than any network's")
            config = json.loads(archive.read("config.json"))
            # How it was trained is not read.
            check_config(path, {k: v for k, v in config.items() if k != "compile_config"})
            with archive.open("model.weights.h5") as weights, h5py.File(weights, "r") as file:
                check_hdf5(path, file)
    except KeyError as error:
        raise refuse(path, f"is no Keras file ({error.args[0]!s})") from None
    # RuntimeError: zipfile's, for what is encrypted or compressed in a way that it does not know.
    except (OSError, ValueError, zipfile.BadZipFile, RuntimeError, AttributeError, zlib.error) as e:
        raise refuse(path, f"cannot be read, it is damaged or cut short ({e})") from None


def is_pickle(head: bytes) -> bool:
    """Whether a file that begins so is a pickle."""
    if head[:1] != b"\x80":
        return False
    try:
        next(pickletools.genops(head))
    except ValueError:
        return False
    return True


def pickle_refusal(path: Path) -> HumanlikeError:
    """The refusal of a pickle."""
    return refuse(path, _PICKLE)
