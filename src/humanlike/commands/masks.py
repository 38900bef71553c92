"""The Ekman masks as pictures."""

from pathlib import Path

import numpy as np

from humanlike import artifacts
from humanlike.canonical.masks import ekman_mask
from humanlike.expressions import EXPRESSIONS


def write_masks(output: Path) -> None:
    """Write `<expression>.png` for each of the six expressions, 0 outside and 255 inside."""
    for expression in EXPRESSIONS:
        artifacts.write_picture(
            output / f"{expression}.png", np.uint8(255) * ekman_mask(expression)
        )
