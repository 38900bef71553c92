"""Where people's stages and commands keep their files, and how a study's data are read."""

from __future__ import annotations

import csv
import io
import math
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from numpy.typing import NDArray

from humanlike import artifacts
from humanlike.errors import HumanlikeError
from humanlike.people import trials as tables
from humanlike.people.trials import CLICKS, SIMULATED, TRIALS
from humanlike.studies import PEOPLE, read_stimuli

DATA = PEOPLE / "data"
METRICS = PEOPLE / "metrics"
PLOTS = PEOPLE / "plots"

#: The stimuli's table within a data set, as `humanlike experiment import` puts it there.
MATERIALS = "materials/stimuli.csv"

FOLDER = artifacts.ARTIFACTS / "people"
STIMULI = FOLDER / "stimuli"
CHOICES = FOLDER / "choices"
MACHINES = FOLDER / "machines"

#: Stimuli between expressions, choices about them (CSVs of the task categorise), and networks that
#: learned these.
BOUNDARY = FOLDER / "boundary"
BOUNDARY_DATA = PEOPLE / "boundary"
ALIGNED = FOLDER / "aligned"

#: Out of which faces are sampled; empty where none are.
DIFFUSION = FOLDER / "diffusion.keras"


class Study(NamedTuple):
    """A study's data, checked against the stimuli that were shown."""

    trials: pd.DataFrame
    clicks: pd.DataFrame

    @property
    def simulated(self) -> bool:
        """Whether any observer never lived."""
        return bool(self.trials["observer"].str.startswith(SIMULATED).any())


class Stimuli(NamedTuple):
    """What was shown."""

    table: pd.DataFrame
    images: NDArray
    landmarks: NDArray

    @property
    def side(self) -> int:
        """Of the pictures, in pixels."""
        return self.images.shape[-1]

    @property
    def rows(self) -> dict[str, int]:
        """Stimulus -> its row."""
        return {name: row for row, name in enumerate(self.table["stimulus"])}

    def of(self, trials: pd.DataFrame, column: str) -> pd.Series:
        """A column of the stimuli's table, trial by trial."""
        return trials["stimulus"].map(self.table.set_index("stimulus")[column])


def stimuli() -> Stimuli:
    """What the stage `stimuli` wrote."""
    return Stimuli(*read_stimuli(STIMULI))


def read_study(folder: Path, shown: Stimuli, others: Collection[str] = ()) -> Study:
    """Read the trials and clicks of all sessions in a folder.

    A file is known by its columns, whatever its name: CSVs that have those of `TRIALS` or of
    `CLICKS`, anywhere in the folder. Others are left out, which is said.

    Parameters
    ----------
    folder
    shown
        The stimuli; answers are checked against them, clicks against their size.
    others
        Files, relative to the folder, that are read otherwise.

    Raises
    ------
    HumanlikeError
        The folder is missing, a row is broken, or a session is in two files.
    """
    if not folder.is_dir():
        raise HumanlikeError(
            f"{folder}: no such folder; put a study's data there, or pull the simulated sample: "
            "`dvc pull people/data.dvc`"
        )
    found: dict[str, list[tuple[Path, pd.DataFrame]]] = {"trials": [], "clicks": []}
    check_materials(folder / MATERIALS, shown)
    for path in sorted(folder.rglob("*.csv")):
        name = path.relative_to(folder).as_posix()
        if name in others or name == MATERIALS:
            continue
        names = _header(path)
        if names >= set(TRIALS):
            found["trials"].append((path, tables.read(path, TRIALS)))
        elif names >= set(CLICKS):
            found["clicks"].append((path, tables.read(path, CLICKS)))
        else:
            print(f"{path}: neither trials nor clicks; left out", file=sys.stderr)
    for kind in found.values():
        _once(kind)
    for path, trials in found["trials"]:
        tables.check_trials(trials, str(path))
        tables.check_answers(trials, shown.table, str(path))
    trials = _joined([table for _, table in found["trials"]], list(TRIALS))
    tables.check_trials(trials, str(folder))
    for path, clicks in found["clicks"]:
        tables.check_clicks(clicks, trials, shown.side, str(path))
    clicks = _joined([table for _, table in found["clicks"]], list(CLICKS))
    return Study(trials, clicks)


def check_materials(path: Path, shown: Stimuli) -> None:
    """Refuse data of other stimuli than those of the stage, where the data say which they had.

    Raises
    ------
    HumanlikeError
        The tables differ.
    """
    if path.exists() and path.read_text(encoding="utf-8") != tables.to_csv(shown.table):
        raise HumanlikeError(
            f"{path}: these data are of other stimuli than {STIMULI}; give people/params.yaml the "
            "experiment that was run, or start anew with `humanlike experiment build --stimuli "
            f"{STIMULI}`"
        )


def read_published(path: Path) -> pd.DataFrame:
    """A published table, every cell as text without the spaces around it.

    Commas, semicolons or tabs part the cells: whichever the first line has most of. The index is
    the row's line in the file less 2. Columns without a name are left out.

    Raises
    ------
    HumanlikeError
        It is missing or no table.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise HumanlikeError(f"{path}: no such file, and choices.tables names it") from None
    except OSError as error:
        raise HumanlikeError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise HumanlikeError(f"{path}: not UTF-8 text; save the table as CSV in UTF-8") from None
    parted = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=parted, strict=True)
    rows: dict[int, list[str]] = {}
    try:
        for row in reader:
            if row:
                rows[reader.line_num - 2] = [cell.strip() for cell in row]
    except csv.Error as error:
        raise HumanlikeError(f"{path}: line {reader.line_num}: not a table ({error})") from None
    if not rows:
        raise HumanlikeError(f"{path}: it is empty")
    names = rows.pop(min(rows))
    for number, row in rows.items():
        # Spreadsheets write more cells than the header has, all empty.
        while len(row) > len(names) and not row[-1]:
            row.pop()
        if len(row) != len(names):
            raise HumanlikeError(
                f"{path}: line {number + 2} has {len(row)} cells, and the header {len(names)}"
            )
    named = [name for name in names if name]
    if twice := next((name for name in named if named.count(name) > 1), None):
        raise HumanlikeError(f"{path}: two columns are named {twice!r}; rename one")
    table = pd.DataFrame.from_dict(rows, orient="index", columns=pd.Index(names), dtype=str)
    return table[named]


def read_made() -> pd.DataFrame:
    """The table of all stimuli that the stage `boundary` tried."""
    return artifacts.read_table(BOUNDARY / "made.csv")


def read_boundary_choices(stimuli: pd.DataFrame) -> pd.DataFrame:
    """The choices of all sessions about stimuli between expressions; none is said, and empty.

    Parameters
    ----------
    stimuli
        As `humanlike.people.trials.STIMULI` has them.

    Raises
    ------
    HumanlikeError
        A row is broken, or a stimulus is unknown.
    """
    found = []
    for path in sorted(BOUNDARY_DATA.rglob("*.csv")):
        trials = tables.read(path, TRIALS)
        tables.check_trials(trials, str(path))
        unknown = ~trials["stimulus"].isin(stimuli["stimulus"])
        tables.refuse(trials["stimulus"], unknown, str(path), "stimulus", f"one of {BOUNDARY}")
        found.append(trials)
    if not found:
        print(
            f"{BOUNDARY_DATA}/: there are no choices yet; put CSVs of the task categorise about "
            f"{BOUNDARY} there, or make simulated ones: `humanlike people simulate-choices`",
            file=sys.stderr,
        )
    joined = _joined(found, list(TRIALS))
    tables.check_trials(joined, str(BOUNDARY_DATA))
    return joined


def write_metrics(name: str, values: dict[str, Any]) -> None:
    """Write a stage's metrics; what is not known is null."""
    artifacts.write_json(METRICS / f"{name}.json", _jsonable(values))


def _jsonable(values: Any) -> Any:
    if isinstance(values, dict):
        return {key: _jsonable(value) for key, value in values.items()}
    return None if isinstance(values, float) and not math.isfinite(values) else values


def _header(path: Path) -> set[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return set(next(csv.reader(file), []))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise HumanlikeError(f"{path}: cannot be read ({error})") from None


def _once(found: list[tuple[Path, pd.DataFrame]]) -> None:
    """Refuse a session of which two files tell."""
    files: dict[str, Path] = {}
    for path, table in found:
        for session in table["session"].unique():
            if session in files:
                raise HumanlikeError(
                    f"session {session} is in {files[session]} and in {path}; keep one of them"
                )
            files[session] = path


def _joined(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.concat(parts, ignore_index=True)
