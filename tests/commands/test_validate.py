"""The proof by known answers, and what it says of a network that knows nothing."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from humanlike import figures
from humanlike.alignment.report import report
from humanlike.canonical.geometry import rescale_landmarks
from humanlike.canonical.masks import ekman_mask
from humanlike.canonical.warp import warp
from humanlike.cli import app
from humanlike.commands.validate import compare, validate
from humanlike.errors import HumanlikeError
from humanlike.explainers.importance import importance
from humanlike.explainers.methods import METHODS
from humanlike.expressions import EXPRESSIONS
from humanlike.faces.align import align
from humanlike.faces.detect import detector
from humanlike.faces.extract import find_face
from humanlike.synthesis.sample import draw_sample
from humanlike.validation import page
from humanlike.validation.compare import Explainer, cascade
from humanlike.validation.sets import REGIONS, Effort
from humanlike.validation.telling import tabulate, verdict
from humanlike.validation.trial import EXPLAINED, Result, choose

TINY = Effort(
    subjects=3,
    held_out=1,
    images_per_label=4,
    epochs=2,
    explained=2,
    samples=64,
    superpixels=40,
)


def result(region: str, places: dict, network: str, shuffled: str) -> Result:
    """A set whose network looks at one region, and the one of shuffled labels at another.

    The picture has as many pixels of background as of face.
    """
    changed = np.stack([places[region]] * 2)
    seen = {"network": places[network], "shuffled": places[shuffled]}
    even = np.ones_like(places[region])
    canonical = {name: np.stack([seen.get(name, even)] * 2).astype(float) for name in EXPLAINED}

    def in_picture(maps: np.ndarray) -> np.ndarray:
        return np.pad(maps, ((0, 0), (0, 0), (0, maps.shape[-1])))

    maps = {name: in_picture(face) for name, face in canonical.items()}
    return Result(0.97, 4, 0.5, maps, in_picture(changed), canonical, changed)


@pytest.fixture
def places() -> dict[str, np.ndarray]:
    """Each region a fifth of the canvas; the rest is none."""
    return {region: np.eye(5, dtype=bool)[[number]] for number, region in enumerate(REGIONS)}


def test_a_network_that_looks_at_the_planted_region_passes(places) -> None:
    table = tabulate({"eyes": result("eyes", places, "eyes", "brows")}, places, 0.95)
    row = table.iloc[0]
    assert row["passed"] and row["first"] == "eyes"
    assert (row["network"], row["shuffled"], row["random"]) == (10, 0, 2)
    canonical = [row[f"canonical_{name}"] for name in ("network", "shuffled", "random", "area")]
    assert canonical == [5, 0, 1, 2 * row["area"]]
    assert row["attention_eyes"] == 5 and row["attention_brows"] == 0
    assert verdict(table, 0.95).startswith("The heatmaps found the planted region in 1 of 1 sets")


@pytest.mark.parametrize(
    ("network", "shuffled", "asked", "words"),
    [
        ("brows", "brows", 0.95, "elsewhere than at the planted region in eyes"),
        ("brows", "brows", 0.95, "below 3 times their area in eyes"),
        ("eyes", "eyes", 0.95, "shuffled labels score above 1.5 in eyes"),
        ("eyes", "brows", 0.99, "did not reach 99% on held-out subjects in eyes"),
    ],
)
def test_what_is_missed_is_said(places, network, shuffled, asked, words) -> None:
    table = tabulate({"eyes": result("eyes", places, network, shuffled)}, places, asked)
    assert not table["passed"].any()
    said = verdict(table, asked)
    assert said.startswith("Not all as it should be") and words in said


def test_only_rightly_told_faces_are_explained() -> None:
    right = np.array([True, False, True, True, True, True, False])
    labels = np.array([0, 0, 0, 0, 1, 1, 1])
    chosen = choose(right, labels, 2, np.random.default_rng(0))
    assert right[chosen].all() and np.all(np.diff(chosen) > 0)
    assert labels[chosen].tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("regions", [["nose"], []])
def test_regions_that_are_not_there_are_refused(tmp_path, regions) -> None:
    with pytest.raises(HumanlikeError, match=r"--regions: .*brows, eyes, mouth_corners"):
        validate(tmp_path, regions)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_tiny_validation_from_drawing_to_verdict(tmp_path, capsys) -> None:
    passed = validate(tmp_path, ["mouth_opening"], seed=1, effort=TINY)
    table = pd.read_csv(tmp_path / "validation.csv")
    found = json.loads((tmp_path / "validation.json").read_text())
    said = capsys.readouterr().out
    assert found["verdict"] in said and found["passed"] == passed
    assert found["sets"]["mouth_opening"]["oracle"] == table["oracle"][0]
    assert (tmp_path / "validation.png").read_bytes().startswith(b"\x89PNG")
    # What needs no learning holds in a set of any size.
    assert table["oracle"][0] > 3 and 0.5 < table["random"][0] < 1.5
    assert 0.03 < table["area"][0] < table["canonical_area"][0] < 0.35


@pytest.mark.slow
def test_a_network_that_ignores_the_face_is_not_above_chance() -> None:
    """Trained on shuffled expressions, its evidence for each is laid on that expression's mask."""
    from humanlike.explainers import lime, runtimes
    from humanlike.networks.builder import build
    from humanlike.networks.inputs import network_images
    from humanlike.training import fit

    rng = np.random.default_rng(0)
    aligned, landmarks, labels = [], [], []
    for sample in draw_sample(subjects=8, images_per_expression=1, seed=3):
        if sample.expression in EXPRESSIONS:
            _, points = find_face(sample.face.image, detector("hog"))
            face, points = align(sample.face.image, points, 224)
            aligned.append(face)
            landmarks.append(points)
            labels.append(EXPRESSIONS.index(sample.expression))
    images = np.stack(aligned)
    model = build("weinet", input_scaling="native", seed=0)
    fit(
        model,
        images,
        rng.permutation(labels),
        optimizer="rmsprop",
        learning_rate=1e-4,
        epochs=2,
        batch_size=8,
        seed=0,
    )
    predictor = runtimes.prepare(model, "openvino")
    heatmaps = {}
    for number, expression in enumerate(EXPRESSIONS):
        faces = rng.choice(len(images), 5, replace=False)
        found = lime.explain(
            predictor,
            network_images(images[faces], predictor.size),
            np.full(len(faces), number),
            seeds=faces,
            samples=64,
            sampling="orthogonal",
        )
        maps = [
            weights[warp(segments, rescale_landmarks(landmarks[face], 224, 64), order=0)]
            for face, segments, weights in zip(
                faces, found.segments, importance(found.weights), strict=True
            )
        ]
        heatmaps["weinet", 0, expression] = np.mean(maps, axis=0)
    masks = {expression: ekman_mask(expression) for expression in EXPRESSIONS}
    assert report(heatmaps, masks).summary["verdict"].startswith("Not above chance")


def table_of(seen: dict[tuple[int, str], list[str]]) -> pd.DataFrame:
    """What methods looked at most, for each seed and planted region."""
    rows = [
        {"seed": seed, "region": region, "method": method, "first": first,
         "concentration": 4.0 + seed, "shuffled": 1.0, "deletion": 0.1, "insertion": 0.9,
         "stability": 1.0, "seconds": 2.0, "accuracy": 0.95 + 0.01 * seed, "area": 0.1}
        for (seed, region), regions in seen.items()
        for method, first in zip(("cam", "rise"), regions, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def sanity_of(**last: float) -> pd.DataFrame:
    """Similarity that falls to that of each method with the last layer at random, in two sets."""
    rows = [
        (0, region, method, layer, 0.9 if layer == "dense" else end + lift)
        for region, lift in (("brows", 0.2), ("eyes", -0.2))
        for layer in ("dense", "conv2d")
        for method, end in last.items()
    ]
    return pd.DataFrame(rows, columns=["seed", "region", "method", "layer", "similarity"])


def test_the_page_says_what_was_missed_and_how_often() -> None:
    table = table_of({(0, "eyes"): ["eyes", "brows"], (1, "eyes"): ["eyes", "eyes"]})
    said = page.words(table, sanity_of(cam=0.6, rise=0.4))
    assert said.count(". ") == 2
    assert "in every set by cam; it was missed by rise in 1 of 2." in said
    # Over both sets .6 and .4, whatever the last set alone says.
    assert said.endswith("maps stay as they were (rank correlation above 0.5) with cam.")
    found = page.summarise(table).set_index("method")["found"]
    assert found.to_dict() == {"cam": "2 of 2", "rise": "1 of 2"}
    text = page.page(table, sanity_of(cam=0.6, rise=0.4), "command")
    assert said in text and "of seed 0 · 1;" in text
    assert "| rise | 4.00 (brows) · 5.00 |" in text and "| cam | 4.00 · 5.00 |" in text
    assert "| cam | 0.90 | 0.60 |" in text and "95% to 96%" in text


def test_a_page_of_nothing_found_says_so() -> None:
    table = table_of({(0, "eyes"): ["brows", "brows"]})
    said = page.words(table, sanity_of(cam=0.1, rise=0.1))
    assert "in every set by none; it was missed by cam in 1 of 1, rise in 1 of 1." in said
    assert said.endswith("with none.")


@pytest.mark.slow
def test_layers_at_random_are_seen_by_what_was_compiled_before() -> None:
    from humanlike.networks.builder import build

    rng = np.random.default_rng(0)
    images, classes = rng.integers(0, 256, (1, 64, 64), dtype=np.uint8), np.array([1])
    model = build("weinet", 2, input_scaling="native", seed=0)
    fresh = build("weinet", 2, input_scaling="native", seed=4)
    seen = {
        layer: {m: explainer.maps(m, images, classes, classes) for m in ("gradcam", "occlusion")}
        for layer, explainer in cascade(model, 3, TINY)
    }
    assert list(seen) == [layer.name for layer in reversed(model.layers) if layer.weights]
    *_, last = seen.values()
    anew = Explainer(fresh)
    for method, found in last.items():
        np.testing.assert_allclose(found, anew.maps(method, images, classes, classes), atol=1e-5)
        assert np.abs(found - seen["dense"][method]).max() > 0.01


def test_a_method_that_is_not_there_is_refused(tmp_path) -> None:
    with pytest.raises(HumanlikeError, match=r"--method: guess is none of lime, .*, or all"):
        compare(tmp_path, ["lime", "guess"])


def test_several_seeds_are_for_methods(tmp_path) -> None:
    done = CliRunner().invoke(app, ["validate", "--seed", "0", "--seed", "1", "-o", str(tmp_path)])
    assert done.exit_code == 2 and "several seeds go with --method" in done.output
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_methods_are_compared_on_a_tiny_set(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(
        "humanlike.validation.compare.SETTINGS",
        {
            "lime": {"samples": 64, "superpixels": 40},
            "kernelshap": {"samples": 128, "superpixels": 40},
            "occlusion": {"cells": 8},
            "rise": {"masks": 40},
            "integrated_gradients": {"steps": 5},
            "smoothgrad": {"samples": 5},
            "extremal": {"iterations": 5, "fast": True},
        },
    )
    compare(tmp_path, regions=["mouth_opening"], seeds=[1], effort=TINY, checked=1)
    table = pd.read_csv(tmp_path / "explainers.csv").set_index("method")
    assert list(table.index) == [*METHODS, "random", "oracle"]
    assert table.loc["oracle", "concentration"] > 3
    assert table.loc["oracle", "first"] == "mouth_opening"
    assert (table["concentration"] >= 0).all() and table["stability"].dropna().between(-1, 1).all()
    for method in ("cam", "gradcam", "gradcam++", "integrated_gradients", "occlusion"):
        assert table.loc[method, "stability"] == pytest.approx(1)
    sanity = pd.read_csv(tmp_path / "sanity.csv")
    # weinet has four layers of weights, randomised from its dense layer on.
    assert (sanity.groupby("method").size() == 4).all()
    assert sanity["layer"].iloc[0].startswith("dense")
    text = (tmp_path / "explainers.md").read_text()
    said = capsys.readouterr().out.strip().splitlines()[-1]
    assert said in text and all(f"| {method} |" in text for method in METHODS)
    assert (tmp_path / "explainers.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_in_few_colours_is_smaller_and_looks_the_same() -> None:
    noise = np.random.default_rng(0).integers(-8, 8, (64, 96, 1))
    ramp = np.stack(np.meshgrid(np.arange(96) * 2, np.arange(64) * 3), axis=-1)
    exact = np.dstack([ramp, ramp[..., :1]]) + 20 + noise
    whole = figures.png(exact.astype(np.uint8))
    small = page.in_few_colours(whole)
    assert len(small) < len(whole) / 2
    with Image.open(io.BytesIO(small)) as opened:
        found = np.asarray(opened.convert("RGB")).astype(float)
    assert found.shape == exact.shape and np.abs(found - exact).mean() < 8
    assert page.in_few_colours(whole) == small
