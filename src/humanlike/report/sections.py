"""The sections of a page: what the template shows, made of what is known of a run."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from humanlike import figures
from humanlike.alignment.similarity import dendrogram_linkage
from humanlike.expressions import ACTION_UNIT_NAMES
from humanlike.report import charts
from humanlike.report.answers import figure
from humanlike.report.content import Content, Example, Reference
from humanlike.report.places import where

#: Left-out photographs that are listed one by one; the others are counted.
MOST_LISTED = 200

#: How much of the face is seen through a heatmap.
FACE_SHARE = 0.35

#: Quality of the pictures, in [1, 100]: 72 heatmaps and their face in less than a megabyte.
_QUALITY = 70


def _data(picture: NDArray[np.uint8]) -> str:
    """A picture (H, W) or RGB (H, W, 3) as the address of itself."""
    if picture.ndim == 3:
        picture = picture[..., ::-1]
    encoded = cv2.imencode(
        ".webp", np.ascontiguousarray(picture), [cv2.IMWRITE_WEBP_QUALITY, _QUALITY]
    )[1]
    return "data:image/webp;base64," + base64.b64encode(encoded.tobytes()).decode()


def _known(value: Any) -> bool:
    return value is not None and value == value


def agreement(content: Content) -> list[dict[str, Any]]:
    """A row for each reference held against each other one."""
    if content.agreement is None:
        return []
    names = {reference.key: reference.name for reference in content.references}
    return [
        {
            **{key: names.get(row[key], row[key]) for key in ("reference", "against")},
            **{key: row[key] for key in ("iou", "other_masks")},
            "permutation_p": row["permutation_p"] if _known(row["permutation_p"]) else None,
        }
        for row in content.agreement.to_dict("records")
    ]


def context(reference: Reference) -> list[dict[str, Any]]:
    """What the mean IoU is to be compared with, least first."""
    summary = reference.summary
    chance, prior = summary.get("chance") or {}, summary.get("prior") or {}
    interval = summary.get("iou_interval") or {}
    rows = [
        ("these heatmaps, their own regions", summary.get("iou"), "own"),
        ("the regions of other expressions", summary.get("other_masks"), "other"),
        ("random pixels, as many", chance.get("area"), "luck"),
        ("the same heatmaps moved anywhere else", chance.get("shift"), "luck"),
        ("a fixed ellipse in the middle", prior.get("ellipse"), "stencil"),
        ("the whole canvas", prior.get("white"), "stencil"),
        ("the mean of all heatmaps, for every expression", prior.get("grand_mean"), "stencil"),
        ("two trainings of one network with each other", summary.get("reliability"), "best"),
        ("a perfect explainer, as fine as this one", summary.get("ceiling"), "best"),
    ]
    known = [
        {"name": name, "value": value, "kind": kind, **(interval if kind == "own" else {})}
        for name, value, kind in rows
        if _known(value)
    ]
    return sorted(known, key=lambda row: row["value"])


def scores(reference: Reference) -> list[dict[str, Any]]:
    """A row for each network; figures that are not known are None."""
    names = ("iou", "iou_interval", "f1", "other_masks", "permutation_p", "reliability", "ceiling")
    rows = []
    for network, summary in reference.networks.items():
        chance, prior = summary.get("chance") or {}, summary.get("prior") or {}
        rows.append(
            {
                "network": network,
                **{name: summary.get(name) for name in names},
                "shift": chance.get("shift"),
                "shift_p": chance.get("shift_p"),
                "ellipse": prior.get("ellipse"),
            }
        )
    return rows


def cells(content: Content) -> list[dict[str, Any]]:
    """A row for each network, with a cell for each expression: picture, figures and words."""
    rows = []
    for network in content.networks:
        cells = [_cell(content, network, label) for label in content.labels]
        if any(cell["picture"] for cell in cells):
            known = [cell["iou"] for cell in cells if _known(cell["iou"])]
            mean = float(np.mean(known)) if known else None
            by = {"mean": mean, **{cell["label"]: cell["iou"] for cell in cells}}
            by = {label: float(value) for label, value in by.items() if _known(value)}
            rows.append({"network": network, "mean": mean, "cells": cells, "sorted_by": by})
    return rows


#: Column of the scores -> what the reader of a cell is told it is.
_CELL_FIGURES = {
    "iou": "IoU with its own region",
    "chance_shift": "moved anywhere else",
    "other_masks": "regions of other expressions",
    "ceiling": "perfect explainer",
    "reliability": "one fold with another",
    "precision": "precision",
    "recall": "recall",
    "auc": "AUC (luck .5)",
}


def _cell(content: Content, network: str, label: str) -> dict[str, Any]:
    found: dict[str, dict[str, str]] = {}
    iou = None
    for reference in content.references:
        if reference.scores is None:
            continue
        scores = reference.scores
        rows = scores[(scores["network"] == network) & (scores["expression"] == label)]
        if len(rows):
            row = rows.iloc[0]
            found[reference.name] = _cell_figures(row)
            iou = row["iou"] if reference is content.references[0] else iou
    heatmap = content.heatmaps.get((network, label))
    said = "; ".join(
        f"{name}: " + ", ".join(f"{what} {value}" for what, value in values.items())
        for name, values in found.items()
    )
    picture, looks = None, "no heatmap"
    if heatmap is not None:
        looks = where(heatmap)
        picture = _data(_over_face(heatmap, content))
    return {
        "label": label,
        "picture": picture,
        "iou": iou,
        "faces": _faces(content.explained, network, label),
        "figures": found,
        "looks": looks,
        "alt": f"Where {network} looks for {label}: {looks}. {said}",
    }


def _faces(explained: pd.DataFrame | None, network: str, label: str) -> int | None:
    """How many explained faces are behind a heatmap."""
    if explained is None:
        return None
    rows = (explained["network"] == network) & (explained["expression"] == label)
    return int(explained.loc[rows, "explained"].sum())


def _cell_figures(row: pd.Series) -> dict[str, str]:
    found = {
        words: figure(row[column])
        for column, words in _CELL_FIGURES.items()
        if column in row and _known(row[column])
    }
    if "shift_low" in row and _known(row["shift_low"]) and "moved anywhere else" in found:
        found["moved anywhere else"] += (
            f" ({figure(row['shift_low'])} to {figure(row['shift_high'])})"
        )
    if "iou_low" in row and _known(row["iou_low"]):
        found["IoU with its own region"] += (
            f" ({figure(row['iou_low'])} to {figure(row['iou_high'])})"
        )
    return found


def evidence(content: Content) -> list[dict[str, Any]]:
    """A picture for each expression of where the photographs differ."""
    return [
        {
            "label": label,
            "picture": _data(_over_face(effect, content)),
            "reliability": content.evidence_reliability.get(label),
            "alt": f"Where photographs of {label} differ from others: {where(effect)}",
        }
        for label, effect in content.evidence.items()
    ]


def _over_face(heatmap: NDArray, content: Content) -> NDArray[np.uint8]:
    return figures.heatmap_over_face(
        heatmap, content.face, colours=content.colours, face_share=FACE_SHARE
    )


def scale(colours: str) -> str:
    """The colour map from least to greatest, as a picture 64 wide."""
    return _data(figures.colour_scale(colours))


def steps(example: Example, content: Content) -> dict[str, Any]:
    """Pictures and captions of one explained face."""
    size = example.importance.shape[0]
    paper = np.full((size, size), 235, np.uint8) if example.face is None else example.face
    steps = []

    def step(name: str, words: str, picture: NDArray[np.uint8], mask: bool = False) -> None:
        steps.append({"name": name, "words": words, "picture": _data(picture), "mask": mask})

    if example.face is not None:
        step("Face", "the aligned photograph", paper)
    step(
        "Landmarks",
        "68 points on brows, eyes, nose, mouth and jaw",
        figures.landmarks_over_face(example.landmarks, paper),
    )
    if example.segments is not None and example.weights is not None:
        known = example.weights[np.isfinite(example.weights)]
        step(
            "Superpixels",
            f"{len(known)} parts of similar gray, hidden and shown at random",
            figures.borders_over_face(example.segments, paper),
        )
        step(
            "Weights",
            f"from {known.min():.2g} (purple: against {example.predicted}) to {known.max():.2g} "
            "(orange: for it)",
            figures.weights_over_face(example.segments, example.weights, paper),
        )
    step(
        "Map",
        "how important each pixel is",
        figures.heatmap_over_face(
            example.importance, paper, colours=content.colours, face_share=FACE_SHARE
        ),
    )
    step(
        "Standardised",
        "the same, warped onto the standard face; " + where(example.standardised),
        _over_face(example.standardised, content),
        mask=True,
    )
    return {"example": example, "steps": steps}


#: The table of attention that no network has: where the photographs themselves differ.
EVIDENCE_THERE = "The evidence there"


def attention(table: pd.DataFrame | None, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Attention of all networks together, what the evidence would have, then of each network.

    Expressions in rows, units in columns.
    """
    if table is None or table.empty:
        return []
    parts: list[tuple[str, pd.DataFrame]] = [("All networks", table)]
    networks = table["network"].drop_duplicates()
    if "evidence" in table and table["evidence"].notna().any():
        evidence = table[(table["network"] == networks.iloc[0]) & table["evidence"].notna()]
        parts.append((EVIDENCE_THERE, evidence.assign(attention=evidence["evidence"])))
    if len(networks) > 1:
        parts += [(str(name), table[table["network"] == name]) for name in networks]
    greatest = max(float(rows["attention"].max()) for _, rows in parts) or 1.0
    found = []
    for name, rows in parts:
        wide = rows.pivot_table(index="expression", columns="action_unit", values="attention")
        wide = wide.reindex([label for label in labels if label in wide.index])
        named = set(
            rows.loc[rows["named"].astype(bool), ["expression", "action_unit"]].itertuples(
                index=False, name=None
            )
        )
        found.append(
            {
                "name": name,
                "units": [(unit, ACTION_UNIT_NAMES[unit]) for unit in map(int, wide.columns)],
                "rows": [
                    (
                        str(label),
                        [
                            (value, value / greatest, (label, unit) in named)
                            for unit, value in values.items()
                        ],
                    )
                    for label, values in wide.iterrows()
                ],
                "named": _mean(rows.loc[rows["named"], "attention"]),
                "others": _mean(rows.loc[~rows["named"].astype(bool), "attention"]),
            }
        )
    return found


def _mean(values: Iterable[float]) -> float | None:
    known = [float(value) for value in values if _known(value)]
    return float(np.mean(known)) if known else None


def trees(similarity: Mapping[str, pd.DataFrame]) -> list[tuple[str, Markup]]:
    found = []
    for label, table in similarity.items():
        names = [str(name) for name in table.columns]
        alike = table.to_numpy(float)
        if len(names) > 1:
            i, j = np.unravel_index(np.argmax(alike - 2 * np.eye(len(names))), alike.shape)
            words = (
                f"{label}: tree of {len(names)} networks by the likeness of their heatmaps; most "
                f"alike are {names[i]} and {names[j]}, correlation {figure(alike[i, j], 2)}"
            )
            found.append((label, charts.tree(dendrogram_linkage(alike), names, words)))
    return found


def told(content: Content) -> dict[str, Any] | None:
    """Accuracy by network and fold, and which expression was taken for which."""
    if content.accuracy is None and content.confusion is None:
        return None
    told: dict[str, Any] = {"accuracy": [], "folds": [], "confusion": []}
    if content.accuracy is not None:
        wide = content.accuracy.pivot_table(
            index="network", columns="fold", values="accuracy", sort=False
        )
        told["folds"] = [int(fold) for fold in wide.columns]
        told["accuracy"] = [
            (str(network), _mean(row), list(row))
            for network, row in zip(wide.index, wide.to_numpy(), strict=True)
        ]
    if content.confusion is not None and len(content.confusion):
        networks = content.confusion["network"].drop_duplicates()
        parts = [("All networks", content.confusion)] if len(networks) > 1 else []
        parts += [
            (str(name), content.confusion[content.confusion["network"] == name])
            for name in networks
        ]
        for name, rows in parts:
            counts = pd.crosstab(rows["expression"], rows["predicted"]).reindex(
                index=list(content.labels), columns=list(content.labels), fill_value=0
            )
            table = []
            for label, row in counts.iterrows():
                total = int(row.sum())
                table.append((str(label), total, [int(n) / total if total else None for n in row]))
            told["confusion"].append({"name": name, "rows": table})
    return told


def learned(content: Content) -> list[tuple[str, Markup]]:
    """A chart of accuracy by epoch for each network."""
    found = []
    for network in content.networks:
        theirs = {
            fold: table
            for (name, fold), table in content.histories.items()
            if name == network and len(table)
        }
        if not theirs:  # not trained here
            continue
        series = [
            charts.Series(table.index.to_numpy() + 1, table[column], style)
            for table in theirs.values()
            for column, style in (("accuracy", "training"), ("val_accuracy", "held-out"))
            if column in table
        ]
        last = [
            f"fold {fold} ends at {figure(table['val_accuracy'].iloc[-1], 2)}"
            for fold, table in theirs.items()
            if "val_accuracy" in table
        ]
        words = f"{network}: accuracy by epoch. On held-out subjects " + (", ".join(last) or "none")
        found.append((network, charts.lines(series, words, "epoch", "accuracy", whole_x=True)))
    return found


_CURVES = {"deletion": "hidden", "insertion": "shown", "random": "random"}


def explainer(content: Content) -> dict[str, Any] | None:
    """What the explainer is worth: a row for each network, and its curves."""
    known = content.explainer
    if not known:
        return None

    def of(network: str, *keys: str) -> float | None:
        values: Any = known
        for key in keys:
            values = values.get(key) if isinstance(values, Mapping) else None
        return values.get(network) if isinstance(values, Mapping) else None

    rows = [
        {
            "network": network,
            "r2": of(network, "r2"),
            "maps": of(network, "stability", "maps"),
            "heatmaps": of(network, "stability", "heatmaps"),
            **{curve: of(network, curve) for curve in _CURVES},
        }
        for network in ("mean", *content.networks)
    ]
    found = []
    if content.curves is not None:
        for network, table in content.curves.groupby("network", sort=False):
            curves = {name: part for name, part in table.groupby("curve")}
            series = [
                charts.Series(curves[name]["share"], curves[name]["probability"], style)
                for name, style in _CURVES.items()
                if name in curves
            ]
            words = f"{network}: probability of the class, by the share of superpixels " + (
                "hidden or shown"
            )
            found.append(
                (str(network), charts.lines(series, words, "share of the parts", "probability"))
            )
    columns = [
        column
        for column in ("r2", "maps", "heatmaps", *_CURVES)
        if any(_known(row[column]) for row in rows)
    ]
    return {"rows": rows, "columns": columns, "curves": found}


def left_out(table: pd.DataFrame | None) -> dict[str, Any] | None:
    if table is None:
        return None
    reasons = table["reason"].fillna("").value_counts()
    return {
        "reasons": [(str(reason), int(count)) for reason, count in sorted(reasons.items())],
        "total": len(table),
        "listed": list(table[["source", "reason"]].itertuples(index=False, name=None))[
            :MOST_LISTED
        ],
        "more": max(0, len(table) - MOST_LISTED),
    }
