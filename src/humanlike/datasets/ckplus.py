"""CK+: sequences from a neutral face to the apex of an expression.

Lucey et al., "The Extended Cohn-Kanade Dataset (CK+)", CVPR Workshops 2010. Frames are named
`S005_001_00000011.png` (subject, sequence, frame) and lie in `cohn-kanade-images/S005/001/` or in
one flat folder; `S005_001_00000011_emotion.txt` holds a sequence's expression as a number. Copies
sorted into folders of expressions are read too.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterator

from humanlike.datasets.table import UNUSED_FRAME, Photograph, Skipped, Tree, stem
from humanlike.spelling import expression_of_folder

NAMES = (
    "ckplus",
    "ck",
    "ckp",
    "ck48",
    "ckplus48",
    "cohnkanade",
    "extendedcohnkanade",
    "cohnkanadeimages",
)

#: The label files' numbers, from 0.
EMOTIONS = (
    "neutral",
    "anger",
    "contempt",
    "disgust",
    "fear",
    "happiness",
    "sadness",
    "surprise",
)

_FRAME = re.compile(r"(S\d{3})_(\d{3})_(\d{1,9})", re.IGNORECASE)
_LABEL = re.compile(r"(S\d{3})_(\d{3})_(\d+)_emotion\.txt", re.IGNORECASE)

#: Subject and number within it.
Sequence = tuple[str, str]


def matches(file: str) -> bool:
    """Whether an image is named as in this set."""
    return _FRAME.fullmatch(stem(file)) is not None


def photographs(tree: Tree, apex_frames: int) -> Iterator[Photograph | Skipped]:
    """Yield every image: the last `apex_frames` of a sequence, its first frame as neutral.

    A first frame is one numbered 0 or 1: where only frames near the apex were kept, none is
    neutral. Without a label file, the folder that an image lies in may name its expression.
    """
    labels = _labels(tree)
    sequences: dict[Sequence, list[tuple[int, str]]] = defaultdict(list)
    for file in tree.images:
        match = _FRAME.fullmatch(stem(file))
        if match:
            sequences[match[1].upper(), match[2]].append((int(match[3]), file))
        else:
            yield Skipped(file, "file name is not of the form S005_001_00000011")
    for (subject, number), frames in sequences.items():
        frames.sort()
        sequence = f"{subject}_{number}"
        label = labels.get((subject, number))
        for position, (frame, file) in enumerate(frames):
            expression = label or expression_of_folder(file)
            if label and frame <= 1 and len(frames) > 1:
                expression = "neutral"
            elif label and position < len(frames) - apex_frames:
                yield Skipped(file, UNUSED_FRAME, sequence)
                continue
            if expression in EMOTIONS:
                yield Photograph(file, subject, expression, sequence, frame)
            else:
                yield Skipped(file, expression or "sequence has no label", sequence)


def _labels(tree: Tree) -> dict[Sequence, str]:
    """Each labelled sequence's expression, or what is wrong with its label file."""
    labels = {}
    for file in tree.files:
        match = _LABEL.fullmatch(file.rpartition("/")[2])
        if match:
            labels[match[1].upper(), match[2]] = _emotion(tree.read_text(file, errors="replace"))
    return labels


def _emotion(text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if number in range(len(EMOTIONS)):
        return EMOTIONS[int(number)]
    return "sequence's label file holds no number from 0 to 7"
