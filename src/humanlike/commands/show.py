"""The result of the last run, for a person to read."""

from __future__ import annotations

import pandas as pd
import typer

from humanlike import artifacts
from humanlike.report.words import in_words, of_explanations


def show() -> None:
    """Print the accuracy, the scores of each network and expression, and where the pictures are."""
    metrics, plots = artifacts.METRICS, artifacts.PLOTS
    train, explain, score = (
        artifacts.read_json(metrics / f"{name}.json") for name in ("train", "explain", "score")
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
    verdict = artifacts.read_text(plots / "score" / "verdict.txt").splitlines()[0]
    if score["iou"]["mean"] is not None:
        verdict = in_words({**score, "iou": score["iou"]["mean"], "verdict": verdict})
    typer.echo(f"\n{verdict}\n\n{of_explanations(explain)}")
    typer.echo(
        f"\nPictures: {plots / 'heatmaps/heatmaps.png'}, {plots / 'dendrograms'}, "
        f"{plots / 'train'}\nTables:   {plots / 'score'}, {metrics}"
    )
