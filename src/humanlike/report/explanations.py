"""Join what is known of the explanations that were made twice and taken apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanlike.alignment.similarity import similarity
from humanlike.explainers.faithfulness import CURVES, SHARES, area
from humanlike.report.tables import DIGITS


class Checks:
    """What is known of the explanations that were made twice and taken apart, of all units."""

    def __init__(self) -> None:
        self.faces: list[pd.DataFrame] = []
        self.curves: dict[str, list[NDArray[np.float32]]] = {}
        self.sums: dict[tuple[str, str], NDArray[np.float64]] = {}

    def add(
        self,
        network: str,
        arrays: Mapping[str, NDArray[Any]],
        pairs: Iterable[tuple[NDArray[np.float32], NDArray[np.float32]]],
    ) -> None:
        """Take in the checked faces of one network and fold, and both maps (H, W) of each."""
        curves, predicted = arrays["curves"], arrays["predicted"][arrays["checked"]]
        alike = []
        for label, pair in zip(predicted.tolist(), map(np.stack, pairs), strict=True):
            alike.append(similarity(pair)[0, 1])
            cell = (network, label)
            self.sums[cell] = self.sums.get(cell, 0) + pair.astype(float)
        areas = dict(zip(CURVES, area(curves).T, strict=True))
        self.faces.append(pd.DataFrame({"network": network, "maps": alike, **areas}))
        self.curves.setdefault(network, []).append(curves)

    def metrics(self) -> dict[str, Any]:
        """Stability and mean areas under the curves, over all faces and of each network."""
        faces = pd.concat(self.faces, ignore_index=True)
        heatmaps = pd.DataFrame(
            [(network, similarity(pair)[0, 1]) for (network, _), pair in self.sums.items()],
            columns=["network", "heatmaps"],
        )
        return {
            "stability": {
                "maps": by_network(faces, "maps"),
                "heatmaps": by_network(heatmaps, "heatmaps"),
            },
            **{curve: by_network(faces, curve) for curve in CURVES},
        }

    def mean_curves(self) -> pd.DataFrame:
        """Columns network, curve, share and probability: each network's mean curves."""
        parts = []
        for network, curves in self.curves.items():
            every = np.concatenate(curves)
            if len(every):
                table = pd.DataFrame(every.mean(axis=0).T, SHARES.round(DIGITS), CURVES)
                long = table.rename_axis("share").reset_index().melt("share", var_name="curve")
                parts.append(long.rename(columns={"value": "probability"}).assign(network=network))
        columns = ["network", "curve", "share", "probability"]
        return pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)


def by_network(table: pd.DataFrame, column: str) -> dict[str, float | None]:
    """The mean of a column, and of each network's rows; None where nothing is known."""
    return {
        "mean": mean(table[column]),
        **{
            str(network): mean(rows[column])
            for network, rows in table.groupby("network", sort=False)
        },
    }


def mean(values: pd.Series) -> float | None:
    """The mean of the known values, rounded; None where there are none."""
    known = values.dropna()
    return round(float(known.mean()), DIGITS) if len(known) else None
