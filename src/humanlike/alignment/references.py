"""What heatmaps are held against, and what follows from several of them together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanlike.alignment.report import SIGNIFICANT, report
from humanlike.alignment.scores import Threshold, mark, stretch
from humanlike.alignment.similarity import similarity
from humanlike.alignment.table import KEY, Key

#: Reference -> what it stands for, in a sentence about where a network looks.
PLACES = {
    "ekman": "where the theory says",
    "evidence": "where the information is",
    "people": "where people look",
}


@dataclass(frozen=True)
class Reference:
    """Where one should look for each expression, on the canonical face.

    Attributes
    ----------
    name : str
    maps : mapping from expression to (H, W)
        bool, or gray in any unit.
    """

    name: str
    maps: Mapping[str, NDArray]

    def masks(self, threshold: Threshold = "otsu") -> dict[str, NDArray[np.bool_]]:
        """The regions: maps that are bool as they are, gray ones marked as heatmaps are."""
        return {
            label: values if values.dtype == bool else mark(stretch(values), threshold)
            for label, values in self.maps.items()
        }

    @property
    def gray(self) -> bool:
        """Whether any map has more than two values."""
        return any(values.dtype != bool for values in self.maps.values())


def map_correlations(heatmaps: Mapping[Key, NDArray], reference: Reference) -> pd.DataFrame:
    """Pearson correlation of each heatmap with its expression's gray map, without a threshold.

    Returns
    -------
    DataFrame
        Columns network, fold, expression and map_correlation, in [-1, 1]; chance 0.
    """
    rows = [
        (*key, similarity([heatmap, reference.maps[key[2]]])[0, 1])
        for key, heatmap in heatmaps.items()
        if key[2] in reference.maps
    ]
    return pd.DataFrame(rows, columns=[*KEY, "map_correlation"])


def agreement(references: list[Reference], threshold: Threshold = "otsu") -> pd.DataFrame:
    """Do the references agree? Each one's maps scored against each other's regions.

    Returns
    -------
    DataFrame
        A row for each ordered pair: reference, against, iou, other_masks, permutation_p (as in
        `report.Report.summary`).
    """
    rows = []
    for one in references:
        for other in references:
            masks = other.masks(threshold)
            maps = {(one.name, 0, label): values for label, values in one.maps.items()}
            if one is other or not any(label in masks for label in one.maps):
                continue
            found = report(maps, masks, threshold).summary
            figures = [found[name] for name in ("iou", "other_masks", "permutation_p")]
            rows.append((one.name, other.name, *figures))
    return pd.DataFrame(
        rows, columns=["reference", "against", "iou", "other_masks", "permutation_p"]
    )


def looks_at(summary: Mapping[str, Any]) -> bool | None:
    """Whether heatmaps are both better placed than chance and specific; None where untestable."""
    if not _placed(summary):
        return False
    return None if summary["permutation_p"] is None else summary["permutation_p"] <= SIGNIFICANT


def answers(summaries: Mapping[str, Mapping[str, Any]]) -> str:
    """The question of each reference, answered in a sentence, and what they say together.

    Parameters
    ----------
    summaries : mapping from reference to its `report.Report.summary`
    """
    found = {name: looks_at(summary) for name, summary in summaries.items()}
    words = {True: "yes", False: "no", None: "too few expressions to tell"}
    said = [
        f"Does it look {PLACES.get(name, f'where {name} says')}? {words[answer].capitalize()} "
        f"({_figures(summaries[name])})."
        for name, answer in found.items()
    ]
    theory, information = found.get("ekman"), found.get("evidence")
    together = {
        (True, True): "It looks at the evidence, and there the theory and the evidence agree.",
        (True, False): "It looks where the theory says though not at the evidence.",
        (False, True): "It looks at the evidence though not at the masks.",
        (False, False): "It looks at neither the masks nor the evidence.",
    }
    if theory is not None and information is not None:
        said.append(together[theory, information])
    return " ".join(said)


def _placed(summary: Mapping[str, Any]) -> bool:
    return bool(summary["chance"]["shift_p"] <= SIGNIFICANT)


def _figures(summary: Mapping[str, Any]) -> str:
    """The figures of the test that decided."""
    chance = summary["chance"]
    if _placed(summary):
        against = {"others": summary["other_masks"], "p": summary["permutation_p"]}
    else:
        against = {"moved anywhere else": chance["shift"], "p": chance["shift_p"]}
    known = {"own": summary["iou"], **against}
    return ", ".join(f"{name} {value:.3f}" for name, value in known.items() if value is not None)
