"""The documents say of speed what was measured, and the benchmark's reference is what it claims."""

import importlib.util
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from project import ROOT, copy
from scipy.special import expit

from humanlike.explainers import precision, surrogate
from humanlike.explainers.quantization import NotInIntegersError
from humanlike.explainers.sampling import bernoulli, paired
from humanlike.explainers.superpixels import superpixels


def benchmark(name, monkeypatch):
    """A script of benchmarks, imported as it imports its neighbours."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    spec = importlib.util.spec_from_file_location(
        f"benchmark_{name}", ROOT / "benchmarks" / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_documents_agree_with_what_was_measured(tmp_path, monkeypatch):
    table = benchmark("table", monkeypatch)
    assert table.results()
    committed = {tmp_path / page.name: page.read_text(encoding="utf-8") for page in table.PAGES}
    for page, text in committed.items():
        assert table.PART.search(text), page.name
        page.write_text(table.PART.sub(r"\1\4", text), encoding="utf-8")
    monkeypatch.setattr(table, "PAGES", list(committed))
    table.main()
    for page, text in committed.items():
        written = page.read_text(encoding="utf-8")
        assert written == text, f"{page.name}: run python benchmarks/table.py"


@pytest.mark.slow
def test_the_benchmark_measures_a_network(finished, tmp_path):
    project = copy(finished, tmp_path / "project")
    asked = ("--quick", "--networks", "weinet", "--parts", "ab", "--json", "found.json")
    project.run("python", "benchmarks/explain.py", *asked)
    found = json.loads((project.folder / "found.json").read_text())
    precisions = [row["precision"] for row in found["networks"]]
    assert precisions[0] == "float32" and len(set(precisions)) == len(precisions)
    for row in found["networks"]:
        if "left_out" in row:
            assert row["left_out"] is None or row["left_out"] > precision.LARGEST
            continue
        assert row["times"] == pytest.approx(row["package_seconds"] / row["seconds"])
        assert row["error"] <= row["package_error"] or row["samples"] == 1024
        if row["precision"] == "float32":
            assert (row["apart"], row["alike"], row["heatmap"]) == (0, *[pytest.approx(1)] * 2)


@pytest.mark.slow
def test_the_benchmark_measures_growth_and_keeps_what_else_is_known(finished, tmp_path):
    pytest.importorskip("distributed")
    project = copy(finished, tmp_path / "project")
    file = project.folder / "found.json"
    file.write_text('{"networks": []}')
    asked = ("--faces", "100", "160", "--workers", "1", "--json", file.name)
    project.run("python", "benchmarks/scaling.py", *asked)
    found = json.loads(file.read_text())
    assert found["networks"] == []
    growth = found["scaling"]
    stages = ("preprocess", "standardize", "score")
    assert [row["stage"] for row in growth["stages"]] == [*stages, *stages]
    # Not every photograph shows one of the expressions.
    for photographs, (preprocess, *others) in (
        (100, growth["stages"][:3]),
        (160, growth["stages"][3:]),
    ):
        assert preprocess["faces"] == photographs
        assert all(photographs / 2 < row["faces"] <= photographs for row in others)
    # A process of ours that has imported NumPy holds more than this, and none of these a gigabyte.
    assert all(50 < row["mb"] < 1000 and row["seconds"] > 0.1 for row in growth["stages"])
    assert 0 < growth["explain"] < 10
    assert [row["workers"] for row in growth["dask"]] == [1]


def test_tables_of_growth_say_what_one_more_face_costs(monkeypatch):
    table = benchmark("table", monkeypatch)
    rows = [
        {"stage": "score", "faces": 200, "seconds": 3.0, "mb": 300.0},
        {"stage": "score", "faces": 20_200, "seconds": 23.0, "mb": 1300.0},
    ]
    scaling = {"stages": rows, "explain": 0.0625, "dask": [{"workers": 8, "milliseconds": 4.0}]}
    result = {"processor": "Some CPU", "cores": 2, "scaling": scaling}
    made = table.growth([{"processor": "Another"}, result])
    assert "| score | 200 | 3.0 | 300 |  |  |" in made
    assert "| score | 20,200 | 23.0 | 1300 | 1.0 | 50 |" in made
    assert "takes 62 ms besides" in made and "Another" not in made
    assert "| Some CPU, 2 cores | 8 | 4.0 | 250 |" in table.dask([result])


def test_what_a_plan_tells_is_read_in_seconds(monkeypatch):
    plans = benchmark("plans", monkeypatch)
    told = "params.yaml: about {} on this machine, one stage after the other, and 1.4 GB"
    found = [plans.seconds(told.format(words)) for words in ("48 s", "6 min", "2.5 h")]
    assert found == [48, 360, 9000]


def test_a_face_that_nothing_changes_counts_as_right_or_wrong(monkeypatch):
    """It once made the distance no number, and the benchmark ended there."""
    explain = benchmark("explain", monkeypatch)
    reference = np.array([[3, 4, np.nan], [0, 0, 0], [0, 0, 0]], float)
    weights = np.array([[3, 1, np.nan], [0, 0, 0], [0.1, 0, 0]])
    assert explain.error(weights, reference) == pytest.approx((3 / 5 + 0 + 1) / 3)
    segments = np.arange(6).reshape(1, 2, 3).repeat(3, axis=0) % 2
    found = SimpleNamespace(weights=weights, segments=segments)
    exact = {"samples": 64, "weights": reference}
    apart, alike, heatmap = explain.against_float32(lambda *_, **__: found, None, exact)
    assert apart == explain.error(weights, reference)
    # Of two parts, one face's order is the other way round, and so is the mean's.
    assert (alike, heatmap) == (pytest.approx(-1), pytest.approx(-1))


def test_a_table_has_a_row_for_each_precision_and_the_means_below(monkeypatch):
    table = benchmark("table", monkeypatch)
    row = {
        "faces": 3,
        "package": 1000,
        "load": 0.05,
        "package_seconds": 10.0,
        "package_error": 0.2,
        "error": 0.1,
        "samples": 96,
    }
    row |= {
        "package_cpu": 18.0,
        "cpu": 3.0,
        "seconds": 0.5,
        "cpu_times": 6.0,
        "apart": 0.0,
        "alike": 1.0,
        "heatmap": 1.0,
    }
    lower = {**row, "precision": "bfloat16", "apart": 0.0123, "alike": 0.98951, "heatmap": 0.99951}
    result = {
        "processor": "Some CPU",
        "cores": 2,
        "networks": [
            {**row, "network": "a", "precision": "float32", "times": 4.0},
            {**lower, "network": "a", "times": 9.0},
            {**row, "network": "b", "precision": "float32", "times": 16.0, "faces": 1},
            {**lower, "network": "b", "times": 1.0, "faces": 1},
        ],
    }
    made = table.filled("<!-- speed: tables -->old<!-- /speed -->, the end", [result])
    assert (
        "| a | bfloat16 | 18.0 | 3.00 | 6.0 | 9.0 | 96 | 3 | .200 | .100 | .012 | .9895 | .9995 |"
        in made
    )
    assert "| b | float32 | 18.0 | 3.00 | 6.0 | 16.0 | 96 | 1 | .200 | .100 |  |  |" in made
    assert "8.0 in float32, 3.0 in bfloat16, 12.0 in the better of each network" in made
    assert "of the times: 6.0 in float32, 6.0 in bfloat16, 6.0 in the better" in made
    assert "old" not in made and "Left out" not in made
    assert made.endswith("<!-- /speed -->, the end")
    assert "**Some CPU, 2 cores**\n" in made
    for rows, named in ((result["networks"][2:], " with b"), (result["networks"][:2], "")):
        for part in rows:
            part["package"] = 300
        made = table.filled("<!-- speed: tables --><!-- /speed -->", [result])
        assert f"**; 300 of the package's 1,000 samples timed{named}\n" in made
    told = table.extremes([result])
    assert told == "6 times as fast for a, 6 times for a"
    result["networks"][0]["load"] = 3.0
    busy = table.filled("<!-- speed: tables --><!-- /speed -->", [result])
    assert "| b | float32 | 18.0 | 3.00 | 6.0 |  | 96 |" in busy
    assert "by the clock:" not in busy
    left = [("b", 0.4123), ("c", None)]
    result["networks"] += [
        {"network": name, "precision": "int8", "left_out": moved} for name, moved in left
    ]
    made = table.filled("<!-- speed: tables --><!-- /speed -->", [result])
    why = (
        "Left out, as `explain.precision: auto` leaves them: b in int8 (moved .412), c in int8 (not"
    )
    assert why in made and "6.0 in bfloat16, 6.0 in the better" in made
    assert table.extremes([result]) == told


class Rough:
    """Two classes that hold effects of one, two and three superpixels."""

    def probabilities(self, images, segments, samples):
        random = np.random.default_rng(5)
        shown = samples.astype(float)
        told = (shown - 0.5) @ random.normal(0, 0.7, 40)[: shown.shape[-1]]
        for size in (2, 3):
            for _ in range(5):
                told += random.normal(0, 1.2) * shown[..., random.choice(12, size)].prod(axis=-1)
        one = expit(told).astype(np.float32)
        return np.stack([one, 1 - one], axis=-1)


def test_the_reference_is_nearer_to_the_limit_than_all_its_samples_are(monkeypatch):
    images = np.add.outer(np.arange(64), 2 * np.arange(64))[None].astype(np.uint8)
    explain = benchmark("explain", monkeypatch)
    found = explain.converged(Rough(), images[:1], np.array([0]), 512)[0]
    d = len(found)
    assert d == superpixels(images[0], 30, 20).max() + 1

    def plain(samples):
        near = surrogate.proximity(samples[None], np.array([d]), 0.25)
        told = Rough().probabilities(None, None, samples[None])[:, :, :1]
        return surrogate.solve(samples[None], told, near)[0][0, :, 0]

    limit = plain(bernoulli(100_000, d, 1))
    far = np.linalg.norm(found - limit)
    usual = np.mean([np.linalg.norm(plain(paired(512, d, seed)) - limit) for seed in range(4)])
    assert far < 0.5 * usual


@pytest.mark.parametrize(
    ("name", "expected"),
    [("AMD EPYC", "amd-epyc"), ("Intel(R) Xeon(R) @ 2.5GHz", "intel-r-xeon-r-2.5ghz")],
)
def test_a_processor_names_a_file(name, expected, monkeypatch):
    assert benchmark("explain", monkeypatch).slug(name) == expected


def small(*layers):
    import keras

    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((32, 32, 3)), *layers])


def test_every_convolution_of_the_random_blocks_varies_by_one(monkeypatch):
    from keras import Model, layers

    networks = benchmark("networks", monkeypatch)
    settings = {"padding": "same", "activation": "relu"}
    model = small(
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, **settings),
        layers.Conv2D(8, 3, **settings),
        layers.MaxPool2D(2),
        layers.Conv2D(4, 3, **settings),
    )
    shown = np.random.default_rng(0).uniform(0, 255, (6, 32, 32, 3)).astype(np.float32)
    networks.scale(Model(model.inputs[0], model.outputs[0]), shown)
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            kernel, bias = layer.get_weights()
            before = np.asarray(Model(model.inputs[0], layer.input)(shown))
            linear = layers.Conv2D(layer.filters, 3, padding="same")
            linear.build(before.shape)
            linear.set_weights([kernel, bias])
            assert np.std(linear(before)) == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("moved", [precision.LARGEST * 1.01, None])
def test_what_auto_would_leave_is_not_timed(moved, monkeypatch):
    from keras import layers

    def distance(*_):
        if moved is None:
            raise NotInIntegersError("none")
        return moved

    explain = benchmark("explain", monkeypatch)
    faces = np.random.default_rng(0).integers(0, 256, (4, 32, 32), dtype=np.uint8)
    model = small(layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2, "softmax"))
    monkeypatch.setattr("humanlike.networks.files.load", lambda _: model)
    monkeypatch.setattr(explain, "sample_faces", lambda count, *_, **__: faces[:count])
    monkeypatch.setattr(precision, "distance", distance)
    options = SimpleNamespace(faces=1, runtime="openvino", reference=128, package=10)
    options.precisions = ["float32", "int8"]
    timed, left = explain.speed("weinet", None, options)
    assert timed["precision"] == "float32" and timed["times"] > 0
    assert left == {"network": "weinet", "precision": "int8", "left_out": moved}


def test_mixed_precision_is_timed_where_integers_alone_do_not_serve(monkeypatch):
    from keras import layers

    explain = benchmark("explain", monkeypatch)
    moved = {"mixed": 0.01, "int8": 0.01}
    faces = np.random.default_rng(0).integers(0, 256, (6, 32, 32), dtype=np.uint8)
    model = small(layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2, "softmax"))
    monkeypatch.setattr("humanlike.networks.files.load", lambda _: model)
    monkeypatch.setattr(explain, "sample_faces", lambda count, *_, **__: faces[:count])
    monkeypatch.setattr(precision, "distance", lambda *asked: moved[asked[2]])
    options = SimpleNamespace(faces=1, runtime="openvino", reference=128, package=10)
    options.precisions = ["float32", "mixed", "int8"]

    def timed():
        found = explain.speed("weinet", None, options)
        return [row["precision"] for row in found if "left_out" not in row]

    assert timed() == ["float32", "int8"]
    moved["int8"] = 1.0
    assert timed() == ["float32", "mixed"]


def test_batch_normalisation_knows_the_faces(monkeypatch):
    from keras import layers

    networks = benchmark("networks", monkeypatch)
    model = small(layers.Rescaling(1 / 255), layers.BatchNormalization(), layers.Flatten())
    faces = np.random.default_rng(0).integers(50, 200, (12, 32, 32), dtype=np.uint8)
    networks.set_statistics(model, faces)
    _, _, mean, variance = model.layers[1].get_weights()
    some = faces[np.linspace(0, 11, 96).astype(int)] / 255
    np.testing.assert_allclose(mean, some.mean(), rtol=1e-3)
    np.testing.assert_allclose(variance, some.var(), rtol=1e-2)
