"""The server's database: sessions and their answers, each stored as it comes and only once."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humanlike.errors import HumanlikeError
from humanlike.people.experiment.study import Study

#: A session that has been silent for so long, in seconds, gives its list to the next observer.
SILENT = 2 * 3600

_TABLES = """
CREATE TABLE IF NOT EXISTS study (name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sessions (
  session TEXT PRIMARY KEY, withdrawal TEXT NOT NULL UNIQUE, observer TEXT NOT NULL,
  list INTEGER NOT NULL, heard REAL NOT NULL, finished INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS answers (
  session TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE, trial INTEGER NOT NULL,
  answer TEXT NOT NULL, PRIMARY KEY (session, trial)
) STRICT, WITHOUT ROWID;
"""


class Conflict(Exception):  # noqa: N818 - an outcome of a submission, not a fault of the program
    """Another answer to the same trial is there already."""


@dataclass(frozen=True)
class Session:
    """A session: its secret code, its code for withdrawal, its list, and the trials answered."""

    session: str
    withdrawal: str
    observer: str
    which: int
    done: list[int]
    finished: bool


class Store:
    """Sessions and answers in SQLite, safe to use from several threads.

    Parameters
    ----------
    path : Path
        The database; it is made where there is none.
    study : Study
        What is answered. A database of another study is refused.

    Raises
    ------
    HumanlikeError
        The file is no such database.
    """

    def __init__(self, path: Path, study: Study) -> None:
        self._lists = len(study.lists)
        self._lock = threading.Lock()
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            # What was acknowledged survives a crash of the machine, too.
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                self._db.execute(f"PRAGMA {pragma}")
            self._db.execute("PRAGMA secure_delete=ON")
            self._db.executescript(_TABLES)
            with self._transaction():
                names = [name for (name,) in self._db.execute("SELECT name FROM study")]
                if not names:
                    self._db.execute("INSERT INTO study VALUES (?)", (study.study,))
        except sqlite3.Error as error:
            raise HumanlikeError(f"{path}: not a database of answers ({error})") from None
        if names and names != [study.study]:
            raise HumanlikeError(
                f"{path}: holds answers to another study ({names[0]}); name another --database"
            )

    def begin(self, observer: str = "") -> Session:
        """Start a session with the list that the fewest have, the first of several."""
        code, withdrawal = secrets.token_urlsafe(16), secrets.token_urlsafe(12)
        now = time.time()
        with self._transaction():
            taken = dict(
                self._db.execute(
                    "SELECT list, COUNT(*) FROM sessions WHERE finished OR heard > ? GROUP BY list",
                    (now - SILENT,),
                )
            )
            which = min(range(self._lists), key=lambda number: (taken.get(number, 0), number))
            self._db.execute(
                "INSERT INTO sessions (session, withdrawal, observer, list, heard)"
                " VALUES (?, ?, ?, ?, ?)",
                (code, withdrawal, observer, which, now),
            )
        return Session(code, withdrawal, observer, which, [], False)

    def session(self, code: str) -> Session | None:
        """A session and the trials that are stored, or None where there is none of that code."""
        with self._lock:
            row = self._db.execute(
                "SELECT session, withdrawal, observer, list, finished FROM sessions"
                " WHERE session = ?",
                (code,),
            ).fetchone()
            trials = self._db.execute(
                "SELECT trial FROM answers WHERE session = ? ORDER BY trial", (code,)
            ).fetchall()
        if row is None:
            return None
        session, withdrawal, observer, which, finished = row
        done = [trial for (trial,) in trials]
        return Session(session, withdrawal, observer, which, done, bool(finished))

    def keep(self, code: str, trial: int, answer: dict[str, Any]) -> bool:
        """Store an answer, for good once this returns.

        Parameters
        ----------
        code
            Of a session that is there.
        trial
        answer
            As `check_answer` gives it.

        Returns
        -------
        bool
            Whether it is new; the same answer once more changes nothing.

        Raises
        ------
        Conflict
            Another answer to the trial is there.
        """
        text = json.dumps(answer, allow_nan=False)
        with self._transaction():
            new = self._db.execute(
                "INSERT INTO answers VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (code, trial, text)
            ).rowcount
            (kept,) = self._db.execute(
                "SELECT answer FROM answers WHERE session = ? AND trial = ?", (code, trial)
            ).fetchone()
            self._db.execute("UPDATE sessions SET heard = ? WHERE session = ?", (time.time(), code))
        if kept != text:
            raise Conflict
        return bool(new)

    def finish(self, code: str) -> None:
        """Mark a session as finished."""
        with self._transaction():
            self._db.execute("UPDATE sessions SET finished = 1 WHERE session = ?", (code,))

    def withdraw(self, withdrawal: str) -> int:
        """Delete all of the session with this code for withdrawal; give its number of answers.

        Raises
        ------
        HumanlikeError
            There is none.
        """
        with self._transaction():
            row = self._db.execute(
                "SELECT session FROM sessions WHERE withdrawal = ?", (withdrawal,)
            ).fetchone()
            if row is None:
                raise HumanlikeError(f"withdrawal code {withdrawal!r}: no session has it")
            (answers,) = self._db.execute(
                "SELECT COUNT(*) FROM answers WHERE session = ?", row
            ).fetchone()
            self._db.execute("DELETE FROM sessions WHERE session = ?", row)
        # Nothing of it stays in the journal either.
        with self._lock:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return answers

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def _transaction(self) -> _Transaction:
        return _Transaction(self._db, self._lock)


class _Transaction:
    """All or nothing, one at a time, also beside other processes."""

    def __init__(self, db: sqlite3.Connection, lock: threading.Lock) -> None:
        self._db, self._lock = db, lock

    def __enter__(self) -> None:
        self._lock.acquire()
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._lock.release()
            raise

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._db.execute("COMMIT" if kind is None else "ROLLBACK")
        finally:
            self._lock.release()


def records(path: Path) -> Iterator[dict[str, Any]]:
    """Every answer of a database, as the other two versions of the experiment write them.

    Raises
    ------
    HumanlikeError
        It is no such database.
    """
    try:
        with closing(sqlite3.connect(f"file:{path.absolute().as_posix()}?mode=ro", uri=True)) as db:
            # Of a stranger's making, a table could be a view that never ends.
            if _defined(db) != _wanted():
                raise HumanlikeError(f"{path}: not a database of answers (it has other tables)")
            rows = db.execute(
                "SELECT (SELECT name FROM study), session, observer, withdrawal, list, trial,"
                " answer FROM answers JOIN sessions USING (session) ORDER BY sessions.rowid, trial"
            ).fetchall()
    except sqlite3.Error as error:
        raise HumanlikeError(f"{path}: not a database of answers ({error})") from None
    for study, session, observer, withdrawal, number, trial, answer in rows:
        envelope = {
            "study": study,
            "session": session,
            "observer": observer,
            "withdrawal": withdrawal,
            "list": number,
            "trial": trial,
        }
        try:
            yield {**envelope, **json.loads(answer)}
        except (ValueError, TypeError, RecursionError):
            yield envelope


def _defined(db: sqlite3.Connection) -> set[tuple[str]]:
    """What a database says that its tables are."""
    return set(db.execute("SELECT sql FROM sqlite_master WHERE type = 'table'"))


def _wanted() -> set[tuple[str]]:
    """What a database of answers says."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(_TABLES)
        return _defined(db)
