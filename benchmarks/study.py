"""What LIME's samples, their design and the superpixels do to heatmaps and scores.

    python benchmarks/study.py reference --output docs

Compares the finished experiments of this project with the one named, whose explanations have
converged, and writes study.csv and study.png. docs/study.md has the commands that make the
experiments.
"""

import argparse
import itertools
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
    parser.add_argument("--output", type=Path, default=Path("docs"), help="folder to write to")
    options = parser.parse_args()

    experiments = finished()
    heatmaps = {name: heatmaps_of(name) for name in experiments["experiment"]}
    reference = heatmaps[options.reference]
    experiments["correlation"], experiments["marked_iou"] = zip(
        *(agreement(heatmaps[name], reference) for name in experiments["experiment"]), strict=True
    )
    table = experiments.sort_values(["superpixels", "sampling", "emulate", "samples"])
    table.round(4).to_csv(options.output / "study.csv", index=False)
    print(table.to_string(index=False, float_format="%.3f"))
    others = table[table["experiment"] != options.reference]
    (options.output / "study.png").write_bytes(png(draw(others, table)))


def finished() -> pd.DataFrame:
    """A row for each experiment with metrics: its name, what it set, and its mean IoU."""
    shown = [row for row in dvc.api.exp_show() if row["Experiment"] and pd.notna(row["iou.mean"])]
    settings = ("sampling", "emulate", "samples", "superpixels")
    return pd.DataFrame(
        [
            {
                "experiment": row["Experiment"],
                **{key: row[f"lime.{key}"] for key in settings},
                "iou": row["iou.mean"],
                "r2": row["r2.mean"],
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


def draw(experiments: pd.DataFrame, everything: pd.DataFrame) -> Figure:
    """Agreement and IoU over the samples, by design, and over the superpixels."""
    figure = Figure(figsize=(9, 5.6), layout="constrained")
    panels = figure.subplots(2, 2, sharey="row", sharex="col")
    usual = experiments["superpixels"] == 30
    quantities = {"correlation": "correlation with the reference", "iou": "IoU with the masks"}
    for (left, right), (quantity, label) in zip(panels, quantities.items(), strict=True):
        for (sampling, emulate), rows in experiments[usual].groupby(["sampling", "emulate"]):
            name = f"{sampling}, emulated" if emulate else sampling
            line = "--" if emulate else "-"
            curve(left, rows, "samples", quantity, color=COLOURS[sampling], ls=line, label=name)
        by_number = everything[
            (everything["samples"] == 1000)
            & ~everything["emulate"]
            & (everything["sampling"] == "orthogonal")
        ]
        curve(right, by_number, "superpixels", quantity, color=COLOURS["orthogonal"])
        left.set_ylabel(label)
    for axes, label in zip(panels[1], ("lime.samples", "lime.superpixels"), strict=True):
        axes.set_xlabel(label)
    panels[0, 0].legend(frameon=False, fontsize=8)
    for axes in itertools.chain(*panels):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def curve(axes: Axes, rows: pd.DataFrame, x: str, y: str, **style: str) -> None:
    """One line over a logarithmic axis that is labelled with the values that were tried."""
    rows = rows.sort_values(x)
    axes.plot(rows[x], rows[y], "o", ms=3.5, **({"ls": "-"} | style))
    axes.set_xscale("log")
    axes.set_xticks(rows[x], [str(value) for value in rows[x]])
    axes.minorticks_off()


if __name__ == "__main__":
    main()
