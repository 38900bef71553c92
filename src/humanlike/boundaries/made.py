"""What was made, as tables: every stimulus that was tried, and how often it worked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd
from numpy.typing import NDArray

from humanlike.boundaries.targets import Target


class Unit(NamedTuple):
    """One generator, one pair and one person: what is made in one go."""

    generator: str
    pair: tuple[str, str]
    person: int  #: from 0, of those of this generator and pair
    subject: str
    start: Any  #: what the generator starts from


class Wanted(NamedTuple):
    """One stimulus of a unit."""

    target: str  #: alone, agreement or disagreement
    networks: tuple[int, ...]  #: by which networks
    shares: tuple[float, ...]  #: the first expression's, for each of them


def records(
    unit: Unit,
    arrays: dict[str, NDArray[Any]],
    wanted: Sequence[Wanted],
    networks: Sequence[str],
    labels: Sequence[str],
) -> list[dict[str, Any]]:
    """A row for each stimulus of a unit.

    Parameters
    ----------
    unit
    arrays
        probabilities (n, networks, classes), naturalness, looked, settings and reason (n,), a row
        for each of `wanted`.
    wanted
    networks, labels
        Names of the networks and of the classes.

    Returns
    -------
    list of dict
        stimulus, generator, first, second (the pair), person, subject, target, networks, share (the
        first's, wanted of the first of the networks), found (the first's share, mean over the
        networks), success, naturalness, looked, reason, ``p_<network>_<label>`` and the generator's
        settings.
    """
    first, second = unit.pair
    found = []
    for row, want in enumerate(wanted):
        target = Target((labels.index(first), labels.index(second)), want.shares)
        probabilities = arrays["probabilities"][row]
        judged = probabilities[list(want.networks)]
        reason = str(arrays["reason"][row])
        names = [networks[number] for number in want.networks]
        parts = [unit.generator, first, second, unit.person + 1, want.target, *names]
        found.append(
            {
                "stimulus": "-".join(map(str, [*parts, f"{want.shares[0]:g}"])),
                "generator": unit.generator,
                "first": first,
                "second": second,
                "person": unit.person,
                "subject": unit.subject,
                "target": want.target,
                "networks": "+".join(names),
                "share": want.shares[0],
                "found": float(target.found_shares(judged).mean()),
                "success": not reason and target.success(judged),
                "naturalness": float(arrays["naturalness"][row]),
                "looked": int(arrays["looked"][row]),
                "reason": reason,
                **{
                    f"p_{network}_{label}": float(p)
                    for network, each in zip(networks, probabilities, strict=True)
                    for label, p in zip(labels, each, strict=False)
                },
                **json.loads(str(arrays["settings"][row])),
            }
        )
    return found


def stimuli(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of `records` as `humanlike.people.trials.STIMULI` has them.

    The expression is the pair's one that the share favours, and the first on the boundary itself,
    where neither is true.
    """
    first = table["share"] >= 0.5
    return pd.DataFrame(
        {
            "stimulus": table["stimulus"],
            "file": table["stimulus"] + ".png",
            "expression": table["first"].where(first, table["second"]),
            "other": table["second"].where(first, table["first"]),
            "subject": table["subject"],
            "kind": table["generator"],
            "face": pd.array([pd.NA] * len(table), "Int64"),
        }
    ).reset_index(drop=True)


def success(table: pd.DataFrame) -> pd.DataFrame:
    """How often targets were met, for each generator, target, network, share and pair."""
    keys = ["generator", "target", "networks", "share", "first", "second"]
    groups = table.groupby(keys, sort=False)
    return groups.agg(
        tried=("success", "size"),
        success=("success", "mean"),
        naturalness=("naturalness", "mean"),
        looked=("looked", "mean"),
    ).reset_index()


def summary(table: pd.DataFrame) -> dict[str, Any]:
    """Success over all pairs, for each generator, target and network.

    `boundary` is the success of equal probabilities alone, `worst_pair` the least of a pair.
    """
    found: dict[str, Any] = {}
    for key, rows in table.groupby(["generator", "target", "networks"]):
        generator, target, networks = map(str, key)
        equal = rows[rows["share"] == 0.5]
        by_pair = rows.groupby(["first", "second"])["success"].mean()
        found.setdefault(generator, {}).setdefault(target, {})[networks] = {
            "tried": len(rows),
            "success": float(rows["success"].mean()),
            "boundary": _mean(equal["success"]),
            "worst_pair": float(by_pair.min()),
            "naturalness": _mean(rows["naturalness"]),
            "without_face": int((rows["reason"] != "").sum()),
        }
    return found


def _mean(values: pd.Series) -> float | None:
    return None if values.isna().all() else float(values.mean())


def captions(table: pd.DataFrame) -> list[str]:
    """What stands under each picture of a contact sheet."""
    return [
        f"{row['first'][:4]}/{row['second'][:4]} {row['networks']}\n"
        f"{row['target'][:5]} {row['share']:.2f}: {row['found']:.2f}"
        + ("" if row["success"] else " failed")
        for _, row in table.iterrows()
    ]
