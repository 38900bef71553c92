"""The result of the last run, for a person to read."""

from __future__ import annotations

import json

import pandas as pd
import typer

from humanlike.errors import HumanlikeError
from humanlike.stages import files


def show() -> None:
    """Print the accuracy, the scores of each network and expression, and where the pictures are."""
    train, score = (read_json(files.METRICS / name) for name in ("train.json", "score.json"))
    accuracy = {network: v["mean"] for network, v in train["accuracy"].items() if network != "mean"}
    iou = pd.DataFrame({network: v for network, v in score["iou"].items() if network != "mean"}).T
    iou.insert(0, "accuracy", pd.Series(accuracy))
    typer.echo("Accuracy on held-out subjects, and IoU of heatmap and Ekman mask:\n")
    typer.echo(iou.round(3).to_string())
    typer.echo("\n" + in_words({**score, "iou": score["iou"]["mean"]}))
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
    lines = [f"{name:<42}{'unknown' if v is None else format(v, '.3f'):>8}" for name, v in rows]
    return "\n".join([*lines, "", summary["verdict"]])


def read_json(path: files.Path) -> dict:
    """Read metrics that a stage wrote."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise HumanlikeError(f"{path}: no such file; `dvc repro` makes it") from None
    except ValueError as error:
        raise HumanlikeError(f"{path}: damaged ({error}); run `dvc repro`") from None
