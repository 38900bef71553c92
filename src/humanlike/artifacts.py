"""Where stages and commands keep their files, and how a file is written whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import DTypeLike, NDArray

from humanlike.errors import HumanlikeError

DATA = Path("data")
ARTIFACTS = Path("artifacts")
METRICS = Path("metrics")
PLOTS = Path("plots")
REFERENCES = Path("references")
WEIGHTS = Path("weights")

FACES = ARTIFACTS / "faces"
EVIDENCE = ARTIFACTS / "evidence" / "maps.npz"
GUIDANCE = ARTIFACTS / "guidance.npz"

#: What reading an archive raises where it is not there, or not what was written.
_DAMAGED = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)

#: Columns that stay text, even where every value looks like a number.
TEXT = dict.fromkeys(("dataset", "subject", "expression", "predicted", "source", "file"), str)


def unit(kind: str, network: str, fold: int, suffix: str) -> Path:
    """The file of one network and fold, such as `artifacts/models/weinet/fold0.keras`."""
    return ARTIFACTS / kind / network / f"fold{fold}{suffix}"


def joined(units: Sequence[tuple[str, int]], references: Sequence[str]) -> list[Path]:
    """What score joins: the files of every network and fold, kind after kind.

    Before them the evidence, where it is one of the references: of photographs without labels
    there is none.
    """
    kinds = {"history": ".csv", "predictions": ".csv", "standardized": ".npz"}
    each = [unit(kind, *which, suffix) for kind, suffix in kinds.items() for which in units]
    return [EVIDENCE, *each] if "evidence" in references else each


def weights(name: str) -> str:
    """What `train.weights` stands for: itself, or a folder of `weights/`.

    DVC depends on `weights/<name>` and needs something there whatever the name is: for "none" and
    "imagenet" it is a text file that comes with the project.
    """
    return name if name in ("none", "imagenet") else str(WEIGHTS / name)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`, and rename it to `path` when all went well.

    The temporary name keeps the suffix, as some writers choose a format by it.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        with _writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HumanlikeError(
            f"{path}: cannot be written ({error.strerror or error}); nothing that was finished is "
            "lost: make room or make the folder writable, then run the same command again"
        ) from error


def write_json(path: Path, values: Any) -> None:
    """Write values as JSON that reads and compares well; NaN, which JSON lacks, is refused."""
    with whole(path) as temporary:
        text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV, without its index."""
    with whole(path) as temporary:
        # Quoted, as names may hold commas, quotes and line ends.
        table.to_csv(temporary, index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file as it is."""
    with whole(path) as temporary:
        temporary.write_bytes(content)


def write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a gray picture (H, W) uint8 as PNG."""
    write_bytes(path, cv2.imencode(".png", picture)[1].tobytes())


def fresh(folder: Path) -> Path:
    """Make a folder, empty: nothing of an earlier run stays in it."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def digest(path: Path) -> str:
    """SHA-256 of a file, or of all files of a folder."""
    found = hashlib.sha256()
    parts = sorted(path.rglob("*")) if path.is_dir() else [path]
    try:
        for part in parts:
            if not part.is_dir():
                found.update(str(part.relative_to(path)).encode())
                with part.open("rb") as file:
                    found.update(hashlib.file_digest(file, "sha256").digest())
    except OSError as error:
        raise HumanlikeError(f"{path}: cannot be read ({error.strerror})") from None
    return found.hexdigest()


def read_table(path: Path) -> pd.DataFrame:
    """Read a table that `write_table` wrote; words such as "NA" stay words."""
    try:
        content = path.read_bytes()
        if not content.endswith(b"\n"):
            raise ValueError("it breaks off")
        return pd.read_csv(io.BytesIO(content), dtype=TEXT, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


class Rows:
    """An array that is written row by row: memory holds none of it.

    Parameters
    ----------
    path : Path
        The .npz that it will be in. Until `write_arrays` takes them, the rows are beside it, in a
        file without a name.
    shape : tuple of int
        Of a row.
    dtype : dtype
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self.shape, self.dtype, self._path, self._count = shape, np.dtype(dtype), path, 0
        with _writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # a full disk has been told of by then
            self._file.close()

    def append(self, row: NDArray[Any]) -> None:
        """Add a row."""
        with _writing(self._path):
            self._file.write(np.asarray(row, self.dtype).reshape(self.shape).tobytes())
        self._count += 1

    def save(self, file: IO[bytes]) -> None:
        """Write all rows as a .npy."""
        header = np.lib.format.header_data_from_array_1_0(np.empty(0, self.dtype))
        header["shape"] = (self._count, *self.shape)
        np.lib.format.write_array_header_1_0(file, header)
        self._file.seek(0)
        shutil.copyfileobj(self._file, file)


def write_arrays(path: Path, **arrays: NDArray[Any] | Rows) -> None:
    """Write arrays as a compressed .npz with the same bytes for the same values."""
    with (
        whole(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                if isinstance(array, Rows):
                    array.save(file)
                else:
                    np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)


def read_arrays(path: Path, *names: str) -> dict[str, NDArray[Any]]:
    """Read an .npz, or of the named arrays those it has; nothing pickled is ever loaded."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files if not names or name in names}
    except _DAMAGED as error:
        raise _unreadable(path, error) from None


def read_rows(path: Path, name: str) -> Iterator[NDArray[Any]]:
    """Read one array of an .npz row by row: memory holds one row at a time."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            size = math.prod(shape[1:]) * dtype.itemsize
            for _ in range(shape[0]):
                yield np.frombuffer(file.read(size), dtype).reshape(shape[1:])
            file.read(1)  # at its end the archive tells whether all bytes are what was written
    except _DAMAGED as error:
        raise _unreadable(path, error) from None


def read_array(path: Path) -> NDArray[Any]:
    """Map one array of a .npy file into memory, without reading it."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _unreadable(path, error) from None


def read_json(path: Path) -> dict:
    """Read metrics that a stage wrote."""
    try:
        return json.loads(read_text(path))
    except ValueError as error:
        raise HumanlikeError(f"{path}: damaged ({error}); run `dvc repro`") from None


def read_text(path: Path) -> str:
    """Read a text that a stage wrote."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> HumanlikeError:
    if isinstance(error, FileNotFoundError):
        return HumanlikeError(f"{path}: no such file; `dvc repro` makes it")
    return HumanlikeError(f"{path}: damaged ({error}); delete it and run `dvc repro`")
