"""How time and memory grow with the faces, up to 20,000, of all that is not the network.

    python benchmarks/scaling.py [--faces 200 2000 20000] [--workers 1 8 32]

The stages themselves run, each in a process of its own and in a project of its own: preprocess on
so many drawn photographs, standardize and score on so many explained faces. They are the sample's,
over and over, each with another pixel in its corner, so that no two files are alike. What a network
answers costs nothing where explain is timed: what is left are superpixels, samples and emulator.

Of Dask, tasks are sent that do nothing but take and give what explain's do, to workers that all
run on this machine.

The figures go to benchmarks/results/<processor>.json, and `python benchmarks/table.py` writes the
tables of docs/scaling.md from there. Run it in the project's folder after `dvc repro`, on a machine
that does nothing else; a quarter of an hour on two cores.
"""

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from humanlike import artifacts, times
from humanlike.networks.inputs import network_images
from humanlike.report.made import machine

UNIT = ("weinet", 0)
SAMPLE = Path("data", "sample")
#: Photographs of each drawn subject, as in the sample.
OF_SUBJECT = 18
#: Faces that explain's part is timed on; it goes chunk by chunk, so that none costs another.
EXPLAINED = 40
#: Faces of a task.
CHUNK = 10
#: Tasks that are sent to Dask's workers.
TASKS = 1280


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--faces", type=int, nargs="+", default=[200, 2000, 20000])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--json", type=Path, metavar="FILE", help="add the figures to this file")
    options = parser.parse_args()
    # Not above: every worker imports this file, and many share one memory.
    from explain import RESULTS, read, slug

    file = options.json or RESULTS / f"{slug(str(machine()['processor']))}.json"

    stages: list[dict[str, Any]] = []
    dask: list[dict[str, Any]] = []
    for faces in options.faces:
        with tempfile.TemporaryDirectory() as folder:
            for row in grown(Path(folder), faces):
                stages.append(row)
                print(row, flush=True)
    alone = explaining()
    print(f"explain, without the network: {alone:.4f} s a face", flush=True)
    found = {"stages": stages, "explain": alone, "dask": dask}
    known = {**machine(), **read(file), "scaling": found}
    # Written as it comes: many workers may take more memory than there is.
    artifacts.write_json(file, known)
    for workers in options.workers:
        dask.append({"workers": workers, **tasks(workers)})
        print(dask[-1], flush=True)
        artifacts.write_json(file, known)


def grown(project: Path, faces: int) -> list[dict[str, Any]]:
    """What each stage takes with so many faces: seconds of its process, and its peak memory."""
    settings = YAML().load(Path("params.yaml"))
    settings["train"].update(networks=[UNIT[0]], folds=[UNIT[1]])
    YAML().dump(settings, project / "params.yaml")
    photographs(project / "data" / "some", faces)
    found = [measured(project, faces, "preprocess")]

    kept = len(artifacts.read_table(project / artifacts.FACES / "faces.csv"))
    explained(project, kept)
    found.append(measured(project, kept, "standardize", UNIT[0], str(UNIT[1])))
    found.append(measured(project, kept, "score"))
    return found


def photographs(folder: Path, count: int) -> None:
    """So many drawn photographs with their labels."""
    folder.mkdir(parents=True)
    table = pd.read_csv(SAMPLE / "labels.csv")
    rows = table.iloc[np.arange(count) % len(table)].reset_index(drop=True)
    pictures: dict[str, Any] = {}
    for number, name in enumerate(rows["file"]):
        if name not in pictures:
            pictures[name] = cv2.imread(str(SAMPLE / name), cv2.IMREAD_GRAYSCALE)
        picture = pictures[name]
        picture[0, :3] = number % 256, number // 256 % 256, number // 65536
        # Hardly compressed, as writing them is no part of what is measured.
        cv2.imwrite(str(folder / f"{number}.png"), picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    rows["file"] = [f"{number}.png" for number in rows.index]
    rows["subject"] = [f"s{number // OF_SUBJECT}" for number in rows.index]
    artifacts.write_table(folder / "labels.csv", rows)


def explained(project: Path, count: int) -> None:
    """The sample's explanations of one unit, over and over, and what score reads besides."""
    made = artifacts.unit("standardized", *UNIT, ".npz")
    for path in artifacts.joined([UNIT], ["evidence"]):
        if path == made:
            continue
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, project / path)
    predictions = project / artifacts.unit("predictions", *UNIT, ".csv")
    table = artifacts.read_table(predictions)
    artifacts.write_table(predictions, table[table["face"] < count])
    path = artifacts.unit("explanations", *UNIT, ".npz")
    arrays = artifacts.read_arrays(path)
    # The same share is checked, so that what is checked is repeated as often.
    whole = -(-count // len(arrays["face"]))
    many = {
        name: np.concatenate([array] * whole) if array.ndim else array
        for name, array in arrays.items()
    }
    many["face"] = np.arange(len(many["face"])) % count
    artifacts.write_arrays(project / path, **many)


def measured(project: Path, faces: int, *stage: str) -> dict[str, Any]:
    """Run a stage in a project, and tell what it took."""
    start = time.perf_counter()
    subprocess.run(["humanlike", *stage], cwd=project, check=True)
    seconds = time.perf_counter() - start
    took = times.read(project / times.TIMES)[-1]
    return {"stage": stage[0], "faces": faces, "seconds": seconds, "mb": took.memory / 1e6}


class Costless:
    """A predictor that answers at once: each superpixel has a share in the first class."""

    size, classes = 64, 6

    def probabilities(
        self, images: np.ndarray, segments: np.ndarray, samples: np.ndarray
    ) -> np.ndarray:
        shares = np.linspace(-1, 1, samples.shape[-1])
        first = 1 / (1 + np.exp(-(samples @ shares)))
        rest = np.repeat((1 - first)[..., None] / (self.classes - 1), self.classes - 1, axis=-1)
        return np.concatenate([first[..., None], rest], axis=-1).astype(np.float32)


def explaining() -> float:
    """Seconds that LIME as in params.yaml takes a face besides the network."""
    from humanlike.explainers import lime
    from humanlike.params import load

    settings = load().lime.model_dump()
    if settings["samples"] != "auto":
        settings.pop("error")
    images = artifacts.read_array(artifacts.FACES / "images.npy")
    some = np.ascontiguousarray(images[np.arange(EXPLAINED) % len(images)])
    shown = network_images(some, Costless.size)
    seeds = np.arange(EXPLAINED, dtype=np.uint32)
    start = time.perf_counter()
    for first in range(0, EXPLAINED, CHUNK):
        part = slice(first, first + CHUNK)
        lime.explain(
            Costless(), shown[part], np.zeros(CHUNK, np.int64), seeds=seeds[part], **settings
        )
    return (time.perf_counter() - start) / EXPLAINED


def nothing(model: Path, images: np.ndarray) -> dict[str, Any]:
    """A task that gives what explain's do, as large, and computes nothing."""
    return {"segments": images, "weights": np.zeros((len(images), 30), np.float32)}


def tasks(workers: int) -> dict[str, float]:
    """Milliseconds that a task costs besides its own work, with so many workers on this machine."""
    import dask
    from distributed import LocalCluster

    from humanlike import cluster

    images = np.zeros((CHUNK, 224, 224), np.uint8)
    with (
        tempfile.NamedTemporaryFile(suffix=".keras") as model,
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0") as local,
        dask.config.set({"scheduler-address": local.scheduler_address}),
    ):

        def send(count: int) -> float:
            start = time.perf_counter()
            for _ in cluster.run(nothing, Path(model.name), range(count), task):
                pass
            return time.perf_counter() - start

        def task(number: int) -> dict[str, Any]:
            return {"images": images}

        send(4 * workers)  # they import what they need
        return {"milliseconds": send(TASKS) / TASKS * 1000}


if __name__ == "__main__":
    main()
