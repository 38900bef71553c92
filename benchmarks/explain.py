"""How fast explanations are, as ratios measured in one run on this machine.

    python benchmarks/explain.py [--quick] [--json FILE] [--networks weinet ...] [--models FOLDER]

(a) LIME's package as published against ours, at equal or smaller error; (b) ours against the bare
forward passes of as many images; (c) peak memory at 20 and 200 faces; (d) one against two Dask
workers; (e) standardize and preprocess against scikit-image and dlib.

The faces are those of artifacts/faces, and the networks those of a folder of models (fold 0), as
the pipeline leaves them; a network that is not there is stood in for by one of random features
whose last layer is fitted to the faces, so that its predictions vary as a trained one's do. The
column `model` says which it was. Run it in the project's folder after `dvc repro`, on a machine
that does nothing else: about an hour on two cores, most of it vgg16, or some minutes with --quick,
which leaves vgg16 out and takes one face, fewer samples and, in (c) and (d), no emulator.
"""

import argparse
import contextlib
import io
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd

from humanlike.explainers import lime, runtimes
from humanlike.explainers.superpixels import superpixels
from humanlike.training import network_images

ARTIFACTS = Path("artifacts")
NETWORKS = ("weinet", "songnet", "alexnet", "mobilenetv3", "vgg16")
PUBLISHED = {"samples": 1000, "sampling": "bernoulli"}
OURS = {"sampling": "paired", "emulate": True}
LADDER = (96, 128, 192, 256, 320, 384, 448, 512, 640, 768, 1000)
CHUNK = 10


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
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--parts", default="abcde", help="which of (a) to (e) to run")
    parser.add_argument("--faces", type=int, default=3, help="faces that errors are averaged over")
    parser.add_argument("--reference", type=int, default=4096, help="samples of the reference")
    parser.add_argument("--quick", action="store_true", help="a rough look in some minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()
    if options.quick:
        options.faces, options.reference = 1, 2048
    options.networks = options.networks or [
        network for network in NETWORKS if not (options.quick and network == "vgg16")
    ]

    results: dict[str, Any] = {"runtime": options.runtime, "precision": options.precision}

    def keep(**found: Any) -> None:
        """What was measured in half an hour is not lost with what comes after it."""
        results.update(found)
        if options.json:
            options.json.write_text(json.dumps(results, indent=2) + "\n")

    with tempfile.TemporaryDirectory() as folder:
        if set("ab") & set(options.parts):
            rows = []
            for network in options.networks:
                model = find_model(network, options.models, Path(folder))
                rows.append(speed(network, model, options))
                print(pd.DataFrame(rows[-1:]).to_string(index=False), flush=True)
                keep(networks=rows)
            ratios = [row["a_ratio"] for row in rows]
            keep(a_geometric_mean=float(np.exp(np.mean(np.log(ratios)))))
        model = find_model(options.networks[0], options.models, Path(folder))
        settings = {"runtime": options.runtime, "precision": options.precision, **OURS}
        settings |= {"superpixels": 30, "compactness": 20, "kernel_width": 0.25}
        settings |= {"samples": 32 if options.quick else 128, "emulate": not options.quick}
        if "c" in options.parts:
            keep(**memory(model, settings))
        if "d" in options.parts:
            keep(**workers(model, settings, n_chunks=4 if options.quick else 8))
        if "e" in options.parts:
            keep(**other_stages())

    print()
    if "networks" in results:
        print(pd.DataFrame(results["networks"]).round(3).to_string(index=False))
    for key, value in results.items():
        if key != "networks":
            print(f"{key:32} {value:.3g}" if isinstance(value, float) else f"{key:32} {value}")


def sample_faces(count: int, size: int) -> np.ndarray:
    """Faces spread over the sample, (count, size, size) uint8."""
    images = np.load(ARTIFACTS / "faces" / "images.npy", mmap_mode="r", allow_pickle=False)
    chosen = np.linspace(0, len(images) - 1, count).astype(int)
    return network_images(np.ascontiguousarray(images[chosen]), size)


def find_model(network: str, models: Path, folder: Path) -> Path:
    """The file of the pipeline's network, or of one made in `folder` that stands in for it."""
    trained, made = models / network / "fold0.keras", folder / f"{network}.keras"
    if trained.exists():
        return trained
    if not made.exists():
        stand_in(network, made)
    return made


def stand_in(network: str, path: Path) -> None:
    """Write a network of random features whose last layer is fitted to the faces but fold 0's."""
    import keras
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from humanlike.networks import files
    from humanlike.networks.builder import build

    model = build(network, input_scaling="native")
    size = model.input_shape[1]
    table = pd.read_csv(ARTIFACTS / "faces" / "faces.csv")
    numbers = table["expression"].astype("category").cat.codes.to_numpy()
    learn = (table["fold"] != 0).to_numpy()

    normalisations = [
        layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    for layer in normalisations:
        layer.momentum = 0.0  # one pass in training mode then sets its statistics
    if normalisations:
        model(as_rgb(sample_faces(96, size)), training=True)
    head = model.layers[-1]
    features = keras.Model(model.inputs[0], head.input).predict(
        as_rgb(sample_faces(len(table), size)), batch_size=16, verbose=0
    )
    # A fixed, strong penalty: what is told of faces that were not learned from is then best.
    fitted = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, max_iter=500))
    fitted.fit(features[learn], numbers[learn])
    scaler, regression = fitted
    weights = regression.coef_ / scaler.scale_
    head.set_weights([weights.T, regression.intercept_ - weights @ scaler.mean_])
    accuracy = fitted.score(features[~learn], numbers[~learn])
    print(f"{network}: a stand-in, right of {accuracy:.0%} of held-out faces", flush=True)
    files.save(model, path)


def as_rgb(faces: np.ndarray) -> np.ndarray:
    """(n, S, S) uint8 to (n, S, S, 3) float32."""
    return np.repeat(faces[..., None], 3, axis=-1).astype(np.float32)


def speed(network: str, path: Path, options: argparse.Namespace) -> dict[str, Any]:
    """(a) and (b) for one network."""
    from humanlike.networks import files

    model = files.load(path)
    images = sample_faces(options.faces, model.input_shape[1])
    rgb = np.repeat(images[..., None], 3, axis=-1)
    classes = model.predict(as_rgb(images), batch_size=10, verbose=0).argmax(axis=1)
    seeds = np.arange(len(images))
    predictor = runtimes.prepare(model, options.runtime, options.precision)

    def explain(**settings: Any) -> lime.Explanations:
        return lime.explain(predictor, images, classes, seeds=seeds, **settings)

    reference = lime.explain(
        predictor,
        images,
        classes,
        seeds=seeds + 10_000,
        samples=options.reference,
        sampling="paired",
    ).weights
    explain(samples=64, sampling="paired")  # compiles whatever is still to be compiled

    published_seconds, published = timed(lambda: explain(**PUBLISHED))
    package_seconds, package_weights = package(model, rgb[0], classes[0], seed=0)
    # The same samples: nothing but the runtime's precision sets the two apart.
    apart = error(published.weights[:1, : len(package_weights)], package_weights[None])
    wanted = error(published.weights, reference)
    for samples in LADDER:
        seconds, found = timed(lambda: explain(samples=samples, **OURS))  # noqa: B023
        reached = error(found.weights, reference)
        if reached <= wanted:
            break
    # Other work on the machine comes and goes: the better of two, taken in turn.
    bare = bare_seconds(model, rgb, samples, options)
    seconds = min(seconds, timed(lambda: explain(samples=samples, **OURS))[0]) / len(images)
    bare = min(bare, bare_seconds(model, rgb, samples, options))
    return {
        "network": network,
        "model": "stand-in" if path.stem == network else "trained",
        "a_package_seconds": package_seconds,
        "a_ours_seconds": seconds,
        "a_ratio": package_seconds / seconds,
        "a_samples": samples,
        "a_package_error": wanted,
        "a_ours_error": reached,
        "a_ratio_same_samples": package_seconds / published_seconds * len(images),
        "a_apart_same_samples": apart,
        "b_ratio": seconds / bare,
    }


def package(model: Any, rgb: np.ndarray, label: int, seed: int) -> tuple[float, np.ndarray]:
    """Explain one face as the `lime` package's users do; seconds, and weights by superpixel."""
    from lime.lime_image import LimeImageExplainer

    explainer = LimeImageExplainer(random_state=seed)
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar cannot be turned off
        seconds, found = timed(
            lambda: explainer.explain_instance(
                rgb,
                lambda batch: model.predict(batch.astype(np.float32), verbose=0),
                labels=(label,),
                top_labels=None,
                hide_color=0,
                num_samples=1000,
                batch_size=10,
                segmentation_fn=lambda image: superpixels(image[..., 0], 30, 20),
                random_seed=0,
            )
        )
    return seconds, np.array([weight for _, weight in sorted(found.local_exp[label])])


def error(weights: np.ndarray, reference: np.ndarray) -> float:
    """Mean over the faces of the distance to the reference, relative to its length."""
    distance = np.sqrt(np.nansum((weights - reference) ** 2, axis=1))
    return float(np.mean(distance / np.sqrt(np.nansum(reference**2, axis=1))))


def bare_seconds(model: Any, rgb: np.ndarray, samples: int, options: argparse.Namespace) -> float:
    """Seconds that the network alone takes for as many images, in the same runtime and batches."""
    import tensorflow as tf

    batch = np.resize(rgb, (runtimes.BATCH_SIZE, *rgb.shape[1:])).astype(np.float32)
    traced = tf.function(
        lambda images: model(images, training=False),
        input_signature=[tf.TensorSpec(batch.shape, tf.float32)],
    ).get_concrete_function()
    openvino = options.runtime == "openvino"
    backend = runtimes.OpenVINO(options.precision) if openvino else runtimes.TensorFlow()
    forward = backend.compile(traced)
    images = backend.put(batch)
    np.asarray(forward(images))
    batches = -(-samples // runtimes.BATCH_SIZE)
    return timed(lambda: [np.asarray(forward(images)) for _ in range(batches)])[0]


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def chunks(model: Path, settings: dict[str, Any], faces: int) -> Callable[[int], dict[str, Any]]:
    """What `explain_chunk` is given for each chunk of the sample's faces, over and over."""
    images = np.load(ARTIFACTS / "faces" / "images.npy", mmap_mode="r", allow_pickle=False)

    def task(number: int) -> dict[str, Any]:
        chosen = np.arange(number * CHUNK, min((number + 1) * CHUNK, faces)) % len(images)
        return {
            "images": np.ascontiguousarray(images[chosen]),
            "size": network_size(model),
            "classes": np.zeros(len(chosen), int),
            "seeds": np.arange(len(chosen)) + number * CHUNK,
            "other_seeds": np.arange(len(chosen)),
            "checked": np.zeros(len(chosen), bool),
            "settings": settings,
        }

    return task


def network_size(model: Path) -> int:
    from humanlike.networks.registry import NETWORKS

    name = model.stem if model.stem in NETWORKS else model.parent.name
    return NETWORKS[name].input_size


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
    from humanlike import cluster
    from humanlike.stages.explain import explain_chunk

    task = chunks(model, settings, faces)
    with tempfile.TemporaryDirectory() as folder:
        for number, found in cluster.run(explain_chunk, model, range(-(-faces // CHUNK)), task):
            np.savez(Path(folder, str(number)), **found)
    # Not getrusage, whose peak a process takes over from the one that started it.
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index("VmHWM:") + 1]) / 1024


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
            took, found = timed(
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
