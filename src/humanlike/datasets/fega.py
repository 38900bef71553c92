"""FEGA: 51 subjects, seven expressions, with given names in the files' names.

Files are `<n>_<F or M>_<age>_<given name>_<word>_<n>.png`, the word an Italian name of the
expression. A given name is personal data: subjects are known by a hash, and `pseudonym` gives each
file a name that may be written to an output.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from pathlib import PurePosixPath

from humanlike.datasets.table import Photograph, Skipped, Tree, stem

NAMES = ("fega",)

WORDS = {
    "allegria": "happiness",
    "arrabbiato": "anger",
    "disgusto": "disgust",
    "paura": "fear",
    "sorpresa": "surprise",
    "tristezza": "sadness",
    "neutra": "neutral",
}

_PICTURE = re.compile(
    rf"(?P<person>\d+_[FM]_\d+_.+)_(?P<word>{'|'.join(WORDS)})_(?P<number>\d+)",
    re.IGNORECASE | re.DOTALL,
)


def matches(file: str) -> bool:
    """Whether an image is named as in this set."""
    return _PICTURE.fullmatch(stem(file)) is not None


def photographs(tree: Tree) -> Iterator[Photograph | Skipped]:
    """Yield every image, labelled by its name."""
    for file in tree.images:
        match = _PICTURE.fullmatch(stem(file))
        if match:
            yield Photograph(file, pseudonym_of(match["person"]), WORDS[match["word"].casefold()])
        else:
            yield Skipped(file, "file name is not of the form 1_F_30_name_Allegria_1")


def pseudonym(file: str) -> str:
    """A name for a file that tells its picture but no given name."""
    match = _PICTURE.fullmatch(stem(file))
    suffix = PurePosixPath(file).suffix
    if match is None:
        return pseudonym_of(file) + (suffix if suffix.isascii() and suffix.isprintable() else "")
    expression = WORDS[match["word"].casefold()]
    return f"{pseudonym_of(match['person'])}_{expression}_{match['number']}{suffix}"


def pseudonym_of(person: str) -> str:
    """Ten hexadecimal digits that stand for a person, the same for every spelling of a name."""
    name = unicodedata.normalize("NFKC", person).casefold()
    return hashlib.blake2b(name.encode(), digest_size=5, person=b"humanlike-fega").hexdigest()
