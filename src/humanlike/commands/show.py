"""The result of the last run, for a person to read."""

from __future__ import annotations

import typer

from humanlike import artifacts
from humanlike.report.words import in_words, of_explanations


def show() -> None:
    """Print the accuracy, the scores of each network and expression, and where the pictures are."""
    metrics, plots = artifacts.METRICS, artifacts.PLOTS
    scored = artifacts.read_json(metrics / "score.json")["iou"] is not None
    explain = artifacts.read_json(plots / "score" / "explanations.json")
    by_fold = artifacts.read_table(plots / "train" / "accuracy.csv")
    table = by_fold.groupby("network", sort=False)[["accuracy"]].mean()
    if scored:
        scores = artifacts.read_table(plots / "score" / "scores.csv")
        by_expression = scores.groupby(["network", "expression"], sort=False)["iou"].mean()
        iou = by_expression.unstack()[list(dict.fromkeys(scores["expression"]))]
        iou.insert(0, "mean", iou.mean(axis=1))
        table = table.join(iou)
    typer.echo("Accuracy on held-out subjects, and IoU of heatmap and Ekman mask:\n")
    typer.echo(table.rename_axis(None).round(3).to_string(na_rep="–"))
    if explain["heatmaps_missing"]:
        typer.echo(
            f"\n{explain['heatmaps_missing']} heatmaps are missing, and left out of all means: no "
            "face of the fold was predicted as their expression"
        )
    verdict, _, _ = artifacts.read_text(plots / "score" / "verdict.txt").partition("\n")
    if scored:
        summary = artifacts.read_json(plots / "score" / "summary.json")
        verdict = in_words({**summary, "verdict": verdict})
    answers = plots / "score" / "answers.txt"
    if answers.exists():
        verdict += f"\n\n{artifacts.read_text(answers).strip()}"
    typer.echo(f"\n{verdict}\n\n{of_explanations(explain)}")
    typer.echo(
        f"\nPictures: {plots / 'heatmaps/heatmaps.png'}, {plots / 'dendrograms'}, "
        f"{plots / 'train'}\nTables:   {plots / 'score'}, {metrics}"
    )
