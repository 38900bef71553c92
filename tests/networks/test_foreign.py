"""Other people's networks in the form of the project's own, against their own libraries."""

import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np
import openvino
import pytest
import tensorflow as tf
from keras import layers

from humanlike import processor
from humanlike.errors import HumanlikeError
from humanlike.explainers import runtimes
from humanlike.explainers.quantization import Trial
from humanlike.networks import files, safety
from humanlike.networks.foreign import open_model

DATA = Path(__file__).parent / "data"
SIZE, CLASSES = 12, 4
FACES = np.random.RandomState(0).randint(0, 256, (3, SIZE, SIZE)).astype(np.uint8)
ORDER = [2, 0, 3, 1]


def dense(channels: int, activation: str | None) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, channels)),
            layers.Conv2D(5, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(CLASSES, activation=activation),
        ]
    )


def pooled(channels: int, activation: str | None) -> keras.Model:
    image = keras.Input((SIZE, SIZE, channels))
    maps = layers.Conv2D(CLASSES, 3)(layers.BatchNormalization()(image))
    row = layers.GlobalAveragePooling2D()(maps)
    return keras.Model(image, layers.Activation(activation or "linear")(row))


def nested(channels: int, activation: str | None) -> keras.Model:
    """A network within a network, and an output that no layer with weights ends in."""
    inner = keras.Sequential([keras.Input((SIZE, SIZE, channels)), layers.Conv2D(3, 3)])
    image = keras.Input((SIZE, SIZE, channels))
    a = layers.GlobalAveragePooling2D()(inner(image))
    b = layers.GlobalMaxPooling2D()(inner(image))
    both = layers.Add()([layers.Dense(CLASSES)(a), layers.Dense(CLASSES)(b)])
    return keras.Model(image, layers.Activation(activation or "linear")(both))


@pytest.fixture(params=[dense, pooled, nested])
def architecture(request: pytest.FixtureRequest) -> Callable[..., keras.Model]:
    keras.utils.set_random_seed(0)
    return request.param


@pytest.mark.parametrize(
    ("channels", "activation", "suffix"),
    [(1, "softmax", ".keras"), (3, None, ".keras"), (1, None, ".h5"), (3, "softmax", ".h5")],
)
def test_keras_files_give_what_their_networks_give(
    architecture, channels: int, activation: str | None, suffix: str, tmp_path: Path
) -> None:
    model = architecture(channels, activation)
    model.compile("adam", "mse")  # how it was trained is in the file too
    path, taken = tmp_path / f"model{suffix}", tmp_path / "fold0.keras"
    model.save(path)
    mean, spread = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    if channels == 1:
        mean, spread = np.array([0.449]), np.array([0.226])
    scaled = ((FACES[..., None] / 255 - mean) / spread).astype(np.float32)
    expected = keras.ops.convert_to_numpy(model(scaled))
    opened = open_model(path)
    assert (opened.size, opened.channels, opened.outputs) == (SIZE, channels, CLASSES)
    np.testing.assert_allclose(opened.predict(FACES, "imagenet"), expected, atol=1e-5)

    opened.save(taken, "imagenet", ORDER, logits=activation is None)
    if activation is None:
        expected = keras.ops.convert_to_numpy(keras.ops.softmax(expected))
    rgb = np.repeat(FACES[..., None], 3, axis=-1).astype(np.float32)
    loaded = files.load(taken)
    np.testing.assert_allclose(loaded(rgb), expected[:, ORDER], atol=1e-5)
    # Explainers look for convolutions among a network's own layers.
    assert any(isinstance(layer, layers.Conv2D) and layer.name != "gray" for layer in loaded.layers)
    assert not any(isinstance(layer, keras.Model) for layer in loaded.layers)


def everything_shown(path: Path, runtime: str = "openvino") -> np.ndarray:
    predictor = runtimes.load(path, runtime, "float32")
    segments = np.tile(np.arange(predictor.size) * 4 // predictor.size, (predictor.size, 1))
    faces = np.random.RandomState(0).randint(0, 256, (3, predictor.size, predictor.size))
    return predictor.probabilities(
        faces.astype(np.uint8),
        np.repeat(segments[None], 3, axis=0).astype(np.uint8),
        np.ones((3, 1, 4), np.uint8),
    )[:, 0]


def softmax(rows: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(keras.ops.softmax(rows))


def test_onnx_gives_what_pytorch_gave(tmp_path: Path) -> None:
    computed = np.load(DATA / "computed.npz")["pytorch"]
    opened = open_model(DATA / "pytorch.onnx")
    assert (opened.size, opened.channels, opened.outputs) == (64, 3, 8)
    faces = np.random.RandomState(0).randint(0, 256, (3, 64, 64)).astype(np.uint8)
    np.testing.assert_allclose(opened.predict(faces, "imagenet"), computed, atol=1e-3, rtol=1e-3)

    taken, order = tmp_path / "fold0.keras", [7, 6, 5, 4, 3, 2, 1, 0]
    opened.save(taken, "imagenet", order, logits=True)
    found = everything_shown(taken)
    np.testing.assert_allclose(found, softmax(computed)[:, ::-1], atol=1e-4)
    again = tmp_path / "again.keras"
    opened.save(again, "imagenet", order, logits=True)
    assert again.read_bytes() == taken.read_bytes()


def test_a_graph_binds_no_thread_to_a_core() -> None:
    """Every process would take the first core, and the next one's runtime would share it."""
    open_model(DATA / "pytorch.onnx").predict(np.zeros((1, 64, 64), np.uint8), "imagenet")
    bound = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):  # a thread that has just ended
            bound.add(frozenset(os.sched_getaffinity(int(task.name))))
    assert bound == {frozenset(os.sched_getaffinity(0))}


def test_hidden_superpixels_of_a_graph_are_black(tmp_path: Path) -> None:
    opened = open_model(DATA / "pytorch.onnx")
    opened.save(tmp_path / "fold0.keras", "imagenet", list(range(8)), logits=True)
    predictor = runtimes.load(tmp_path / "fold0.keras", "openvino", "float32")
    face = np.random.RandomState(0).randint(0, 256, (1, 64, 64)).astype(np.uint8)
    segments = np.zeros((1, 64, 64), np.uint8)
    segments[:, 20:40, 10:50] = 1
    samples = np.random.RandomState(1).randint(0, 2, (1, 40, 2)).astype(np.uint8)
    found = predictor.probabilities(face, segments, samples)[0]
    for sample, row in zip(samples[0], found, strict=True):
        perturbed = face * np.where(segments == 1, sample[1], sample[0]).astype(np.uint8)
        alone = opened.predict(perturbed, "imagenet")
        np.testing.assert_allclose(row, softmax(alone)[0], atol=1e-4)


def test_a_graph_computes_in_integers_too(tmp_path: Path) -> None:
    offered = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if "INT8" not in offered:
        pytest.skip("OpenVINO does not compute in integers on this processor")
    open_model(DATA / "pytorch.onnx").save(
        tmp_path / "fold0.keras", "imagenet", list(range(8)), logits=True
    )
    random = np.random.RandomState(0)
    faces = random.randint(0, 256, (2, 64, 64)).astype(np.uint8)
    trial = Trial.of(random.randint(0, 256, (2, 64, 64)).astype(np.uint8))
    segments = np.tile(np.arange(64, dtype=np.uint8) // 8, (2, 64, 1))
    samples = random.randint(0, 2, (2, 40, 8)).astype(np.uint8)
    exact, mixed, found = (
        runtimes.load(tmp_path / "fold0.keras", "openvino", name, trial=trial).probabilities(
            faces, segments, samples
        )
        for name in ("float32", "mixed", "int8")
    )
    # Without VNNI weights have half as many levels, and round twice as far.
    coarser = 1 if processor.has_vnni() else 2
    apart = np.abs(found - exact)
    assert 1e-5 < apart.max() < 0.05 * coarser
    assert apart.mean() < 0.005 * coarser
    assert 1e-5 < np.abs(mixed - exact).mean() < apart.mean()  # the last layer rounds no more


def test_a_graph_that_fails_in_integers_says_so(tmp_path: Path, monkeypatch) -> None:
    taken = tmp_path / "fold0.keras"
    open_model(DATA / "pytorch.onnx").save(taken, "0..1", list(range(8)), logits=True)

    def fail(*_: object) -> None:
        raise RuntimeError("no such shape")

    monkeypatch.setattr(openvino.Core, "get_property", lambda *_: ["INT8"])
    monkeypatch.setattr(runtimes, "in_integers", lambda graph, batches: graph)
    monkeypatch.setattr(openvino.Core, "compile_model", fail)
    with pytest.raises(HumanlikeError, match=r"^explain\.precision: .* \(no such shape\)$"):
        runtimes.load(taken, "openvino", "int8")


def test_a_graph_gives_no_gradients_and_needs_openvino(tmp_path: Path) -> None:
    taken = tmp_path / "fold0.keras"
    open_model(DATA / "pytorch.onnx").save(taken, "0..1", list(range(8)), logits=True)
    with pytest.raises(HumanlikeError, match="without gradients"):
        files.load(taken)
    with pytest.raises(HumanlikeError, match=r"explain\.runtime: openvino"):
        runtimes.load(taken, "tensorflow", "float32")


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    keras.utils.set_random_seed(0)
    model = dense(3, "softmax")
    path = tmp_path_factory.mktemp("saved") / "model"
    model.export(path, verbose=False)
    rgb = np.repeat(FACES[..., None], 3, axis=-1) / np.float32(127.5) - 1
    return path, keras.ops.convert_to_numpy(model(rgb))


def test_a_saved_model_gives_what_its_network_gives(saved_model, tmp_path: Path) -> None:
    path, expected = saved_model
    for named in (path, path / "saved_model.pb"):
        opened = open_model(named)
        np.testing.assert_allclose(opened.predict(FACES, "-1..1"), expected, atol=1e-5)
    opened.save(tmp_path / "fold0.keras", "-1..1", ORDER, logits=False)
    np.testing.assert_allclose(
        everything_shown(tmp_path / "fold0.keras"), expected[:, ORDER], atol=1e-5
    )


@pytest.mark.parametrize("kind", ["python", "file"])
def test_a_saved_model_that_runs_code_is_refused(kind: str, tmp_path: Path) -> None:
    ran = tmp_path / "ran"

    class Evil(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, SIZE, SIZE, 3))])
        def serve(self, x):
            if kind == "python":
                tf.py_function(lambda: ran.touch(), [], [])
            else:
                tf.io.write_file(str(ran), "x")
            return tf.reduce_mean(x, axis=(1, 2))

    evil = Evil()
    tf.saved_model.save(evil, str(tmp_path / "evil"), signatures=evil.serve)
    with pytest.raises(HumanlikeError, match="runs code or touches files"):
        open_model(tmp_path / "evil")
    assert not ran.exists()


def test_a_saved_model_that_is_damaged(saved_model, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(saved_model[0], broken)
    (broken / "variables/variables.index").unlink()
    with pytest.raises(HumanlikeError):
        open_model(broken)
    (broken / "saved_model.pb").write_bytes(b"\xff\x00nonsense")
    with pytest.raises(HumanlikeError, match="SavedModel"):
        open_model(broken)


@pytest.fixture
def keras_file(tmp_path: Path) -> Path:
    dense(1, None).save(tmp_path / "model.keras")
    return tmp_path / "model.keras"


def rewritten(path: Path, change: Callable[[list], None]) -> Path:
    """The same archive with another description."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    change(config["config"]["layers"])
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def inserted(**layer: object) -> Callable[[list], None]:
    return lambda layers: layers.insert(1, {"registered_name": None, **layer})


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (
            {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "l"}},
            "a Lambda, and a Lambda layer holds Python code; no code from a file runs",
        ),
        (
            {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "/x"}},
            "it loads another file",
        ),
        (
            {"module": "my.code", "class_name": "Attention", "config": {}},
            "an Attention, which is not Keras' own",
        ),
        (
            {"module": None, "class_name": "Swish", "config": {}, "registered_name": "My>Swish"},
            "a Swish, which is not Keras' own",
        ),
        (
            {"module": "keras.utils", "class_name": "function", "config": "get_file"},
            "names the function 'get_file'",
        ),
        (
            {"module": "builtins", "class_name": "function", "config": "eval"},
            "names the function 'eval'",
        ),
        ({"module": "os", "class_name": "system", "config": "x"}, "a system, which is not Keras'"),
    ],
)
def test_keras_files_that_hold_or_name_code_are_refused(keras_file, layer: dict, said: str) -> None:
    with pytest.raises(HumanlikeError) as caught:
        open_model(rewritten(keras_file, inserted(**layer)))
    assert said in str(caught.value) and str(keras_file) in str(caught.value)


def test_a_real_lambda_never_runs(tmp_path: Path) -> None:
    for suffix in (".keras", ".h5"):
        path = tmp_path / f"model{suffix}"
        image = keras.Input((SIZE, SIZE, 1))
        row = layers.Flatten()(layers.Lambda(lambda x: x + 1, output_shape=(SIZE, SIZE, 1))(image))
        keras.Model(image, row).save(path)
        with pytest.raises(HumanlikeError, match="Lambda layer holds Python code"):
            open_model(path)


def test_pickles_are_refused(tmp_path: Path) -> None:
    for protocol in (0, 2, 5):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps({"a": 1}, protocol=protocol))
        with pytest.raises(HumanlikeError, match=r"is a pickle, .* export the network to ONNX"):
            open_model(tmp_path / "a.pkl")
    (tmp_path / "renamed.onnx").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(HumanlikeError, match="is a pickle"):
        open_model(tmp_path / "renamed.onnx")
    with zipfile.ZipFile(tmp_path / "model.pth", "w") as archive:  # PyTorch's since 1.6
        archive.writestr("model/data.pkl", pickle.dumps(1))
    with pytest.raises(HumanlikeError, match=r"torch\.onnx\.export"):
        open_model(tmp_path / "model.pth")


def test_what_unpacks_to_too_much_is_refused(keras_file, monkeypatch) -> None:
    monkeypatch.setattr(safety, "MOST_BYTES", 1000)
    with pytest.raises(HumanlikeError, match="more than a network's file should"):
        open_model(keras_file)


@pytest.mark.parametrize("length", [0, 3, 100, 3000])
@pytest.mark.parametrize("source", ["keras", "onnx"])
def test_files_that_are_cut_short(keras_file, source: str, length: int, tmp_path: Path) -> None:
    whole = keras_file if source == "keras" else DATA / "pytorch.onnx"
    path = tmp_path / f"cut.{source}"
    path.write_bytes(whole.read_bytes()[:length])
    with pytest.raises(HumanlikeError) as caught:
        open_model(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "size", "said"),
    [
        ((10, 12, 1), None, "10 × 12 pixels"),
        ((12, 12, 2), None, "no picture of 1 or 3 channels"),
        ((None, None, 1), None, "with --size"),
        ((12, 12, 1), 14, "12 pixels a side, not 14"),
        ((12,), None, "no picture of"),
    ],
)
def test_inputs_that_are_no_square_picture(shape, size, said: str, tmp_path: Path) -> None:
    image = keras.Input(shape)
    row = layers.GlobalAveragePooling2D()(image) if len(shape) == 3 else image
    keras.Model(image, layers.Dense(3)(row)).save(tmp_path / "model.keras")
    with pytest.raises(HumanlikeError, match=said):
        open_model(tmp_path / "model.keras", size)


def test_a_network_that_takes_any_size(tmp_path: Path) -> None:
    image = keras.Input((None, None, 1))
    model = keras.Model(image, layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(image)))
    model.save(tmp_path / "model.keras")
    opened = open_model(tmp_path / "model.keras", SIZE)
    expected = model(FACES[..., None].astype(np.float32))
    np.testing.assert_allclose(opened.predict(FACES, "0..255"), expected, rtol=1e-4)


def test_what_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff")
    for path, said in (
        (tmp_path / "none.keras", "cannot be read"),
        (tmp_path / "a.jpg", "is neither"),
        (tmp_path, "no SavedModel"),
    ):
        with pytest.raises(HumanlikeError, match=said):
            open_model(path)


def test_a_network_that_scales_by_itself(tmp_path: Path) -> None:
    image = keras.Input((SIZE, SIZE, 3))
    row = layers.Flatten()(layers.Rescaling(1 / 255)(image))
    keras.Model(image, layers.Dense(3)(row)).save(tmp_path / "model.keras")
    assert open_model(tmp_path / "model.keras").scales_itself
    dense(3, None).save(tmp_path / "other.keras")
    assert not open_model(tmp_path / "other.keras").scales_itself
