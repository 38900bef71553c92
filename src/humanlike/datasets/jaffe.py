"""JAFFE: ten Japanese women, seven expressions.

Lyons et al., "Coding Facial Expressions with Gabor Wavelets", FG 1998. Files are `KA.AN1.39.tiff`
or `KA_AN1_39.png`: subject, code of the expression and its repetition, number of the picture.
"""

import re
from collections.abc import Iterator

from humanlike.datasets.table import Photograph, Skipped, Tree, stem

NAMES = ("jaffe", "jaffedbase", "jaffeimages")

CODES = {
    "AN": "anger",
    "DI": "disgust",
    "FE": "fear",
    "HA": "happiness",
    "SA": "sadness",
    "SU": "surprise",
    "NE": "neutral",
}

_PICTURE = re.compile(rf"([A-Z]{{2}})[._-]({'|'.join(CODES)})(\d*)[._-](\d+)", re.IGNORECASE)


def matches(file: str) -> bool:
    """Whether an image is named as in this set."""
    return _PICTURE.fullmatch(stem(file)) is not None


def photographs(tree: Tree) -> Iterator[Photograph | Skipped]:
    """Yield every image, labelled by its name."""
    for file in tree.images:
        match = _PICTURE.fullmatch(stem(file))
        if match:
            yield Photograph(file, match[1].upper(), CODES[match[2].upper()])
        else:
            yield Skipped(file, "file name is not of the form KA.AN1.39")
