"""Score ready heatmaps that lie on the standard face, whoever made them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from humanlike import artifacts
from humanlike.alignment.report import report
from humanlike.alignment.scores import METRICS, Threshold
from humanlike.alignment.table import Key
from humanlike.canonical.geometry import HEIGHT, WIDTH
from humanlike.canonical.masks import ACTION_UNITS_WITH_REGION, action_unit_region, ekman_mask
from humanlike.errors import HumanlikeError
from humanlike.expressions import ACTION_UNITS, EXPRESSIONS
from humanlike.report.tables import write_tables
from humanlike.report.words import in_words

NAME = re.compile(rf"fold(\d+)_({'|'.join(EXPRESSIONS)})\.png")


def score_folder(folder: Path, output: Path, threshold: str = "otsu") -> None:
    """Write `scores.csv`, `summary.json` and more tables of a folder of heatmaps; print the means.

    Parameters
    ----------
    folder
        Holds `<network>/fold<k>_<expression>.png`, 8-bit gray, 275 high and 224 wide.
    output
        Folder to write to.
    threshold
        "otsu" or a number from 0 to 1.

    Raises
    ------
    HumanlikeError
        No heatmap is found, or one cannot be read or has another size; the threshold is not one.
    """
    heatmaps = read_heatmaps(folder)
    masks = {expression: ekman_mask(expression) for expression in EXPRESSIONS}
    found = report(
        heatmaps,
        masks,
        parse_threshold(threshold),
        regions={unit: action_unit_region(unit) for unit in ACTION_UNITS_WITH_REGION},
        action_units=ACTION_UNITS,
    )
    columns = ["network", "expression", *METRICS]
    artifacts.write_table(output / "scores.csv", found.by_expression[columns])
    artifacts.write_json(output / "summary.json", found.summary)
    write_tables(found, output / "tables")
    typer.echo(in_words(found.summary))


def read_heatmaps(folder: Path) -> dict[Key, NDArray[np.uint8]]:
    """Read the heatmaps of a folder, by network, fold and expression."""
    heatmaps: dict[Key, NDArray[np.uint8]] = {}
    for path in sorted(folder.glob("*/*.png")):
        name = NAME.fullmatch(path.name)
        if name:
            heatmaps[path.parent.name, int(name[1]), name[2]] = read_heatmap(path)
    if not heatmaps:
        raise HumanlikeError(
            f"{folder}: no heatmap found; expected files such as weinet/fold0_anger.png, with one "
            f"of {', '.join(EXPRESSIONS)}"
        )
    return heatmaps


def read_heatmap(path: Path) -> NDArray[np.uint8]:
    """Read one 8-bit gray heatmap of the standard face's size."""
    try:
        with Image.open(path) as image:
            if image.size != (WIDTH, HEIGHT):
                raise HumanlikeError(
                    f"{path}: {image.width} wide and {image.height} high; a heatmap on the "
                    f"standard face is {WIDTH} wide and {HEIGHT} high"
                )
            return np.asarray(image.convert("L"))
    except (OSError, UnidentifiedImageError, SyntaxError) as error:
        raise HumanlikeError(f"{path}: cannot be read as a picture ({error})") from None


def parse_threshold(text: str) -> Threshold:
    """ "otsu", or a number from 0 to 1."""
    if text == "otsu":
        return "otsu"
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not 0 <= value <= 1:
        raise HumanlikeError(
            f"--threshold: {text} is not allowed; give otsu or a number from 0 to 1"
        )
    return value
