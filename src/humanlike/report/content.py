"""What a page is made of: plain data, as `humanlike.report.gather` finds it in a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class Reference:
    """What heatmaps are held against, and how they fared.

    Attributes
    ----------
    key : str
        A word of its own.
    name : str
        What people call it, such as "Ekman's action units".
    question : str
        That it answers.
    about : str
        Where its regions come from, in a sentence.
    summary : mapping
        As `alignment.report.Report.summary`; each figure may be missing.
    networks : mapping from network to its summary
    scores : DataFrame or None
        A row for each network and expression, as `alignment.report.Report.by_expression`; only
        network, expression and iou are needed.
    matrix : DataFrame or None
        As `alignment.report.Report.matrix`, indexed by the heatmaps' expressions.
    masks : mapping from expression to (HEIGHT, WIDTH) bool
        Outlined over heatmaps.
    """

    key: str
    name: str
    question: str
    about: str
    summary: Mapping[str, Any]
    networks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    scores: pd.DataFrame | None = None
    matrix: pd.DataFrame | None = None
    masks: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)


@dataclass(frozen=True)
class Example:
    """One explained face, from photograph to standard face.

    Attributes
    ----------
    network, predicted : str
    truth : str, optional
        Its label, where it has one.
    fold : int
    landmarks : (68, 2) array
        (x, y) in pixels of `importance`.
    importance : (S, S) float
        The map that is warped.
    standardised : (HEIGHT, WIDTH) float
    segments, weights : (S, S) int and (K,) float, optional
        Superpixels and their signed weights, of methods that have them.
    r2 : float, optional
    face : (S, S) uint8, optional
        The aligned photograph, only where it may be shown.
    """

    network: str
    fold: int
    predicted: str
    truth: str | None
    landmarks: NDArray[np.floating]
    importance: NDArray[np.floating]
    standardised: NDArray[np.floating]
    segments: NDArray[np.integer] | None = None
    weights: NDArray[np.floating] | None = None
    r2: float | None = None
    face: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Content:
    """All that a page can show. A section whose data is missing is left out.

    Attributes
    ----------
    labels, networks : sequences of str
        In the order of every table.
    title : str
    references : sequence of Reference
        The first one's question is the page's.
    together : str
        What the references say together, in words.
    remarks : sequence of str
        What of the networks one must know to read the answer, as `made.remarks` has it.
    agreement : DataFrame, optional
        As `alignment.references.agreement` returns it.
    heatmaps : mapping from (network, expression) to (HEIGHT, WIDTH) array
    face : (HEIGHT, WIDTH) uint8, optional
        The mean face under the heatmaps; a line drawing by default.
    evidence : mapping from expression to (HEIGHT, WIDTH) array
        Where the photographs themselves differ, as `alignment.evidence` finds it.
    evidence_reliability : mapping from expression to float
    examples : sequence of Example
    attention : DataFrame, optional
        As `alignment.attention.action_unit_attention` returns it.
    similarity : mapping from expression to DataFrame
        Square, with network names as columns: correlation of their heatmaps.
    accuracy : DataFrame, optional
        Columns network, fold and accuracy.
    confusion : DataFrame, optional
        Columns network, expression and predicted, a row for each face that was told.
    histories : mapping from (network, fold) to DataFrame
        A row an epoch, with loss and accuracy and, where known, val_loss and val_accuracy.
    explained : DataFrame, optional
        Columns network, expression and explained: how many faces, a row a heatmap.
    explainer : mapping, optional
        `metrics/explain.json`: r2, stability, deletion, insertion and random.
    curves : DataFrame, optional
        Columns network, curve, share and probability.
    method : str
        What explained the predictions.
    left_out : DataFrame, optional
        Columns source and reason.
    made : mapping from heading to mapping
        How the run was made: names and values under headings.
    missing : sequence of str
        What could not be shown, and why.
    colours : str
        One of `figures.COLOURS`.
    """

    labels: Sequence[str]
    networks: Sequence[str]
    title: str = "Where networks look"
    references: Sequence[Reference] = ()
    together: str = ""
    remarks: Sequence[str] = ()
    agreement: pd.DataFrame | None = None
    heatmaps: Mapping[tuple[str, str], NDArray] = field(default_factory=dict)
    face: NDArray[np.uint8] | None = None
    evidence: Mapping[str, NDArray] = field(default_factory=dict)
    evidence_reliability: Mapping[str, float] = field(default_factory=dict)
    examples: Sequence[Example] = ()
    attention: pd.DataFrame | None = None
    similarity: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    accuracy: pd.DataFrame | None = None
    confusion: pd.DataFrame | None = None
    histories: Mapping[tuple[str, int], pd.DataFrame] = field(default_factory=dict)
    explained: pd.DataFrame | None = None
    explainer: Mapping[str, Any] | None = None
    curves: pd.DataFrame | None = None
    method: str = "LIME"
    left_out: pd.DataFrame | None = None
    made: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    missing: Sequence[str] = ()
    colours: str = "inferno"
