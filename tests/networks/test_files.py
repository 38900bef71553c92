import zipfile

import keras
import numpy as np
import pytest

from humanlike.errors import HumanlikeError
from humanlike.networks.builder import build
from humanlike.networks.files import load, save
from humanlike.networks.safety import check_keras


@pytest.mark.parametrize(
    ("key", "input_scaling"),
    [("weinet", "paper"), ("vgg16", "native"), ("mobilenetv3", "paper")],
)
def test_what_is_saved_is_loaded(key, input_scaling, tmp_path):
    model = build(key, input_scaling=input_scaling)
    save(model, tmp_path / "fold0.keras")
    loaded = load(tmp_path / "fold0.keras")
    size = model.input_shape[1]
    image = np.random.default_rng(0).uniform(0, 255, (1, size, size, 3)).astype(np.float32)
    np.testing.assert_array_equal(loaded(image).numpy(), model(image).numpy())
    assert loaded.count_params() == model.count_params()
    assert [file.name for file in tmp_path.iterdir()] == ["fold0.keras"]


def test_same_network_same_bytes(tmp_path):
    for name in ("first.keras", "second.keras"):
        save(build("weinet", seed=4), tmp_path / name)
    assert (tmp_path / "first.keras").read_bytes() == (tmp_path / "second.keras").read_bytes()


def test_the_optimiser_is_left_out(tmp_path):
    model = build("weinet")
    save(model, tmp_path / "fresh.keras")
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(np.zeros((2, 64, 64, 3), np.float32), np.array([0, 1]), verbose=0)
    save(model, tmp_path / "trained.keras")
    sizes = {(tmp_path / name).stat().st_size for name in ("fresh.keras", "trained.keras")}
    assert len(sizes) == 1


def test_missing_file_is_one_line(tmp_path):
    with pytest.raises(HumanlikeError, match=r"fold0\.keras is not a network"):
        load(tmp_path / "fold0.keras")


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_file_cut_short_is_one_line(share, tmp_path):
    file = tmp_path / "fold0.keras"
    save(build("weinet"), file)
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(HumanlikeError, match="train that network again"):
        load(file)


@pytest.mark.parametrize(
    ("local", "central", "value"), [(6, 8, 1), (8, 10, 99)], ids=["encrypted", "compression"]
)
def test_an_archive_that_python_cannot_unpack_is_one_line(tmp_path, local, central, value):
    path = tmp_path / "fold0.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    packed = bytearray(path.read_bytes())
    # The flags and the way of compression, in the file's own header and in the list of files.
    packed[local] = packed[packed.index(b"PK\x01\x02") + central] = value
    path.write_bytes(packed)
    with pytest.raises(HumanlikeError, match="cannot be read"):
        check_keras(path)


def test_damaged_weights_are_one_line(tmp_path):
    file, damaged = tmp_path / "fold0.keras", tmp_path / "damaged.keras"
    save(build("weinet"), file)
    with zipfile.ZipFile(file) as whole, zipfile.ZipFile(damaged, "w") as archive:
        for name in whole.namelist():
            content = whole.read(name)
            archive.writestr(name, content[:2000] if name.endswith(".h5") else content)
    with pytest.raises(HumanlikeError, match="train that network again"):
        load(damaged)


def test_code_in_a_file_is_not_run(tmp_path):
    image = keras.Input((4, 4, 3))
    model = keras.Model(image, keras.layers.Lambda(lambda pixels: pixels * 2)(image))
    model.save(tmp_path / "lambda.keras")
    with pytest.raises(HumanlikeError, match="lambda"):
        load(tmp_path / "lambda.keras")
