"""Gather from a run's folders what its page shows; what is not there is left out, and said."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanlike import artifacts
from humanlike.alignment.references import PLACES
from humanlike.alignment.table import Key, pooled
from humanlike.canonical.geometry import rescale_landmarks
from humanlike.canonical.masks import ekman_mask
from humanlike.canonical.warp import warp
from humanlike.errors import HumanlikeError
from humanlike.explainers.importance import importance
from humanlike.expressions import EXPRESSIONS
from humanlike.params import Params
from humanlike.report.content import Content, Example, Reference
from humanlike.report.pictures import read_reference

#: In a mean of fewer people, one could be known again.
LEAST_PEOPLE_IN_A_MEAN = 10

_UNIT = re.compile(r"(.+)_fold(\d+)")
_HEATMAP = re.compile(r"fold(\d+)_(.+)")


def gather(
    root: Path,
    labels: Sequence[str],
    *,
    references: Mapping[str, Mapping[str, NDArray[np.bool_]]] | None = None,
    method: str = "LIME",
    positive_only: bool = True,
    faces: bool = False,
    colours: str = "inferno",
    remarks: Sequence[str] = (),
    made: Mapping[str, Mapping[str, object]] | None = None,
) -> Content:
    """All that is known of a run.

    Parameters
    ----------
    root
        Folder that holds `metrics/`, `plots/` and `artifacts/`, or some of them.
    labels
        The expressions, in the order of every table.
    references
        Name -> expression -> mask (HEIGHT, WIDTH), as `score.references` names them, see
        `reference_masks`; by default `ekman` alone. Masks that are not known are not outlined.
    method
        What explained the predictions, as people call it.
    positive_only
        As `standardize.positive_only` was.
    faces
        Whether photographs of faces may be shown. Otherwise the mean face is, where it is the mean
        of `LEAST_PEOPLE_IN_A_MEAN` or more people.
    colours
        One of `figures.COLOURS`.
    remarks, made
        What to know of its networks, and how the run was made, see `report.content.Content`.

    Raises
    ------
    HumanlikeError
        A file is damaged, or nothing was run at all.
    """
    plots, kept = root / artifacts.PLOTS, root / artifacts.ARTIFACTS
    missing: list[str] = []

    def table(path: Path, what: str) -> pd.DataFrame | None:
        found = _table(path)
        if found is None:
            missing.append(f"{what}: {path.relative_to(root)} is not here.")
        return found

    if references is None:
        references = {"ekman": {name: ekman_mask(name) for name in labels if name in EXPRESSIONS}}
    folders = {
        name: plots / "score" if number == 0 else plots / "score" / name
        for number, name in enumerate(references)
    }
    scores = table(plots / "score" / "scores.csv", "Scores")
    confusion = table(plots / "train" / "confusion.csv", "Accuracy and confusion")
    folds = _heatmaps_by_fold(kept / "heatmaps")
    heatmaps = pooled(folds, "network", "expression")
    if not heatmaps:
        missing.append(
            f"Heatmaps: {artifacts.ARTIFACTS}/heatmaps is not here; `dvc pull` brings it."
        )
    networks = _in_order(
        [] if scores is None else scores["network"],
        [] if confusion is None else confusion["network"],
        [network for network, _ in heatmaps],
    )
    if not networks:
        raise HumanlikeError(f"{root}: nothing was scored here yet; run `dvc repro`")
    units = [(name, fold) for name in networks for fold in _folds(folds, confusion, name)]
    examples = _examples(kept, units, labels, positive_only, faces)
    if not examples:
        missing.append(
            f"One face step by step: {artifacts.FACES} or {artifacts.ARTIFACTS}/explanations is "
            "not here; `dvc pull` brings them."
        )
    return Content(
        labels=list(labels),
        networks=networks,
        references=[_reference(name, folders[name], masks) for name, masks in references.items()],
        together=_text(plots / "score" / "answers.txt"),
        remarks=remarks,
        agreement=_table(plots / "score" / "references.csv"),
        heatmaps=heatmaps,
        face=_mean_face(kept / "standardized", units),
        **_evidence(root / artifacts.EVIDENCE, labels),
        examples=examples,
        attention=table(plots / "score" / "action_units.csv", "Attention to action units"),
        similarity=_similarity(plots / "score", labels),
        accuracy=None if confusion is None else _accuracy(confusion),
        confusion=confusion,
        histories=_histories(plots / "train" / "history"),
        explained=table(plots / "score" / "explained.csv", "Explained faces"),
        explainer=_json(plots / "score" / "explanations.json"),
        curves=table(plots / "score" / "deletion_insertion.csv", "What the explainer is worth"),
        method=method,
        left_out=table(plots / "rejected.csv", "Photographs that were left out"),
        made=made or {},
        missing=missing,
        colours=colours,
    )


def reference_masks(params: Params) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """The masks of each of `score.references`; none of the evidence where it is not here."""
    return {
        name: {}
        if name == "evidence" and not artifacts.EVIDENCE.is_file()
        else read_reference(name, params.labels).masks(params.score.threshold)
        for name in params.score.references
    }


def _in_order(*names: Sequence[str] | pd.Series) -> list[str]:
    return list(dict.fromkeys(str(name) for some in names for name in some))


def _json(path: Path) -> dict[str, Any] | None:
    return artifacts.read_json(path) if path.is_file() else None


def _table(path: Path) -> pd.DataFrame | None:
    return artifacts.read_table(path) if path.is_file() else None


def _text(path: Path) -> str:
    return artifacts.read_text(path).strip() if path.is_file() else ""


#: Reference -> what people call it, and where it comes from.
_REFERENCES = {
    "ekman": (
        "Ekman's action units",
        "The theory is Ekman's: each expression is made by action units of the face. The regions "
        "are the masks of Gaya-Morey et al. (2024).",
    ),
    "evidence": (
        "the evidence",
        "The information is where the photographs of an expression differ from the others, "
        "whoever looks.",
    ),
}


def _reference(name: str, folder: Path, masks: Mapping[str, NDArray[np.bool_]]) -> Reference:
    """A reference and its tables."""
    summary = _json(folder / "summary.json") or {}
    matrix = _table(folder / "own_and_other_masks.csv")
    words, about = _REFERENCES.get(name, (name, f"The regions are those in references/{name}."))
    return Reference(
        key=name,
        name=words,
        question=f"Do the networks look {PLACES.get(name, f'where {name} says')}?",
        about=about,
        summary=summary,
        networks=summary.get("networks") or {},
        scores=_table(folder / "scores.csv"),
        matrix=None if matrix is None else matrix.set_index("heatmap"),
        masks={label: mask for label, mask in masks.items() if mask.any()},
    )


def _heatmaps_by_fold(folder: Path) -> dict[Key, NDArray[np.uint8]]:
    found: dict[Key, NDArray[np.uint8]] = {}
    for path in sorted(folder.glob("*/*.png")):
        name = _HEATMAP.fullmatch(path.stem)
        picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if picture is None:
            raise HumanlikeError(f"{path}: damaged; delete it and run `dvc repro`")
        if name:
            found[path.parent.name, int(name[1]), name[2]] = picture.astype(np.uint8)
    return found


def _folds(
    heatmaps: Mapping[Key, NDArray], confusion: pd.DataFrame | None, network: str
) -> list[int]:
    """The folds of the run: other files in its folders are of other runs."""
    folds = {fold for name, fold, _ in heatmaps if name == network}
    if confusion is not None:
        folds |= set(confusion.loc[confusion["network"] == network, "fold"])
    return sorted(int(fold) for fold in folds)


def _mean_face(folder: Path, units: Sequence[tuple[str, int]]) -> NDArray[np.uint8] | None:
    """The mean standardised face; None where too few people are in it to be nobody's."""
    means, people = [], set()
    for path in _existing(folder, units):
        arrays = artifacts.read_arrays(path, "face", "mean_face", "subject")
        if len(arrays["face"]):
            means.append(arrays["mean_face"])
            people.update(arrays.get("subject", arrays["face"]).tolist())
    if len(people) < LEAST_PEOPLE_IN_A_MEAN:
        return None
    return np.mean(means, axis=0).round().astype(np.uint8)


def _existing(folder: Path, units: Sequence[tuple[str, int]]) -> list[Path]:
    paths = [folder / network / f"fold{fold}.npz" for network, fold in units]
    return [path for path in paths if path.is_file()]


def _examples(
    kept: Path,
    units: Sequence[tuple[str, int]],
    labels: Sequence[str],
    positive_only: bool,
    faces: bool,
) -> list[Example]:
    """For each expression the first face that was rightly taken for it, or else taken for it."""
    folder = kept / "faces"
    if not (folder / "images.npy").is_file():
        return []
    images = artifacts.read_array(folder / "images.npy")
    landmarks = artifacts.read_array(folder / "landmarks.npy")
    truths = artifacts.read_table(folder / "faces.csv")["expression"]
    found: dict[str, tuple[bool, Example]] = {}
    for path in _existing(kept / "explanations", units):
        if all(found.get(label, (False,))[0] for label in labels):
            break
        explained = artifacts.read_arrays(path)
        for label in labels:
            rows = np.flatnonzero(explained["predicted"] == label)
            if not len(rows) or found.get(label, (False,))[0]:
                continue
            right = truths[explained["face"][rows]].to_numpy() == label
            if label in found and not right.any():
                continue
            row = rows[np.argmax(right)]
            index = explained["face"][row]
            example = _example(
                explained,
                row,
                images[index],
                landmarks[index],
                positive_only,
                network=path.parent.name,
                fold=int(path.stem.removeprefix("fold")),
                truth=None if pd.isna(truths[index]) else str(truths[index]),
                faces=faces,
            )
            found[label] = bool(right.any()), example
    return [found[label][1] for label in labels if label in found]


def _example(
    explained: Mapping[str, NDArray[Any]],
    row: int,
    image: NDArray[np.uint8],
    landmarks: NDArray[np.float32],
    positive_only: bool,
    *,
    network: str,
    fold: int,
    truth: str | None,
    faces: bool,
) -> Example:
    """One face, its pictures in pixels of the aligned photograph, not of the network's input."""
    size = image.shape[0]
    segments = weights = None
    if "segments" in explained:
        small = explained["segments"][row]
        weights = explained["weights"][row]
        weighed = importance(weights[None], positive_only)[0][small].astype(np.float32)
        segments, order = _enlarge(small, size, 0), 0
    else:
        dense = np.asarray(explained["maps"][row], np.float32)
        weighed = importance(dense.reshape(1, -1), positive_only).reshape(dense.shape)
        order = 1
    seen = rescale_landmarks(landmarks, size, weighed.shape[0])
    r2 = float(explained["r2"][row]) if "r2" in explained else None
    return Example(
        network=network,
        fold=fold,
        predicted=str(explained["predicted"][row]),
        truth=truth,
        landmarks=np.asarray(landmarks),
        importance=_enlarge(weighed, size, order),
        standardised=warp(weighed, seen, order=order),
        segments=segments,
        weights=weights,
        r2=None if r2 is None or np.isnan(r2) else r2,
        face=np.asarray(image) if faces else None,
    )


def _enlarge(image: NDArray, size: int, order: int) -> NDArray:
    return cv2.resize(
        image, (size, size), interpolation=(cv2.INTER_NEAREST, cv2.INTER_LINEAR)[order]
    )


def _evidence(path: Path, labels: Sequence[str]) -> dict[str, Any]:
    """Evidence maps and how reliable they are; an expression that nobody showed has none."""
    if not path.is_file():
        return {}
    arrays = artifacts.read_arrays(path, "expressions", "effect", "reliability")
    maps = dict(zip(arrays["expressions"].tolist(), arrays["effect"].astype(float), strict=True))
    known = [label for label in labels if label in maps and not np.isnan(maps[label]).any()]
    reliable = dict(zip(arrays["expressions"].tolist(), arrays["reliability"], strict=True))
    return {
        "evidence": {label: maps[label] for label in known},
        "evidence_reliability": {label: float(reliable[label]) for label in known},
    }


def _accuracy(confusion: pd.DataFrame) -> pd.DataFrame:
    """Share of faces that were told rightly, by network and fold."""
    right = confusion.assign(accuracy=confusion["expression"] == confusion["predicted"])
    return right.groupby(["network", "fold"], sort=False)["accuracy"].mean().reset_index()


def _histories(folder: Path) -> dict[tuple[str, int], pd.DataFrame]:
    found = {}
    for path in sorted(folder.glob("*.csv")):
        name = _UNIT.fullmatch(path.stem)
        if name and (table := _table(path)) is not None:
            found[name[1], int(name[2])] = table
    return found


def _similarity(folder: Path, labels: Sequence[str]) -> dict[str, pd.DataFrame]:
    tables = {label: _table(folder / f"similarity_{label}.csv") for label in labels}
    return {
        label: table.set_index("network") for label, table in tables.items() if table is not None
    }
