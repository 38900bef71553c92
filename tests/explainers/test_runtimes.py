import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from humanlike import processor
from humanlike.errors import HumanlikeError
from humanlike.explainers import runtimes
from humanlike.explainers.quantization import NotInIntegersError, Trial, samples_of
from humanlike.explainers.runtimes import OpenVINO, prepare
from humanlike.explainers.sampling import paired
from humanlike.explainers.superpixels import superpixels
from humanlike.networks.builder import build
from humanlike.networks.inputs import network_images


@pytest.fixture(scope="module")
def segments(images):
    return np.stack([superpixels(image, 12, 20) for image in images])


@pytest.fixture(scope="module")
def samples(segments):
    return np.random.default_rng(1).integers(0, 2, (3, 60, segments.max() + 1), dtype=np.uint8)


@pytest.fixture(scope="module")
def expected(network, images, segments, samples):
    """Probabilities of perturbed images made pixel by pixel, as one would by hand."""
    perturbed = []
    for image, labels, rows in zip(images, segments, samples, strict=True):
        for row in rows:
            hidden = np.isin(labels, np.flatnonzero(row == 0))
            perturbed.append(np.where(hidden, 0, image))
    rgb = np.repeat(np.array(perturbed, np.float32)[..., None], 3, axis=-1)
    return network.predict_on_batch(rgb).reshape(3, 60, 4)


@pytest.fixture(params=["tensorflow", "openvino"])
def runtime(request):
    pytest.importorskip(request.param)
    return request.param


@pytest.mark.parametrize("prefix", ["with prefix", "whole"])
@pytest.mark.parametrize("batch_size", [7, 64])
def test_hides_superpixels(
    network, images, segments, samples, expected, runtime, batch_size, prefix, monkeypatch
):
    if prefix == "whole":
        monkeypatch.setattr(runtimes, "find_prefix", lambda model: None)
    else:
        monkeypatch.delattr(runtimes.Network, "_whole")
    predictor = prepare(network, runtime, batch_size=batch_size)
    assert (predictor.size, predictor.classes) == (64, 4)
    found = predictor.probabilities(images, segments, samples)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.ptp(expected, axis=1).min() > 0.01, "the network must notice what is hidden"


def test_a_face_gets_the_same_bytes_in_any_company(network, images, segments, samples, runtime):
    predictor = prepare(network, runtime, batch_size=8)
    together = predictor.probabilities(images, segments, samples)
    alone = [
        predictor.probabilities(images[[face]], segments[[face]], samples[[face]])
        for face in range(3)
    ]
    np.testing.assert_array_equal(together, np.concatenate(alone))


def test_faces_of_many_colours_go_through_whole(network, images, samples, runtime):
    """Superpixels of one pixel's width: their colours make more pictures than there are samples."""
    segments = np.broadcast_to(np.arange(64, dtype=np.uint8) % 60, (3, 64, 64))
    samples = np.random.default_rng(2).integers(0, 2, (3, 60, 60), dtype=np.uint8)
    shown = np.take_along_axis(samples, np.arange(64)[None, None] % 60, axis=2)[:, :, None]
    rgb = np.repeat((images[:, None] * shown)[..., None], 3, -1).reshape(-1, 64, 64, 3)
    expected = network.predict_on_batch(rgb.astype(np.float32)).reshape(3, 60, 4)
    found = prepare(network, runtime).probabilities(images, segments, samples)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_no_faces_give_no_probabilities(network, images, segments, samples, runtime):
    found = prepare(network, runtime).probabilities(images[:0], segments[:0], samples[:0])
    assert found.shape == (0, 60, 4)


def test_tensorflow_offers_float32_alone(network):
    with pytest.raises(HumanlikeError, match=r"^explain\.precision: bfloat16 .* float32"):
        prepare(network, "tensorflow", "bfloat16")


def test_a_precision_that_the_processor_lacks_is_refused(network, monkeypatch):
    openvino = pytest.importorskip("openvino")
    monkeypatch.setattr(openvino.Core, "get_property", lambda *_: ["FP32"])
    with pytest.raises(HumanlikeError, match=r"^explain\.precision: .* bfloat16; set"):
        prepare(network, "openvino", "bfloat16")


@pytest.mark.parametrize(
    ("offered", "own", "expected"),
    [
        (["FP32", "BF16", "INT8"], True, ["float32", "bfloat16", "mixed", "int8"]),
        (["FP32", "BF16", "INT8"], False, ["float32"]),  # emulated
        (["FP32", "BF16"], True, ["float32", "bfloat16"]),
        (["FP32"], True, ["float32"]),
    ],
)
def test_a_precision_counts_where_the_processor_and_openvino_have_it(
    offered, own, expected, monkeypatch
):
    openvino = pytest.importorskip("openvino")
    monkeypatch.setattr(openvino.Core, "get_property", lambda *_: offered)
    monkeypatch.setattr(processor, "has_bfloat16", lambda: own)
    monkeypatch.setattr(processor, "has_int8", lambda: own)
    assert OpenVINO.precisions() == expected


def test_bfloat16_is_near_float32(network, images, segments, samples, expected):
    openvino = pytest.importorskip("openvino")
    if "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("this processor does not compute in bfloat16")
    found = prepare(network, "openvino", "bfloat16").probabilities(images, segments, samples)
    np.testing.assert_allclose(found, expected, atol=0.03)


def in_integers(network, images, name="int8"):
    """The network in integers, fitted to other faces than these."""
    openvino = pytest.importorskip("openvino")
    if "INT8" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("OpenVINO does not compute in integers on this processor")
    return prepare(network, "openvino", name, trial=Trial.of(images[:, ::-1]))


@pytest.fixture
def fitted(monkeypatch):
    """The graphs that are fitted to integers, as they come."""
    pytest.importorskip("openvino")
    graphs, fit = [], runtimes.in_integers

    def keep(*asked, **options):
        graphs.append(fit(*asked, **options))
        return graphs[-1]

    monkeypatch.setattr(runtimes, "in_integers", keep)
    return graphs


def whole_numbers(graph):
    """The weights of a graph that are integers of eight bits."""
    from openvino import Type

    return [
        node.data.astype(int)
        for node in graph.get_ops()
        if node.get_type_name() == "Constant" and node.get_element_type() == Type.i8
    ]


@pytest.mark.parametrize("prefix", ["with prefix", "whole"])
def test_integers_are_near_float32(
    network, images, segments, samples, expected, prefix, monkeypatch
):
    if prefix == "whole":
        monkeypatch.setattr(runtimes, "find_prefix", lambda model: None)
    else:
        monkeypatch.delattr(runtimes.Network, "_whole")
    predictor = in_integers(network, images)
    found = predictor.probabilities(images, segments, samples)
    apart = np.abs(found - expected)
    assert 1e-4 < apart.mean() < 0.01  # more than float32's rounding, so integers they are
    assert apart.max() < 0.05
    # The same in other company, and from a network that is fitted again.
    again = in_integers(network, images)
    np.testing.assert_array_equal(
        again.probabilities(images[1:], segments[1:], samples[1:]), found[1:]
    )


def test_integers_are_fitted_to_the_activations_of_every_face(network, images, monkeypatch):
    fit, asked = runtimes.in_integers, []

    def look(graph, batches, **options):
        asked.append(list(batches))
        return fit(graph, asked[-1], **options)

    monkeypatch.setattr(runtimes, "in_integers", look)
    segments = np.kron(np.arange(4, dtype=np.uint8).reshape(2, 2), np.ones((32, 32), np.uint8))
    samples = np.random.default_rng(3).integers(0, 2, (1, 60, 4), dtype=np.uint8)
    in_integers(network, images).probabilities(images[:1], segments[None], samples)
    activations = [inputs[0] for inputs in asked[1]]  # of the layers that follow the first ones
    assert len(activations) == len(images)
    assert all(not np.array_equal(one, activations[-1]) for one in activations[:-1])


@pytest.mark.parametrize(("vnni", "greatest"), [(True, 127), (False, 64)])
def test_sums_of_two_products_fit_sixteen_bits_without_vnni(
    network, images, segments, samples, vnni, greatest, fitted, monkeypatch
):
    monkeypatch.setattr(processor, "has_vnni", lambda: vnni)
    in_integers(network, images).probabilities(images, segments, samples)
    weights = [np.abs(one).max() for graph in fitted for one in whole_numbers(graph)]
    assert len(weights) > 1 and max(weights) == greatest
    assert vnni or 255 * (greatest + greatest) < 2**15


def test_mixed_precision_leaves_the_first_and_the_last_layer_in_float32(
    images, segments, samples, fitted
):
    from keras import Input, Sequential, layers, utils

    utils.set_random_seed(0)
    images, segments = images[:1], segments[:1]
    settings = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal"}
    network = Sequential(
        [
            Input((64, 64, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, **settings),
            layers.MaxPool2D(2),
            layers.Conv2D(8, 3, strides=4, **settings),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(4, activation="softmax"),
        ]
    )
    exact = prepare(network, "openvino").probabilities(images, segments, samples[:1])
    few = samples[:1, :3]  # fewer than there are pictures: through the whole network
    apart, shapes = {}, {}
    for name in ("int8", "mixed"):
        predictor = in_integers(network, images, name)
        found = predictor.probabilities(images, segments, samples[:1])
        apart[name] = np.abs(found - exact).mean()
        whole = np.abs(predictor.probabilities(images, segments, few) - exact[:, :3])
        assert 1e-5 < whole.mean() < 0.01
        shapes[name] = [[one.shape for one in whole_numbers(graph)] for graph in fitted]
        fitted.clear()
    assert 1e-5 < apart["mixed"] < apart["int8"] < 0.01
    # The graph of the first layers, which make pictures for many samples, is one of int8's alone.
    first, rest, whole = (sorted(graph) for graph in shapes["int8"])
    assert first == [(8, 3, 3, 3), (8, 8, 3, 3)] and rest == [(4, 16), (16, 512)]
    assert whole == sorted([*first, *rest])
    assert shapes["mixed"] == [[], [(16, 512)], [(16, 512)]]


def test_depthwise_convolutions_compute_in_integers(images):
    """Levels of their own for each channel are ones of another axis here, and do not compile."""
    images = network_images(images[:1], 224)
    segments = superpixels(images[0], 12, 20)[None]
    samples = paired(600, segments.max() + 1, 0)[None]  # so many that layers are shared
    mobilenet = build("mobilenetv3", 4, seed=1)
    found = in_integers(mobilenet, images).probabilities(images, segments, samples)
    # As it was drawn it tells nothing apart, in float32 either: here it counts that it computes.
    np.testing.assert_allclose(found, 1 / 4, atol=0.01)


@pytest.mark.parametrize("step", ["fitted", "compiled"])
def test_a_network_that_fails_in_integers_says_so(
    network, images, segments, samples, step, monkeypatch
):
    openvino = pytest.importorskip("openvino")
    nncf = pytest.importorskip("nncf")
    predictor = in_integers(network, images)

    def fail(*_, **__):
        error = RuntimeError if step == "compiled" else nncf.UnsupportedModelError
        raise error("Exception from core:\n\nno such shape\n")

    if step == "compiled":
        monkeypatch.setattr(runtimes, "in_integers", lambda graph, batches: graph)
        monkeypatch.setattr(openvino.Core, "compile_model", fail)
    else:
        monkeypatch.setattr(nncf, "quantize", fail)
    with pytest.raises(NotInIntegersError, match=r"^explain\.precision: .* \(no such shape\)$"):
        predictor.probabilities(images, segments, samples)


def test_a_network_in_integers_takes_soft_masks(network, images):
    masks = np.random.default_rng(0).random((40, 64, 64)).astype(np.float32)
    exact = prepare(network, "openvino").blended(images[0], images[1], masks)
    found = in_integers(network, images).blended(images[0], images[1], masks)
    assert 1e-5 < np.abs(found - exact).max() < 0.05


def test_a_trial_is_the_faces_themselves_and_hides_their_superpixels(images):
    for (image, segments, samples), own in zip(
        samples_of(Trial.of(images), 64), images, strict=True
    ):
        np.testing.assert_array_equal(image, own)
        np.testing.assert_array_equal(segments, superpixels(own, 30, 20))
        assert samples.shape == (32, segments.max() + 1)
        assert samples[0].all() and not samples[1].any()  # whole, and hidden altogether
    assert {image.shape for image, _, _ in samples_of(Trial.of(images), 32)} == {(32, 32)}


def test_integers_need_faces_to_be_fitted_to_and_nncf(
    network, images, segments, samples, monkeypatch
):
    pytest.importorskip("openvino")
    with pytest.raises(ValueError, match="fitted to a trial's faces"):
        prepare(network, "openvino", "int8").probabilities(images, segments, samples)
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(HumanlikeError, match=r"^explain\.precision: int8 .* `pip install nncf`"):
        in_integers(network, images).probabilities(images, segments, samples)


def test_no_core_is_taken_that_other_workers_would_take_too(
    network, images, segments, samples, runtime
):
    """A runtime that binds its threads to cores begins with the first in every process."""
    predictor = prepare(network, runtime)
    seen = set()
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(
            lambda: [predictor.probabilities(images, segments, samples) for _ in range(20)]
        )
        while not work.done():
            for task in Path("/proc/self/task").iterdir():
                with suppress(ProcessLookupError):  # a thread that has just ended
                    seen.add(frozenset(os.sched_getaffinity(int(task.name))))
    assert seen == {frozenset(os.sched_getaffinity(0))}


CONVERTED = """
import os
import humanlike
from openvino.tools.ovc import telemetry_utils
print(telemetry_utils.tm.__name__)
os.register_at_fork(before=lambda: print("forked"))
from humanlike.networks.builder import build
from humanlike.explainers.runtimes import prepare
prepare(build("weinet", 3), "openvino")
import numpy as np
from humanlike.explainers.quantization import Trial
noise = np.random.default_rng(0).integers(0, 256, (2, 64, 64), np.uint8)
network = prepare(build("weinet", 3), "openvino", "int8", trial=Trial.of(noise))
network.blended(noise[0], noise[1], np.ones((1, 64, 64), np.float32))
"""


def test_nobody_is_told_of_a_network_that_is_converted():
    """OpenVINO's makers were, each time from a process forked for it; NNCF's are the same."""
    pytest.importorskip("openvino")
    told = subprocess.run(
        [sys.executable, "-c", CONVERTED], check=True, capture_output=True, text=True
    ).stdout
    assert told.split() == ["openvino.tools.ovc.telemetry_stub"]
