"""Score ready heatmaps that lie on the standard face, whoever made them."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image

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

NAME = re.compile(rf"fold([0-9]{{1,9}})_({'|'.join(EXPRESSIONS)})\.png")

#: The first bytes of a PNG: signature, and of its header width, height, bits and colour type.
_HEADER = struct.Struct(">8s4x4sIIBB")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE = 3


def score_folder(folder: Path, output: Path, threshold: str = "otsu") -> None:
    """Write `scores.csv`, `summary.json` and more tables of a folder of heatmaps; print the means.

    Parameters
    ----------
    folder
        Holds `<network>/fold<k>_<expression>.png`, as `read_heatmap` takes them.
    output
        Folder to write to.
    threshold
        "otsu" or a number from 0 to 1.

    Raises
    ------
    HumanlikeError
        No heatmap is found, one is there twice or is not one; the threshold is not one.
    """
    parsed = parse_threshold(threshold)
    heatmaps = read_heatmaps(folder)
    masks = {expression: ekman_mask(expression) for expression in EXPRESSIONS}
    found = report(
        heatmaps,
        masks,
        parsed,
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
    paths: dict[Key, Path] = {}
    for path in sorted(folder.glob("*/*.png")):
        name = NAME.fullmatch(path.name)
        if name:
            key = (path.parent.name, int(name[1]), name[2])
            if key in paths:
                raise HumanlikeError(
                    f"{path}: {paths[key].name} is of the same fold; keep one of the two"
                )
            paths[key] = path
    if not paths:
        raise HumanlikeError(
            f"{folder}: no heatmap found; expected files such as weinet/fold0_anger.png, with one "
            f"of {', '.join(EXPRESSIONS)}"
        )
    return {key: read_heatmap(path) for key, path in paths.items()}


def read_heatmap(path: Path) -> NDArray[np.uint8]:
    """Read one heatmap of the standard face's size from an 8-bit gray PNG.

    One that was saved in colour is taken where its channels are the same and nothing is
    transparent: it is as gray. A colour map is not, as its brightness is no importance.

    Returns
    -------
    (275, 224) uint8

    Raises
    ------
    HumanlikeError
        The file is anything else.
    """
    try:
        _check_header(path)
        with Image.open(path, formats=("PNG",)) as image:
            *colours, alpha = np.moveaxis(np.asarray(image.convert("RGBA")), 2, 0)
    except (
        *(OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error),
        Image.DecompressionBombError,
    ) as error:
        reason = getattr(error, "strerror", None) or error
        raise HumanlikeError(f"{path}: cannot be read as a PNG ({reason})") from None
    if any((colour != colours[0]).any() for colour in colours):
        raise HumanlikeError(
            f"{path}: in colour; a heatmap is gray, as a colour map's brightness is no importance"
        )
    if (alpha != 255).any():
        raise HumanlikeError(f"{path}: partly transparent; save the heatmap without transparency")
    return colours[0]


def _check_header(path: Path) -> None:
    """Refuse what is no 8-bit heatmap before anything is decoded, however big it says it is."""
    with path.open("rb") as file:
        start = file.read(_HEADER.size)
    if not start.startswith(_SIGNATURE):
        raise ValueError("it is no PNG, whatever its name says")
    _, _, width, height, bits, colour_type = _HEADER.unpack(start)
    if (width, height) != (WIDTH, HEIGHT):
        raise HumanlikeError(
            f"{path}: {width} wide and {height} high; a heatmap on the standard face is {WIDTH} "
            f"wide and {HEIGHT} high"
        )
    if bits != 8 or colour_type == _PALETTE:
        kind = "its colours are a palette" if colour_type == _PALETTE else f"{bits}-bit"
        raise HumanlikeError(f"{path}: {kind}; save the heatmap as 8-bit gray")


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
            f"--threshold: {text!r} is not allowed; give otsu or a number from 0 to 1"
        )
    return value
