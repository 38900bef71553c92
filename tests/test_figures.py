import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from humanlike import figures
from humanlike.alignment.similarity import dendrogram_linkage, similarity
from humanlike.canonical.geometry import HEIGHT, WIDTH
from humanlike.canonical.masks import ekman_mask
from humanlike.expressions import EXPRESSIONS


@pytest.fixture
def heatmap():
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.exp(-((x - 60) ** 2 + (y - 200) ** 2) / 900)


def some_figures():
    rng = np.random.default_rng(0)
    pictures = {
        (network, expression): figures.heatmap_over_face(rng.random((HEIGHT, WIDTH)))
        for network in ("weinet", "silnet")
        for expression in EXPRESSIONS[:2]
    }
    del pictures["silnet", "anger"]
    alike = similarity(rng.random((3, 5, 5)))
    return {
        "grid": figures.heatmap_grid(pictures, {("weinet", "anger"): "IoU .25"}),
        "dendrogram": figures.similarity_dendrogram(dendrogram_linkage(alike), "abc", "anger"),
        "confusion": figures.confusion([[3, 1], [0, 0]], ["a", "b"]),
        "specificity": figures.specificity(
            pd.DataFrame([[0.3, 0.1], [0.2, 0.4]], ["anger", "fear"], ["anger", "fear"])
        ),
        "context": figures.scores_in_context(
            {
                "weinet": {
                    "iou": 0.3,
                    "iou_interval": {"low": 0.25, "high": 0.35},
                    "other_masks": 0.28,
                    "chance": {"shift": 0.15},
                    "ceiling": 0.75,
                },
                "silnet": {
                    "iou": 0.2,
                    "iou_interval": None,
                    "other_masks": None,
                    "chance": {"shift": 0.14},
                    "ceiling": None,
                },
            },
            {"ellipse": 0.39, "white": 0.26, "grand_mean": 0.38},
        ),
    }


def test_hot_is_red_and_cold_is_blue(heatmap):
    picture = figures.heatmap_over_face(heatmap, np.full((HEIGHT, WIDTH), 128, np.uint8))
    hot, cold = picture[200, 60].astype(int), picture[20, 200].astype(int)
    assert hot[0] > hot[2] + 50
    assert cold[2] > cold[0]


def test_mask_is_outlined(heatmap):
    plain = figures.heatmap_over_face(heatmap)
    outlined = figures.heatmap_over_face(heatmap, mask=ekman_mask("surprise"))
    changed = (plain != outlined).any(axis=-1)
    assert (outlined[changed] == 255).all(axis=-1).any()
    assert 0 < changed.mean() < 0.1


@pytest.mark.parametrize("name", some_figures())
def test_same_figure_same_bytes_without_a_programs_name(name):
    data = figures.png(some_figures()[name])
    assert data == figures.png(some_figures()[name])
    with Image.open(io.BytesIO(data)) as image:
        assert "Software" not in image.info
        assert np.asarray(image.convert("L")).std() > 5


def test_png_of_an_array_keeps_its_pixels(heatmap):
    picture = figures.heatmap_over_face(heatmap)
    with Image.open(io.BytesIO(figures.png(picture))) as image:
        np.testing.assert_array_equal(np.asarray(image), picture)


def test_grid_names_rows_columns_and_gaps():
    grid = some_figures()["grid"]
    texts = [text.get_text() for axes in grid.axes for text in axes.texts]
    assert [axes.get_title() for axes in grid.axes[:2]] == ["anger", "disgust"]
    assert [grid.axes[i].get_ylabel() for i in (0, 2)] == ["weinet", "silnet"]
    assert texts == ["none"]


def test_confusion_shows_shares_of_the_true_label():
    (axes,) = some_figures()["confusion"].axes
    assert [text.get_text() for text in axes.texts] == ["0.75", "0.25", "0.00", "0.00"]


def test_hiding_at_random_is_showing_at_random_backwards():
    curves = pd.DataFrame(
        {
            "network": "weinet",
            "curve": np.repeat(["deletion", "insertion", "random"], 3),
            "share": [0, 0.5, 1] * 3,
            "probability": [0.9, 0.1, 0, 0, 0.8, 0.9, 0, 0.3, 0.9],
        }
    )
    hidden, shown = figures.probability_curves(curves).axes
    deletion, at_random = hidden.lines[:2]
    np.testing.assert_array_equal(deletion.get_xydata(), [[0, 0.9], [0.5, 0.1], [1, 0]])
    np.testing.assert_array_equal(at_random.get_xydata()[::-1], [[0, 0.9], [0.5, 0.3], [1, 0]])
    np.testing.assert_array_equal(shown.lines[0].get_ydata(), [0, 0.8, 0.9])


def test_curves_of_nothing_are_bare_axes():
    nothing = pd.DataFrame(columns=["network", "curve", "share", "probability"])
    assert figures.png(figures.probability_curves(nothing)).startswith(b"\x89PNG")
