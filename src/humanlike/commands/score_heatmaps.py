"""Score ready heatmaps that lie on the standard face, whoever made them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import typer

from humanlike import artifacts
from humanlike.alignment.references import agreement, answers, map_correlations
from humanlike.alignment.report import report
from humanlike.alignment.scores import METRICS, Threshold
from humanlike.canonical.masks import ACTION_UNITS_WITH_REGION, action_unit_region
from humanlike.errors import HumanlikeError
from humanlike.expressions import ACTION_UNITS, EXPRESSIONS
from humanlike.report.pictures import read_heatmaps, read_reference
from humanlike.report.tables import DIGITS, write_tables
from humanlike.report.words import in_words


def score_folder(
    folder: Path, output: Path, threshold: str = "otsu", references: Sequence[str] = ("ekman",)
) -> None:
    """Write `scores.csv`, `summary.json` and more tables of a folder of heatmaps; print the means.

    Of several references, each but the first has them in a folder of its name, and how they agree
    is in `references.csv`.

    Parameters
    ----------
    folder
        Holds `<network>/fold<k>_<expression>.png`, as `read_heatmap` takes them.
    output
        Folder to write to.
    threshold
        "otsu" or a number from 0 to 1.
    references
        As `read_reference` knows them, none twice.

    Raises
    ------
    HumanlikeError
        No heatmap is found, one is there twice or is not one; the threshold is not one; a reference
        is none, is named twice or has no map of any of the heatmaps' expressions.
    """
    parsed = parse_threshold(threshold)
    if len(set(references)) < len(references):
        raise HumanlikeError(f"--references: {','.join(references)} names one twice; name it once")
    heatmaps = read_heatmaps(folder)
    known = [read_reference(name, EXPRESSIONS) for name in references]
    evidence = next((one.maps for one in known if one.name == "evidence"), None)
    summaries = {}
    for reference in known:
        masks = reference.masks(parsed)
        if not any(label in masks for _, _, label in heatmaps):
            raise HumanlikeError(
                f"--references: {reference.name} has no map of any expression in {folder}"
            )
        found = report(
            heatmaps,
            masks,
            parsed,
            regions={unit: action_unit_region(unit) for unit in ACTION_UNITS_WITH_REGION},
            action_units=ACTION_UNITS,
            evidence=evidence,
        )
        place = output if reference is known[0] else output / reference.name
        columns = ["network", "expression", *METRICS]
        artifacts.write_table(place / "scores.csv", found.by_expression[columns])
        artifacts.write_json(place / "summary.json", found.summary)
        write_tables(found, place / "tables")
        if reference.gray:
            correlations = map_correlations(heatmaps, reference).round(DIGITS)
            artifacts.write_table(place / "tables" / "map_correlations.csv", correlations)
        summaries[reference.name] = found.summary
        if len(known) > 1:
            typer.echo(f"{reference.name}\n")
        typer.echo(in_words(found.summary))
    if len(known) > 1:
        artifacts.write_table(output / "references.csv", agreement(known, parsed).round(DIGITS))
        typer.echo(f"\n{answers(summaries)}")


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
