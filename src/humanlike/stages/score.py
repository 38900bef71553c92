"""Average the standardised explanations into heatmaps, score them, and draw everything."""

from __future__ import annotations

from itertools import compress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from humanlike import artifacts, figures, storage
from humanlike.alignment.ceiling import perfect_map
from humanlike.alignment.intervals import Influences
from humanlike.alignment.references import Reference, agreement, answers, map_correlations
from humanlike.alignment.report import report
from humanlike.alignment.scores import iou, mark, stretch
from humanlike.alignment.similarity import dendrogram_linkage, similarity
from humanlike.alignment.table import Key, mean_maps, pooled
from humanlike.canonical.masks import ACTION_UNITS_WITH_REGION, action_unit_region, ekman_mask
from humanlike.expressions import ACTION_UNITS, EXPRESSIONS
from humanlike.params import Params, load
from humanlike.report.explanations import Checks, by_network, mean
from humanlike.report.pictures import read_reference
from humanlike.report.tables import (
    DIGITS,
    decisive,
    of_explanations,
    of_scores,
    write_summary,
    write_tables,
)

#: Reference -> expression -> mask (H, W) bool.
Regions = dict[str, dict[str, NDArray[np.bool_]]]

#: What is read of a unit at once. Its maps and superpixels come row by row: they would fill memory.
AT_ONCE = (
    *("subject", "predicted", "mean_face", "r2", "n_superpixels"),
    *("checked", "curves", "precision", "precision_error"),
)
VERDICT = artifacts.PLOTS / "score" / "verdict.txt"
NOTHING_TO_SCORE = "No heatmap is of an expression that has a mask: there is nothing to score.\n"


def run() -> None:
    """Write all metrics and plots of the networks and folds that params.yaml names."""
    params = load()
    # What other networks and folds left behind, or people put there, is neither read nor touched.
    storage.bring(artifacts.joined(params.units, params.score.references))
    join_training(params)

    references = [read_reference(name, params.labels) for name in params.score.references]
    regions = {one.name: one.masks(params.score.threshold) for one in references}
    heatmaps: dict[Key, NDArray[np.floating]] = {}
    known: dict[str, Known] = {one.name: Known({}, {}) for one in references}
    explained: list[dict[str, Any]] = []
    precisions: list[dict[str, Any]] = []
    faces: list[pd.DataFrame] = []
    checks = Checks()
    mean_faces = []
    for network, fold in params.units:
        path = artifacts.unit("standardized", network, fold, ".npz")
        arrays = artifacts.read_arrays(path, *AT_ONCE)
        mean_faces.append(arrays["mean_face"])
        first, again = (artifacts.read_rows(path, name) for name in ("maps", "maps_again"))
        checks.add(network, arrays, zip(compress(first, arrays["checked"]), again, strict=True))
        faces.append(fits(network, arrays))
        if "precision" in arrays:
            used, error = str(arrays["precision"]), float(arrays["precision_error"])
            precisions.append({"network": network, "fold": fold, "precision": used, "error": error})
        predicted = arrays["predicted"]
        means = dict(mean_maps(artifacts.read_rows(path, "maps"), predicted.tolist()))
        for label in params.labels:
            key = (network, fold, label)
            explained.append(count(key, arrays, predicted == label))
            if label in means:
                heatmaps[key] = means[label]
        for (name, label), ceiling in ceilings(path, arrays, regions, params).items():
            known[name].ceilings[network, fold, label] = ceiling
        for (name, label), found in influences(path, arrays, means, regions, params).items():
            known[name].influences[network, fold, label] = found
    join_explanations(pd.DataFrame(explained), pd.concat(faces), checks, precisions, params)
    score(heatmaps, references, known, params)
    draw(heatmaps, np.mean(mean_faces, axis=0).astype(np.uint8), params)


class Known(NamedTuple):
    """What the faces behind the heatmaps tell of one reference's scores."""

    ceilings: dict[Key, float]
    influences: dict[Key, pd.DataFrame]


def ceilings(
    path: Path, arrays: dict[str, NDArray[Any]], regions: Regions, params: Params
) -> dict[tuple[str, str], float]:
    """By reference and expression, the score of an explainer that can only weigh superpixels."""
    found = {}
    predicted = arrays["predicted"].tolist()
    for name, masks in regions.items() if "n_superpixels" in arrays else ():
        perfect = (
            perfect_map(superpixels, masks[label])
            for label, superpixels in zip(
                predicted, artifacts.read_rows(path, "superpixels"), strict=True
            )
            if label in masks
        )
        for label, heatmap in mean_maps(perfect, [one for one in predicted if one in masks]):
            marked = mark(stretch(heatmap), params.score.threshold)
            found[name, label] = float(iou(marked, masks[label]))
    return found


def influences(
    path: Path,
    arrays: dict[str, NDArray[Any]],
    heatmaps: dict[str, NDArray[np.float64]],
    regions: Regions,
    params: Params,
) -> dict[tuple[str, str], pd.DataFrame]:
    """By reference and expression, how much each subject moves the scores of a heatmap."""
    predicted, subjects = arrays["predicted"], arrays["subject"]
    found = {
        (name, label): Influences(
            heatmap, subjects[predicted == label], masks, label, params.score.threshold
        )
        for name, masks in regions.items()
        for label, heatmap in heatmaps.items()
        if label in masks
    }
    groups = list(zip(predicted.tolist(), subjects.tolist(), strict=True))
    for (label, subject), theirs in mean_maps(artifacts.read_rows(path, "maps"), groups):
        for name in regions:
            if (name, label) in found:
                found[name, label].add(subject, theirs)
    return {key: one.table() for key, one in found.items()}


def count(
    key: Key, arrays: dict[str, NDArray[Any]], rows: NDArray[np.bool_]
) -> dict[str, str | int | float]:
    """How many faces are behind a heatmap, into how many parts they were cut, and LIME's fit."""
    return {
        **dict(zip(("network", "fold", "expression"), key, strict=True)),
        "explained": int(rows.sum()),
        **fits(key[0], arrays)[rows].mean(numeric_only=True),
    }


def fits(network: str, arrays: dict[str, NDArray[Any]]) -> pd.DataFrame:
    """The fit of each explained face and how many parts it was cut into, a row a face.

    Unknown for methods without superpixels.
    """
    figures_of = {"r2": "r2", "superpixels": "n_superpixels"}
    unknown = np.full(len(arrays["predicted"]), np.nan)
    known = {name: arrays.get(array, unknown).astype(float) for name, array in figures_of.items()}
    return pd.DataFrame({"network": network, **known})


def join_training(params: Params) -> None:
    """Write metrics/train.json and plots/train: accuracy, history and confusion."""
    folder = artifacts.fresh(artifacts.PLOTS / "train")
    accuracy = []
    tables = []
    for network, fold in params.units:
        history = artifacts.read_table(artifacts.unit("history", network, fold, ".csv"))
        artifacts.write_table(folder / "history" / f"{network}_fold{fold}.csv", history)
        table = artifacts.read_table(artifacts.unit("predictions", network, fold, ".csv"))
        # A network from a file may be looked at on photographs without labels.
        told = table[table["expression"].notna()]
        right = (told["expression"] == told["predicted"]).mean()
        accuracy.append({"network": network, "fold": fold, "accuracy": right})
        tables.append(told[["expression", "predicted"]].assign(network=network, fold=fold))
    by_fold = pd.DataFrame(accuracy)
    artifacts.write_table(folder / "accuracy.csv", by_fold.round(DIGITS))
    known = mean(by_fold.groupby("network")["accuracy"].mean())
    artifacts.write_json(artifacts.METRICS / "train.json", decisive({"accuracy": known}))
    confusion = pd.concat(tables)
    artifacts.write_table(folder / "confusion.csv", confusion)
    counts = {
        str(network): confusion_matrix(rows["expression"], rows["predicted"], labels=params.labels)
        for network, rows in confusion.groupby("network", sort=False)
    }
    for network, matrix in counts.items():
        picture = figures.png(figures.confusion(matrix, params.labels, network))
        artifacts.write_bytes(folder / f"confusion_{network}.png", picture)


def join_explanations(
    explained: pd.DataFrame,
    faces: pd.DataFrame,
    checks: Checks,
    precisions: list[dict[str, Any]],
    params: Params,
) -> None:
    """Write metrics/explain.json: what was explained, by what, and what LIME itself is worth."""
    folder = artifacts.fresh(artifacts.PLOTS / "score")
    artifacts.write_table(folder / "explained.csv", explained.round(DIGITS))
    curves = checks.mean_curves()
    artifacts.write_table(folder / "deletion_insertion.csv", curves.round(DIGITS))
    artifacts.write_bytes(
        folder / "deletion_insertion.png", figures.png(figures.probability_curves(curves))
    )
    asked = params.explain.positives_per_class
    found = {
        "explained": int(explained["explained"].sum()),
        "heatmaps_of_fewer_than_asked": int((explained["explained"] < asked).sum()),
        "heatmaps_missing": int((explained["explained"] == 0).sum()),
        "superpixels": mean(faces["superpixels"]),
        "r2": by_network(faces, "r2"),
        **checks.metrics(),
        **({"precision": precisions} if precisions else {}),
    }
    artifacts.write_json(folder / "explanations.json", found)
    artifacts.write_json(artifacts.METRICS / "explain.json", decisive(of_explanations(found)))


def score(
    heatmaps: dict[Key, NDArray[np.floating]],
    references: list[Reference],
    known: dict[str, Known],
    params: Params,
) -> None:
    """Write metrics/score.json and plots/score: the heatmaps against each reference and chance.

    The first reference's tables are in plots/score itself, each other's in a folder of its own.
    """
    summaries: dict[str, dict[str, Any]] = {}
    metrics: dict[str, Any] = {"iou": None}
    evidence = next((one.maps for one in references if one.name == "evidence"), None)
    for reference in references:
        masks = reference.masks(params.score.threshold)
        first = reference is references[0]
        if not any(label in masks for _, _, label in heatmaps):
            if first:
                artifacts.write_bytes(VERDICT, NOTHING_TO_SCORE.encode())
            continue
        found = report(
            heatmaps,
            masks,
            params.score.threshold,
            ceilings=known[reference.name].ceilings,
            influences=known[reference.name].influences,
            regions={unit: action_unit_region(unit) for unit in ACTION_UNITS_WITH_REGION},
            action_units=ACTION_UNITS,
            evidence=evidence,
            seed=params.score.seed,
        )
        folder = VERDICT.parent if first else VERDICT.parent / reference.name
        write_tables(found, folder)
        write_summary(found, folder)
        if reference.gray:
            table = map_correlations(heatmaps, reference)
            artifacts.write_table(folder / "map_correlations.csv", table.round(DIGITS))
        summaries[reference.name] = found.summary
        theirs = of_scores(found.summary)
        if first:
            metrics = theirs
        else:
            metrics[reference.name] = {"p": theirs["p"]}
    artifacts.write_json(artifacts.METRICS / "score.json", decisive(metrics))
    if len(references) > 1:
        table = agreement(references, params.score.threshold)
        artifacts.write_table(VERDICT.parent / "references.csv", table.round(DIGITS))
        said = answers(summaries)
        artifacts.write_bytes(VERDICT.parent / "answers.txt", f"{said}\n".encode())


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
        else:
            # Git keeps no empty folder, and DVC misses an output that a clone does not have.
            tree = figures.note(f"{label}: fewer than two networks to compare")
        artifacts.write_bytes(dendrograms / f"{label}.png", figures.png(tree))
