"""The proof by known answers, and what it says of a network that knows nothing."""

import json

import numpy as np
import pandas as pd
import pytest

from humanlike.alignment.report import report
from humanlike.canonical.geometry import rescale_landmarks
from humanlike.canonical.masks import ekman_mask
from humanlike.canonical.warp import warp
from humanlike.commands.validate import compare, validate
from humanlike.errors import HumanlikeError
from humanlike.explainers.importance import importance
from humanlike.explainers.methods import METHODS
from humanlike.expressions import EXPRESSIONS
from humanlike.faces.align import align
from humanlike.faces.detect import detector
from humanlike.faces.extract import find_face
from humanlike.synthesis.sample import draw_sample
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
    from humanlike.training import fit, network_images

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


def test_a_method_that_is_not_there_is_refused(tmp_path) -> None:
    with pytest.raises(HumanlikeError, match=r"--method: guess is none of lime, .*, or all"):
        compare(tmp_path, ["lime", "guess"])


@pytest.mark.slow
def test_methods_are_compared_on_a_tiny_set(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(
        "humanlike.validation.compare.SETTINGS",
        {
            "lime": {"samples": 64, "superpixels": 40},
            "kernelshap": {"samples": 128, "superpixels": 40},
            "rise": {"masks": 40},
            "integrated_gradients": {"steps": 5},
            "smoothgrad": {"samples": 5},
            "extremal": {"iterations": 5, "fast": True},
        },
    )
    compare(tmp_path, regions=["mouth_opening"], seed=1, effort=TINY, checked=1)
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
    page = (tmp_path / "explainers.md").read_text()
    said = capsys.readouterr().out.strip().splitlines()[-1]
    assert said in page and all(f"| {method} |" in page for method in METHODS)
    assert (tmp_path / "explainers.png").read_bytes().startswith(b"\x89PNG")
