"""What every method of explanation costs, and how near fast extremal perturbations come.

    python benchmarks/explainers.py [--networks weinet ...] [--methods lime ...] [--models FOLDER]
    python benchmarks/explainers.py --extremal [--faces 2]

The first prints, for each method and network, seconds a face and the process's peak memory, or the
line that refuses. The second optimises each face's masks twice, in the published form (800
iterations at full resolution) and in the fast one, and prints how many times faster that is
(processor time and wall) and the correlation of the two maps. Networks are those of a folder of
models (fold 0), as the pipeline leaves them; a network that is not there is stood in for by an
untrained one. The settings are those of params.yaml.
"""

import argparse
import multiprocessing
import os
import resource
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from humanlike import params
from humanlike.errors import HumanlikeError
from humanlike.explainers.methods import METHODS
from humanlike.networks.inputs import network_images

ARTIFACTS = Path("artifacts")
NETWORKS = ("weinet", "songnet", "mobilenetv3", "vgg16")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--networks", nargs="+", default=NETWORKS, metavar="NETWORK")
    parser.add_argument("--methods", nargs="+", default=tuple(METHODS), metavar="METHOD")
    parser.add_argument("--models", type=Path, default=ARTIFACTS / "models", metavar="FOLDER")
    parser.add_argument("--faces", type=int, default=1)
    parser.add_argument("--extremal", action="store_true", help="the fast form against the other")
    asked = parser.parse_args()
    settings = params.load().model_dump(by_alias=True)
    jobs = (
        [(network, None) for network in asked.networks]
        if asked.extremal
        else [(network, method) for network in asked.networks for method in asked.methods]
    )
    # A process each: peak memory is a process's own.
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for network, method in jobs:
            if method is None:
                rows = pool.apply(forms, (network, asked.models, asked.faces, settings))
            else:
                rows = pool.apply(cost, (network, method, asked.models, asked.faces, settings))
            for row in rows:
                print(" | ".join(str(value) for value in row), flush=True)


def load(network: str, models: Path) -> Any:
    from humanlike.networks import files
    from humanlike.networks.builder import build

    path = models / network / "fold0.keras"
    return files.load(path) if path.exists() else build(network, input_scaling="native")


def faces_of(size: int, count: int) -> np.ndarray:
    """Faces of artifacts/faces, as a network of that size sees them."""

    images = np.load(ARTIFACTS / "faces" / "images.npy", mmap_mode="r")
    chosen = np.linspace(0, len(images) - 1, count).astype(int)
    return network_images(np.ascontiguousarray(images[chosen]), size)


def cost(network: str, method: str, models: Path, faces: int, settings: dict) -> list[tuple]:
    """Network, method, seconds a face after the first, and peak memory in MiB; or a refusal."""
    from humanlike.explainers import runtimes
    from humanlike.explainers.differentiable import Differentiable
    from humanlike.explainers.hiding import Hiding

    model, row = load(network, models), METHODS[method]
    ready = (
        Differentiable(model)
        if row.gradients
        else Hiding(runtimes.prepare(model, settings["explain"]["runtime"]))
    )
    images = faces_of(ready.size, faces + 1)
    seeds, classes = np.arange(faces + 1, dtype=np.uint32), np.zeros(faces + 1, int)
    try:
        # The first face also compiles.
        row.explain(ready, images[:1], classes[:1], seeds[:1], **settings[method])
        start = time.perf_counter()
        row.explain(ready, images[1:], classes[1:], seeds[1:], **settings[method])
    except HumanlikeError as error:
        return [(network, method, error)]
    seconds = (time.perf_counter() - start) / faces
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [(network, method, f"{seconds:.2f} s", f"{memory:.0f} MiB")]


def forms(network: str, models: Path, faces: int, settings: dict) -> list[tuple]:
    """Network, times faster in processor and wall time, and the maps' correlation, a face each."""
    from humanlike.explainers import extremal
    from humanlike.explainers.differentiable import Differentiable

    ready = Differentiable(load(network, models))
    areas, iterations = settings["extremal"]["areas"], settings["extremal"]["iterations"]
    published = extremal.settings_for(ready.size, areas, extremal.ITERATIONS, fast=False)
    fast = extremal.settings_for(ready.size, areas, iterations, fast=True)
    rows = []
    images = faces_of(ready.size, faces)
    for number, (image, logits) in enumerate(zip(images, ready.logits(images), strict=True)):
        label = int(logits.argmax())
        found = {}
        for name, form in (("published", published), ("fast", fast)):
            start = extremal.start_of(ready, image, label, form)
            extremal.optimise(ready, image, label, start, short(form))  # compiles
            processor, wall = time.process_time(), time.perf_counter()
            masks = extremal.optimise(ready, image, label, start, form).masks.mean(axis=0)
            spent = time.process_time() - processor, time.perf_counter() - wall
            found[name] = masks, *spent
        ratios = [found["published"][i] / found["fast"][i] for i in (1, 2)]
        alike = np.corrcoef(found["published"][0].ravel(), found["fast"][0].ravel())[0, 1]
        rows.append((network, number, *(f"{ratio:.1f} x" for ratio in ratios), f"{alike:.4f}"))
    return rows


def short(settings: Any) -> Any:
    from dataclasses import replace

    return replace(settings, iterations=2)


if __name__ == "__main__":
    main()
