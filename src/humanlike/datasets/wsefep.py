"""WSEFEP: thirty actors, seven expressions.

Olszanowski et al., "Warsaw Set of Emotional Facial Expression Pictures", Frontiers in Psychology
2015, doi 10.3389/fpsyg.2014.01516. Files are `AD_7885.jpg`: the subject's initials and the number
of the photograph. The expression stands in a table that comes with the set, here a `.csv`, `.tsv`
or `.txt` beside the images, with the columns in any order, with or without a header.
"""

import csv
import re
from collections.abc import Iterator

from humanlike.datasets.table import Photograph, Skipped, Tree, stem
from humanlike.spelling import expression_of_folder, parse_expression

NAMES = ("wsefep", "warsaw")

_PICTURE = re.compile(r"([A-Z]{2,3}\d?)_(\d+)", re.IGNORECASE)


def matches(file: str) -> bool:
    """Whether an image is named as in this set."""
    return _PICTURE.fullmatch(stem(file)) is not None


def photographs(tree: Tree) -> Iterator[Photograph | Skipped]:
    """Yield every image, labelled by the set's table or else by the folder that it lies in."""
    words = _words(tree)
    for file in tree.images:
        match = _PICTURE.fullmatch(stem(file))
        word = words.get(stem(file).casefold())
        expression = expression_of_folder(file) if word is None else parse_expression(word)
        if match is None:
            yield Skipped(file, "file name is not of the form AD_7885")
        elif expression:
            yield Photograph(file, match[1].upper(), expression)
        elif word is None and not words:
            yield Skipped(file, "no table (.csv, .tsv or .txt) gives the set's expressions")
        elif word is None:
            yield Skipped(file, "not in the set's table")
        else:
            yield Skipped(file, f"unknown expression {word!r}")


def _words(tree: Tree) -> dict[str, str]:
    """Each picture's stem in lower case -> the table's word for its expression."""
    pictures = {stem(file).casefold() for file in tree.images if matches(file)}
    words: dict[str, str] = {}
    for file in tree.files:
        if file.lower().endswith((".csv", ".tsv", ".txt")):
            words |= _words_of_table(tree.read_text(file, errors="replace"), pictures)
    return words


def _words_of_table(text: str, pictures: set[str]) -> dict[str, str]:
    rows = _rows(text)
    columns = list(zip(*rows, strict=True))
    if len(columns) < 2:
        return {}
    # The columns are known by what they hold, since no two copies of the table agree on a header.
    names = max(columns, key=lambda column: sum(_picture(cell) in pictures for cell in column))
    listed = [position for position, cell in enumerate(names) if _picture(cell) in pictures]
    others = [column for column in columns if column is not names]
    words = max(others, key=lambda cells: sum(bool(parse_expression(cells[i])) for i in listed))
    return {_picture(names[i]): words[i].strip() for i in listed}


def _rows(text: str) -> list[list[str]]:
    """The rows of a table as long as its longest, split at whichever delimiter it uses."""
    lines = text.splitlines()
    delimiter = max("\t;,", key=text.count)
    try:
        rows = list(csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        return []  # a text that is no table, such as a notice of the licence
    if delimiter not in text:
        rows = [line.split() for line in lines]
    width = max(map(len, rows), default=0)
    return [row + [""] * (width - len(row)) for row in rows if row]


def _picture(cell: str) -> str:
    name = cell.strip().replace("\\", "/").rpartition("/")[2].casefold()
    return name.rpartition(".")[0] or name
