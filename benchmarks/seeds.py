"""How far the results move when the same networks are trained again from another seed.

    python benchmarks/seeds.py --output docs

Runs the pipeline as a DVC experiment for each seed of the trainings, in a folder of its own and
with all else as it is here, and writes seeds.csv: every figure of metrics/ for each seed, with its
median and range. A single training is one draw; what is said of a result should hold for all.
"""

import argparse
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dvc.api
import pandas as pd


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--output", type=Path, default=Path("docs"), help="folder to write to")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="another parameter's value"
    )
    options = parser.parse_args()

    table = pd.DataFrame({f"seed{s}": run(s, options.set) for s in options.seeds})
    table = table.rename_axis("figure").assign(
        median=table.median(axis=1), low=table.min(axis=1), high=table.max(axis=1)
    )
    table.round(4).to_csv(options.output / "seeds.csv", lineterminator="\n")
    print(table.to_string(float_format="{:.3f}".format))


def run(seed: int, changes: list[str]) -> dict[str, float]:
    """Run the pipeline with the trainings' seed, or find it run, and return all its figures."""
    name = f"trained-from-{seed}"
    if name in names():
        subprocess.run(["dvc", "exp", "remove", name], check=True)
    # DVC knows again what it has run before, and runs none of that twice.
    command = ["dvc", "exp", "run", "--temp", "--name", name]
    for change in (f"train.seed={seed}", *changes):
        command += ["--set-param", change]
    subprocess.run(command, check=True)
    # Of the main pipeline: people's metrics may not be there.
    return dict(numbers(dvc.api.metrics_show("metrics", rev=name)))


def names() -> list[str]:
    """What the finished experiments of the last commit are called."""
    listed = subprocess.run(
        ["dvc", "exp", "list", "--name-only"], check=True, capture_output=True, text=True
    )
    return listed.stdout.split()


def numbers(figures: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """The numbers among nested figures, each with its path, such as `iou.weinet.fear`."""
    for key, value in figures.items():
        if isinstance(value, dict):
            yield from numbers(value, f"{prefix}{key}.")
        elif isinstance(value, int | float):
            yield f"{prefix}{key}", value


if __name__ == "__main__":
    main()
