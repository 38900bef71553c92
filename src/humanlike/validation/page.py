"""What every method of explanation showed on known answers: a page of tables, words, a picture."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from humanlike.validation.compare import REFERENCES, Compared
from humanlike.validation.sets import Faces
from humanlike.validation.telling import LEAST_CONCENTRATION, MOST_OF_SHUFFLED, over_mean_faces

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DIGITS = {
    "concentration": 2,
    "shuffled": 2,
    "deletion": 3,
    "insertion": 3,
    "stability": 3,
    "seconds": 2,
}

#: A layer's randomisation has changed a map when its rank correlation with the first is below it.
UNCHANGED = 0.5


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """A row a method: in how many sets it looked at the planted region most, and its means."""
    by_method = table.groupby("method", sort=False)
    found = (table["first"] == table["region"]).groupby(table["method"], sort=False)
    return pd.DataFrame(
        {
            "found": found.sum().astype(str) + " of " + found.size().astype(str),
            **{name: by_method[name].mean() for name in _DIGITS},
        }
    ).reset_index()


def words(table: pd.DataFrame, sanity: pd.DataFrame) -> str:
    """The reading of the tables in three sentences."""
    told = table[~table["method"].isin(REFERENCES)]
    missed = told[told["first"] != told["region"]]
    methods = list(dict.fromkeys(told["method"]))
    whole = [m for m in methods if m not in set(missed["method"])]
    first = f"The planted region was looked at most in every set by {_list(whole)}"
    if len(missed):
        sets = len(told[["seed", "region"]].drop_duplicates())
        times = missed["method"].value_counts(sort=False)
        first += f"; it was missed by {_list([f'{m} in {n} of {sets}' for m, n in times.items()])}"
    means = told.groupby("method", sort=False)[["concentration", "shuffled"]].mean()
    weak = [str(m) for m in means.index[means["concentration"] < LEAST_CONCENTRATION]]
    blind = [str(m) for m in means.index[means["shuffled"] > MOST_OF_SHUFFLED]]
    second = (
        f"Importance lies densest inside the truly changing pixels with "
        f"{means['concentration'].idxmax()} ({means['concentration'].max():.2f} times their area); "
        f"it is below {LEAST_CONCENTRATION:g} times with {_list(weak)}, and above "
        f"{MOST_OF_SHUFFLED:g} for a network of shuffled labels with {_list(blind)}"
    )
    final = cascade(sanity).set_index("method").iloc[:, -1]
    kept = [str(m) for m in final.index[final > UNCHANGED]]
    third = (
        f"With every layer at random, maps stay as they were (rank correlation above "
        f"{UNCHANGED:g}) with {_list(kept)}"
    )
    return f"{first}. {second}. {third}."


def by_set(table: pd.DataFrame) -> pd.DataFrame:
    """A row a method, a column a region: each seed's concentration, and what it looked at instead.

    Of a method whose mean heatmap attended most to another region, that region stands in brackets.
    """
    elsewhere = (" (" + table["first"] + ")").where(table["first"] != table["region"], "")
    cells = table.assign(cell=table["concentration"].map("{:.2f}".format) + elsewhere)
    return cells.pivot_table(
        index="method", columns="region", values="cell", aggfunc=" · ".join, sort=False
    ).reset_index()


def cascade(sanity: pd.DataFrame) -> pd.DataFrame:
    """A row a method, a column a layer, in the order in which they were randomised."""
    return sanity.pivot_table(
        index="method", columns="layer", values="similarity", sort=False
    ).reset_index()


def page(table: pd.DataFrame, sanity: pd.DataFrame, command: str) -> str:
    """The page in Markdown; `command` is what made it."""
    seeds = [str(seed) for seed in table["seed"].unique()]
    networks = table.groupby(["region", "seed"], sort=False)[["accuracy", "area"]].first()
    return "\n".join(
        [
            "# Every method of explanation on known answers",
            "",
            f"Made by `{command}`; [Which explainer?](../explainers.md) says what is what.",
            "",
            words(table, sanity),
            "",
            "## All sets",
            "",
            markdown(summarise(table)),
            "",
            "## Each set",
            "",
            f"Concentration, of seed {' · '.join(seeds)}; in brackets the region that was looked "
            "at most, where it was not the planted one.",
            "",
            markdown(by_set(table)),
            "",
            f"The networks tell {networks['accuracy'].min():.0%} to "
            f"{networks['accuracy'].max():.0%} of the held-out faces rightly; what truly changes "
            f"is {networks['area'].min():.1%} to {networks['area'].max():.1%} of the picture.",
            "",
            "## Layers at random, from the last on",
            "",
            "Rank correlation with the map of the trained network, mean over faces and sets.",
            "",
            markdown(cascade(sanity)),
            "",
            "## Where they look",
            "",
            f"Mean heatmaps of seed {seeds[0]} over the mean faces, the planted region outlined, "
            "concentration below.",
            "",
            "![A row of mean heatmaps for each method, a column for each set](explainers.png)",
            "",
        ]
    )


def markdown(table: pd.DataFrame) -> str:
    """A table in Markdown, numbers rounded and what is unknown left out."""

    def cell(name: str, value: object) -> str:
        if isinstance(value, float):
            return "–" if np.isnan(value) else f"{value:.{_DIGITS.get(name, 2)}f}"
        return str(value)

    names = [str(name) for name in table.columns]
    rows = [
        [cell(name, value) for name, value in zip(names, row, strict=True)]
        for row in table.itertuples(index=False)
    ]
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def picture(
    sets: Mapping[str, Faces],
    compared: Mapping[str, Compared],
    places: Mapping[str, NDArray[np.bool_]],
) -> Figure:
    """Mean heatmaps of every method over the mean face, with the planted region's outline."""
    heatmaps, ratios = {}, {}
    for region, found in compared.items():
        concentration = found.table.set_index("method")["concentration"]
        for name, heatmap in found.canonical.items():
            heatmaps[name, region] = heatmap
            ratios[name, region] = concentration[name]
    return over_mean_faces(heatmaps, ratios, sets, places)


def in_few_colours(picture: bytes) -> bytes:
    """A PNG in 256 colours, which takes a third of the room and looks the same."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as opened:
        opened.convert("RGB").quantize(256).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _list(names: list[str]) -> str:
    return ", ".join(names) if names else "none"
