"""The tables that experiments leave: trials, clicks and stimuli, checked row by row.

A table that passes here has the columns below, in this order and of these dtypes; every other
module of people takes that for granted. What is broken ends in one line that names the file, the
line and the column.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas import Series

from humanlike.errors import HumanlikeError
from humanlike.expressions import LABELS

TASKS = ("uncover", "categorise")
KINDS = ("photograph", "render", "morph", "guided")

#: What the code of every observer who never lived begins with; see `humanlike.people.observers`.
SIMULATED = "simulated"

#: Trial within the session: what clicks and trials are joined by.
TRIAL_KEY = ["observer", "session", "trial"]


class Column(NamedTuple):
    """What a column holds.

    Attributes
    ----------
    dtype : str
        str, Int64 (pandas' integers, which may be missing) or float64.
    rule : str
        What is allowed, in words that finish "give ...".
    allows : function of a Series to a Series of bool
        Which values are allowed; missing ones never get here.
    empty : bool
        Whether a value may be missing ("" in text).
    """

    dtype: str
    rule: str
    allows: Callable[[Series], Series]
    empty: bool = False


def _one_of(*values: str) -> tuple[str, Callable[[Series], Series]]:
    return f"one of {', '.join(values)}", lambda column: column.isin(values)


def _matching(pattern: str, rule: str) -> tuple[str, Callable[[Series], Series]]:
    compiled = re.compile(pattern)
    return rule, lambda column: column.map(lambda value: compiled.fullmatch(value) is not None)


def _within(low: float, high: float, rule: str) -> tuple[str, Callable[[Series], Series]]:
    return rule, lambda column: (column >= low) & (column <= high) & np.isfinite(column)


_CODE = _matching("[A-Za-z0-9][A-Za-z0-9_-]{0,63}", "a code of at most 64 letters, digits, _ or -")
_ID = _matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", "a name of letters, digits, ., _ or -")
_FILE = _matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\.png", "the name of a .png in the folder")
_FROM_1 = _within(1, 10**6, "a whole number from 1 on")
_SECONDS = _within(0, 10**6, "seconds from 0 on")
_PIXELS = _within(-(10.0**5), 10**5, "pixels of the stimulus")
_EXPRESSION = _one_of(*LABELS)

TRIALS = {
    "observer": Column("str", *_CODE),
    "session": Column("str", *_CODE),
    "trial": Column("Int64", *_FROM_1),
    "task": Column("str", *_one_of(*TASKS)),
    "stimulus": Column("str", *_ID),
    "left": Column("str", *_EXPRESSION, empty=True),
    "right": Column("str", *_EXPRESSION, empty=True),
    "response": Column("str", *_EXPRESSION),
    "correct": Column("Int64", *_within(0, 1, "0 or 1"), empty=True),
    "rt": Column("float64", *_SECONDS, empty=True),
    "confidence": Column("float64", *_within(0, 1, "a number from 0 to 1"), empty=True),
}
CLICKS = {
    "observer": Column("str", *_CODE),
    "session": Column("str", *_CODE),
    "trial": Column("Int64", *_FROM_1),
    "order": Column("Int64", *_FROM_1),
    "x": Column("float64", *_PIXELS),
    "y": Column("float64", *_PIXELS),
    "t": Column("float64", *_SECONDS),
    "radius": Column("float64", *_within(0.5, 10**5, "pixels from 0.5 on")),
}
STIMULI = {
    "stimulus": Column("str", *_ID),
    "file": Column("str", *_FILE),
    "expression": Column("str", *_EXPRESSION),
    "other": Column("str", *_EXPRESSION, empty=True),
    "subject": Column("str", *_matching(r"[^\x00-\x1f]{1,200}", "a name"), empty=True),
    "kind": Column("str", *_one_of(*KINDS)),
    "face": Column("Int64", *_within(0, 10**9, "a row of faces.csv, from 0"), empty=True),
}


def parse(text: str, columns: dict[str, Column], source: str) -> pd.DataFrame:
    """Read a CSV and check each of its values.

    Parameters
    ----------
    text
        With a line of names first; other columns than `columns` are left out.
    columns
        `TRIALS`, `CLICKS` or `STIMULI`.
    source
        Named in the message of a refusal.

    Returns
    -------
    DataFrame
        The columns in their order and dtypes, index 0 to n - 1.

    Raises
    ------
    HumanlikeError
        It is no CSV, a column is missing, or a value is not allowed.
    """
    try:
        table = pd.read_csv(
            io.StringIO(text.removeprefix("\ufeff")), dtype=str, keep_default_na=False
        )
    except (ValueError, pd.errors.ParserError) as error:
        raise HumanlikeError(f"{source}: not a table ({error})") from None
    return typed(table, columns, source)


def typed(table: pd.DataFrame, columns: dict[str, Column], source: str) -> pd.DataFrame:
    """Check each value of a table and give its columns their dtypes; see `parse`."""
    missing = [name for name in columns if name not in table]
    if missing:
        raise HumanlikeError(
            f"{source}: there is no column {missing[0]}; the columns are {', '.join(columns)}"
        )
    made = {}
    for name, column in columns.items():
        values = table[name].reset_index(drop=True).astype(object)
        text = values.where(values.notna(), "").astype(str)
        given = text.str.strip() != ""
        checked: Series = text
        if column.dtype != "str":
            checked = pd.to_numeric(text.where(given, None), errors="coerce").astype("float64")
        allowed = pd.Series(~given & column.empty, index=text.index)
        present = given & checked.notna()
        allowed[present] = column.allows(checked[present]).astype(bool)
        if column.dtype == "Int64":
            allowed &= ~present | (checked % 1 == 0)
        refuse(text, ~allowed, source, name, column.rule)
        made[name] = checked.astype("Int64") if column.dtype == "Int64" else checked
    return pd.DataFrame(made)


def refuse(values: Series, broken: Series, source: str, name: str, rule: str) -> None:
    """Raise one line that names the first broken row, where there is one.

    Parameters
    ----------
    values : Series
        What the rows hold, shown in the message.
    broken : Series of bool
        Row 0 is the file's line 2.
    source, name, rule : str
        The file, the column, and what is allowed, in words that finish "give ...".

    Raises
    ------
    HumanlikeError
        A row is broken.
    """
    rows = np.flatnonzero(broken.to_numpy(bool))
    if not len(rows):
        return
    value = str(values.iloc[rows[0]])
    found = repr(value[:40]) if value else "nothing"
    more = f" (and {len(rows) - 1} more lines)" if len(rows) > 1 else ""
    raise HumanlikeError(
        f"{source}: line {rows[0] + 2}, {name}: {found} is not allowed; give {rule}{more}"
    )


def check_trials(trials: pd.DataFrame, source: str = "trials") -> None:
    """Check what several columns or rows of a typed table of trials say together.

    Raises
    ------
    HumanlikeError
        A trial occurs twice, a session has two observers, only one expression is offered or the
        same twice, or the response was not offered.
    """
    left, right, response = trials["left"], trials["right"], trials["response"]
    offered = left != ""
    twice = trials.duplicated(TRIAL_KEY)
    refuse(trials["trial"], twice, source, "trial", "each trial of a session once")
    owners = trials.groupby("session")["observer"].transform("first")
    strangers = trials["observer"] != owners
    refuse(trials["observer"], strangers, source, "observer", "one observer a session")
    uncover = (trials["task"] == "uncover") & ~offered
    refuse(left, uncover, source, "left", "the two expressions offered, as uncover needs them")
    pair = "two expressions, or none where all were offered"
    refuse(right, (left == right) & offered | ((right != "") != offered), source, "right", pair)
    stray = offered & (response != left) & (response != right)
    refuse(response, stray, source, "response", "one of left and right")


def check_clicks(
    clicks: pd.DataFrame, trials: pd.DataFrame, side: int | None = None, source: str = "clicks"
) -> None:
    """Check a typed table of clicks against the trials they were made in.

    Parameters
    ----------
    clicks, trials
        Typed tables.
    side
        Side of the stimuli in pixels; clicks beyond it are refused.

    Raises
    ------
    HumanlikeError
        A click is in no trial of the task uncover, orders do not run 1, 2, 3 ... with time, or a
        click lies outside the stimulus.
    """
    uncover = trials.loc[trials["task"] == "uncover", TRIAL_KEY]
    known = pd.MultiIndex.from_frame(uncover)
    stray = pd.Series(~pd.MultiIndex.from_frame(clicks[TRIAL_KEY]).isin(known))
    refuse(clicks["trial"], stray, source, "trial", "a trial of that session with the task uncover")
    in_order = clicks.sort_values([*TRIAL_KEY, "order"], kind="stable")
    groups = in_order.groupby(TRIAL_KEY)
    expected = groups.cumcount().sort_index() + 1
    skipped = clicks["order"] != expected
    refuse(clicks["order"], skipped, source, "order", "1, 2, 3 ... in each trial")
    back = (groups["t"].diff() < 0).sort_index()
    refuse(clicks["t"], back, source, "t", "times that grow with the order")
    if side is not None:
        for name in ("x", "y"):
            outside = (clicks[name] < -0.5) | (clicks[name] > side - 0.5)
            refuse(clicks[name], outside, source, name, f"a place from -0.5 to {side - 0.5}")


def check_answers(trials: pd.DataFrame, stimuli: pd.DataFrame, source: str = "trials") -> None:
    """Check a typed table of trials against the stimuli that were shown.

    Raises
    ------
    HumanlikeError
        A stimulus is unknown, its expression was not offered, or `correct` is not what the response
        makes it.
    """
    truth = trials["stimulus"].map(stimuli.set_index("stimulus")["expression"])
    refuse(trials["stimulus"], truth.isna(), source, "stimulus", "one of stimuli.csv")
    offered = (trials["left"] == "") | (trials["left"] == truth) | (trials["right"] == truth)
    refuse(
        trials["right"], ~offered, source, "right", "a pair that holds the stimulus's expression"
    )
    right = (trials["response"] == truth).astype("Int64")
    wrong = (trials["correct"] != right).fillna(False)
    refuse(trials["correct"], wrong, source, "correct", "1 where the response is the expression")


def check_stimuli(stimuli: pd.DataFrame, source: str = "stimuli.csv") -> None:
    """Check that a typed table of stimuli names each once, and pairs of two expressions.

    Raises
    ------
    HumanlikeError
        It does not.
    """
    for name in ("stimulus", "file"):
        refuse(stimuli[name], stimuli.duplicated(name), source, name, "each once")
    same = stimuli["other"] == stimuli["expression"]
    refuse(stimuli["other"], same, source, "other", "another expression, or none")


def read(path: Path, columns: dict[str, Column]) -> pd.DataFrame:
    """Read one CSV and check its values; `check_trials` and others check the rest.

    Raises
    ------
    HumanlikeError
        As `parse`, or the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise HumanlikeError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise HumanlikeError(f"{path}: not UTF-8 text; save the table as CSV in UTF-8") from None
    return parse(text, columns, str(path))


def to_csv(table: pd.DataFrame) -> str:
    """A typed table as CSV; `parse` gives the same table back, the floats to the last bit."""
    return table.to_csv(index=False, lineterminator="\n")
