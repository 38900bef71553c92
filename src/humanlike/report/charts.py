"""Charts as inline SVG: text that can be read aloud, in the page's own colours, of a few bytes.

Nothing here knows a colour: classes are styled by `templates/page.css`, so one chart serves light,
dark and paper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike, NDArray
from scipy.cluster.hierarchy import dendrogram

#: Size of every chart in CSS pixels: small enough for a phone, so that its text is never shrunk.
WIDTH, HEIGHT = 320, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 10, 10, 36


@dataclass(frozen=True)
class Series:
    """One line of a chart.

    Attributes
    ----------
    x, y : (N,) arrays
        Points without a known y are left out.
    style : str
        Class that `templates/page.css` gives a colour and a dash.
    """

    x: ArrayLike
    y: ArrayLike
    style: str


def lines(
    series: Sequence[Series], label: str, x_label: str, y_label: str, whole_x: bool = False
) -> Markup:
    """A line chart with y from 0, to 1 or, where a value is above, to the greatest value.

    Parameters
    ----------
    series
        Drawn in this order.
    label
        What the chart shows, for those who do not see it.
    x_label, y_label
    whole_x
        Whether x counts something, such as epochs.
    """
    known = [_known(line) for line in series]
    every = np.concatenate(known) if known else np.zeros((0, 2))
    x_low, x_high = (every[:, 0].min(), every[:, 0].max()) if len(every) else (0.0, 1.0)
    x_high = x_high if x_high > x_low else x_low + 1
    y_high = max(1.0, float(every[:, 1].max(initial=0)))

    def place(points: NDArray[np.float64]) -> NDArray[np.float64]:
        across = (points[:, 0] - x_low) / (x_high - x_low)
        up = points[:, 1] / y_high
        return np.column_stack(
            [
                _LEFT + across * (WIDTH - _LEFT - _RIGHT),
                HEIGHT - _BOTTOM - up * (HEIGHT - _TOP - _BOTTOM),
            ]
        )

    parts = []
    for value in np.linspace(0, y_high, 5):
        ((_, y),) = place(np.array([[x_low, value]]))
        parts.append(_line(_LEFT, y, WIDTH - _RIGHT, y, "grid"))
        parts.append(_text(_LEFT - 6, y + 4, f"{value:.2f}", "end"))
    ticks = np.linspace(x_low, x_high, 5)
    if whole_x:
        ticks = np.unique(ticks.round())
    for value in ticks:
        ((x, _),) = place(np.array([[value, 0.0]]))
        parts.append(_text(x, HEIGHT - _BOTTOM + 15, f"{value:.0f}" if whole_x else f"{value:g}"))
    parts.append(_text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 4, x_label))
    parts.append(
        Markup(
            '<text transform="translate(10 {}) rotate(-90)" text-anchor="middle">{}</text>'
        ).format(f"{(_TOP + HEIGHT - _BOTTOM) / 2:.0f}", y_label)
    )
    for line, points in zip(series, known, strict=True):
        placed = place(points)
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        parts.append(Markup('<polyline class="{}" points="{}"/>').format(line.style, path))
        if len(placed) == 1:
            parts.append(
                Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="3"/>').format(
                    line.style, *placed[0]
                )
            )
    return _svg(parts, label, WIDTH, HEIGHT)


def tree(linkage: NDArray[np.float64], names: Sequence[str], label: str) -> Markup:
    """A dendrogram, leaves at the left and the distance they are joined at growing to the right.

    Parameters
    ----------
    linkage : (N - 1, 4) float64
        As `alignment.similarity.dendrogram_linkage` returns it.
    names : N str
    label : str
    """
    found = dendrogram(linkage, labels=list(names), no_plot=True)
    row, left, bottom = 22, 112, 34
    height = row * len(names) + bottom
    greatest = max(1.0, float(linkage[-1, 2]))

    def across(distance: float) -> float:
        return left + distance / greatest * (WIDTH - left - 14)

    # SciPy puts leaves at 5, 15, 25 …
    def down(leaf: float) -> float:
        return leaf / 10 * row

    parts = []
    for distance in np.linspace(0, greatest, 5):
        x = across(float(distance))
        parts.append(_line(x, 0, x, height - bottom, "grid"))
        parts.append(_text(x, height - 18, f"{distance:.2f}"))
    parts.append(_text((left + WIDTH) / 2, height - 3, "distance (1 − correlation)"))
    for number, name in enumerate(found["ivl"]):
        parts.append(_text(left - 6, down(10 * number + 5) + 4, str(name), "end"))
    for leaves, distances in zip(found["icoord"], found["dcoord"], strict=True):
        path = " ".join(
            f"{across(x):.1f},{down(y):.1f}" for x, y in zip(distances, leaves, strict=True)
        )
        parts.append(Markup('<polyline class="tree" points="{}"/>').format(path))
    return _svg(parts, label, WIDTH, height)


def outline(mask: NDArray[np.bool_]) -> str:
    """The borders of a mask as the data of an SVG path, in pixels of the mask."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    return "".join(
        "M" + "L".join(f"{x} {y}" for x, y in cv2.approxPolyDP(c, 0.8, True)[:, 0]) + "Z"
        for c in contours
    )


def legend(entries: Mapping[str, str]) -> Markup:
    """What each style of line stands for; `entries` maps words to styles."""
    items = Markup("").join(
        Markup(
            '<li><svg width="28" height="10" aria-hidden="true">'
            '<polyline class="{}" points="0,5 28,5"/></svg> {}</li>'
        ).format(style, words)
        for words, style in entries.items()
    )
    return Markup('<ul class="legend">{}</ul>').format(items)


def _known(line: Series) -> NDArray[np.float64]:
    points = np.column_stack([np.asarray(line.x, float), np.asarray(line.y, float)])
    return points[np.isfinite(points).all(axis=1)]


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> Markup:
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
        style, *(f"{value:.1f}" for value in (x1, y1, x2, y2))
    )


def _text(x: float, y: float, words: str, anchor: str = "middle") -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(
        f"{x:.1f}", f"{y:.1f}", anchor, words
    )


def _svg(parts: Sequence[Markup], label: str, width: int, height: int) -> Markup:
    return Markup(
        '<svg class="chart" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">'
        "{}</svg>"
    ).format(label, width, height, width, height, Markup("").join(parts))
