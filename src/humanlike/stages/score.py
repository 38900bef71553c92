"""Average the standardised explanations into heatmaps, score them, and draw everything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from humanlike import artifacts, figures
from humanlike.alignment.bootstrap import face_weights, resampled_iou
from humanlike.alignment.ceiling import perfect_heatmap
from humanlike.alignment.report import report
from humanlike.alignment.scores import METRICS, iou, mark, stretch
from humanlike.alignment.similarity import dendrogram_linkage, similarity
from humanlike.alignment.table import Key, nest, pooled
from humanlike.canonical.masks import ACTION_UNITS_WITH_REGION, action_unit_region, ekman_mask
from humanlike.expressions import ACTION_UNITS, EXPRESSIONS
from humanlike.params import Params, load
from humanlike.report.explanations import Checks, by_network, mean
from humanlike.report.tables import DIGITS, rounded, write_tables

#: What this stage joins, each with a file for every network and fold.
JOINED = {"history": ".csv", "predictions": ".csv", "standardized": ".npz"}
VERDICT = artifacts.PLOTS / "score" / "verdict.txt"
NOTHING_TO_SCORE = "No heatmap is of an expression that has a mask: there is nothing to score.\n"


def run() -> None:
    """Write all metrics and plots of the networks and folds that params.yaml names."""
    params = load()
    for kind, suffix in JOINED.items():
        forget_others(kind, suffix, params)
    join_training(params)

    masks = masks_for(params.labels)
    heatmaps: dict[Key, NDArray[np.floating]] = {}
    ceilings: dict[Key, float] = {}
    draws: dict[Key, NDArray[np.float64]] = {}
    explained: list[dict[str, Any]] = []
    checks = Checks()
    mean_faces = []
    for network, fold in params.units:
        arrays = artifacts.read_arrays(artifacts.unit("standardized", network, fold, ".npz"))
        mean_faces.append(arrays["mean_face"])
        checks.add(network, arrays)
        for label in params.labels:
            key = (network, fold, label)
            rows = arrays["predicted"] == label
            explained.append(count(key, arrays, rows))
            if not rows.any():
                continue
            maps = arrays["maps"][rows]
            heatmaps[key] = maps.mean(axis=0, dtype=float)
            if label in EXPRESSIONS:
                mask = masks[label]
                if "superpixels" in arrays:
                    perfect = perfect_heatmap(arrays["superpixels"][rows], mask)
                    ceilings[key] = float(iou(mark(stretch(perfect), params.score.threshold), mask))
                weights = face_weights(
                    arrays["face"][rows], draws=params.score.bootstrap, seed=params.score.seed
                )
                draws[key] = resampled_iou(maps, mask, weights, params.score.threshold)
    join_explanations(pd.DataFrame(explained), checks, params)
    score(heatmaps, masks, ceilings, draws, params)
    draw(heatmaps, np.mean(mean_faces, axis=0).astype(np.uint8), params)


def masks_for(labels: list[str]) -> dict[str, NDArray[np.bool_]]:
    """The masks that heatmaps are held against: of all labels that have one, or else of all six."""
    named = [label for label in labels if label in EXPRESSIONS]
    return {label: ekman_mask(label) for label in (named if len(named) > 1 else EXPRESSIONS)}


def count(
    key: Key, arrays: dict[str, NDArray[Any]], rows: NDArray[np.bool_]
) -> dict[str, str | int | float]:
    """How many faces are behind a heatmap, into how many parts they were cut, and LIME's fit."""
    figures_of = {"r2": "r2", "superpixels": "n_superpixels"}
    return {
        **dict(zip(("network", "fold", "expression"), key, strict=True)),
        "explained": int(rows.sum()),
        **{
            name: float(arrays[array][rows].mean()) if array in arrays and rows.any() else np.nan
            for name, array in figures_of.items()
        },
    }


def forget_others(kind: str, suffix: str, params: Params) -> None:
    """Delete what networks and folds that params.yaml no longer names have left behind.

    DVC depends on the whole folder: with leftovers in it, the same params would not be the same
    pipeline on every machine. DVC's cache still has them.
    """
    named = {artifacts.unit(kind, network, fold, suffix) for network, fold in params.units}
    folder = artifacts.ARTIFACTS / kind
    for path in folder.glob("*/*"):
        if path not in named:
            path.unlink()
    for path in folder.iterdir():
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def join_training(params: Params) -> None:
    """Write metrics/train.json and plots/train: accuracy, history and confusion."""
    folder = artifacts.fresh(artifacts.PLOTS / "train")
    accuracy: dict[str, Any] = {}
    tables = []
    for network, fold in params.units:
        history = artifacts.read_table(artifacts.unit("history", network, fold, ".csv"))
        artifacts.write_table(folder / "history" / f"{network}_fold{fold}.csv", history)
        table = artifacts.read_table(artifacts.unit("predictions", network, fold, ".csv"))
        right = (table["expression"] == table["predicted"]).mean()
        accuracy.setdefault(network, {})[f"fold{fold}"] = round(float(right), DIGITS)
        tables.append(table[["expression", "predicted"]].assign(network=network, fold=fold))
    by_network = {
        network: float(np.mean(list(folds.values()))) for network, folds in accuracy.items()
    }
    artifacts.write_json(
        artifacts.METRICS / "train.json",
        {
            "accuracy": {
                "mean": round(float(np.mean(list(by_network.values()))), DIGITS),
                **{
                    network: {"mean": round(by_network[network], DIGITS), **folds}
                    for network, folds in accuracy.items()
                },
            }
        },
    )
    confusion = pd.concat(tables)
    artifacts.write_table(folder / "confusion.csv", confusion)
    counts = {
        str(network): confusion_matrix(rows["expression"], rows["predicted"], labels=params.labels)
        for network, rows in confusion.groupby("network", sort=False)
    }
    for network, matrix in counts.items():
        picture = figures.png(figures.confusion(matrix, params.labels, network))
        artifacts.write_bytes(folder / f"confusion_{network}.png", picture)


def join_explanations(explained: pd.DataFrame, checks: Checks, params: Params) -> None:
    """Write metrics/explain.json: what was explained, by what, and what LIME itself is worth."""
    folder = artifacts.fresh(artifacts.PLOTS / "score")
    artifacts.write_table(folder / "explained.csv", explained.round(DIGITS))
    curves = checks.mean_curves()
    artifacts.write_table(folder / "deletion_insertion.csv", curves.round(DIGITS))
    artifacts.write_bytes(
        folder / "deletion_insertion.png", figures.png(figures.probability_curves(curves))
    )
    asked = params.explain.positives_per_class
    artifacts.write_json(
        artifacts.METRICS / "explain.json",
        {
            "explained": int(explained["explained"].sum()),
            "heatmaps_of_fewer_than_asked": int((explained["explained"] < asked).sum()),
            "heatmaps_missing": int((explained["explained"] == 0).sum()),
            "superpixels": mean(explained["superpixels"]),
            "r2": by_network(explained, "r2"),
            **checks.metrics(),
            "runtime": params.explain.runtime,
            "precision": params.explain.precision,
        },
    )


def score(
    heatmaps: dict[Key, NDArray[np.floating]],
    masks: dict[str, NDArray[np.bool_]],
    ceilings: dict[Key, float],
    draws: dict[Key, NDArray[np.float64]],
    params: Params,
) -> None:
    """Write metrics/score.json and plots/score: the heatmaps against the masks and chance."""
    if not any(label in masks for _, _, label in heatmaps):
        artifacts.write_json(artifacts.METRICS / "score.json", {"iou": {"mean": None}})
        artifacts.write_bytes(VERDICT, NOTHING_TO_SCORE.encode())
        return
    found = report(
        heatmaps,
        masks,
        params.score.threshold,
        ceilings=ceilings,
        draws=draws,
        regions={unit: action_unit_region(unit) for unit in ACTION_UNITS_WITH_REGION},
        action_units=ACTION_UNITS,
        seed=params.score.seed,
    )
    write_tables(found, artifacts.PLOTS / "score")
    by_cell = nest(found.by_expression, list(METRICS))
    summary, networks = dict(found.summary), {n: dict(s) for n, s in found.networks.items()}
    # Sentences would make `dvc metrics diff` too wide to read.
    said = [summary.pop("verdict")]
    said += [f"{network}: {theirs.pop('verdict')}" for network, theirs in networks.items()]
    artifacts.write_bytes(VERDICT, "\n".join([*said, ""]).encode())
    artifacts.write_json(
        artifacts.METRICS / "score.json", rounded({**summary, **by_cell, "networks": networks})
    )


def draw(
    heatmaps: dict[Key, NDArray[np.floating]], face: NDArray[np.uint8], params: Params
) -> None:
    """Write plots/heatmaps and plots/dendrograms, and each fold's heatmap as a gray picture."""
    stretched = artifacts.fresh(artifacts.ARTIFACTS / "heatmaps")
    for (network, fold, label), heatmap in heatmaps.items():
        artifacts.write_picture(stretched / network / f"fold{fold}_{label}.png", stretch(heatmap))

    folder = artifacts.fresh(artifacts.PLOTS / "heatmaps")
    by_network = pooled(heatmaps, "network", "expression")
    masks = {label: ekman_mask(label) for label in params.labels if label in EXPRESSIONS}
    pictures = {
        (network, label): figures.heatmap_over_face(heatmap, face, masks.get(label))
        for (network, label), heatmap in by_network.items()
    }
    artifacts.write_bytes(folder / "heatmaps.png", figures.png(figures.heatmap_grid(pictures)))
    for (network, label), picture in pictures.items():
        artifacts.write_bytes(folder / f"{network}_{label}.png", figures.png(picture))

    dendrograms = artifacts.fresh(artifacts.PLOTS / "dendrograms")
    for label in params.labels:
        networks = [network for network in params.train.networks if (network, label) in by_network]
        if len(networks) > 1:
            alike = similarity([by_network[network, label] for network in networks])
            table = pd.DataFrame(alike.round(DIGITS), networks, networks)
            artifacts.write_table(
                artifacts.PLOTS / "score" / f"similarity_{label}.csv",
                table.reset_index(names="network"),
            )
            tree = figures.similarity_dendrogram(dendrogram_linkage(alike), networks, label)
            artifacts.write_bytes(dendrograms / f"{label}.png", figures.png(tree))
