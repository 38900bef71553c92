"""Can a network be made to look at a region, does the score say so, and what does it cost?

    python benchmarks/guidance.py run --network weinet --reference ekman --weight 0.9 --seed 1 2 3

Runs the pipeline's stages from `guidance` to `score` for each network, reference, weight and seed,
on the faces and the evidence of the project as they are, in a folder of its own, and adds a row to
guidance.csv; a row that is there is not run again. `python benchmarks/guidance.py draw` makes
guidance.png of the heatmaps of one seed.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import chdir
from itertools import product
from pathlib import Path
from typing import Any

import keras
import pandas as pd
from matplotlib.figure import Figure
from ruamel.yaml import YAML

from humanlike.alignment.scores import iou, mark, stretch
from humanlike.canonical.masks import ekman_mask
from humanlike.expressions import EXPRESSIONS
from humanlike.figures import heatmap_grid, heatmap_over_face, png
from humanlike.report.pictures import read_heatmap
from humanlike.stages import explain, guidance, score, standardize, train

#: What tells one row from another.
CELL = ["network", "epochs", "folds", "reference", "weight", "hidden", "seed"]

#: What the heatmaps are held against, whatever the network was taught.
AGAINST = ("ekman", "evidence")

#: The cells whose heatmaps are drawn, by what their networks were taught.
DRAWN = {
    "nothing": ("weinet", 24, 1, "none", 0.0, "black", 1),
    "the masks": ("weinet", 24, 1, "ekman", 0.9, "black", 1),
    "others' masks": ("weinet", 24, 1, "permuted-ekman", 0.9, "black", 1),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("what", choices=("run", "draw"))
    parser.add_argument("--network", default="weinet")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--folds", type=int, default=1, help="the first so many are held out")
    parser.add_argument("--reference", nargs="+", default=["ekman"], help="permuted-ekman, ... too")
    parser.add_argument("--weight", type=float, nargs="+", default=[0.9])
    parser.add_argument("--hidden", default="black")
    parser.add_argument("--seed", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--table", type=Path, default=Path("docs/guidance.csv"))
    parser.add_argument("--heatmaps", type=Path, default=Path("build/guidance"))
    options = parser.parse_args()
    if options.what == "draw":
        picture = png(draw(DRAWN, options.heatmaps))
        options.table.with_suffix(".png").write_bytes(picture)
        return
    fixed = {name: getattr(options, name) for name in ("network", "epochs", "folds", "hidden")}
    for seed, reference, weight in product(options.seed, options.reference, options.weight):
        cell = {**fixed, "reference": reference, "weight": weight, "seed": seed}
        table = pd.read_csv(options.table) if options.table.exists() else pd.DataFrame(columns=CELL)
        if cell in table[CELL].to_dict("records"):
            continue
        start = time.process_time()
        found = run(cell, options.heatmaps.absolute() / kept(cell[name] for name in CELL))
        cell["cpu_minutes"] = (time.process_time() - start) / 60
        row = pd.DataFrame([{**cell, **found}])
        table = pd.concat([table, row]) if len(table) else row
        table.round(4).to_csv(options.table, index=False, lineterminator="\n")
        print(row.round(3).to_string(), flush=True)


def run(cell: dict[str, Any], heatmaps: Path) -> dict[str, float]:
    """Train, explain and score one network from one seed, on the first folds; keep its heatmaps."""
    values = YAML(typ="safe").load(Path("params.yaml"))
    network = cell["network"]
    values["train"]["networks"] = [network]
    values["train"]["folds"] = list(range(cell["folds"]))
    values["train"]["seed"] = cell["seed"]
    values["train"]["precision"] = "float32"  # as in all rows that are there
    values["train"]["optimisation"][network]["epochs"] = cell["epochs"]
    values["train"]["guidance"] = {
        "reference": cell["reference"].removeprefix("permuted-"),
        "weight": cell["weight"],
        "permuted": cell["reference"].startswith("permuted-"),
        "hidden": cell["hidden"],
    }
    values["score"]["references"] = list(AGAINST)
    project = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        YAML().dump(values, Path("params.yaml"))
        for name in ("artifacts/faces", "artifacts/evidence", "references"):
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).symlink_to(project / name)
        guidance.run()
        for fold in values["train"]["folds"]:
            keras.utils.clear_session()
            for stage in (train, explain, standardize):
                stage.run(network, fold)
        score.run()
        shutil.copytree(Path("artifacts/heatmaps") / network, heatmaps, dirs_exist_ok=True)
        found = {"accuracy": json.loads(Path("metrics/train.json").read_text())["accuracy"]}
        for name in AGAINST:
            theirs = Path("plots/score") / ("" if name == AGAINST[0] else name) / "summary.json"
            summary = json.loads(theirs.read_text())
            found[f"{name}_own"] = summary["iou"]
            found[f"{name}_others"] = summary["other_masks"]
            found[f"{name}_p"] = summary["permutation_p"]
        return found


def kept(cell: Iterable[Any]) -> str:
    """The folder of a cell's heatmaps."""
    return "-".join(map(str, cell))


def draw(cells: Mapping[str, Iterable[Any]], folder: Path) -> Figure:
    """Heatmaps of the first fold, the Ekman masks outlined, and the IoU of both beneath."""
    pictures, notes = {}, {}
    for (taught, cell), expression in product(cells.items(), EXPRESSIONS):
        heatmap = read_heatmap(folder / kept(cell) / f"fold0_{expression}.png")
        mask = ekman_mask(expression)
        pictures[taught, expression] = heatmap_over_face(heatmap, mask=mask, colours="inferno")
        notes[taught, expression] = f"{iou(mark(stretch(heatmap)), mask):.2f}"
    return heatmap_grid(pictures, notes, width=5.6)


if __name__ == "__main__":
    main()
