"""A report's numbers as tables, pictures and metrics on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from humanlike import artifacts, figures
from humanlike.alignment.report import Report

#: Decimals of every number that is written.
DIGITS = 6

#: Decimals of the metrics that DVC prints side by side: `dvc exp show` has to fit a terminal.
METRICS_DIGITS = 3


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


def write_summary(found: Report, folder: Path) -> None:
    """Write what a report says on the whole: summary.json, and verdict.txt in words."""
    summary, networks = dict(found.summary), {n: dict(s) for n, s in found.networks.items()}
    said = [summary.pop("verdict")]
    said += [f"{network}: {theirs.pop('verdict')}" for network, theirs in networks.items()]
    artifacts.write_bytes(folder / "verdict.txt", "\n".join([*said, ""]).encode())
    artifacts.write_json(folder / "summary.json", rounded({**summary, "networks": networks}))


def of_scores(summary: dict[str, Any]) -> dict[str, float | None]:
    """The few figures of a report's summary by which two experiments are compared."""
    interval = summary["iou_interval"] or {}
    return {
        "iou": summary["iou"],
        "low": interval.get("low"),
        "high": interval.get("high"),
        "others": summary["other_masks"],
        "chance": summary["chance"]["shift"],
        "p": summary["permutation_p"],
        "corrected": summary["corrected"],
        "ceiling": summary["ceiling"],
        "folds": summary["reliability"],
    }


def of_explanations(found: dict[str, Any]) -> dict[str, float | None]:
    """The same of what is known of the explanations."""
    return {
        "explained": found["explained"],
        "missing": found["heatmaps_missing"],
        "r2": found["r2"]["mean"],
        "stability": found["stability"]["heatmaps"]["mean"],
    }


def decisive(values: dict[str, Any]) -> dict[str, Any]:
    """Metrics as DVC shows them, without decimals that decide nothing."""
    return rounded(values, METRICS_DIGITS)


def rounded(values: Any, digits: int = DIGITS) -> Any:
    """Round every number of nested metrics, so that they read and compare well."""
    if isinstance(values, dict):
        return {key: rounded(value, digits) for key, value in values.items()}
    return round(values, digits) if isinstance(values, float) else values
