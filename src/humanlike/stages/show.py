"""The result of the last run, for a person to read."""

from __future__ import annotations

import json

import pandas as pd
import typer

from humanlike.errors import HumanlikeError
from humanlike.stages import files


def show() -> None:
    """Print the accuracy, the scores of each network and expression, and where the pictures are."""
    train, explain, score = (
        read_json(files.METRICS / f"{name}.json") for name in ("train", "explain", "score")
    )
    accuracy = {network: v["mean"] for network, v in train["accuracy"].items() if network != "mean"}
    iou = pd.DataFrame({network: v for network, v in score["iou"].items() if network != "mean"}).T
    iou.insert(0, "accuracy", pd.Series(accuracy))
    typer.echo("Accuracy on held-out subjects, and IoU of heatmap and Ekman mask:\n")
    typer.echo(iou.round(3).to_string())
    if explain["heatmaps_missing"]:
        typer.echo(
            f"\n{explain['heatmaps_missing']} heatmaps are missing, and left out of all means: no "
            "face of the fold was predicted as their expression"
        )
    verdict = read_text(files.PLOTS / "score" / "verdict.txt").splitlines()[0]
    if score["iou"]["mean"] is not None:
        verdict = in_words({**score, "iou": score["iou"]["mean"], "verdict": verdict})
    typer.echo(f"\n{verdict}\n\n{of_explanations(explain)}")
    typer.echo(
        f"\nPictures: {files.PLOTS / 'heatmaps/heatmaps.png'}, {files.PLOTS / 'dendrograms'}, "
        f"{files.PLOTS / 'train'}\nTables:   {files.PLOTS / 'score'}, {files.METRICS}"
    )


def in_words(summary: dict) -> str:
    """The mean IoU beside what it is worth, and what follows, in words."""
    chance, prior = summary["chance"], summary["prior"]
    rows = [
        ("IoU with the expression's own mask", summary["iou"]),
        ("with the masks of the other expressions", summary["other_masks"]),
        ("random pixels, as many", chance["area"]),
        ("the same region anywhere else", chance["shift"]),
        ("a fixed ellipse in the middle", prior["ellipse"]),
        ("all white", prior["white"]),
        ("the mean of all heatmaps", prior["grand_mean"]),
        ("one fold with another", summary["reliability"]),
        ("a perfect explainer of these superpixels", summary["ceiling"]),
        ("permuting the masks: p", summary["permutation_p"]),
    ]
    return "\n".join([*in_columns(rows), "", summary["verdict"]])


def of_explanations(metrics: dict) -> str:
    """What LIME itself is worth on these networks: fit, stability and faithfulness."""
    rows = [
        ("R² of LIME's linear surrogate", metrics["r2"]["mean"]),
        ("other samples: correlation of maps", metrics["stability"]["maps"]["mean"]),
        ("other samples: correlation of heatmaps", metrics["stability"]["heatmaps"]["mean"]),
        ("probability while the weightiest go first", metrics["deletion"]["mean"]),
        ("while superpixels come or go at random", metrics["random"]["mean"]),
        ("while the weightiest come first", metrics["insertion"]["mean"]),
    ]
    return "\n".join(in_columns(rows))


def in_columns(rows: list[tuple[str, float | None]]) -> list[str]:
    """A line for each name and figure."""
    return [f"{name:<42}{'unknown' if v is None else format(v, '.3f'):>8}" for name, v in rows]


def read_json(path: files.Path) -> dict:
    """Read metrics that a stage wrote."""
    try:
        return json.loads(read_text(path))
    except ValueError as error:
        raise HumanlikeError(f"{path}: damaged ({error}); run `dvc repro`") from None


def read_text(path: files.Path) -> str:
    """Read a text that a stage wrote."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise HumanlikeError(f"{path}: no such file; `dvc repro` makes it") from None
