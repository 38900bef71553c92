"""Any set of images with a `labels.csv` that gives `file,subject,expression`."""

import csv
import io
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath

from humanlike.datasets.spelling import parse_expression
from humanlike.datasets.table import Photograph, Skipped, Tree, is_image
from humanlike.errors import HumanlikeError

TABLE = "labels.csv"
COLUMNS = ("file", "subject", "expression")

#: A row's line in the table and its values of `COLUMNS`.
Row = tuple[int, tuple[str, str, str]]


def photographs(tree: Tree, name: str = TABLE) -> Iterator[Photograph | Skipped]:
    """Yield every file that the table lists, then every image that it does not.

    Only files of the tree are yielded as photographs: a path that leads out of it is skipped, and
    so is a file that the table gives two labels.

    Parameters
    ----------
    tree : Tree
        With `labels.csv` among its files.
    name : str
        What messages call the table.

    Raises
    ------
    HumanlikeError
        If the table cannot be understood; the message names the line and the column.
    """
    files = {unicodedata.normalize("NFC", file): file for file in tree.files}
    listed: dict[str, list[Row]] = defaultdict(list)
    for row in parse_labels(_text(tree, name), name):
        listed[_normalised(row[1][0], files)].append(row)
    for path, rows in listed.items():
        _, (_, subject, word) = rows[0]
        expression = parse_expression(word)
        if _leads_out(path):
            yield Skipped(path, "path leads out of the data set's folder")
        elif path not in files:
            yield Skipped(path, tree.refused.get(path, "file is missing"))
        elif len({_meaning(row) for row in rows}) > 1:
            lines = " and ".join(str(line) for line, _ in rows)
            yield Skipped(files[path], f"{TABLE} gives it two labels (lines {lines})")
        elif expression is None:
            yield Skipped(files[path], f"unknown expression {word!r}")
        else:
            yield Photograph(files[path], subject, expression)
    for path, file in files.items():
        if path not in listed and is_image(file):
            yield Skipped(file, f"not in {TABLE}")


def parse_labels(text: str, name: str = TABLE) -> Iterator[Row]:
    """Read the rows of a table with a header, separated by commas, semicolons or tabs.

    Raises
    ------
    HumanlikeError
        If a column or a value is missing, or if the text is no such table.
    """
    first_line = text.partition("\n")[0]
    delimiter = max(",;\t", key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [title.strip().casefold() for title in next(reader, [])]
        for column in COLUMNS:
            if header.count(column) != 1:
                raise HumanlikeError(
                    f"{name}: line 1 must name the column {column!r} once:"
                    f" the columns needed are {', '.join(COLUMNS)}."
                )
        positions = [header.index(column) for column in COLUMNS]
        for values in reader:
            if any(value.strip() for value in values):
                where = f"{name}: line {reader.line_num}"
                if len(values) > len(header):
                    raise HumanlikeError(
                        f"{where} has {len(values)} values for {len(header)} columns:"
                        " put values that hold the delimiter in double quotes."
                    )
                yield reader.line_num, _row(values, positions, where)
    except csv.Error as error:
        raise HumanlikeError(f"{name}: line {reader.line_num} is not CSV: {error}.") from None


def _row(values: list[str], positions: list[int], where: str) -> tuple[str, str, str]:
    for column, position in zip(COLUMNS, positions, strict=True):
        if position >= len(values) or not values[position].strip():
            raise HumanlikeError(f"{where}: the column {column!r} is empty: fill it in.")
        if "\0" in values[position]:
            raise HumanlikeError(f"{where}: the column {column!r} holds a null character.")
    file, subject, word = (values[position] for position in positions)
    return file, subject.strip(), word.strip()


def _meaning(row: Row) -> tuple[str, str]:
    _, (_, subject, word) = row
    return subject, parse_expression(word) or word.casefold()


def _text(tree: Tree, name: str) -> str:
    try:
        return tree.read_text(TABLE)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise HumanlikeError(
            f"{name}: line {line} is not UTF-8: save the table as UTF-8."
        ) from None


def _normalised(path: str, files: dict[str, str]) -> str:
    """A listed path as the tree spells it, if it is there in another spelling."""
    path = unicodedata.normalize("NFC", path)
    for spelling in (path, path.strip(), path.replace("\\", "/").strip()):
        plain = str(PurePosixPath(spelling))
        if plain in files:
            return plain
    return path


def _leads_out(path: str) -> bool:
    parts = PurePosixPath(path.replace("\\", "/"))
    return parts.is_absolute() or ".." in parts.parts or path[1:2] == ":"
