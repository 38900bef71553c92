"""What LIME's samples, their design and the superpixels do to heatmaps and scores.

    python benchmarks/study.py reference --output docs

Compares the finished experiments of this project with the one named, whose explanations have
converged, and writes study.csv and study.png. docs/study.md has the commands that make the
experiments.
"""

import argparse
from pathlib import Path

import cv2
import dvc.api
import numpy as np
import pandas as pd
from dvc.api import DVCFileSystem
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from humanlike.alignment.scores import iou, mark
from humanlike.figures import png

HEATMAPS = "artifacts/heatmaps"
COLOURS = {"bernoulli": "#9aa5b1", "paired": "#d1495b", "orthogonal": "#30475e"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("reference", help="name of the experiment that the others are held against")
    parser.add_argument("--commits", type=int, default=1, help="so many back hold experiments")
    parser.add_argument("--output", type=Path, default=Path("docs"), help="folder to write to")
    options = parser.parse_args()

    experiments = finished(options.commits)
    heatmaps = {name: heatmaps_of(name) for name in experiments["experiment"]}
    reference = heatmaps[options.reference]
    experiments["correlation"], experiments["marked_iou"] = zip(
        *(agreement(heatmaps[name], reference) for name in experiments["experiment"]), strict=True
    )
    table = experiments.sort_values(["superpixels", "sampling", "emulate", "samples"])
    table.drop(columns="experiment").round(4).to_csv(options.output / "study.csv", index=False)
    print(table.to_string(index=False, float_format="%.3f"))
    (options.output / "study.png").write_bytes(png(draw(table, options.reference)))


def finished(commits: int) -> pd.DataFrame:
    """A row for each experiment with metrics: its name, what it set, mean IoU and mean R²."""
    rows = dvc.api.exp_show(num=commits)
    shown = [row for row in rows if row["Experiment"] and pd.notna(row["iou"])]
    return pd.DataFrame(
        [
            {
                "experiment": row["Experiment"],
                "sampling": row["lime.sampling"],
                "emulate": row["lime.emulate"] == "True",
                "samples": int(row["lime.samples"]),
                "superpixels": int(row["lime.superpixels"]),
                "iou": row["iou"],
                "r2": row["r2"],
            }
            for row in shown
        ]
    )


def heatmaps_of(experiment: str) -> dict[str, np.ndarray]:
    """The stretched heatmaps (275, 224) uint8 of an experiment, by their path."""
    files = DVCFileSystem(rev=experiment)
    return {
        path.removeprefix(HEATMAPS): cv2.imdecode(
            np.frombuffer(files.read_bytes(path), np.uint8), cv2.IMREAD_GRAYSCALE
        )
        for path in sorted(files.find(HEATMAPS))
    }


def agreement(
    heatmaps: dict[str, np.ndarray], reference: dict[str, np.ndarray]
) -> tuple[float, float]:
    """Mean Pearson correlation with the reference's heatmaps, and mean IoU of what both mark."""
    pairs = [(heatmaps[path], reference[path]) for path in reference]
    return (
        float(np.mean([np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairs])),
        float(np.mean([iou(mark(a), mark(b)) for a, b in pairs])),
    )


def draw(table: pd.DataFrame, reference: str) -> Figure:
    """Agreement and IoU over the samples, by design, and over the superpixels."""
    figure = Figure(figsize=(9, 5.6), layout="constrained")
    panels = figure.subplots(2, 2, sharex="col")
    held_against = table[table["experiment"] == reference].iloc[0]
    table = table.assign(disagreement=1 - table["correlation"])
    same_cut = (table["superpixels"] == held_against["superpixels"]) & (
        table["experiment"] != reference
    )
    like_cut = table[same_cut & (table["sampling"] == held_against["sampling"])]
    cuts = table[table["superpixels"] != held_against["superpixels"]]
    cuts = pd.concat([cuts, like_cut[like_cut["samples"].isin(cuts["samples"])]])
    for (left, right), (over_samples, over_cuts, label, right_label) in zip(
        panels,
        (
            ("disagreement", "correlation", "1 − correlation with the reference", "correlation"),
            ("iou", "iou", "IoU with the masks", "IoU with the masks"),
        ),
        strict=True,
    ):
        for (sampling, emulate), rows in table[same_cut].groupby(["sampling", "emulate"]):
            name = f"{sampling}, emulated" if emulate else sampling
            line = "--" if emulate else "-"
            curve(left, rows, "samples", over_samples, color=COLOURS[sampling], ls=line, label=name)
        curve(right, cuts, "superpixels", over_cuts, color=COLOURS[held_against["sampling"]])
        ticks(left, table.loc[same_cut, "samples"])
        ticks(right, cuts["superpixels"])
        left.set_ylabel(label)
        right.set_ylabel(right_label)
    panels[0, 0].set_yscale("log")
    panels[0, 0].legend(frameon=False, fontsize=8)
    panels[1, 0].axhline(held_against["iou"], color="black", lw=0.8, ls=":")
    for axes, label in zip(panels[1], ("lime.samples", "lime.superpixels"), strict=True):
        axes.set_xlabel(label)
    for axes in panels.flat:
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def curve(axes: Axes, rows: pd.DataFrame, x: str, y: str, **style: str) -> None:
    rows = rows.sort_values(x)
    axes.plot(rows[x], rows[y], marker="o", ms=3.5, **style)


def ticks(axes: Axes, values: pd.Series) -> None:
    """A logarithmic axis that is labelled with the values that were tried."""
    tried = sorted(values.unique())
    axes.set_xscale("log")
    axes.set_xticks(tried, [f"{value:,}" for value in tried])
    axes.minorticks_off()


if __name__ == "__main__":
    main()
