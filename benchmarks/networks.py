"""The five trained networks that `benchmarks/explain.py` measures, made from the sample's faces.

    python benchmarks/networks.py [--networks weinet ...] [--folder FOLDER]

Each learns from the faces of artifacts/faces but those of fold 0, in minutes on two cores, and is
kept as FOLDER/<network>.keras; one that is there stays. The architectures are the pipeline's own.
weinet and songnet learn as `params.yaml` has it. From so few faces alexnet and mobilenetv3 learn
nothing by the published settings, so alexnet has Adam and small batches, mobilenetv3 larger steps
and, after them, one pass that sets the statistics of its batch normalisation, and the steps of both
get smaller in the end. All of vgg16 would take an hour: its first four blocks stay random, scaled
so that every layer's output varies by 1 (Mishkin & Matas, "All You Need Is a Good Init", ICLR 2016,
arXiv 1511.06422), and the fifth and the last layer learn from what those make of the faces.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd

from humanlike.networks.inputs import network_images

FACES = Path("artifacts", "faces")
FOLDER = Path("artifacts", "benchmark")

#: Those of the sample, which learn as `params.yaml` has it.
SAMPLE = ("weinet", "songnet")
#: Other network -> how its input is scaled, and how it is fitted.
RECIPES: dict[str, tuple[str, dict[str, Any]]] = {
    "alexnet": (
        "native",
        {"learning_rate": 1e-4, "epochs": 12, "batch_size": 32, "schedule": "cosine"},
    ),
    "mobilenetv3": (
        "native",
        {"learning_rate": 1e-3, "epochs": 12, "batch_size": 32, "schedule": "cosine"},
    ),
    "vgg16": ("native", {"learning_rate": 3e-4, "epochs": 5, "batch_size": 16}),
}
#: vgg16's last layer that stays as it was drawn.
LAST_FROZEN = "block4_pool"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    known = [*SAMPLE, *RECIPES]
    parser.add_argument("--networks", nargs="+", choices=known, default=known)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args()
    for network in options.networks:
        find(network, options.folder)


def find(network: str, folder: Path) -> Path:
    """The file of a trained network, made unless it is there."""
    path = folder / f"{network}.keras"
    if not path.exists():
        make(network, path)
    return path


def recipe(network: str) -> tuple[str, dict[str, Any]]:
    """How a network's input is scaled, and how it is fitted."""
    from humanlike.params import load

    if network in SAMPLE:
        train = load().train
        return train.input_scaling, train.optimisation[network].model_dump()
    scaling, settings = RECIPES[network]
    return scaling, {"optimizer": "adam", **settings}


def make(network: str, path: Path) -> None:
    """Train a network on the faces of all folds but the first, and write it."""
    from humanlike import training
    from humanlike.networks import files
    from humanlike.networks.builder import build

    start = time.perf_counter()
    training.use_threads(2)
    table = pd.read_csv(FACES / "faces.csv")
    images = np.load(FACES / "images.npy", allow_pickle=False)
    labels = table["expression"].astype("category").cat.codes.to_numpy(np.int64)
    learned = (table["fold"] != 0).to_numpy()
    scaling, settings = recipe(network)
    settings["seed"] = 1
    model = build(network, int(labels.max()) + 1, input_scaling=scaling, seed=1)
    if network == "vgg16":
        fit_end(model, images[learned], labels[learned], settings)
    else:
        training.fit(model, images[learned], labels[learned], **settings)
        set_statistics(model, images[learned])
    right = training.predict(model, images[~learned]).argmax(axis=1) == labels[~learned]
    path.parent.mkdir(parents=True, exist_ok=True)
    files.save(model, path)
    seconds = time.perf_counter() - start
    print(f"{network}: right of {right.mean():.0%} of held-out faces, {seconds:.0f} s", flush=True)


def set_statistics(model: Any, images: np.ndarray) -> None:
    """Set the statistics of batch normalisation to those of some faces, by one pass over them.

    They follow the weights slowly while a network learns, and lag behind after few steps.
    """
    import keras

    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    if not layers:
        return
    for layer in layers:
        layer.momentum = 0.0
    some = images[np.linspace(0, len(images) - 1, 96).astype(int)]
    model(as_rgb(network_images(some, model.input_shape[1])), training=True)


def fit_end(model: Any, images: np.ndarray, labels: np.ndarray, settings: dict[str, Any]) -> None:
    """Fit vgg16 from its fifth block on, to what its first four, scaled, make of the faces."""
    import keras

    shown = as_rgb(network_images(images, model.input_shape[1]))
    scale(model, shown[:: len(shown) // 8])
    frozen = keras.Model(model.inputs[0], model.get_layer(LAST_FROZEN).output)
    features = frozen.predict(shown, batch_size=16, verbose=0)
    end = keras.Model(frozen.outputs[0], model.outputs[0])
    steps = settings["epochs"] * -(-len(labels) // settings["batch_size"])
    keras.utils.set_random_seed(settings["seed"])
    end.compile(
        keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(
                settings["learning_rate"] / 10,
                steps - steps // 10,
                warmup_target=settings["learning_rate"],
                warmup_steps=steps // 10,
            )
        ),
        "sparse_categorical_crossentropy",
        jit_compile=False,
    )
    end.fit(
        features,
        labels,
        batch_size=settings["batch_size"],
        epochs=settings["epochs"],
        verbose=0,
    )


def scale(model: Any, shown: np.ndarray) -> None:
    """Scale the kernel of each convolution so that its output before ReLU varies by 1."""
    import keras

    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    x: Any = shown
    for layer in model.layers[1:]:
        if layer in layers:
            kernel, bias = layer.get_weights()
            before = keras.ops.conv(x, kernel, padding="same")
            layer.set_weights([kernel / np.std(before), bias])
        x = layer(x)


def as_rgb(faces: np.ndarray) -> np.ndarray:
    """(n, S, S) uint8 to (n, S, S, 3) float32."""
    return np.repeat(faces[..., None], 3, axis=-1).astype(np.float32)


if __name__ == "__main__":
    main()
