"""The study's tables and figures of a run, or of ready heatmaps, for a paper of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import typer
from matplotlib.figure import Figure
from numpy.typing import NDArray

from humanlike import artifacts, figures
from humanlike.alignment.report import report
from humanlike.alignment.similarity import dendrogram_linkage, similarity
from humanlike.alignment.table import pooled
from humanlike.canonical.masks import ekman_mask
from humanlike.commands.score_heatmaps import parse_threshold
from humanlike.errors import HumanlikeError
from humanlike.expressions import EXPRESSIONS
from humanlike.networks.registry import NETWORKS
from humanlike.params import load
from humanlike.report import paper
from humanlike.report.gather import gather, reference_masks
from humanlike.report.made import code, data, settings, versions
from humanlike.report.pictures import read_heatmaps

#: Networks on one page of heatmaps.
PER_PAGE = 6


@dataclass(frozen=True)
class Source:
    """What tables and figures are made of.

    Attributes
    ----------
    labels, networks : sequences of str
    scores : DataFrame
        As `alignment.report.Report.by_expression`.
    heatmaps : mapping from (network, expression) to (HEIGHT, WIDTH)
    face : (HEIGHT, WIDTH) uint8, optional
    accuracy, datasets : DataFrame, optional
    methods : str, optional
    colours : str
    """

    labels: Sequence[str]
    networks: Sequence[str]
    scores: pd.DataFrame
    heatmaps: Mapping[tuple[str, str], NDArray] = field(default_factory=dict)
    face: NDArray | None = None
    accuracy: pd.DataFrame | None = None
    datasets: pd.DataFrame | None = None
    methods: str | None = None
    colours: str = "inferno"


def write(
    output: Path,
    heatmaps: Path | None = None,
    threshold: str = "otsu",
    colours: str | None = None,
) -> None:
    """Write tables as CSV and LaTeX, figures as PDF and, of a run, the methods in words.

    Parameters
    ----------
    output
        Folder to write to.
    heatmaps
        Ready heatmaps as for `humanlike score-heatmaps`; by default those of the last run.
    threshold
        For ready heatmaps: "otsu" or a number from 0 to 1.
    colours
        One of `figures.COLOURS`; by default what `report.colours` says, or inferno.

    Raises
    ------
    HumanlikeError
        Nothing was scored yet, a file is damaged, or an option has a value that is not allowed.
    """
    if colours is not None and colours not in figures.COLOURS:
        raise HumanlikeError(f"--colours: {colours} is none of {', '.join(figures.COLOURS)}")
    source = of_run(Path()) if heatmaps is None else of_heatmaps(heatmaps, threshold)
    masks = {label: ekman_mask(label) for label in source.labels if label in EXPRESSIONS}
    written = [
        *_tables(output / "tables", source, masks),
        *_figures(output / "figures", source, masks, colours or source.colours),
    ]
    if source.methods is not None:
        written.append(output / "methods.txt")
        artifacts.write_bytes(written[-1], source.methods.encode())
    typer.echo("\n".join(str(path) for path in written))


def of_heatmaps(folder: Path, threshold: str) -> Source:
    """Score ready heatmaps."""
    by_fold = read_heatmaps(folder)
    masks = {label: ekman_mask(label) for label in EXPRESSIONS}
    found = report(by_fold, masks, parse_threshold(threshold))
    names = list(dict.fromkeys(network for network, _, _ in by_fold))
    networks = [key for key in NETWORKS if key in names]
    networks += [name for name in names if name not in NETWORKS]
    scores = found.by_expression.set_index("network").loc[networks].reset_index()
    return Source(
        labels=[label for label in EXPRESSIONS if label in set(scores["expression"])],
        networks=networks,
        scores=scores,
        heatmaps=pooled(by_fold, "network", "expression"),  # type: ignore[arg-type]
    )


def of_run(root: Path) -> Source:
    """Take the last run's figures, as its report does."""
    params = load(root / "params.yaml")
    content = gather(
        root, params.labels, references=reference_masks(params), colours=params.report.colours
    )
    scores = next((one.scores for one in content.references if one.key == "ekman"), None)
    if scores is None:
        raise HumanlikeError(
            "nothing was scored against Ekman's masks; name ekman in score.references and run "
            "`dvc repro`"
        )
    preprocess = artifacts.METRICS / "preprocess.json"
    counts = artifacts.read_json(root / preprocess) if (root / preprocess).is_file() else None
    sections = {
        **settings(params),
        "versions": versions(),
        "data and code": data(root) | code(root),
    }
    return Source(
        labels=content.labels,
        networks=content.networks,
        scores=scores,
        heatmaps=content.heatmaps,
        face=content.face,
        accuracy=content.accuracy,
        datasets=paper.datasets_table(counts) if counts and "datasets" in counts else None,
        methods=paper.methods(params, counts, sections),
        colours=content.colours,
    )


def _tables(folder: Path, source: Source, masks: Mapping[str, NDArray]) -> list[Path]:
    """Write each table twice: all its decimals as CSV, four of them as LaTeX."""
    scores, labels = source.scores, source.labels
    accuracy = ""
    if source.accuracy is not None:
        accuracy = ", and accuracy on held-out people (mean and standard deviation over folds)"
    tables = {
        "table_1": (
            paper.networks_table(source.networks, source.accuracy),
            "The networks: side of the input in pixels, parameters, whether ImageNet weights exist"
            f"{accuracy}.",
        ),
        "table_3": (
            paper.scores_table(scores, ["iou", "f1"], labels),
            "Intersection over union and F1 of heatmaps and Ekman masks.",
        ),
        "table_4": (
            paper.scores_table(scores, ["precision", "recall"], labels),
            "Precision and recall of heatmaps and Ekman masks.",
        ),
        "table_5": (
            paper.ranking_table(scores, labels, source.heatmaps, masks),
            "Networks that fit each expression's mask best and worst, and the parts of the face "
            "that their heatmaps dwell on (attention in brackets; 1 is chance).",
        ),
    }
    if source.datasets is not None:
        tables["datasets"] = source.datasets, "The data sets: faces and people, and faces of each."
    written = []
    for name, (table, caption) in tables.items():
        single = paper.flat(table) if table.columns.nlevels == 2 else table
        written += [folder / f"{name}.csv", folder / f"{name}.tex"]
        artifacts.write_table(written[-2], single)
        text = paper.latex_table(table, caption, f"tab:{name}")
        artifacts.write_bytes(written[-1], text.encode())
    return written


def _figures(
    folder: Path, source: Source, masks: Mapping[str, NDArray], colours: str
) -> list[Path]:
    """Write the figures, as wide as a page's text."""
    width = figures.PRINTED_WIDTH
    pictures: dict[str, Figure] = {
        "scores_by_expression": figures.scores_by_expression(source.scores, source.labels, width)
    }

    def over_face(heatmap: NDArray, label: str) -> NDArray:
        return figures.heatmap_over_face(
            heatmap, source.face, masks.get(label), colours=colours, face_share=0.3
        )

    labels = [
        label
        for label in source.labels
        if any((n, label) in source.heatmaps for n in source.networks)
    ]
    if labels:
        of_all = {
            label: pooled({(n, 0, e): h for (n, e), h in source.heatmaps.items()}, "expression")[
                (label,)
            ]
            for label in labels
        }
        pictures["heatmaps_by_expression"] = figures.heatmap_grid(
            {
                ("all networks", label): over_face(heatmap, label)
                for label, heatmap in of_all.items()
            },
            width=width,
        )
    for start in range(0, len(source.networks) if labels else 0, PER_PAGE):
        some = source.networks[start : start + PER_PAGE]
        cells = {
            (paper.network_name(network), label): over_face(source.heatmaps[network, label], label)
            for network in some
            for label in labels
            if (network, label) in source.heatmaps
        }
        if cells:
            name = f"heatmaps_by_network_{start // PER_PAGE + 1}"
            pictures[name] = figures.heatmap_grid(cells, width=width)
    trees = {}
    for label in labels:
        names = [network for network in source.networks if (network, label) in source.heatmaps]
        if len(names) > 1:
            alike = similarity([source.heatmaps[network, label] for network in names])
            trees[label] = dendrogram_linkage(alike), [paper.network_name(n) for n in names]
    if trees:
        pictures["dendrograms"] = figures.dendrograms(trees, width)
    written = []
    for name, picture in pictures.items():
        written.append(folder / f"{name}.pdf")
        artifacts.write_bytes(written[-1], figures.pdf(picture))
    return written
