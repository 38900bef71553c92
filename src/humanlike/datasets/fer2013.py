"""FER2013: 35,887 faces of 48×48 pixels in one table, and FER+, ten people's votes on each.

Goodfellow et al., "Challenges in Representation Learning", ICONIP 2013, doi
10.1007/978-3-642-42051-1_16: `fer2013.csv` with the columns emotion, pixels and Usage. Barsoum et
al., ICMI 2016, arXiv 1608.01041: `fer2013new.csv`, whose rows follow those of the former. The faces
come from a search of the web and nobody says whose they are: each picture is a subject of its own.

Copies unpacked into folders of expressions, `train/angry/Training_3908.jpg`, are read too.
"""

import csv
import io
import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import PurePosixPath
from typing import NamedTuple

from humanlike.datasets.spelling import expression_of_folder
from humanlike.datasets.table import Photograph, Skipped, Tree, stem
from humanlike.errors import HumanlikeError

NAMES = ("fer2013", "fer", "ferplus", "fer2013plus")
TABLE, VOTES = "fer2013.csv", "fer2013new.csv"

#: The table's numbers, from 0.
EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")

#: FER+'s columns of votes in their order. The last two name no expression.
ANSWERS = (
    *("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"),
    *("unknown", "no face"),
)
_NO_EXPRESSION = {
    "unknown": "most of FER+'s raters could not tell its expression",
    "no face": "most of FER+'s raters saw no face",
}

_PICTURE = re.compile(r"(Training|PublicTest|PrivateTest)_\d+", re.IGNORECASE)


class _Row(NamedTuple):
    emotion: str
    usage: str
    offset: int


class _Votes(NamedTuple):
    usage: str
    counts: dict[str, int]


def matches(file: str) -> bool:
    """Whether an image is named as in the unpacked copies of this set."""
    return _PICTURE.fullmatch(stem(file)) is not None


def find_table(tree: Tree) -> str | None:
    """That file which holds faces as numbers; of several the one with the published name."""
    found = [
        file
        for file in tree.files
        if file.lower().endswith(".csv") and {"emotion", "pixels"} <= set(_header(tree, file))
    ]
    return min(found, key=lambda file: (PurePosixPath(file).name != TABLE, file), default=None)


def photographs(tree: Tree) -> Iterator[Photograph | Skipped]:
    """Yield every row of the table, then every image.

    Where FER+'s table lies beside, an expression is what most people saw in the face. A face in
    which most saw none, or as many saw another, is left out.

    Raises
    ------
    HumanlikeError
        If FER+'s table cannot be understood or is not about the same faces.
    """
    table = find_table(tree)
    if table:
        votes = str(PurePosixPath(table).with_name(VOTES))
        rows = _with_votes(tree, table, votes) if votes in tree.files else _plain(tree, table)
        for number, (row, expression, counts) in enumerate(rows):
            name = f"{PurePosixPath(table).parent / f'fer{number:07}.png'}"  # as in FER+
            if expression in (*EMOTIONS, "contempt"):
                subject = name.rpartition(".")[0]
                yield Photograph(
                    table, subject, expression, name=name, offset=row.offset, votes=counts
                )
            else:
                yield Skipped(table, expression, name=name)
    for file in tree.images:
        named = expression_of_folder(file)
        if named:
            yield Photograph(file, file.rpartition(".")[0], named)
        else:
            yield Skipped(file, "no folder above it is named after an expression")


def _plain(tree: Tree, table: str) -> Iterator[tuple[_Row, str, None]]:
    """Each row, with its expression or why it has none."""
    expressions = {str(number): expression for number, expression in enumerate(EMOTIONS)}
    for row in _rows(tree, table):
        yield row, expressions.get(row.emotion, f"unknown expression {row.emotion!r}"), None


def _with_votes(tree: Tree, table: str, votes: str) -> Iterator[tuple[_Row, str, dict[str, int]]]:
    pairs = zip_longest(_rows(tree, table), _votes(tree, votes))
    for line, (row, vote) in enumerate(pairs, 2):
        if row is None or vote is None or row.usage != vote.usage:
            raise HumanlikeError(
                f"{votes}: line {line} is not about the face of that line of {table}: take the two"
                " as they were published, or take the votes away."
            )
        yield row, _majority(vote.counts), vote.counts


def _majority(counts: dict[str, int]) -> str:
    """The expression that most people saw, or why there is none."""
    most = [answer for answer, count in counts.items() if count == max(counts.values())]
    if len(most) > 1:
        return "FER+'s raters are divided"
    return _NO_EXPRESSION.get(most[0], most[0])


def _header(tree: Tree, file: str) -> list[str]:
    with tree.open(file) as stream:
        return [_cell(cell).casefold() for cell in stream.readline(1000).split(b",")]


def _rows(tree: Tree, table: str) -> Iterator[_Row]:
    """The rows, read one at a time: the table has some 300 MB."""
    header = _header(tree, table)
    with tree.open(table) as stream:
        offset = len(stream.readline())
        for line in stream:
            cells = dict(zip(header, line.split(b","), strict=False))
            if line.strip():
                pixels = cells.get("pixels", b"").strip(b' "\r\n')
                yield _Row(
                    _cell(cells.get("emotion", b"")),
                    _cell(cells.get("usage", b"")).casefold(),
                    offset + line.index(pixels),
                )
            offset += len(line)


def _votes(tree: Tree, votes: str) -> Iterator[_Votes]:
    rows = csv.reader(io.StringIO(tree.read_text(votes, errors="replace"), newline=""))
    next(rows, None)
    for cells in filter(None, rows):
        counts = [cell.strip() for cell in cells[2 : 2 + len(ANSWERS)]]
        if len(counts) < len(ANSWERS) or not all(map(str.isdecimal, counts)):
            raise HumanlikeError(
                f"{votes}: line {rows.line_num} needs Usage, Image name and {len(ANSWERS)} numbers"
                " of votes."
            )
        yield _Votes(cells[0].strip().casefold(), dict(zip(ANSWERS, map(int, counts), strict=True)))


def _cell(cell: bytes) -> str:
    return cell.decode("utf-8-sig", "replace").strip(' "\r\n')
