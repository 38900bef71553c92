from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from humanlike.errors import HumanlikeError
from humanlike.networks import NETWORKS
from humanlike.networks.applications import APPLICATIONS
from humanlike.networks.builder import build
from humanlike.networks.scratch import ARCHITECTURES

#: Modules of Keras whose `preprocess_input` says what each network's ImageNet weights expect.
PREPROCESSING = {
    "inceptionv3": keras.applications.inception_v3,
    "vgg19": keras.applications.vgg19,
    "vgg16": keras.applications.vgg16,
    "resnet50": keras.applications.resnet50,
    "resnet101v2": keras.applications.resnet_v2,
    "xception": keras.applications.xception,
    "mobilenetv3": keras.applications.mobilenet_v3,
    "efficientnetv2": keras.applications.efficientnet_v2,
}


@pytest.fixture
def photograph() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (1, 224, 224, 3)).astype(np.float32)


def scaled(key: str, input_scaling: str, image: np.ndarray) -> np.ndarray:
    """What the network's own first layers get, after the scaling put before them."""
    tensor = keras.Input(image.shape[1:])
    if input_scaling == "native":
        return keras.Model(tensor, APPLICATIONS[key].native_scaling(tensor))(image).numpy()
    model = build(key)
    return model.get_layer(index=1)(image).numpy()


@pytest.mark.parametrize("key", NETWORKS)
def test_parameter_counts_are_the_published_ones(key):
    model = build(key)
    network = NETWORKS[key]
    assert model.count_params() == network.parameters
    assert model.input_shape == (None, network.input_size, network.input_size, 3)
    assert model.output_shape == (None, 6)
    assert model.name == key


def test_every_network_has_one_recipe():
    assert {*ARCHITECTURES, *APPLICATIONS} == set(NETWORKS)
    assert set(APPLICATIONS) == {key for key, network in NETWORKS.items() if network.pretrained}


@pytest.mark.parametrize("classes", [2, 8])
def test_other_numbers_of_classes_change_the_last_layer_alone(classes):
    # weinet's last layer sees 64 × 64 × 64 features and a bias.
    assert NETWORKS["weinet"].parameters - build("weinet", classes).count_params() == (
        6 - classes
    ) * (64**3 + 1)
    assert build("mobilenetv3", classes).output_shape == (None, classes)


@pytest.mark.parametrize("key", ["weinet", "mobilenetv3"])
def test_output_is_a_distribution(key):
    size = NETWORKS[key].input_size
    image = np.random.default_rng(0).uniform(0, 255, (2, size, size, 3)).astype(np.float32)
    probabilities = build(key, 7)(image).numpy()
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("key", APPLICATIONS)
def test_native_scaling_is_what_keras_prescribes(key, photograph):
    expected = PREPROCESSING[key].preprocess_input(photograph.copy())
    np.testing.assert_allclose(scaled(key, "native", photograph), expected, atol=1e-4)


@pytest.mark.parametrize("key", ["vgg16", "mobilenetv3"])
def test_paper_scaling_divides_by_255(key, photograph):
    np.testing.assert_allclose(scaled(key, "paper", photograph), photograph / 255, atol=1e-6)


def test_scalings_of_the_small_networks():
    image = np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
    for input_scaling, expected in (
        ("paper", image / 255),
        ("native", image / 127.5 - 1),
        ("wide", image / 31.875 - 4),
    ):
        scaling = build("weinet", input_scaling=input_scaling).get_layer(index=1)
        np.testing.assert_allclose(scaling(image).numpy(), expected, atol=1e-5)


def test_seed_fixes_weights_and_names():
    first, again, other = (build("songnet", seed=seed) for seed in (1, 1, 2))
    for one, two in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert [layer.name for layer in first.layers] == [layer.name for layer in again.layers]
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


def test_silnet_alone_starts_from_glorot_normal():
    for key, table in ARCHITECTURES.items():
        starts = {
            type(layer.kernel_initializer).__name__
            for layer in table(6)
            if hasattr(layer, "kernel_initializer")
        }
        assert starts == {"GlorotNormal" if key == "silnet" else "GlorotUniform"}


@pytest.fixture(scope="module")
def pretrained() -> keras.Model:
    """An application as Keras makes it, its weights unlike any fresh network's."""
    keras.utils.set_random_seed(99)
    return keras.applications.MobileNetV3Large(
        include_top=False, weights=None, pooling="avg", input_shape=(224, 224, 3)
    )


def write_old_format(model: keras.Model, file: Path) -> None:
    """Write weights in the older HDF5 layout of Keras' published ImageNet weights."""
    with h5py.File(file, "w") as archive:
        archive.attrs["layer_names"] = [layer.name for layer in model.layers]
        for layer in model.layers:
            weights = [*layer.trainable_weights, *layer.non_trainable_weights]
            group = archive.create_group(layer.name)
            group.attrs["weight_names"] = [str(number) for number in range(len(weights))]
            for number, weight in enumerate(weights):
                group[str(number)] = weight.numpy()


@pytest.mark.parametrize("input_scaling", ["paper", "native"])
def test_weights_come_from_a_local_file(pretrained, input_scaling, tmp_path, photograph):
    pretrained.save_weights(tmp_path / "mobilenetv3.weights.h5")
    model = build("mobilenetv3", weights=str(tmp_path), input_scaling=input_scaling)
    for expected, loaded in zip(pretrained.get_weights(), model.get_weights()[:-2], strict=True):
        np.testing.assert_array_equal(expected, loaded)
    image = photograph if input_scaling == "native" else photograph / 255
    features = keras.Model(model.inputs, model.layers[-2].output)(photograph).numpy()
    np.testing.assert_allclose(features, pretrained(image).numpy(), atol=1e-4)


def test_weights_come_from_a_file_named_as_keras_names_it(pretrained, tmp_path):
    write_old_format(pretrained, tmp_path / APPLICATIONS["mobilenetv3"].weights_file)
    model = build("mobilenetv3", weights=str(tmp_path))
    for expected, loaded in zip(pretrained.get_weights(), model.get_weights()[:-2], strict=True):
        np.testing.assert_array_equal(expected, loaded)


def test_networks_without_pretrained_weights_ignore_the_setting(tmp_path):
    fresh, ignored = build("weinet"), build("weinet", weights=str(tmp_path))
    np.testing.assert_array_equal(fresh.get_weights()[0], ignored.get_weights()[0])


def test_folder_without_weights_is_one_line(tmp_path):
    with pytest.raises(HumanlikeError, match=r"vgg16\.weights\.h5 or vgg16_weights_tf_dim"):
        build("vgg16", weights=str(tmp_path))


def test_weights_of_another_network_are_one_line(pretrained, tmp_path):
    pretrained.save_weights(tmp_path / "vgg16.weights.h5")
    with pytest.raises(HumanlikeError, match="does not hold the weights of vgg16"):
        build("vgg16", weights=str(tmp_path))


def test_failed_download_names_both_ways_out(monkeypatch, tmp_path):
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))

    def closed(*_args, **_options):
        raise OSError("Network is unreachable")

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", closed)
    with pytest.raises(HumanlikeError) as refusal:
        build("mobilenetv3", weights="imagenet")
    message = str(refusal.value)
    assert "train.weights to none" in message
    assert APPLICATIONS["mobilenetv3"].weights_file in message
    assert "\n" not in message
