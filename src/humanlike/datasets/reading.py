"""A folder of data sets -> one table of photographs."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pandas as pd

from humanlike.datasets import (
    affectnet,
    bu4dfe,
    ckplus,
    fega,
    fer2013,
    folders,
    jaffe,
    labelled,
    rafdb,
    wsefep,
)
from humanlike.datasets.table import Photograph, Skipped, Tree, is_image
from humanlike.errors import HumanlikeError

#: Data sets known by name, in the order in which they are tried on a folder of another name.
ADAPTERS = {
    "ckplus": ckplus,
    "bu4dfe": bu4dfe,
    "jaffe": jaffe,
    "fega": fega,
    "wsefep": wsefep,
    "fer2013": fer2013,
    "rafdb": rafdb,
    "affectnet": affectnet,
}

#: Those of them that do not tell whose a face is: each picture is a subject of its own.
WITHOUT_SUBJECTS = ("fer2013", "rafdb", "affectnet")

#: Where DVC keeps a file's content: with `cache.type: symlink`, data files are links to there.
_DVC_OBJECT = re.compile(r".*/files/md5/[0-9a-f]{2}/[0-9a-f]{30}")

Rows = Iterable[Photograph | Skipped]


@dataclass(frozen=True)
class Listing:
    """What a folder of data sets holds. Each image is a row of just one of the two tables.

    Attributes
    ----------
    photographs : DataFrame
        `dataset`: name of its folder. `file`: relative to the folder of data sets. `source`: the
        same, but the picture's own where a file holds many, and safe to write to an output (FEGA's
        file names hold given names). `subject`: `<dataset>/<id>`. `expression`: one of
        `humanlike.expressions.LABELS`. `sequence`: empty for single pictures. `frame`: number in
        the sequence, or NA. `offset`: the byte of a file of many pictures at which this one's gray
        values begin, or NA. `votes`: dict of answer -> how many people gave it, or None.
    skipped : DataFrame
        `dataset`, `file`, `source`, `reason`, `sequence`.
    forms : dict of str to str
        Data set -> the form that it was recognised as.
    """

    photographs: pd.DataFrame
    skipped: pd.DataFrame
    forms: dict[str, str]

    @property
    def without_subjects(self) -> list[str]:
        """The data sets that do not tell whose their faces are."""
        return sorted(name for name, form in self.forms.items() if form in WITHOUT_SUBJECTS)


class _Entry(NamedTuple):
    dataset: str
    row: Photograph | Skipped
    private: bool


def read(folder: Path, *, ckplus_apex_frames: int = 3, bu4dfe_apex_frames: int = 5) -> Listing:
    """List the photographs of all data sets, one in each folder of `folder`.

    A set with a `labels.csv` is read by that, one with a table of pixels as FER2013; else its form
    is told from the folder's name or from the names of its images; else its folders are named after
    expressions.

    Parameters
    ----------
    folder : Path
        Holds one folder for each data set. Hidden files and folders are passed over.
    ckplus_apex_frames : int
        How many of a CK+ sequence's last frames show its expression.
    bu4dfe_apex_frames : int
        How many frames are taken around a BU-4DFE sequence's apex.

    Returns
    -------
    Listing
        Sorted by data set and file.

    Raises
    ------
    HumanlikeError
        If the folder cannot be read, or if a table cannot be understood.
    """
    try:
        paths = sorted(_visible(folder))
    except OSError as error:
        raise HumanlikeError(
            f"{folder} cannot be read ({error.strerror}): it should be a folder with one folder in"
            " it for each data set."
        ) from None
    apex_frames = {"ckplus": ckplus_apex_frames, "bu4dfe": bu4dfe_apex_frames}
    entries: list[_Entry] = []
    forms = {}
    for path in paths:
        name = _printable(path.name)
        if path.is_dir():
            forms[name], rows = _read_set(path, name, apex_frames)
            entries += rows
        elif is_image(name):
            row = Skipped(name, "lies beside the data sets' folders, not in one")
            entries.append(_Entry("", row, private=False))
    entries.sort(key=lambda entry: (entry.dataset, entry.row.file, entry.row.name))
    return Listing(*_tables(entries), forms)


def read_set(folder: Path, labels: Path | None = None) -> Listing:
    """List the photographs of one data set, whose folder may have any name.

    Parameters
    ----------
    folder : Path
        What `read` would find as one of the folders.
    labels : Path, optional
        A table that takes the place of the folder's `labels.csv`; its files are relative to
        `folder`.

    Returns
    -------
    Listing
        Files relative to the folder's parent, sorted.

    Raises
    ------
    HumanlikeError
        If the folder cannot be read, or if a table of labels cannot be understood.
    """
    folder = folder.resolve()
    if not folder.is_dir():
        raise HumanlikeError(f"{folder} is not a folder of photographs.")
    name = _printable(folder.name)
    form, entries = _read_set(folder, name, {"ckplus": 3, "bu4dfe": 5}, labels)
    entries.sort(key=lambda entry: entry.row.file)
    return Listing(*_tables(entries), {name: form})


def _read_set(
    path: Path, name: str, apex_frames: dict[str, int], table: Path | None = None
) -> tuple[str, list[_Entry]]:
    """The form of one data set, and what its adapter makes of each file."""
    tree = scan(path)
    if table:
        tree = replace(tree, files=(*tree.files, labelled.TABLE), open=partial(_open, tree, table))
    if labelled.TABLE in tree.files:
        form = "labelled"
    else:
        form = "fer2013" if fer2013.find_table(tree) else recognise(name, tree.images)
    rows = _rows(form, tree, apex_frames, str(table or f"{name}/{labelled.TABLE}"))
    private = _plain(name) in fega.NAMES or any(map(fega.matches, tree.images))
    if private and form != "fega":
        # A table or a folder may name FEGA's subjects as its files do.
        rows = map(_anonymous, rows)
    return form, [_Entry(name, row, private) for row in _accounted(rows, tree)]


def _open(tree: Tree, table: Path, file: str) -> BinaryIO:
    """One of the files of a tree, whose table of labels is another file."""
    if file != labelled.TABLE:
        return tree.open(file)
    try:
        return table.open("rb")
    except OSError as error:
        raise HumanlikeError(f"{table} cannot be read ({error.strerror}).") from None


def places(photographs: pd.DataFrame, root: Path) -> list[tuple[Path, int | None]]:
    """Each photograph's file, and where in it the photograph begins if it holds many.

    Parameters
    ----------
    photographs : DataFrame
        Of a `Listing`.
    root : Path
        The folder that their files are relative to.
    """
    offsets = (None if offset is pd.NA else int(offset) for offset in photographs["offset"])
    return [(root / file, at) for file, at in zip(photographs["file"], offsets, strict=True)]


def recognise(name: str, images: list[str]) -> str:
    """The form of a data set without `labels.csv`, from its folder's name and its images' names."""
    for form, adapter in ADAPTERS.items():
        if _plain(name) in adapter.NAMES and (not images or any(map(adapter.matches, images))):
            return form
    for form, adapter in ADAPTERS.items():
        if sum(map(adapter.matches, images)) > len(images) / 2:
            return form
    return "folders"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold().replace("+", "plus"))


def scan(folder: Path) -> Tree:
    """The files below a folder.

    Links are read only where they lead to a file below the folder or into a DVC cache.
    """
    root = folder.resolve()
    files: list[str] = []
    refused: dict[str, str] = {}
    unread = [root]
    while unread:
        here = unread.pop()
        try:
            paths = list(_visible(here))
        except OSError:
            refused[_printable(here.relative_to(root).as_posix())] = "folder may not be read"
            continue
        for path in paths:
            name = path.relative_to(root).as_posix()
            reason = _refusal(path, root)
            if reason:
                refused[_printable(name)] = reason
            elif path.is_dir():
                unread.append(path)
            else:
                files.append(name)

    def open_file(file: str) -> BinaryIO:
        try:
            return (root / file).open("rb")
        except OSError as error:
            raise HumanlikeError(
                f"{folder.name}/{file} cannot be read ({error.strerror}): mend it or take it away."
            ) from None

    return Tree(tuple(sorted(files)), open_file, refused)


def _visible(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if not path.name.startswith("."))


def _refusal(path: Path, root: Path) -> str | None:
    """Why something found below `root` must not be read, if so."""
    if _printable(path.name) != path.name:
        return "file name is not valid UTF-8"
    if path.is_symlink():
        target = Path(os.path.realpath(path))
        if path.is_dir():
            return "links to folders are not followed"
        if not target.is_relative_to(root) and not _DVC_OBJECT.fullmatch(target.as_posix()):
            return "link leads out of the data set's folder"
    if path.is_dir() or path.is_file():
        return None
    return "file is missing" if path.is_symlink() else "not a regular file"


def _printable(name: str) -> str:
    """A name with those bytes escaped that are not UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _rows(form: str, tree: Tree, apex_frames: dict[str, int], table: str) -> Rows:
    read_form: dict[str, Callable[[Tree], Rows]] = {
        "labelled": partial(labelled.photographs, name=table),
        "ckplus": partial(ckplus.photographs, apex_frames=apex_frames["ckplus"]),
        "bu4dfe": partial(bu4dfe.photographs, apex_frames=apex_frames["bu4dfe"]),
        "jaffe": jaffe.photographs,
        "fega": fega.photographs,
        "wsefep": wsefep.photographs,
        "fer2013": fer2013.photographs,
        "rafdb": rafdb.photographs,
        "affectnet": affectnet.photographs,
        "folders": folders.photographs,
    }
    return read_form[form](tree)


def _anonymous(row: Photograph | Skipped) -> Photograph | Skipped:
    if isinstance(row, Skipped):
        return row
    return row._replace(subject=fega.pseudonym_of(row.subject))


def _accounted(rows: Rows, tree: Tree) -> Rows:
    """The rows, and one more for each refused path that they do not tell of."""
    rows = list(rows)
    told = {row.file for row in rows}
    return [*rows, *(Skipped(*item) for item in tree.refused.items() if item[0] not in told)]


def _tables(entries: list[_Entry]) -> tuple[pd.DataFrame, pd.DataFrame]:
    photographs, skipped = [], []
    for dataset, row, private in entries:
        file, source = (
            f"{dataset}/{name}" if dataset else name for name in (row.file, row.name or row.file)
        )
        if private:
            source = f"{dataset}/{fega.pseudonym(row.file)}"
        if isinstance(row, Skipped):
            skipped.append((dataset, file, source, row.reason, row.sequence))
            continue
        subject = f"{dataset}/{row.subject}"
        told = (row.expression, row.sequence, row.frame, row.offset, row.votes)
        photographs.append((dataset, file, source, subject, *told))
    names = ["dataset", "file", "source", "subject"]
    names += ["expression", "sequence", "frame", "offset", "votes"]
    table = pd.DataFrame(photographs, columns=names).astype(
        {"frame": "Int64", "offset": "Int64", "votes": object}
    )
    names = ["dataset", "file", "source", "reason", "sequence"]
    return table, pd.DataFrame(skipped, columns=names)
