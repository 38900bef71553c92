"""Score ready heatmaps that lie on the standard face, whoever made them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import typer

from humanlike import artifacts
from humanlike.alignment.report import report
from humanlike.alignment.scores import METRICS, Threshold
from humanlike.canonical.masks import ACTION_UNITS_WITH_REGION, action_unit_region, ekman_mask
from humanlike.errors import HumanlikeError
from humanlike.expressions import ACTION_UNITS, EXPRESSIONS
from humanlike.report.pictures import read_heatmaps
from humanlike.report.tables import write_tables
from humanlike.report.words import in_words


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
