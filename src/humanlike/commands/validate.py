"""Known answers: does the whole path find the region that was made to carry the label?

Each set of drawn faces has one region that alone tells its two labels apart. A network that has
learned the set can only have looked there, so its heatmaps must show that region, and those of a
network that learned shuffled labels must not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

from humanlike import artifacts, figures
from humanlike.alignment import planted
from humanlike.errors import HumanlikeError
from humanlike.explainers.methods import METHODS
from humanlike.validation import page
from humanlike.validation.compare import Compared, compare_set
from humanlike.validation.sets import REGIONS, Effort, Faces, draw, is_held_out, warped_changes
from humanlike.validation.telling import in_columns, picture, tabulate, verdict
from humanlike.validation.trial import explain_set

DEFAULT = Effort()

#: Every method explains all faces by two networks: fewer than for LIME alone.
COMPARISON = Effort(explained=2)

#: Of each set's explained faces, so many are explained again and with layers at random.
CHECKED = 1


def validate(
    output: Path,
    regions: Sequence[str] = REGIONS,
    seed: int = 0,
    effort: Effort = DEFAULT,
) -> bool:
    """Draw, train, explain and score sets with a known answer; print and write what comes out.

    ``output`` receives ``validation.json``, ``validation.csv`` and ``validation.png``.

    Parameters
    ----------
    output
        Folder to write to.
    regions
        Of `REGIONS`, the regions to plant the label in. The other regions are competitors still.
    seed
        Seed of the faces, the networks and the explanations.
    effort

    Returns
    -------
    bool
        Whether everything asked was reached.

    Raises
    ------
    HumanlikeError
        A region is not known, or no face was found.
    """
    sets, places = draw_sets(regions, seed, effort)
    results = {region: explain_set(region, sets[region], seed, effort) for region in regions}
    table = tabulate(results, places, effort.accuracy)
    said = verdict(table, effort.accuracy)
    passed = bool(table["passed"].all())

    artifacts.write_table(output / "validation.csv", table)
    artifacts.write_json(
        output / "validation.json",
        {
            "seed": seed,
            **asdict(effort),
            "sets": table.set_index("region").to_dict("index"),
            "passed": passed,
            "verdict": said,
        },
    )
    artifacts.write_bytes(output / "validation.png", figures.png(picture(sets, results, places)))
    typer.echo(f"{in_columns(table)}\n\n{said}")
    return passed


def compare(
    output: Path,
    methods: Sequence[str] = tuple(METHODS),
    regions: Sequence[str] = REGIONS,
    seeds: Sequence[int] = (0,),
    effort: Effort = COMPARISON,
    checked: int = CHECKED,
) -> None:
    """Explain networks whose answer is known with several methods; print and write what is found.

    ``output`` receives ``explainers.csv``, ``sanity.csv``, ``explainers.json``, ``explainers.png``
    and the page ``explainers.md``.

    Parameters
    ----------
    output
        Folder to write to.
    methods
        Of `METHODS`.
    regions, effort
        See `validate`.
    seeds
        Each of faces, networks and explanations of their own. The picture is the first one's.
    checked
        So many faces of each set are explained again, and with the network's layers at random.

    Raises
    ------
    HumanlikeError
        A region or a method is not known, no face was found, or a method is not defined for the
        network.
    """
    for method in methods:
        if method not in METHODS:
            raise HumanlikeError(f"--method: {method} is none of {', '.join(METHODS)}, or all")
    found: list[Compared] = []
    pictures = []
    for seed in seeds:
        sets, places = draw_sets(regions, seed, effort)
        compared = {
            region: compare_set(region, sets[region], places, methods, seed, effort, checked)
            for region in regions
        }
        found += compared.values()
        pictures.append(page.picture(sets, compared, places))
    table = pd.concat([one.table for one in found], ignore_index=True)
    sanity = pd.concat([one.sanity for one in found], ignore_index=True)
    said = page.words(table, sanity)
    named = "all" if tuple(methods) == tuple(METHODS) else ",".join(methods)
    command = f"humanlike validate --method {named} {' '.join(f'--seed {seed}' for seed in seeds)}"

    artifacts.write_table(output / "explainers.csv", table.round(4))
    artifacts.write_table(output / "sanity.csv", sanity.round(4))
    artifacts.write_json(
        output / "explainers.json", {"seeds": list(seeds), **asdict(effort), "reading": said}
    )
    small = page.in_few_colours(figures.png(pictures[0]))
    artifacts.write_bytes(output / "explainers.png", small)
    artifacts.write_bytes(
        output / "explainers.md", page.page(table.round(4), sanity, command).encode()
    )
    typer.echo(f"{page.summarise(table).round(3).to_string(index=False)}\n\n{said}")


def draw_sets(
    regions: Sequence[str], seed: int, effort: Effort
) -> tuple[dict[str, Faces], dict[str, NDArray[np.bool_]]]:
    """Draw the sets, and find each region on the canonical face."""
    for region in regions:
        if region not in REGIONS:
            raise HumanlikeError(f"--regions: {region} is none of {', '.join(REGIONS)}")
    if not regions:
        raise HumanlikeError(f"--regions: name at least one of {', '.join(REGIONS)}")
    sets = draw(regions, seed, effort)
    places = planted.own_regions(
        {
            region: warped_changes(faces[is_held_out(faces, effort)]).mean(axis=0)
            for region, faces in sets.items()
        }
    )
    return sets, places
