"""Files of Keras 1 and 2: what those versions computed, and what is refused."""

import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from humanlike.errors import HumanlikeError
from humanlike.networks.legacy import load_hdf5

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("legacy")
    with zipfile.ZipFile(DATA / "legacy.zip") as archive:
        archive.extractall(folder)
    return folder


def inputs(name: str) -> np.ndarray:
    if name == "mini_XCEPTION":
        return np.random.RandomState(0).uniform(-1, 1, (2, 64, 64, 1)).astype(np.float32)
    return np.load(DATA / "computed.npz")[f"{name}_x"]


@pytest.mark.parametrize("file", ["keras1.h5", "keras1_theano.h5", "mini_XCEPTION.hdf5"])
def test_networks_compute_what_the_version_that_wrote_them_computed(files: Path, file: str) -> None:
    name = Path(file).stem
    model = load_hdf5(files / file)
    computed = np.load(DATA / "computed.npz")[name]
    assert np.ptp(computed, axis=0).max() > 1e-3  # not a constant
    np.testing.assert_allclose(model(inputs(name)), computed, atol=1e-6)


@pytest.fixture
def written(files: Path, tmp_path: Path) -> Path:
    path = tmp_path / "network.h5"
    path.write_bytes((files / "keras1_theano.h5").read_bytes())
    return path


def edit(path: Path, change) -> None:
    """Change the description of a file's network."""
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        change(config["config"])
        file.attrs["model_config"] = json.dumps(config)


def lambda_layer(layers: list) -> None:
    layers.insert(1, {"class_name": "Lambda", "config": {"name": "l", "function": ["4wEA", None]}})


def custom_layer(layers: list) -> None:
    layers.insert(1, {"class_name": "Spatial", "config": {"name": "s"}})


def custom_activation(layers: list) -> None:
    layers[0]["config"]["activation"] = "my_swish"


def other_mode(layers: list) -> None:
    layers[2]["config"]["mode"] = 2


def larger_layer(layers: list) -> None:
    layers[-1]["config"]["output_dim"] = 9


def no_shape(layers: list) -> None:
    del layers[0]["config"]["batch_input_shape"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda_layer, "Lambda layer holds Python code"),
        (custom_layer, "the layer Spatial"),
        (custom_activation, "'my_swish'"),
        (other_mode, "mode = 2"),
        (larger_layer, "those of another layer"),
        (no_shape, "shape of its input"),
    ],
)
def test_descriptions_that_are_refused(written: Path, change, said: str) -> None:
    edit(written, change)
    with pytest.raises(HumanlikeError, match=said) as caught:
        load_hdf5(written)
    assert str(written) in str(caught.value)


@pytest.mark.parametrize("link", [h5py.SoftLink("/elsewhere"), h5py.ExternalLink("/etc/x", "/")])
def test_links_are_not_followed(written: Path, link) -> None:
    with h5py.File(written, "r+") as file:
        file["model_weights"]["more"] = link
    with pytest.raises(HumanlikeError, match="'more' is a link"):
        load_hdf5(written)


def test_numbers_in_another_file_are_not_read(written: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(64))
    with h5py.File(written, "r+") as file:
        outside = [(str(tmp_path / "secret"), 0, 64)]
        file.create_dataset("more", (16,), np.float32, external=outside)
    with pytest.raises(HumanlikeError, match="lies in another file"):
        load_hdf5(written)


def test_what_unpacks_to_too_much_is_not_read(written: Path) -> None:
    with h5py.File(written, "r+") as file:
        file.create_dataset("bomb", (2**31,), np.float32, chunks=(2**20,), compression="gzip")
    with pytest.raises(HumanlikeError, match=r"unpacks to 8\.0 GiB"):
        load_hdf5(written)


def test_weights_alone_are_no_network(written: Path) -> None:
    with h5py.File(written, "r+") as file:
        del file.attrs["model_config"]
        file.attrs["layer_names"] = [b"a"]
    with pytest.raises(HumanlikeError, match=r"model\.save"):
        load_hdf5(written)


@pytest.mark.parametrize("length", [9, 600, 9000, 20000])
def test_files_that_are_cut_short(written: Path, length: int) -> None:
    written.write_bytes(written.read_bytes()[:length])
    with pytest.raises(HumanlikeError, match="damaged or cut short"):
        load_hdf5(written)


def test_nonsense_in_the_description(written: Path) -> None:
    for text in ("", "{", "[]", "null", '{"class_name": "Sequential", "config": {}}', "3"):
        with h5py.File(written, "r+") as file:
            file.attrs["model_config"] = text
        with pytest.raises(HumanlikeError):
            load_hdf5(written)
