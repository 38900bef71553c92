"""Known answers: does the whole path find the region that was made to carry the label?

Each set of drawn faces has one region that alone tells its two labels apart. A network that has
learned the set can only have looked there, so its heatmaps must show that region, and those of a
network that learned shuffled labels must not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from humanlike import artifacts, figures
from humanlike.alignment import planted
from humanlike.errors import HumanlikeError
from humanlike.validation.sets import REGIONS, Effort, draw, is_held_out, warped_changes
from humanlike.validation.telling import in_columns, picture, tabulate, verdict
from humanlike.validation.trial import explain_set

DEFAULT = Effort()


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
