"""Whether `humanlike plan` tells beforehand what a run takes: its minutes against the clock's.

    python benchmarks/plans.py

Each of a few profiles runs in a fresh clone of this project that has run nothing: its photographs
are preprocessed, `humanlike plan` measures a little and tells, and `dvc repro` runs the rest. A
quarter of an hour on two cores that do nothing else.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ONE: tuple[str, ...] = ("train.folds=[0]", "train.networks=[weinet]")
PROFILES: dict[str, tuple[str, ...]] = {
    "the sample": (),
    "weinet, LIME as published": (
        *ONE,
        "lime.samples=1000",
        "lime.sampling=bernoulli",
        "lime.emulate=false",
        "explain.positives_per_class=10",
        "explain.precision=float32",
    ),
    "songnet in float32, Grad-CAM": (
        "train.folds=[0]",
        "train.networks=[songnet]",
        "train.precision=float32",
        "explain.method=gradcam",
    ),
}
SECONDS = {"s": 1, "min": 60, "h": 3600}

#: Sets some params as `dvc exp run -S` does.
SET = (
    "import sys; from dvc.utils.hydra import apply_overrides;"
    " apply_overrides('params.yaml', sys.argv[1:])"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--profiles", nargs="+", choices=list(PROFILES), default=list(PROFILES))
    options = parser.parse_args()
    for name in options.profiles:
        with tempfile.TemporaryDirectory() as folder:
            found = held(Path(folder, "clone"), PROFILES[name])
        off = 100 * (found["told"] / found["took"] - 1)
        print(f"{name}: told {found['told']:.0f} s, took {found['took']:.0f} s, {off:+.0f} %")


def held(clone: Path, changes: tuple[str, ...]) -> dict[str, float]:
    """Seconds that were told and that a run took, in a fresh clone with some params changed."""
    subprocess.run(["git", "clone", "--quiet", ".", str(clone)], check=True)

    def run(*command: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(clone / "src")}
        done = subprocess.run(
            command, cwd=clone, env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout

    shutil.copytree("data", clone / "data", dirs_exist_ok=True)
    run(sys.executable, "-c", SET, *changes)
    start = time.perf_counter()
    run("dvc", "repro", "preprocess")
    took = time.perf_counter() - start
    told = seconds(run("humanlike", "plan", "params.yaml"))
    start = time.perf_counter()
    run("dvc", "repro")
    return {"told": told, "took": took + time.perf_counter() - start}


def seconds(text: str) -> float:
    """What a plan says that the whole takes."""
    found = re.search(r": about ([\d.]+) (s|min|h) on this machine", text)
    assert found, text
    return float(found[1]) * SECONDS[found[2]]


if __name__ == "__main__":
    main()
