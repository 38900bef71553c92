"""Every picture, drawn from arrays and tables.

Heatmap pictures are (H, W, 3) uint8 arrays, plots are Matplotlib figures; `png` turns either into
bytes, the same ones for the same picture.
"""

import io
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import pandas as pd
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray
from scipy.cluster.hierarchy import dendrogram
from skimage.segmentation import find_boundaries

from humanlike.alignment.scores import stretch
from humanlike.canonical.geometry import HEIGHT, LANDMARKS, OUTLINES, WIDTH

#: Colour maps for heatmaps. All but jet, the study's, grow evenly in lightness: they can be told
#: apart by colour-blind eyes and print in gray.
COLOURS = ("inferno", "viridis", "cividis", "jet")

_LINE = "#30475e"
_SECOND_LINE = "#d1495b"


def png(picture: Figure | NDArray[np.uint8]) -> bytes:
    """A picture as PNG, without dates or names of programs: equal pictures give equal bytes."""
    buffer = io.BytesIO()
    if isinstance(picture, Figure):
        picture.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
        return buffer.getvalue()
    return cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()


#: Width of a page's text in the study's journal, in inches.
PRINTED_WIDTH = 174 / 25.4


def pdf(figure: Figure) -> bytes:
    """A figure as PDF with its fonts in it, without dates: equal figures give equal bytes."""
    buffer = io.BytesIO()
    with rc_context({"pdf.fonttype": 42}):
        nothing = dict.fromkeys(("CreationDate", "Creator", "Producer"))
        figure.savefig(buffer, format="pdf", dpi=300, metadata=nothing)
    return buffer.getvalue()


def line_face() -> NDArray[np.uint8]:
    """The canonical face as a line drawing, (HEIGHT, WIDTH) uint8, for want of a photograph."""
    face = np.full((HEIGHT, WIDTH), 225, np.uint8)
    for start, stop, closed in OUTLINES.values():
        line = LANDMARKS[start:stop].astype(np.int32)
        cv2.polylines(face, [line], closed, 60, 2, cv2.LINE_AA)
    return face


def heatmap_over_face(
    heatmap: ArrayLike,
    face: NDArray[np.uint8] | None = None,
    mask: NDArray[np.bool_] | None = None,
    *,
    colours: str = "turbo",
    face_share: float = 0.4,
) -> NDArray[np.uint8]:
    """A heatmap in colours over a gray face; by default blue for the least, red for the most.

    Parameters
    ----------
    heatmap : (HEIGHT, WIDTH) array
        Stretched to its own range.
    face : (HEIGHT, WIDTH) uint8, optional
        Line drawing by default.
    mask : (HEIGHT, WIDTH) bool, optional
        Outlined in white.
    colours : str
        Name of a colour map of Matplotlib, such as one of `COLOURS`.
    face_share : float
        How much of the face is seen through the colours, in [0, 1].

    Returns
    -------
    (HEIGHT, WIDTH, 3) uint8
        RGB.
    """
    gray = line_face() if face is None else face
    coloured = 255 * colormaps[colours](stretch(heatmap))[..., :3]
    picture = (face_share * gray[..., None] + (1 - face_share) * coloured).astype(np.uint8)
    if mask is not None:
        outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, outlines, -1, (0, 0, 0), 3)
        cv2.drawContours(picture, outlines, -1, (255, 255, 255), 1)
    return picture


def colour_scale(colours: str) -> NDArray[np.uint8]:
    """A colour map from least to greatest, (8, 64, 3) uint8."""
    row = 255 * colormaps[colours](np.linspace(0, 1, 64))[:, :3]
    return np.repeat(row[None], 8, axis=0).astype(np.uint8)


def landmarks_over_face(landmarks: ArrayLike, face: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A face's landmarks (68, 2) and the lines between them over a gray picture; RGB."""
    points = np.asarray(landmarks, float)
    picture = _gray(face)
    fine = 4
    for start, stop, closed in OUTLINES.values():
        line = (points[start:stop] * 2**fine).round().astype(np.int32)
        cv2.polylines(picture, [line], closed, (11, 92, 173), 1, cv2.LINE_AA, fine)
    for x, y in (points * 2**fine).round().astype(int):
        cv2.circle(
            picture, (int(x), int(y)), 2**fine * 3 // 2, (209, 73, 91), -1, cv2.LINE_AA, fine
        )
    return picture


def borders_over_face(segments: NDArray, face: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The borders of superpixels (S, S) over a gray picture of the same size; RGB."""
    picture = _gray(face)
    picture[find_boundaries(segments, mode="inner")] = (209, 73, 91)
    return picture


def weights_over_face(
    segments: NDArray, weights: ArrayLike, face: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Signed weights (K,) of superpixels 0 … K − 1 over a gray picture: purple is against."""
    known: NDArray[np.float64] = np.nan_to_num(np.asarray(weights, float))
    share = known / (np.abs(known).max() or 1)
    coloured = 255 * np.asarray(colormaps["PuOr_r"](0.5 + share / 2))[segments, :3]
    return (0.25 * face[..., None] + 0.75 * coloured).astype(np.uint8)


def heatmap_grid(
    pictures: Mapping[tuple[str, str], NDArray[np.uint8]],
    notes: Mapping[tuple[str, str], str] | None = None,
    width: float | None = None,
) -> Figure:
    """Pictures in a grid, a row for each network and a column for each expression.

    Parameters
    ----------
    pictures : mapping from (row, column) to (H, W, 3) uint8
        As `heatmap_over_face` returns them. A missing one leaves a gap that says so.
    notes : mapping from (row, column) to str, optional
        A few characters under each picture, such as its score.
    width : float, optional
        Of the figure, in inches.
    """
    rows = list(dict.fromkeys(row for row, _ in pictures))
    columns = list(dict.fromkeys(column for _, column in pictures))
    scale = 1 if width is None else (width - 0.9) / (1.35 * len(columns))
    size = (1.35 * scale * len(columns) + 0.9, 1.85 * scale * len(rows) + 0.3)
    figure = Figure(figsize=size)
    axes = figure.subplots(len(rows), len(columns), squeeze=False)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            cell = axes[i, j]
            _bare(cell)
            if (row, column) in pictures:
                cell.imshow(pictures[row, column])
                cell.set_xlabel((notes or {}).get((row, column), ""), fontsize=7, labelpad=2)
            else:
                cell.text(0.5, 0.5, "none", ha="center", va="center", color="gray", fontsize=8)
        axes[i, 0].set_ylabel(row, fontsize=8)
    for j, column in enumerate(columns):
        axes[0, j].set_title(column, fontsize=9)
    figure.subplots_adjust(
        left=0.7 / figure.get_figwidth(),
        right=1 - 0.1 / figure.get_figwidth(),
        top=1 - 0.3 / figure.get_figheight(),
        bottom=0.2 / figure.get_figheight(),
        wspace=0.06,
        hspace=0.14,
    )
    return figure


def similarity_dendrogram(linkage: NDArray, names: Sequence[str], title: str) -> Figure:
    """Networks clustered by how alike their heatmaps are.

    Parameters
    ----------
    linkage : (N - 1, 4) float64
        As `alignment.similarity.dendrogram_linkage` returns it.
    names : N str
        One for each heatmap.
    title : str
    """
    figure = Figure(figsize=(5, 0.28 * len(names) + 1.1), layout="constrained")
    axes = figure.subplots()
    _tree(axes, linkage, names, 9)
    axes.set(xlabel="distance (1 - correlation)", title=title)
    return figure


def dendrograms(linkages: Mapping[str, tuple[NDArray, Sequence[str]]], width: float) -> Figure:
    """The dendrograms of all expressions on one page, two in a row.

    Parameters
    ----------
    linkages : mapping from title to (linkage, names)
        As for `similarity_dendrogram`.
    width : float
        Of the figure, in inches.
    """
    rows = -(-len(linkages) // 2)
    leaves = max(len(names) for _, names in linkages.values())
    figure = Figure(figsize=(width, rows * (0.17 * leaves + 0.8)), layout="constrained")
    cells = figure.subplots(rows, 2, squeeze=False).ravel()
    for axes, (title, (linkage, names)) in zip(cells, linkages.items(), strict=False):
        _tree(axes, linkage, names, 7)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("distance (1 - correlation)", fontsize=7)
        axes.tick_params(axis="x", labelsize=7)
    for axes in cells[len(linkages) :]:
        axes.set_axis_off()
    return figure


def scores_by_expression(scores: pd.DataFrame, labels: Sequence[str], width: float) -> Figure:
    """Each network's IoU for each expression; a bar is their mean, a line what luck scores.

    Parameters
    ----------
    scores : DataFrame
        Columns network, expression and iou and, where known, chance_shift.
    labels : sequence of str
        Order of the expressions.
    width : float
        Of the figure, in inches.
    """
    figure = Figure(figsize=(width, 0.4 * width), layout="constrained")
    axes = figure.subplots()
    for place, label in enumerate(labels):
        rows = scores[scores["expression"] == label]
        axes.bar(place, rows["iou"].mean(), width=0.7, color="#c8d3df", zorder=0)
        axes.plot(np.full(len(rows), place), rows["iou"], "o", color=_SECOND_LINE, ms=3)
        if "chance_shift" in rows:
            luck = rows["chance_shift"].mean()
            axes.plot([place - 0.35, place + 0.35], [luck, luck], color=_LINE, lw=1.5)
    axes.set_xticks(range(len(labels)), list(labels), fontsize=8)
    axes.tick_params(axis="y", labelsize=8)
    axes.set_ylabel("IoU", fontsize=8)
    _open(axes, sides=("top", "right"))
    return figure


def note(text: str) -> Figure:
    """A line of text in the place of a picture that cannot be drawn."""
    figure = Figure(figsize=(5, 1.1))
    figure.text(0.5, 0.5, text, ha="center", va="center", color="gray", fontsize=9)
    return figure


def confusion(counts: ArrayLike, labels: Sequence[str], title: str = "") -> Figure:
    """A confusion matrix, each row as shares of its true label.

    Parameters
    ----------
    counts : (N, N) array of int
        Row: true, column: predicted.
    labels : N str
    title : str
    """
    counts = np.asarray(counts)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 0.62 * len(labels) + 1.6
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ticks = range(len(labels))
    axes.set_xticks(ticks, labels, rotation=45, ha="right")
    axes.set_yticks(ticks, labels)
    axes.set(xlabel="predicted", ylabel="true", title=title)
    for (i, j), share in np.ndenumerate(shares):
        axes.text(
            j, i, f"{share:.2f}", ha="center", va="center", fontsize=8,
            color="white" if share > 0.5 else "black",
        )  # fmt: skip
    _open(axes)
    axes.tick_params(length=0)
    return figure


def specificity(matrix: pd.DataFrame) -> Figure:
    """IoU of every expression's heatmaps with every expression's mask.

    Parameters
    ----------
    matrix : DataFrame
        Square, heatmaps in rows and masks in columns, as `alignment.specificity.expression_matrix`
        returns it. Own masks are framed.
    """
    side = 0.62 * len(matrix) + 1.6
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    values = matrix.to_numpy(float)
    dark = values.min() + 0.6 * np.ptp(values)
    axes.imshow(values, cmap="Greens")
    ticks = range(len(matrix))
    axes.set_xticks(ticks, list(matrix.columns), rotation=45, ha="right")
    axes.set_yticks(ticks, list(matrix.index))
    axes.set(xlabel="mask", ylabel="heatmap", title="IoU")
    for (i, j), value in np.ndenumerate(values):
        colour = "white" if value > dark else "black"
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=8, color=colour)
        if i == j:
            axes.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, lw=2, ec=_SECOND_LINE))
    _open(axes)
    axes.tick_params(length=0)
    return figure


def scores_in_context(networks: Mapping[str, Mapping], prior: Mapping[str, float]) -> Figure:
    """Each network's mean IoU beside what luck, other masks and fixed regions score.

    Parameters
    ----------
    networks : mapping from network to its summary
        As in `alignment.report.Report.networks`.
    prior : mapping
        IoU of fixed regions: ellipse, white and grand_mean.
    """
    figure = Figure(figsize=(7, 0.34 * len(networks) + 1.5), layout="constrained")
    axes = figure.subplots()
    rows = np.arange(len(networks))
    for row, summary in zip(rows, networks.values(), strict=True):
        if summary["iou_interval"]:
            axes.plot(list(summary["iou_interval"].values()), [row, row], color=_SECOND_LINE, lw=2)
    series = {
        "other masks": ("o", "#9aa5b1", [s["other_masks"] for s in networks.values()]),
        "moved at random": ("|", _LINE, [s["chance"]["shift"] for s in networks.values()]),
        "own mask": ("o", _SECOND_LINE, [s["iou"] for s in networks.values()]),
        "ceiling": ("^", "#3a7d44", [s["ceiling"] for s in networks.values()]),
    }
    for name, (marker, colour, values) in series.items():
        known = np.array(values, float)
        if not np.isnan(known).all():
            axes.plot(known, rows, marker, color=colour, label=name, ms=7)
    styles = ("--", ":", "-.")
    for style, (name, value) in zip(styles, prior.items(), strict=True):
        axes.axvline(value, color="gray", ls=style, lw=1, label=name.replace("_", " "), zorder=0)
    axes.set_yticks(rows, list(networks))
    axes.set(xlabel="mean IoU", xlim=(0, None), ylim=(len(networks) - 0.5, -0.5))
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    _open(axes, sides=("top", "right"))
    return figure


def probability_curves(curves: pd.DataFrame) -> Figure:
    """The explained class's probability while superpixels are hidden and shown.

    Parameters
    ----------
    curves : DataFrame
        Columns network, curve (deletion, insertion or random), share and probability; without
        rows, nothing is drawn but the axes.
    """
    figure = Figure(figsize=(7, 3), layout="constrained")
    hidden, shown = figure.subplots(1, 2, sharey=True)
    for number, (network, rows) in enumerate(curves.groupby("network", sort=False)):
        colour = f"C{number % 10}"
        curve = {name: part for name, part in rows.groupby("curve")}
        for axes, name in ((hidden, "deletion"), (shown, "insertion")):
            part = curve[name]
            axes.plot(part["share"], part["probability"], color=colour, label=network)
        random = curve["random"]
        hidden.plot(1 - random["share"], random["probability"], color=colour, ls=":")
        shown.plot(random["share"], random["probability"], color=colour, ls=":")
    hidden.set(xlabel="share of superpixels hidden", ylabel="probability of the class")
    shown.set(xlabel="share of superpixels shown", ylim=(0, 1))
    for axes in (hidden, shown):
        _open(axes, sides=("top", "right"))
    hidden.plot([], [], color="gray", ls=":", label="random order")
    hidden.legend(frameon=False, fontsize=8)
    return figure


def power_curve(subjects: Sequence[int], powers: ArrayLike, difference: float) -> Figure:
    """The chance of finding a true difference, by the number of subjects behind each heatmap.

    Parameters
    ----------
    subjects, powers : (n,) arrays
    difference : float
        Own minus other masks' IoU.
    """
    figure = Figure(figsize=(5, 3), layout="constrained")
    axes = figure.subplots()
    axes.plot(subjects, powers, "o-", ms=4, color=_LINE)
    axes.axhline(0.8, color="gray", ls="--", lw=1)
    axes.set_xscale("log")
    axes.set_xticks(subjects, [str(number) for number in subjects], fontsize=8)
    axes.minorticks_off()
    axes.set(xlabel="subjects behind each heatmap", ylabel="power", ylim=(0, 1.02))
    axes.set_title(f"to call a difference of {difference:.3f} specific", fontsize=9)
    _open(axes, sides=("top", "right"))
    return figure


def _tree(axes: Axes, linkage: NDArray, names: Sequence[str], size: float) -> None:
    dendrogram(
        linkage,
        labels=list(names),
        orientation="left",
        ax=axes,
        color_threshold=0,
        above_threshold_color=_LINE,
        leaf_font_size=size,
    )
    axes.set_xlim(max(1.0, 1.05 * linkage[-1, 2]), 0)
    _open(axes, sides=("top", "left", "right"))


def _gray(face: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(face[..., None], 3, axis=-1)


def _bare(axes: Axes) -> None:
    axes.set(xticks=[], yticks=[])
    _open(axes)


def _open(axes: Axes, sides: Sequence[str] = ("top", "right", "bottom", "left")) -> None:
    axes.spines[list(sides)].set_visible(False)
