"""AffectNet: hundreds of thousands of faces from the web, labelled by one person each.

Mollahosseini, Hasani & Mahoor, IEEE Transactions on Affective Computing 2019, arXiv 1708.03985. Two
forms are read: `train_set/images/12.jpg` with `train_set/annotations/12_exp.npy` (and `val_set`
alike), and the older one, whose tables `training.csv` and `validation.csv` give the expression of
`Manually_Annotated_Images/689/737db248….jpg`. Nobody says whose the faces are: each picture is a
subject of its own.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator

import numpy as np

from humanlike.datasets.table import Photograph, Skipped, Tree
from humanlike.expressions import LABELS

NAMES = ("affectnet", "affectnet7", "affectnet8")

#: The sets' numbers, from 0; what follows the expressions is no expression.
EMOTIONS = (
    *("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt"),
    *("labelled as none of the expressions", "labelled as uncertain", "labelled as no face"),
)

_EXPRESSIONS = {str(number): expression for number, expression in enumerate(EMOTIONS)}

_NUMBERED = re.compile(
    r"(?P<folder>(?:.*/)?(?:train|val)_set/)images/(?P<name>\d+)\.\w+", re.DOTALL
)
_HASHED = re.compile(r"(?:.*/)?(?P<picture>\d+/[0-9a-f]{32,64}\.\w+)", re.DOTALL | re.IGNORECASE)

#: Columns of the older tables, in their order, which some copies without a header need.
_COLUMNS = (
    *("subdirectory_filepath", "face_x", "face_y", "face_width", "face_height"),
    *("facial_landmarks", "expression", "valence", "arousal"),
)


def matches(file: str) -> bool:
    """Whether an image is named as in this set."""
    return bool(_NUMBERED.fullmatch(file) or _HASHED.fullmatch(file))


def photographs(tree: Tree) -> Iterator[Photograph | Skipped]:
    """Yield every image, labelled by its own file of annotations or by the set's tables."""
    files = set(tree.files)
    listed = _listed(tree)
    for file in tree.images:
        numbered, hashed = _NUMBERED.fullmatch(file), _HASHED.fullmatch(file)
        if numbered:
            annotation = f"{numbered['folder']}annotations/{numbered['name']}_exp.npy"
            number = _annotated(tree, annotation) if annotation in files else None
        elif hashed:
            number = listed.get(hashed["picture"].lower())
        else:
            yield Skipped(file, "file is not of the form train_set/images/12")
            continue
        if number is None:
            yield Skipped(file, "no table and no annotation gives its expression")
        elif number not in _EXPRESSIONS:
            yield Skipped(file, f"unknown expression {number!r}")
        elif _EXPRESSIONS[number] in LABELS:
            yield Photograph(file, file.rpartition(".")[0], _EXPRESSIONS[number])
        else:
            yield Skipped(file, _EXPRESSIONS[number])


def _annotated(tree: Tree, annotation: str) -> str:
    """The number in a file of annotations: NumPy's, of one number or one text."""
    try:
        with tree.open(annotation) as stream:
            values = np.load(stream, allow_pickle=False)
        return _plain(str(values.item()))
    except (ValueError, EOFError):
        return "(damaged annotation)"


def _listed(tree: Tree) -> dict[str, str]:
    """Folder and name of each picture that the older tables list -> its number."""
    numbers = {}
    for file in tree.files:
        if file.lower().endswith(".csv"):
            with tree.open(file) as stream:
                lines = io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="")
                for picture, number in _rows(lines):
                    match = _HASHED.fullmatch(picture.strip().replace("\\", "/"))
                    if match:
                        numbers[match["picture"].lower()] = _plain(number)
    return numbers


def _rows(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Picture and number of each row, read one at a time: the landmarks make the tables large."""
    positions = [_COLUMNS.index(name) for name in ("subdirectory_filepath", "expression")]
    reader = csv.reader(lines)
    try:
        for cells in reader:
            titles = [cell.strip().casefold() for cell in cells]
            if reader.line_num == 1 and {"subdirectory_filepath", "expression"} <= set(titles):
                positions = [titles.index(name) for name in ("subdirectory_filepath", "expression")]
            elif len(cells) > max(positions):
                yield cells[positions[0]], cells[positions[1]]
    except csv.Error:
        return  # a text that is no table, such as a notice of the licence


def _plain(number: str) -> str:
    """`6`, `6.0` and ` 6` alike."""
    return number.strip().removesuffix(".0")
