"""How fast explanations are, as ratios measured in one run on this machine.

    python benchmarks/explain.py [--quick] [--networks weinet ...] [--models FOLDER]

(a) LIME's package as published against ours, at equal or smaller error, in float32 and in every
other precision that the processor has and `explain.precision: auto` might take; (b) ours against
the bare forward passes of as many images; (c) peak memory at 20 and 200 faces; (d) one against two
Dask workers; (e) standardize and preprocess against scikit-image and dlib.

The faces are those of artifacts/faces that no network learned from (fold 0), and the networks those
of a folder of models, as the pipeline leaves them; one that is not there is trained by
`benchmarks/networks.py`. The figures go to benchmarks/results/<processor>.json, and
`python benchmarks/table.py` writes the tables of the documents from there. Run it in the project's
folder after `dvc repro`, on a machine that does nothing else: three hours on two cores, half of
it vgg16; or with --quick, which leaves vgg16 out, takes one face and a tenth of the package's
samples and writes nothing unless --json says where, within five minutes, or eleven without VNNI.
"""

import argparse
import contextlib
import io
import json
import multiprocessing
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd
from networks import FOLDER, as_rgb, find

from humanlike import artifacts
from humanlike.explainers import emulator, lime, precision, quantization, runtimes, surrogate
from humanlike.explainers.quantization import NotInIntegersError, Trial
from humanlike.explainers.sampling import paired
from humanlike.explainers.superpixels import superpixels
from humanlike.networks.inputs import network_images
from humanlike.report.made import machine

ARTIFACTS = Path("artifacts")
RESULTS = Path(__file__).parent / "results"
NETWORKS = ("weinet", "songnet", "alexnet", "mobilenetv3", "vgg16")
PUBLISHED: dict[str, Any] = {"samples": 1000, "sampling": "bernoulli"}
OURS = {"sampling": "paired", "emulate": True}
LADDER = (64, 96, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 1024)
CHUNK = 10

#: Networks of which a face takes minutes, and so many faces of them at most.
FEWER = {"vgg16": 3}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--networks", nargs="+", metavar="NETWORK")
    parser.add_argument(
        "--models",
        type=Path,
        default=ARTIFACTS / "models",
        metavar="FOLDER",
        help="holds <network>/fold0.keras, as `dvc repro` makes them",
    )
    parser.add_argument("--runtime", choices=["tensorflow", "openvino"], default="openvino")
    parser.add_argument("--parts", default="abcde", help="which of (a) to (e) to run")
    parser.add_argument(
        "--faces", type=int, default=20, help="faces that errors are averaged over; of vgg16 fewer"
    )
    parser.add_argument("--reference", type=int, default=1024, help="samples of the reference")
    parser.add_argument(
        "--package",
        type=int,
        default=PUBLISHED["samples"],
        metavar="SAMPLES",
        help="of the package's 1,000 samples, so many are timed, and count for all",
    )
    parser.add_argument("--quick", action="store_true", help="a rough look in some minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()
    if options.quick:
        options.faces, options.reference, options.package = 1, 512, 100
    elif options.json is None:
        options.json = RESULTS / f"{slug(str(machine()['processor']))}.json"
    options.networks = options.networks or [
        network for network in NETWORKS if not (options.quick and network == "vgg16")
    ]
    options.precisions = (
        runtimes.OpenVINO.precisions() if options.runtime == "openvino" else ["float32"]
    )

    # What is not measured anew stays: other networks, and what other benchmarks found.
    known = read(options.json)
    results: dict[str, Any] = {**known, **machine(), "runtime": options.runtime}

    def keep(**found: Any) -> None:
        """What was measured in two hours is not lost with what comes after it."""
        results.update(found)
        if options.json:
            artifacts.write_json(options.json, results)

    rows: list[dict[str, Any]] = []
    if set("ab") & set(options.parts):
        rows = [row for row in known.get("networks", []) if row["network"] not in options.networks]
        for network in options.networks:
            path = find_model(network, options.models)
            start, before = time.perf_counter(), others()
            for row in speed(network, path, options):
                # Cores that other work took: much above 0, seconds by the clock are too many.
                row["load"] = (others() - before) / (time.perf_counter() - start)
                rows.append(row)
                print(pd.DataFrame([row]).to_string(index=False), flush=True)
                rows.sort(key=lambda row: NETWORKS.index(row["network"]))
                keep(networks=rows)
    model = find_model(options.networks[0], options.models)
    settings = {"runtime": options.runtime, "precision": "float32", **OURS}
    settings |= {"superpixels": 30, "compactness": 20, "kernel_width": 0.25}
    settings |= {"method": "lime", "hidden": "black"}
    settings |= {"samples": 32 if options.quick else 64, "emulate": not options.quick}
    if "c" in options.parts:
        keep(**memory(model, settings))
    if "d" in options.parts:
        keep(**workers(model, settings, n_chunks=4 if options.quick else 8))
    if "e" in options.parts:
        keep(**other_stages())

    print()
    if rows:
        print(pd.DataFrame(rows).round(3).to_string(index=False))
    for key, value in results.items():
        if not isinstance(value, list | dict):
            print(f"{key:32} {value:.3g}" if isinstance(value, float) else f"{key:32} {value}")


def read(path: Path | None) -> dict[str, Any]:
    """What is known of this processor."""
    return json.loads(path.read_text(encoding="utf-8")) if path and path.exists() else {}


def others() -> float:
    """Seconds of all cores that went to other processes since the machine started."""
    busy = Path("/proc/stat").read_text(encoding="ascii").split()[1:9]
    user, nice, system, _, _, *more = (int(ticks) for ticks in busy)  # idle, and waiting for a disk
    return (user + nice + system + sum(more)) / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])


def slug(name: str) -> str:
    """A processor's name as a file's."""
    return "-".join(re.findall(r"[a-z0-9.]+", name.lower()))


def sample_faces(count: int, size: int, ends: bool = True) -> np.ndarray:
    """Faces spread over the fold that no network learned from, (count, size, size) uint8.

    From the first to the last, or without these two.
    """
    images = np.load(ARTIFACTS / "faces" / "images.npy", mmap_mode="r", allow_pickle=False)
    held_out = np.flatnonzero(pd.read_csv(ARTIFACTS / "faces" / "faces.csv")["fold"] == 0)
    places = np.linspace(0, len(held_out) - 1, count if ends else count + 2).astype(int)
    chosen = held_out[places if ends else places[1:-1]]
    return network_images(np.ascontiguousarray(images[chosen]), size)


def find_model(network: str, models: Path) -> Path:
    """The file of the pipeline's network, or of one trained for this."""
    trained = models / network / "fold0.keras"
    return trained if trained.exists() else find(network, FOLDER)


class Remembered:
    """A predictor that answers only what it has not been asked before.

    Of paired samples, the first are the same however many are drawn.
    """

    def __init__(self, predictor: Any) -> None:
        self.predictor, self.size, self.classes = predictor, predictor.size, predictor.classes
        self.known: np.ndarray | None = None

    def probabilities(
        self, images: np.ndarray, segments: np.ndarray, samples: np.ndarray
    ) -> np.ndarray:
        n, m, _ = samples.shape
        if self.known is None:
            self.known = np.zeros((n, 0, self.classes), np.float32)
        done = self.known.shape[1]
        if done < m:
            new = self.predictor.probabilities(images, segments, samples[:, done:])
            self.known = np.concatenate([self.known, new], axis=1)
        return self.known[:, :m]


def speed(network: str, path: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """(a) and (b) for one network, in every precision."""
    from humanlike.networks import files

    model = files.load(path)
    images = sample_faces(
        min(options.faces, FEWER.get(network, options.faces)), model.input_shape[1]
    )
    rgb = np.repeat(images[..., None], 3, axis=-1)
    classes = model.predict(as_rgb(images), batch_size=10, verbose=0).argmax(axis=1)
    seeds = np.arange(len(images))

    def explain(predictor: Any, **settings: Any) -> lime.Explanations:
        return lime.explain(predictor, images, classes, seeds=seeds, **settings)

    exact = runtimes.prepare(model, options.runtime)
    tried = sample_faces(precision.FACES, model.input_shape[1])
    trial = Trial.of(sample_faces(quantization.FACES, model.input_shape[1], ends=False))
    reference = converged(exact, images, classes, options.reference)
    published = explain(exact, **PUBLISHED)
    wanted = error(published.weights, reference)
    # Other work on the machine comes and goes: the better of two, and so with ours.
    took = np.min([package(model, rgb[0], classes[0], options.package) for _ in range(2)], axis=0)
    same, least = {}, LADDER[0]
    moved: dict[str, float | None] = {"float32": 0.0}
    for name in reversed(options.precisions[1:]):
        if name != "mixed" or not serves(moved.get("int8")):  # else `auto` does not get that far
            moved[name] = far(path, options.runtime, name, tried, trial)
    for name in (name for name in options.precisions if name in moved):
        if not serves(moved[name]):
            yield {"network": network, "precision": name, "left_out": moved[name]}
            continue
        predictor = runtimes.prepare(model, options.runtime, name, trial=trial)
        explain(predictor, samples=64, sampling="paired")  # compiles what is to be compiled
        remembered = Remembered(predictor)
        # Rounding more takes no fewer samples.
        for samples in (samples for samples in LADDER if samples >= least):
            found = explain(remembered, samples=samples, **OURS)
            reached = error(found.weights, reference)
            if reached <= wanted:
                break
        if name == "float32":
            same, least = {"samples": samples, "weights": found.weights}, samples
        ours, bare = [], []
        for _ in range(2):
            ours.append(timed(lambda: explain(predictor, samples=samples, **OURS))[:2])  # noqa: B023
            bare.append(bare_seconds(model, rgb, samples, options, name))
        seconds, cpu = np.min(ours, axis=0) / len(images)
        apart, alike, heatmap = against_float32(explain, remembered, same)
        yield {
            "network": network,
            "precision": name,
            "faces": len(images),
            "reference": options.reference,
            "package": options.package,
            "package_seconds": float(took[0]),
            "package_cpu": float(took[1]),
            "package_error": wanted,
            "seconds": float(seconds),
            "cpu": float(cpu),
            "samples": samples,
            "error": reached,
            "times": float(took[0] / seconds),
            "cpu_times": float(took[1] / cpu),
            "apart": apart,
            "alike": alike,
            "heatmap": heatmap,
            "bare": float(seconds) / min(bare),
        }


def serves(moved: float | None) -> bool:
    """Whether `explain.precision: auto` might take a precision that moves weights that far."""
    return moved is not None and moved <= precision.LARGEST


def far(model: Path, runtime: str, name: str, images: np.ndarray, trial: Trial) -> float | None:
    """How far a precision moves a network's weights; None where it cannot be computed in it."""
    try:
        return precision.distance(model, runtime, name, images, trial)
    except NotInIntegersError:
        return None


def against_float32(
    explain: Callable[..., lime.Explanations], predictor: Remembered, exact: dict[str, Any]
) -> tuple[float, float, float]:
    """How far weights lie from float32's of the same samples, and how alike the maps are.

    The first as `error`; the others are correlations of pixels: the least of a face's two maps,
    and that of the two means over the faces.
    """
    found = explain(predictor, samples=exact["samples"], **OURS)
    maps = np.array(
        [
            [weights[face][segments].ravel() for face, segments in enumerate(found.segments)]
            for weights in (found.weights, exact["weights"])
        ]
    )
    constant = (np.ptp(maps, axis=2) == 0).any(axis=0)
    varying = maps.transpose(1, 0, 2)[~constant]
    alike = min((np.corrcoef(*both)[0, 1] for both in varying), default=1.0)
    heatmap = np.corrcoef(maps.mean(axis=1))[0, 1]
    return error(found.weights, exact["weights"]), float(alike), float(heatmap)


def converged(predictor: Any, images: np.ndarray, classes: np.ndarray, samples: int) -> np.ndarray:
    """What LIME's weights would be of infinitely many samples, nearly and without bias.

    An emulator learns from one half of the samples and is asked thousands; what the other half
    knows better is fitted and added, so that nothing of what the emulator gets wrong is left but
    noise; and the other way round (control variates, with halves that change places).
    """
    segments = np.stack([superpixels(image, 30, 20) for image in images])
    found = segments.max(axis=(1, 2)).astype(int) + 1
    weights = np.full((len(images), found.max()), np.nan)
    many = 32_768
    for face, (d, label) in enumerate(zip(found, classes, strict=True)):
        asked = paired(samples, d, face + 10_000)
        told = predictor.probabilities(images[[face]], segments[[face]], asked[None])[0]
        places = (emulator.everywhere(d), emulator.windows(segments[face]))
        drawn = paired(many, d, face + 20_000)

        def plain(rows: np.ndarray, targets: np.ndarray, d: int = d) -> np.ndarray:
            near = surrogate.proximity(rows[None], np.array([d]), 0.25)
            return surrogate.solve(rows[None], targets[None, :, None], near)[0][0, :, 0]

        halves = np.arange(samples) < samples // 2
        both = []
        for half in (halves, ~halves):
            learned = emulator.emulate(asked[half], told[half], *places)
            missed = told[~half] - learned.probabilities(asked[~half])
            says = learned.probabilities(drawn)[:, label]
            both.append(plain(drawn, says) + plain(asked[~half], missed[:, label]))
        weights[face, :d] = np.mean(both, axis=0)
    return weights


def package(model: Any, rgb: np.ndarray, label: int, samples: int) -> tuple[float, float]:
    """Explain one face as the `lime` package's users do; seconds, and seconds of all cores.

    What fewer samples than published take is multiplied accordingly.
    """
    from lime.lime_image import LimeImageExplainer

    explainer = LimeImageExplainer(random_state=0)
    part = PUBLISHED["samples"] / samples
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar cannot be turned off
        seconds, cpu, _ = timed(
            lambda: explainer.explain_instance(
                rgb,
                lambda batch: model.predict(batch.astype(np.float32), verbose=0),
                labels=(label,),
                top_labels=None,
                hide_color=0,
                num_samples=samples,
                batch_size=10,
                segmentation_fn=lambda image: superpixels(image[..., 0], 30, 20),
                random_seed=0,
            )
        )
    return seconds * part, cpu * part


def error(weights: np.ndarray, reference: np.ndarray) -> float:
    """Mean over the faces of the distance to the reference, relative to its length.

    Where nothing that is hidden changes anything, so that it has no length, 0 or 1.
    """
    distance = np.sqrt(np.nansum((weights - reference) ** 2, axis=1))
    length = np.sqrt(np.nansum(reference**2, axis=1))
    return float(np.where(length > 0, distance / np.maximum(length, 1e-30), distance > 0).mean())


def bare_seconds(
    model: Any, rgb: np.ndarray, samples: int, options: argparse.Namespace, precision: str
) -> float:
    """Seconds that the network alone takes for as many images, in the same runtime and batches."""
    import tensorflow as tf

    batch = np.resize(rgb, (runtimes.BATCH_SIZE, *rgb.shape[1:])).astype(np.float32)
    traced = tf.function(
        lambda images: model(images, training=False),
        input_signature=[tf.TensorSpec(batch.shape, tf.float32)],
    ).get_concrete_function()
    openvino = options.runtime == "openvino"
    backend = runtimes.OpenVINO(precision) if openvino else runtimes.TensorFlow()
    images = backend.put(batch)
    forward = backend.compile(traced, lambda: [(images,)])
    np.asarray(forward(images))
    batches = -(-samples // runtimes.BATCH_SIZE)
    # Two batches tell of all: they are alike.
    return timed(lambda: [np.asarray(forward(images)) for _ in range(2)])[0] / 2 * batches


def timed(function: Callable[[], Any]) -> tuple[float, float, Any]:
    """Seconds by the clock, seconds of all cores, and what a function returns."""
    start, cpu = time.perf_counter(), time.process_time()
    result = function()
    return time.perf_counter() - start, time.process_time() - cpu, result


def chunks(model: Path, settings: dict[str, Any], faces: int) -> Callable[[int], dict[str, Any]]:
    """What `explain_chunk` is given for each chunk of the sample's faces, over and over."""
    images = np.load(ARTIFACTS / "faces" / "images.npy", mmap_mode="r", allow_pickle=False)

    def task(number: int) -> dict[str, Any]:
        chosen = np.arange(number * CHUNK, min((number + 1) * CHUNK, faces)) % len(images)
        return {
            "images": np.ascontiguousarray(images[chosen]),
            "classes": np.zeros(len(chosen), int),
            "seeds": np.arange(len(chosen)) + number * CHUNK,
            "other_seeds": np.arange(len(chosen)),
            "checked": np.zeros(len(chosen), bool),
            "trial": Trial.of(images[:1]),
            "settings": settings,
        }

    return task


def memory(model: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """(c): peak memory of a process that explains 20 faces, and of one that explains 200."""
    spawn = multiprocessing.get_context("spawn")
    peaks = []
    for faces in (20, 200):
        with spawn.Pool(1) as pool:
            peaks.append(pool.apply(_peak, (model, settings, faces)))
    return {
        "c_peak_mib_20": peaks[0],
        "c_peak_mib_200": peaks[1],
        "c_ratio": peaks[1] / peaks[0],
    }


def _peak(model: Path, settings: dict[str, Any], faces: int) -> float:
    from humanlike import cluster, times
    from humanlike.stages.explain import explain_chunk

    task = chunks(model, settings, faces)
    with tempfile.TemporaryDirectory() as folder:
        for number, found in cluster.run(explain_chunk, model, range(-(-faces // CHUNK)), task):
            np.savez(Path(folder, str(number)), **found)
    return times.peak_memory() / 2**20


def workers(model: Path, settings: dict[str, Any], n_chunks: int) -> dict[str, Any]:
    """(d): the same chunks on one and on two Dask workers of one thread each."""
    import dask
    from distributed import LocalCluster

    from humanlike import cluster
    from humanlike.stages.explain import explain_chunk

    seconds, results = [], []
    task = chunks(model, settings, n_chunks * CHUNK)
    for n_workers in (1, 2):
        with (
            LocalCluster(
                n_workers=n_workers, threads_per_worker=1, dashboard_address=":0"
            ) as local,
            dask.config.set({"scheduler-address": local.scheduler_address}),
        ):
            # Two chunks a worker first: they load the model and TensorFlow.
            list(cluster.run(explain_chunk, model, range(2 * n_workers), task))
            took, _, found = timed(
                lambda: dict(cluster.run(explain_chunk, model, range(n_chunks), task))
            )
            seconds.append(took)
            results.append(found)
    one, two = results
    identical = all(
        array.tobytes() == two[number][key].tobytes()
        for number in range(n_chunks)
        for key, array in one[number].items()
    )
    return {"d_ratio": seconds[0] / seconds[1], "d_identical": identical}


def other_stages() -> dict[str, Any]:
    """(e): standardize against scikit-image, preprocess against dlib alone."""
    import dlib
    from skimage.io import imread
    from skimage.transform import PiecewiseAffineTransform
    from skimage.transform import warp as skimage_warp

    from humanlike.canonical.geometry import HEIGHT, LANDMARKS, WIDTH, mesh_points
    from humanlike.canonical.warp import warp
    from humanlike.faces.detect import detector
    from humanlike.faces.extract import extract_face
    from humanlike.faces.models import model_path

    image = sample_faces(1, 224)
    landmarks = np.load(ARTIFACTS / "faces" / "landmarks.npy", allow_pickle=False)[0]

    def piecewise() -> np.ndarray:
        canonical = mesh_points(LANDMARKS, HEIGHT, WIDTH)
        transform = PiecewiseAffineTransform.from_estimate(
            canonical, mesh_points(landmarks, 224, 224)
        )
        return skimage_warp(image[0], transform, output_shape=(HEIGHT, WIDTH), order=0)

    # The nearest pixel, as the stage takes for superpixels.
    ours = min(timed(lambda: warp(image[0], landmarks, order=0))[0] for _ in range(200))
    theirs = min(timed(piecewise)[0] for _ in range(3))

    table = pd.read_csv("data/sample/labels.csv")
    paths = [Path("data/sample", file) for file in table["file"][:40]]
    find, predict = (
        dlib.get_frontal_face_detector(),
        dlib.shape_predictor(model_path("shape_predictor_68_face_landmarks.dat")),
    )
    detect = detector("hog")
    extract_face(paths[0], detect, 224)

    def bare() -> None:
        for path in paths:
            gray = imread(path)
            for rectangle in find(gray, 0):
                predict(gray, rectangle)

    preprocess = timed(lambda: [extract_face(path, detect, 224) for path in paths])[0]
    return {
        "e_standardize_ratio": theirs / ours,
        "e_preprocess_ratio": preprocess / timed(bare)[0],
    }


if __name__ == "__main__":
    main()
