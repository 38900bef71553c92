"""BU-4DFE: sequences of about 100 frames from neutral through the apex back to neutral.

Yin et al., "A High-Resolution 3D Dynamic Facial Expression Database", FG 2008. Frames are
`F001/Angry/000.jpg` or, flattened, `F001_Angry_020.png`: subject, expression, frame.
"""

import re
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from humanlike.datasets.table import UNUSED_FRAME, Photograph, Skipped, Tree
from humanlike.spelling import parse_expression

NAMES = ("bu4dfe", "bu4d", "bu4df", "4dfe")

#: Where the apex lies, in shares of a whole sequence's length: the published selection of frames
#: is 20, 25, … 40 of about 100.
APEX = (0.2, 0.4)

_FRAME = re.compile(
    r"(?:.*/)?(?P<subject>[FM]\d{3})(?P<separator>[/_])(?P<word>[A-Za-z]+)(?P=separator)"
    r"(?P<frame>\d{1,9})\.\w+",
    re.IGNORECASE | re.DOTALL,
)


def matches(file: str) -> bool:
    """Whether an image is named as in this set."""
    return _FRAME.fullmatch(file) is not None


def photographs(tree: Tree, apex_frames: int) -> Iterator[Photograph | Skipped]:
    """Yield every image: up to `apex_frames` spread over the `APEX`, the first frame as neutral.

    Of a sequence that somebody has already picked frames from (it does not start at frame 0 or 1,
    or holds few) all frames are used.
    """
    sequences: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for file in tree.images:
        match = _FRAME.fullmatch(file)
        if match:
            key = match["subject"].upper(), match["word"].capitalize()
            sequences[key].append((int(match["frame"]), file))
        else:
            yield Skipped(file, "file is not of the form F001/Angry/000 or F001_Angry_000")
    for (subject, word), frames in sequences.items():
        frames.sort()
        sequence = f"{subject}_{word}"
        expression = parse_expression(word)
        apex = _apex([frame for frame, _ in frames], apex_frames)
        for position, (frame, file) in enumerate(frames):
            if expression is None:
                yield Skipped(file, f"unknown expression {word!r}", sequence)
            elif position in apex:
                yield Photograph(file, subject, expression, sequence, frame)
            elif position == 0:
                yield Photograph(file, subject, "neutral", sequence, frame)
            else:
                yield Skipped(file, UNUSED_FRAME, sequence)


def _apex(frames: list[int], count: int) -> set[int]:
    """Positions of the frames to use; position 0 is left out where it is the neutral start."""
    starts_neutral = frames[0] <= 1 and len(frames) > 1
    if not starts_neutral or len(frames) <= count + 1:
        return set(range(int(starts_neutral), len(frames)))
    spread = np.linspace(*APEX, count) if count > 1 else np.mean(APEX, keepdims=True)
    return {max(1, round(share * (len(frames) - 1))) for share in spread}
