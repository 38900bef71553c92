"""What an adapter reads and what it yields."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO, NamedTuple

#: Reasons of a picture that the adapter leaves out by design, not for a fault.
UNUSED_FRAME = "frame of a sequence that is neither its neutral nor its apex"
UNUSED_COPY = "photograph of which an aligned copy is used"
BY_DESIGN = (UNUSED_FRAME, UNUSED_COPY)

_IMAGE_SUFFIXES = {
    *(".bmp", ".gif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm"),
    *(".tif", ".tiff", ".webp"),
}


class Photograph(NamedTuple):
    """One photograph of a data set, as its adapter understands it."""

    file: str  #: relative to the data set's folder
    subject: str
    expression: str
    sequence: str = ""
    frame: int | None = None
    name: str = ""  #: the picture's own, where `file` holds many
    offset: int | None = None  #: byte of such a file at which the picture's gray values begin
    votes: dict[str, int] | None = None  #: answer -> how many people gave it


class Skipped(NamedTuple):
    """One photograph that an adapter leaves out."""

    file: str  #: relative to the data set's folder
    reason: str
    sequence: str = ""
    name: str = ""


@dataclass(frozen=True)
class Tree:
    """The files of one data set.

    Attributes
    ----------
    files : tuple of str
        Paths relative to the data set's folder, with forward slashes, sorted.
    open : callable
        (file) -> one of `files`, open for reading bytes.
    refused : dict of str to str
        Further paths, which must not be read -> why.
    """

    files: tuple[str, ...]
    open: Callable[[str], BinaryIO]
    refused: dict[str, str] = field(default_factory=dict)

    def read_text(self, file: str, errors: str = "strict") -> str:
        """The text of one of the files, decoded as UTF-8."""
        with self.open(file) as stream:
            return stream.read().decode("utf-8-sig", errors)

    @property
    def images(self) -> list[str]:
        """Those files whose names end like a photograph's."""
        return [file for file in self.files if is_image(file)]


def is_image(file: str) -> bool:
    """Whether a file's name ends like a photograph's."""
    return PurePosixPath(file).suffix.lower() in _IMAGE_SUFFIXES


def stem(file: str) -> str:
    """The name of a file without folders and without its last suffix."""
    return PurePosixPath(file).stem
