"""What the sets with a known answer showed: a table, a sentence, a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from humanlike import figures
from humanlike.alignment import planted
from humanlike.canonical.warp import warp
from humanlike.validation.sets import Faces
from humanlike.validation.trial import EXPLAINED, Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: What is asked: planted region first, and these ratios of importance to area.
LEAST_CONCENTRATION = 3.0
MOST_OF_SHUFFLED = 1.5


def tabulate(
    results: Mapping[str, Result], places: Mapping[str, NDArray[np.bool_]], accuracy: float
) -> pd.DataFrame:
    """A row for each planted region: accuracies, attention to every region, concentrations."""
    rows = []
    for region, result in results.items():
        seen = planted.attention(result.canonical["network"].mean(axis=0), places)
        ratios, canonical = (
            {name: planted.concentration(maps[name], changed) for name in EXPLAINED}
            for maps, changed in (
                (result.maps, result.changed),
                (result.canonical, result.canonical_changed),
            )
        )
        first = max(seen, key=seen.__getitem__)
        rows.append(
            {
                "region": region,
                "accuracy": result.accuracy,
                "epochs": result.epochs,
                "shuffled_accuracy": result.shuffled_accuracy,
                "area": result.changed.mean(),
                **ratios,
                "first": first,
                "canonical_area": result.canonical_changed.mean(),
                **{f"canonical_{name}": value for name, value in canonical.items()},
                **{f"attention_{name}": value for name, value in seen.items()},
                "passed": result.accuracy >= accuracy
                and first == region
                and ratios["network"] >= LEAST_CONCENTRATION
                and ratios["shuffled"] <= MOST_OF_SHUFFLED,
            }
        )
    return pd.DataFrame(rows).round(4)


def in_columns(table: pd.DataFrame) -> str:
    """The table for a terminal."""
    shown = table[["region", "accuracy", "epochs", "first", "area", *EXPLAINED]]
    shown = shown.rename(columns={"first": "looked at most"})
    formats = dict.fromkeys(("accuracy", "area"), "{:.1%}".format)
    formats |= dict.fromkeys(EXPLAINED, "{:.2f}".format)
    return (
        "Importance inside the truly changing pixels, relative to their area (1 is chance):\n\n"
        + shown.to_string(index=False, formatters=formats)
    )


def verdict(table: pd.DataFrame, accuracy: float) -> str:
    """What the table says, in one line."""
    missed = {
        f"the network did not reach {accuracy:.0%} on held-out subjects in": table["accuracy"]
        < accuracy,
        "the heatmaps look elsewhere than at the planted region in": table["first"]
        != table["region"],
        f"importance inside the changing pixels is below {LEAST_CONCENTRATION:g} times their area "
        "in": table["network"] < LEAST_CONCENTRATION,
        f"shuffled labels score above {MOST_OF_SHUFFLED:g} in": table["shuffled"]
        > MOST_OF_SHUFFLED,
    }
    said = [
        f"{words} {', '.join(table['region'][rows])}"
        for words, rows in missed.items()
        if rows.any()
    ]
    if said:
        return f"Not all as it should be: {'; '.join(said)}."
    return (
        f"The heatmaps found the planted region in {len(table)} of {len(table)} sets, and those of "
        "networks trained on shuffled labels did not: here, a heatmap shows what the network uses."
    )


def picture(
    sets: Mapping[str, Faces],
    results: Mapping[str, Result],
    places: Mapping[str, NDArray[np.bool_]],
) -> Figure:
    """Mean heatmaps over the mean face, with the planted region's outline."""
    found = {(name, region): result for region, result in results.items() for name in EXPLAINED}
    return over_mean_faces(
        {(name, region): r.canonical[name].mean(axis=0) for (name, region), r in found.items()},
        {
            (name, region): planted.concentration(r.maps[name], r.changed)
            for (name, region), r in found.items()
        },
        sets,
        places,
    )


def over_mean_faces(
    heatmaps: Mapping[tuple[str, str], NDArray[np.floating]],
    ratios: Mapping[tuple[str, str], float],
    sets: Mapping[str, Faces],
    places: Mapping[str, NDArray[np.bool_]],
) -> Figure:
    """A row a name, a column a region: the heatmap over the mean face, its ratio below."""
    faces = {region: sets[region] for _, region in heatmaps}
    means = {
        region: np.mean(
            [warp(i, p) for i, p in zip(found.images, found.landmarks, strict=True)], axis=0
        ).astype(np.uint8)
        for region, found in faces.items()
    }
    pictures = {
        (name, region): figures.heatmap_over_face(heatmap, means[region], places[region])
        for (name, region), heatmap in heatmaps.items()
    }
    return figures.heatmap_grid(pictures, {key: f"{ratio:.2f}" for key, ratio in ratios.items()})
