"""The Ekman masks as pictures."""

from pathlib import Path

import cv2
import numpy as np

from humanlike.canonical.masks import ekman_mask
from humanlike.expressions import EXPRESSIONS
from humanlike.stages import files


def write_masks(output: Path) -> None:
    """Write `<expression>.png` for each of the six expressions, 0 outside and 255 inside."""
    for expression in EXPRESSIONS:
        write_picture(output / f"{expression}.png", np.uint8(255) * ekman_mask(expression))


def write_picture(path: Path, picture: np.ndarray) -> None:
    """Write a gray picture (H, W) uint8 as PNG."""
    files.write_bytes(path, cv2.imencode(".png", picture)[1].tobytes())
