"""Many made faces as one picture, to be looked at."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

#: Side of a face, height of a line of text, both in pixels, and faces in a row.
SIDE, LINE, COLUMNS = 128, 12, 12


def contact_sheet(
    images: NDArray[np.uint8], captions: Sequence[str], columns: int = COLUMNS
) -> NDArray[np.uint8]:
    """Faces in rows, each with its caption under it.

    Parameters
    ----------
    images
        (n, S, S) uint8.
    captions
        For each; lines are parted by line ends.
    columns
        Faces in a row.

    Returns
    -------
    ndarray
        (H, W) uint8, white where nothing is.
    """
    lines = max((caption.count("\n") + 1 for caption in captions), default=0)
    height = SIDE + LINE * lines + 4
    rows = -(-len(images) // columns)
    sheet = np.full((rows * height, columns * (SIDE + 4)), 255, np.uint8)
    for number, (image, caption) in enumerate(zip(images, captions, strict=True)):
        y, x = number // columns * height, number % columns * (SIDE + 4)
        face = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        sheet[y : y + SIDE, x : x + SIDE] = face
        for line, text in enumerate(caption.split("\n")):
            at = (x, y + SIDE + LINE * (line + 1) - 2)
            cv2.putText(sheet, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.32, 0, 1, cv2.LINE_AA)
    return sheet
