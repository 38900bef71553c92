"""Published tables of what people chose, as trials: wide, long, or counts.

Published tables name their columns as they like; a map in the params says which is which. What they
lack stays empty. Expressions may be spelled in any of the ways that data sets spell them, and
answers that mean none of them (a "don't know") are named by the map, and left out.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence

import pandas as pd

from humanlike.errors import HumanlikeError
from humanlike.people.trials import TRIALS, check_trials, refuse, typed
from humanlike.spelling import parse_expression

#: What an answer is mapped to that stands for no expression.
NONE = "-"

#: How programs write an answer that was not given.
MISSING = ("", "na", "n/a", "nan", "null")


def read_wide(
    table: pd.DataFrame,
    source: str,
    stimulus: str,
    raters: Sequence[str],
    answers: Mapping[str, str] | None = None,
    truth: str | None = None,
) -> pd.DataFrame:
    """A table with a row for each stimulus and a column for each rater.

    Parameters
    ----------
    table : DataFrame of str
        As published.
    source
        Named in the message of a refusal.
    stimulus
        The column that names what was shown.
    raters
        Names of columns, or patterns such as ``participant*``.
    answers
        What answers mean, such as ``{"0": "neutral", "9": "-"}``; `NONE` leaves one out.
    truth
        The column that holds the right answer, if there is one.

    Returns
    -------
    DataFrame
        Columns of `humanlike.people.trials.TRIALS`, task categorise, an empty cell being no trial.

    Raises
    ------
    HumanlikeError
        A column is missing, or an answer is no expression.
    """
    names = [
        name for name in map(str, table) if any(fnmatch.fnmatchcase(name, one) for one in raters)
    ]
    if not names:
        raise HumanlikeError(
            f"{source}: no column is named {' or '.join(raters)}; there are "
            f"{', '.join(map(str, table))}"
        )
    _need(table, source, stimulus, *([] if truth is None else [truth]))
    kept = [stimulus] if truth is None else [stimulus, truth]
    long = table.reset_index(names="row").melt(["row", *kept], names, "observer", "response")
    long = long.rename(columns={stimulus: "stimulus"})
    long["truth"] = "" if truth is None else long[truth]
    return _trials(long, source, answers)


def read_counts(
    table: pd.DataFrame,
    source: str,
    stimulus: str,
    counts: Mapping[str, str],
    truth: str | None = None,
) -> pd.DataFrame:
    """A table with a row for each stimulus, and how often each expression was chosen.

    Parameters
    ----------
    table, source, stimulus, truth
        As for `read_wide`.
    counts
        Column -> expression, `NONE` for a column that is to be left out.

    Returns
    -------
    DataFrame
        As `read_wide`. Nobody knows who chose what: each vote is an observer ``vote1``, ``vote2``
        ..., the same name for different people.
    """
    _need(table, source, stimulus, *counts, *([] if truth is None else [truth]))
    rows = []
    for column, expression in counts.items():
        number = pd.to_numeric(table[column].replace("", "0"), errors="coerce")
        wrong = ~((number >= 0) & (number % 1 == 0))
        refuse(table[column], wrong, source, column, "a number of votes")
        repeated = table.loc[table.index.repeat(number.astype(int))]
        votes = pd.DataFrame(
            {
                "row": repeated.index,
                "stimulus": repeated[stimulus],
                "truth": "" if truth is None else repeated[truth],
                "response": expression,
            }
        )
        rows.append(votes)
    long = pd.concat(rows, ignore_index=True).sort_values("row", kind="stable")
    long["observer"] = [f"vote{n + 1}" for n in long.groupby("row").cumcount()]
    return _trials(long.reset_index(drop=True), source, {NONE: NONE})


def read_long(
    table: pd.DataFrame,
    source: str,
    columns: Mapping[str, str],
    answers: Mapping[str, str] | None = None,
    milliseconds: bool = False,
) -> pd.DataFrame:
    """A table with a row for each trial.

    Parameters
    ----------
    table, source, answers
        As for `read_wide`.
    columns
        What its columns are called: observer, stimulus and response; session, left, right, rt,
        confidence and truth (the right answer) where it has them.
    milliseconds
        Whether rt is in milliseconds.

    Returns
    -------
    DataFrame
        As `read_wide`.
    """
    _need(table, source, *columns.values())
    for name in ("observer", "stimulus", "response"):
        if name not in columns:
            raise HumanlikeError(f"{source}: columns does not say which column is the {name}")
    long = pd.DataFrame({name: table[column] for name, column in columns.items()})
    long["row"] = table.index
    if milliseconds and "rt" in long:
        rt = pd.to_numeric(long["rt"].replace("", None), errors="coerce") / 1000
        long["rt"] = rt.where(rt.notna(), long["rt"])
    if "truth" not in long:
        long["truth"] = ""
    return _trials(long, source, answers)


def _trials(long: pd.DataFrame, source: str, answers: Mapping[str, str] | None) -> pd.DataFrame:
    """Name answers and stimuli as everywhere, number the trials, and check them."""
    long = long.copy()
    for name in ("response", "truth", "left", "right"):
        if name in long:
            long[name] = _expressions(long, name, source, answers or {})
    long = long[~long["response"].isin(["", NONE])].reset_index(drop=True)
    if long.empty:
        raise HumanlikeError(f"{source}: no answer in it")
    long["truth"] = long["truth"].replace(NONE, "")
    long["stimulus"] = _codes(long["stimulus"], ".")
    long["observer"] = _codes(long["observer"])
    if "session" not in long:
        long["session"] = long["observer"]
    else:
        long["session"] = _codes(long["observer"] + "_" + long["session"].astype(str))
    long["trial"] = long.groupby("session").cumcount() + 1
    known = long["truth"] != ""
    long["correct"] = (long["response"] == long["truth"]).astype("Int64").where(known)
    long["task"] = "categorise"
    made = {name: long[name] if name in long else pd.Series("", long.index) for name in TRIALS}
    found = typed(pd.DataFrame(made), TRIALS, source)
    check_trials(found, source)
    return found


def _expressions(
    long: pd.DataFrame, name: str, source: str, answers: Mapping[str, str]
) -> pd.Series:
    values = long[name].fillna("").astype(str).str.strip()
    said = {_plain(word): meant for word, meant in answers.items()}
    meant: dict[str, str | None] = {}
    for value in values.unique():
        word = said.get(_plain(value), "" if _plain(value) in MISSING else value)
        meant[value] = word if word in ("", NONE) else parse_expression(word)
    found = values.map(meant)
    unknown = found.isna()
    if unknown.any():
        row = int(long["row"][unknown].iloc[0])
        raise HumanlikeError(
            f"{source}: line {row + 2}, {name}: {values[unknown].iloc[0]!r} is no expression; say "
            f"what it means in answers, {NONE} for none"
        )
    return found


def _plain(word: str) -> str:
    """An answer without what differs from program to program: capitals, and 7.0 for 7."""
    return re.sub(r"^(\d+)\.0+$", r"\1", str(word).strip().casefold())


def _codes(values: pd.Series, more: str = "") -> pd.Series:
    """Names as codes: what is no letter, digit, _, - or in `more` becomes _; two never become one.

    Raises
    ------
    HumanlikeError
        They would.
    """
    text = values.astype(str)
    meant = {
        name: re.sub(rf"[^A-Za-z0-9{more}_-]", "_", name).lstrip("._-") for name in text.unique()
    }
    codes = pd.Series(meant)
    twice = codes[codes.duplicated(keep=False)]
    if len(twice):
        first, second = twice.index[:2]
        raise HumanlikeError(f"{first!r} and {second!r} would get the same code; rename one")
    return text.map(meant)


def _need(table: pd.DataFrame, source: str, *columns: str) -> None:
    for name in columns:
        if name not in table:
            raise HumanlikeError(
                f"{source}: there is no column {name!r}; there are {', '.join(map(str, table))}"
            )
