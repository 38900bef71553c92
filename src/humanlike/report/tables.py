"""A report's numbers as tables, pictures and metrics on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from humanlike import artifacts, figures
from humanlike.alignment.report import Report

#: Decimals of every number that is written.
DIGITS = 6


def write_tables(found: Report, folder: Path) -> None:
    """Write a report's tables as CSV, and draw the two that say most."""
    tables = {
        "scores_by_fold": found.by_fold,
        "scores": found.by_expression,
        "own_and_other_masks": found.matrix.rename_axis("heatmap").reset_index(),
        "action_units": found.attention,
    }
    for name, table in tables.items():
        artifacts.write_table(folder / f"{name}.csv", table.round(DIGITS))
    pictures = {
        "scores_in_context": figures.scores_in_context(found.networks, found.summary["prior"])
    }
    if len(found.matrix) > 1:
        pictures["own_and_other_masks"] = figures.specificity(found.matrix)
    for name, picture in pictures.items():
        artifacts.write_bytes(folder / f"{name}.png", figures.png(picture))


def rounded(values: Any) -> Any:
    """Round every number of nested metrics, so that they read and compare well."""
    if isinstance(values, dict):
        return {key: rounded(value) for key, value in values.items()}
    return round(values, DIGITS) if isinstance(values, float) else values
