import re

import numpy as np

from humanlike.alignment.similarity import dendrogram_linkage
from humanlike.canonical.masks import ekman_mask
from humanlike.report.charts import Series, lines, outline, tree


def points(svg: str) -> list[np.ndarray]:
    return [
        np.array([pair.split(",") for pair in found.split()], float)
        for found in re.findall(r'<polyline class="\w+" points="([^"]*)"', svg)
    ]


def test_more_is_higher_and_later_is_further_right() -> None:
    (line,) = points(lines([Series([1, 2, 3], [0, 0.5, 1], "training")], "", "epoch", "accuracy"))
    assert (np.diff(line[:, 0]) > 0).all() and (np.diff(line[:, 1]) < 0).all()
    np.testing.assert_allclose(line[1], line[[0, 2]].mean(axis=0), atol=0.11)


def test_unknown_points_are_left_out_and_one_point_is_seen() -> None:
    svg = lines([Series([1, 2], [np.nan, 0.4], "training")], "", "epoch", "accuracy")
    assert len(points(svg)[0]) == 1 and svg.count("<circle") == 1
    assert "nan" not in svg


def test_values_above_one_stay_inside() -> None:
    (line,) = points(lines([Series([0, 1], [0, 7], "training")], "", "epoch", "loss"))
    assert line[:, 1].min() >= 0


def test_words_are_escaped() -> None:
    svg = lines([], '"><script>', "<x>", "y")
    assert "<script>" not in svg and "<x>" not in svg


def test_the_nearest_networks_are_joined_first() -> None:
    alike = np.array([[1, 0.9, 0.1], [0.9, 1, 0.2], [0.1, 0.2, 1]])
    svg = tree(dendrogram_linkage(alike), ["near", "nearer", "far"], "a tree")
    rightmost = [line[:, 0].max() for line in points(svg)]
    assert rightmost[0] < rightmost[1]
    heights = {
        name: float(y) for y, name in re.findall(r'y="([\d.]+)" text-anchor="end">(\w+)', svg)
    }
    first = points(svg)[0][:, 1]
    assert {round(first.min()), round(first.max())} == {
        round(heights["near"] - 4),
        round(heights["nearer"] - 4),
    }


def test_an_outline_runs_along_the_mask() -> None:
    square = np.zeros((20, 20), bool)
    square[5:11, 3:15] = True
    assert sorted(re.findall(r"\d+ \d+", outline(square))) == ["14 10", "14 5", "3 10", "3 5"]
    assert outline(ekman_mask("anger")).count("M") == 2
