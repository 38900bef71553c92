"""Trials and clicks as data sets that others can read: Psych-DS and BIDS.

Psych-DS is the standard of psych-ds.github.io; BIDS is "The Brain Imaging Data Structure" 1.10,
whose behavioural files without onset and duration are `_beh.tsv`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from humanlike.errors import HumanlikeError
from humanlike.people.trials import to_csv

#: Column -> what it holds, of trials and clicks.
MEANINGS = {
    "observer": "Code of the person who answered; it tells nothing else of them.",
    "session": "Code of the session.",
    "trial": "Number of the trial within the session, from 1.",
    "task": "uncover: clicks uncover a covered face; categorise: the whole face is shown.",
    "stimulus": "Id of the face shown; see stimuli.csv in the folder materials.",
    "left": "Expression offered at the left; empty where all were offered.",
    "right": "Expression offered at the right; empty where all were offered.",
    "response": "Expression chosen.",
    "correct": "1 where the response is the expression of the stimulus, else 0.",
    "rt": "Time from the face's onset to the response.",
    "confidence": "How sure the observer was, from 0 (a guess) to 1 (certain); empty: not asked.",
    "order": "Number of the click within the trial, from 1.",
    "x": "Place of the click to the right of the centre of the stimulus's upper left pixel.",
    "y": "Place of the click below the centre of the stimulus's upper left pixel.",
    "t": "Time from the face's onset to the click.",
    "radius": "Radius of the disc that the click uncovered.",
}
UNITS = {"rt": "s", "t": "s", "x": "px", "y": "px", "radius": "px"}


def psych_ds(
    trials: pd.DataFrame,
    clicks: pd.DataFrame,
    about: Mapping[str, str],
    materials: Mapping[str, bytes],
) -> dict[str, bytes]:
    """A data set in Psych-DS: a CSV of trials for each session, and one of clicks where it has any.

    Parameters
    ----------
    trials, clicks
        Typed tables; see `humanlike.people.trials`.
    about
        `name`, `description` and `identifier` of the data set.
    materials
        Files of the folder `materials`.

    Returns
    -------
    dict
        Path within the data set -> content.
    """
    variables = [
        {
            "@type": "PropertyValue",
            "name": name,
            "description": meaning,
            **({"unitText": UNITS[name]} if name in UNITS else {}),
        }
        for name, meaning in MEANINGS.items()
    ]
    description = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        **about,
        "variableMeasured": variables,
    }
    files = {
        "dataset_description.json": _json(description),
        "README.md": _readme(about).encode(),
        **{f"materials/{name}": content for name, content in materials.items()},
    }
    for session, of_session in trials.groupby("session"):
        observer, task = of_session[["observer", "task"]].iloc[0].astype(str)
        stem = f"subject-{_label(observer)}_session-{_label(str(session))}_task-{task}"
        files[f"data/{stem}_data.csv"] = to_csv(of_session).encode()
        clicked = clicks[clicks["session"] == session]
        if len(clicked):
            files[f"data/{stem}_description-clicks_data.csv"] = to_csv(clicked).encode()
    return files


def bids(trials: pd.DataFrame, clicks: pd.DataFrame, about: Mapping[str, str]) -> dict[str, bytes]:
    """The same as BIDS: `sub-<observer>/ses-<session>/beh/..._beh.tsv`, clicks as `acq-clicks`.

    Parameters and result are those of `psych_ds`; a missing value is `n/a`.

    Raises
    ------
    HumanlikeError
        The codes of two observers have the same letters and digits.
    """
    known: dict[str, str] = {}
    for observer in map(str, trials["observer"].unique()):
        if (other := known.setdefault(_label(observer), observer)) != observer:
            raise HumanlikeError(
                f"{other} and {observer} would both be sub-{_label(observer)}; rename one"
            )
    description = {"Name": about["name"], "BIDSVersion": "1.10.0", "DatasetType": "raw"}
    files = {
        "dataset_description.json": _json(description),
        "README": _readme(about).encode(),
        "participants.tsv": "\n".join(
            ["participant_id", *(f"sub-{name}" for name in sorted(known)), ""]
        ).encode(),
        "participants.json": _json({"participant_id": {"Description": MEANINGS["observer"]}}),
    }
    for task in sorted(set(trials["task"])):
        for kind, table in (("", trials), ("_acq-clicks", clicks)):
            if len(table):
                files[f"task-{task}{kind}_beh.json"] = _json(_sidecar(task, table.columns.tolist()))
    for session, of_session in trials.groupby("session"):
        observer, task = of_session[["observer", "task"]].iloc[0].astype(str)
        sub, ses = f"sub-{_label(observer)}", f"ses-{_label(str(session))}"
        clicked = clicks[clicks["session"] == session]
        for kind, table in (("", of_session), ("_acq-clicks", clicked)):
            if len(table):
                name = f"{sub}/{ses}/beh/{sub}_{ses}_task-{task}{kind}_beh.tsv"
                files[name] = _tsv(table).encode()
    return files


def _sidecar(task: str, columns: list[str]) -> dict[str, Any]:
    described = {
        name: {
            "Description": MEANINGS[name],
            **({"Units": UNITS[name]} if name in UNITS else {}),
        }
        for name in columns
    }
    return {"TaskName": task, **described}


def _tsv(table: pd.DataFrame) -> str:
    return table.replace("", "n/a").to_csv(sep="\t", index=False, na_rep="n/a", lineterminator="\n")


def _label(code: str) -> str:
    """A code as both standards allow it in names of files: letters and digits."""
    return re.sub("[^A-Za-z0-9]", "", code)


def _readme(about: Mapping[str, str]) -> str:
    return (
        f"# {about['name']}\n\n{about['description']}\n\n"
        "The columns `observer`, `session` and `trial` name a trial; with `order`, a click.\n"
    )


def _json(values: Any) -> bytes:
    return (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode()
