"""RAF-DB: some 15,000 faces from the web, labelled by forty people each.

Li, Deng & Du, "Reliable Crowdsourcing and Deep Locality-Preserving Learning for Expression
Recognition in the Wild", CVPR 2017. The list `EmoLabel/list_patition_label.txt` has lines such as
`train_00001.jpg 5`; the images are `Image/aligned/train_00001_aligned.jpg` and the photographs that
these were cut from, `Image/original/train_00001.jpg`. Nobody says whose the faces are: each picture
is a subject of its own.

Copies without the list, in folders named after the numbers or the expressions, are read too.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from humanlike.datasets.spelling import expression_of_folder
from humanlike.datasets.table import UNUSED_COPY, Photograph, Skipped, Tree, stem

NAMES = ("rafdb", "rafdbbasic", "raf")

#: The list's numbers.
EMOTIONS = {
    "1": "surprise",
    "2": "fear",
    "3": "disgust",
    "4": "happiness",
    "5": "sadness",
    "6": "anger",
    "7": "neutral",
}

_PICTURE = re.compile(r"((?:train|test)_\d+)(_aligned)?", re.IGNORECASE)
_LINE = re.compile(r"((?:train|test)_\d+)(?:_aligned)?(?:\.\w+)?[\s,;]+(\S+)", re.IGNORECASE)


def matches(file: str) -> bool:
    """Whether an image is named as in this set."""
    return _PICTURE.fullmatch(stem(file)) is not None


def photographs(tree: Tree) -> Iterator[Photograph | Skipped]:
    """Yield every image; a photograph whose aligned face is there too is left out."""
    numbers = _numbers(tree)
    names = {file: _PICTURE.fullmatch(stem(file)) for file in tree.images}
    aligned = {match[1].lower() for match in names.values() if match and match[2]}
    for file, match in names.items():
        if match is None:
            yield Skipped(file, "file name is not of the form train_00001_aligned")
            continue
        name = match[1].lower()
        number = numbers.get(name) or PurePosixPath(file).parent.name
        expression = EMOTIONS.get(number) or expression_of_folder(file)
        if not match[2] and name in aligned:
            yield Skipped(file, UNUSED_COPY)
        elif expression:
            yield Photograph(file, name, expression)
        elif name in numbers:
            yield Skipped(file, f"unknown expression {number!r}")
        else:
            yield Skipped(file, "not in the set's list")


def _numbers(tree: Tree) -> dict[str, str]:
    """Each listed picture's name without suffix -> its number."""
    numbers = {}
    for file in tree.files:
        if file.lower().endswith((".txt", ".csv")):
            for line in tree.read_text(file, errors="replace").splitlines():
                match = _LINE.fullmatch(line.strip())
                if match:
                    numbers[match[1].lower()] = match[2]
    return numbers
