"""Pictures of people beside networks."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure


def agreement(table: pd.DataFrame, people: str) -> Figure:
    """How well maps agree with people's, below the noise ceiling.

    Parameters
    ----------
    table : DataFrame
        A row for each map: map, agreement, low, high, others, lower and upper.
    people : str
        Whose maps they are held against, in words.
    """
    figure = Figure(figsize=(6.5, 0.34 * len(table) + 1.1), layout="constrained")
    axes = figure.subplots()
    rows = np.arange(len(table))
    axes.axvspan(
        table["lower"].iloc[0], table["upper"].iloc[0], color="#d8e6da", label="noise ceiling"
    )
    axes.axvline(0, color="gray", lw=1, zorder=0)
    for row, low, high in zip(rows, table["low"], table["high"], strict=True):
        axes.plot([low, high], [row, row], color="#d1495b", lw=2)
    axes.plot(table["others"], rows, "o", color="#9aa5b1", label="other expressions' maps", ms=6)
    axes.plot(table["agreement"], rows, "o", color="#d1495b", label="same expression's", ms=7)
    axes.set_yticks(rows, list(table["map"]))
    axes.set(xlabel=f"mean correlation with the maps of {people}", ylim=(len(table) - 0.5, -0.5))
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    axes.spines[["top", "right"]].set_visible(False)
    return figure
