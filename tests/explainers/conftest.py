"""A small network and a few faces, or what passes for them."""

import numpy as np
import pytest

SIZE = 64


@pytest.fixture(scope="session")
def network():
    """An untrained network whose probabilities vary well with its input."""
    import keras

    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
            keras.layers.MaxPool2D(2),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
            keras.layers.MaxPool2D(3, 2, padding="same"),
            keras.layers.Flatten(),
            keras.layers.Dense(4, activation="softmax", kernel_initializer="he_normal"),
        ]
    )


@pytest.fixture(scope="session")
def images():
    """Three gray images of blobs, (3, SIZE, SIZE) uint8."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:SIZE, :SIZE]
    blobs = [
        sum(
            np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 160) * random.uniform(60, 200)
            for cx, cy in random.uniform(0, SIZE, (9, 2))
        )
        for _ in range(3)
    ]
    return np.clip(20 + np.array(blobs), 0, 255).astype(np.uint8)


class Golden:
    """Other people's explanations of two small networks, and the networks, made from weights."""

    def __init__(self, folder):
        self.references = np.load(folder / "references.npz")
        self.tiny = {name: np.load(folder / f"tiny_{name}.npz") for name in ("gap", "flatten")}
        levels = self.tiny["gap"]["images"] * 256
        self.images = levels.astype(np.uint8)
        assert (self.images == levels).all()
        self.classes = self.references["target"]
        self.models = {name: self._model(name) for name in self.tiny}

    def __getitem__(self, name):
        return self.references[name]

    def _model(self, name):
        """From three equal channels of 0 to 256 to logits."""
        import keras
        from keras import layers

        weights = self.tiny[name]
        conv = {"padding": "same", "activation": "relu"}
        pooled = {
            "gap": [layers.GlobalAveragePooling2D()],
            "flatten": [layers.MaxPool2D(2), layers.Flatten()],
        }
        model = keras.Sequential(
            [
                keras.Input((SIZE, SIZE, 3)),
                layers.Rescaling(1 / 256),
                layers.Conv2D(8, 3, name="conv1", **conv),
                layers.MaxPool2D(2),
                layers.Conv2D(16, 3, name="conv2", **conv),
                layers.MaxPool2D(2),
                layers.Conv2D(16, 3, name="conv3", **conv),
                *pooled[name],
                layers.Dense(6, name="dense"),
            ]
        )
        for layer in ("conv1", "conv2", "conv3", "dense"):
            kernel = weights[f"{layer}_kernel"]
            if layer == "conv1":  # the gray is in the first channel; the others add nothing
                kernel = np.concatenate([kernel, 0 * kernel, 0 * kernel], axis=2)
            model.get_layer(layer).set_weights([kernel, weights[f"{layer}_bias"]])
        return model


@pytest.fixture(scope="session")
def golden(shared):
    return Golden(shared / "golden" / "explainers")


@pytest.fixture(scope="session", params=["gap", "flatten"])
def kind(request):
    """Which of the two golden networks."""
    return request.param


@pytest.fixture(scope="session")
def differentiable(golden, kind):
    from humanlike.explainers.differentiable import Differentiable

    return Differentiable(golden.models[kind])
