"""Answers as they come back, from a database, downloads or JATOS, checked one by one."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from humanlike.errors import HumanlikeError
from humanlike.people import trials as tables
from humanlike.people.experiment import store
from humanlike.people.experiment.study import Study, check_answer, check_envelope, public_id

#: A file or a member of an archive may be so large, in bytes, and a line.
MOST, LONGEST = 256 * 2**20, 256 * 2**10

#: So many refusals are kept; of more, only the number.
KEPT = 1000

#: How a database of SQLite begins.
_SQLITE = b"SQLite format 3\0"


@dataclass
class Collected:
    """What was read: answers by session and trial, and a line for each of the first `KEPT` refused.

    Attributes
    ----------
    sessions : dict
        Secret code -> its envelope.
    answers : dict
        (Secret code, trial) -> answer.
    refused : list of str
    refusals : int
        How many were refused in all.
    repeated : int
        Answers that were there twice, the same both times.
    withdrawn : int
        Answers left out because their session was withdrawn.
    """

    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    refusals: int = 0
    repeated: int = 0
    withdrawn: int = 0

    def refuse(self, line: str) -> None:
        """Count a refusal, and keep its line if it is one of the first."""
        self.refusals += 1
        if len(self.refused) < KEPT:
            self.refused.append(line)


def read(path: Path) -> Iterator[tuple[str, Any]]:
    """Every record of a source, with the place where it stands, for messages.

    Parameters
    ----------
    path
        The server's database; a file of lines, as the static version downloads it and JATOS exports
        it; JATOS' archive of results (.zip, .jrzip); or a folder of such files.

    Yields
    ------
    str, object
        What is no JSON comes as a `HumanlikeError`.

    Raises
    ------
    HumanlikeError
        There is no such file or folder.
    """
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file() and file.name[0] != ".")
        # What SQLite keeps beside a database is read with it.
        files = [file for file in files if not file.name.endswith(("-wal", "-shm"))]
        for file in files:
            yield from _read_file(file, file.relative_to(path).as_posix())
    elif path.is_file():
        yield from _read_file(path, path.name)
    else:
        raise HumanlikeError(f"{path}: no such file or folder")


def collect(records: Iterable[tuple[str, Any]], study: Study, without: Iterable[str]) -> Collected:
    """Check records and bring them together; nothing that is refused stops the rest.

    Parameters
    ----------
    records
        See `read`.
    study
    without
        Codes for withdrawal: what bears one is left out.
    """
    found, left_out = Collected(), set(without)
    for place, record in records:
        try:
            if isinstance(record, HumanlikeError):
                raise record
            _take(record, study, left_out, found)
        except HumanlikeError as error:
            found.refuse(f"{place}: {error}")
    return found


def _take(record: Any, study: Study, without: set[str], found: Collected) -> None:
    envelope = check_envelope(record, study)
    if envelope["withdrawal"] in without:
        found.withdrawn += 1
        return
    session, number = envelope["session"], envelope.pop("trial")
    if found.sessions.get(session, envelope) != envelope:
        raise HumanlikeError("session: another observer, list or code than in its other answers")
    given = {name: value for name, value in record.items() if name not in (*envelope, "trial")}
    answer = check_answer(given, study, study.lists[envelope["list"]], number)
    if (session, number) in found.answers:
        if found.answers[session, number] != answer:
            raise HumanlikeError(f"trial: {number} was answered before, and otherwise")
        found.repeated += 1
        return
    found.sessions[session] = envelope
    found.answers[session, number] = answer


def tabulate(found: Collected, study: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables of trials and clicks, typed and checked; see `humanlike.people.trials`.

    Secret codes become ids from which they cannot be told.
    """
    trials, clicks = [], []
    for (code, number), answer in sorted(found.answers.items()):
        envelope = found.sessions[code]
        trial = study.lists[envelope["list"]][number - 1]
        key = {
            "observer": envelope["observer"] or public_id(code, "observer"),
            "session": public_id(code, "session"),
            "trial": number,
        }
        trials.append(
            {
                **key,
                "task": study.task,
                "stimulus": trial.stimulus,
                "left": trial.left,
                "right": trial.right,
                "response": answer["response"],
                "correct": int(answer["response"] == study.expressions[trial.stimulus]),
                "rt": answer["rt"],
                "confidence": answer["confidence"],
            }
        )
        for order, (x, y, t) in enumerate(answer["clicks"], start=1):
            clicks.append({**key, "order": order, "x": x, "y": y, "t": t, "radius": study.radius})
    trial_table = tables.typed(
        pd.DataFrame(trials, columns=list(tables.TRIALS)), tables.TRIALS, "trials"
    )
    click_table = tables.typed(
        pd.DataFrame(clicks, columns=list(tables.CLICKS)), tables.CLICKS, "clicks"
    )
    tables.check_trials(trial_table)
    tables.check_clicks(click_table, trial_table, study.side)
    return trial_table, click_table


def _read_file(path: Path, name: str) -> Iterator[tuple[str, Any]]:
    try:
        with path.open("rb") as file:
            start = file.read(len(_SQLITE))
        if start == _SQLITE:
            for record in store.records(path):
                yield f"{name}: trial {record['trial']}", record
        elif start[:4] == b"PK\x03\x04":
            yield from _read_archive(path, name)
        elif path.stat().st_size > MOST:
            yield name, HumanlikeError(f"more than {MOST // 2**20} MiB")
        else:
            yield from _lines(path.read_bytes(), name)
    except OSError as error:
        yield name, HumanlikeError(f"cannot be read ({error.strerror})")
    except HumanlikeError as error:
        yield name, error


def _read_archive(path: Path, name: str) -> Iterator[tuple[str, Any]]:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                place = f"{name}: {ascii(member.filename)[1:-1]}"
                # JATOS describes the results in a file of its own.
                if member.is_dir() or member.filename.endswith("metadata.json"):
                    continue
                # The size that the archive tells need not be true.
                with archive.open(member) as file:
                    content = file.read(MOST + 1)
                if len(content) > MOST:
                    yield place, HumanlikeError(f"more than {MOST // 2**20} MiB")
                    continue
                yield from _lines(content, place)
    except (zipfile.BadZipFile, RuntimeError, EOFError, ValueError) as error:
        yield name, HumanlikeError(f"not an archive that can be read ({error})")


def _lines(content: bytes, name: str) -> Iterator[tuple[str, Any]]:
    # Line by line: a file may hold nothing but ends of lines, millions of them.
    for number, line in enumerate(io.BytesIO(content), start=1):
        line = line.strip().removeprefix(b"\xef\xbb\xbf")
        if not line:
            continue
        place = f"{name}: line {number}"
        if len(line) > LONGEST:
            yield place, HumanlikeError(f"more than {LONGEST // 2**10} KiB")
            continue
        try:
            yield place, json.loads(line)
        except (ValueError, RecursionError):
            yield place, HumanlikeError("not JSON")
