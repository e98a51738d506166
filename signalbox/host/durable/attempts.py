"""Which activities were running when the host's process ended, and how often that has happened to each.

The marks lie in a SQLite file of their own. They must survive the end of the process, not a power cut, so a mark costs
no sync; in the main file each activity would wait for one more.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from signalbox.host.durable.model import ActivityRow
from signalbox.host.log import LOGGER

_MOST_FAULTS = 2
# As often as Azure Storage delivers a message before it is poison. Five were too few: a storm of kills, each soon
# after a start, hits one honest activity several times in a row, since a suspect is the first to run.
_KILLS_BEFORE_ALONE, _MOST_KILLS = 3, 20

_SCHEMA = """
CREATE TABLE IF NOT EXISTS running (activity_id INTEGER PRIMARY KEY, work TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS strikes (
    work TEXT PRIMARY KEY,
    faults INTEGER NOT NULL,
    kills INTEGER NOT NULL,
    cause TEXT NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strikes:
    """How often the process ended while an activity ran: by its own code (*faults*), or for no known reason (*kills*).

    Several activities may have been running at the first end, and all of them are suspects. Each then runs alone, so
    that only one can be blamed for the second. A kill may come from anybody, so that more are needed.
    """

    faults: int = 0
    kills: int = 0
    cause: str = ""

    @property
    def is_suspect(self) -> bool:
        """Whether the activity should run with nothing beside it."""
        return self.faults > 0 or self.kills >= _KILLS_BEFORE_ALONE

    @property
    def is_convicted(self) -> bool:
        """Whether the activity should not be tried again."""
        return self.faults >= _MOST_FAULTS or self.kills >= _MOST_KILLS

    def after(self, cause: str | None, alone: bool) -> Strikes:
        """These strikes after one more end of the process. A suspect is blamed only for what it did *alone*."""
        if self.is_suspect and not alone:
            return self
        if cause is None:
            return Strikes(faults=self.faults, kills=self.kills + 1, cause=self.cause)
        return Strikes(faults=self.faults + 1, kills=self.kills, cause=cause)

    def __str__(self) -> str:
        if self.faults >= _MOST_FAULTS:
            return f"it ended its process {self.faults} times, the last time so: {self.cause}"
        return (
            f"the host's process was killed {self.kills} times while it ran, the last times with nothing else "
            "running; the machine may be short of memory"
        )


class Attempts:
    """The file `attempts.db` in *folder*. Everything is called on one thread."""

    def __init__(self, folder: Path) -> None:
        path = folder / "attempts.db"
        try:
            self._connection = _open(path)
        except sqlite3.DatabaseError as error:
            LOGGER.warning("%s cannot be read (%s): activities that ended the host are forgotten", path, error)
            for name in (path, path.with_name("attempts.db-wal"), path.with_name("attempts.db-shm")):
                name.unlink(missing_ok=True)
            self._connection = _open(path)
        self._ended_ids: list[tuple[int]] = []
        self._strikes = {
            work: Strikes(faults=faults, kills=kills, cause=cause)
            for work, faults, kills, cause in self._connection.execute("SELECT work, faults, kills, cause FROM strikes")
        }

    def recover(self, cause: str | None) -> None:
        """Count the end of the last process, for which *cause* is what it said of itself, against what was running."""
        running = [work for (work,) in self._connection.execute("SELECT work FROM running")]
        # A set, since a fan-out may run the same work twice: one end of the process is one strike. Whether it ran alone
        # is counted in rows all the same.
        for work in set(running):
            self._strikes[work] = self.strikes_of(work).after(cause, alone=len(running) == 1)
        values = [(work, s.faults, s.kills, s.cause) for work, s in self._strikes.items() if work in running]
        with self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO strikes (work, faults, kills, cause) VALUES (?, ?, ?, ?)", values
            )
            self._connection.execute("DELETE FROM running")
        if running and cause:
            LOGGER.error("the last host ended itself (%s) while %d activities ran", cause, len(running))

    def strikes(self, row: ActivityRow) -> Strikes:
        """The strikes against the work of *row*."""
        # Nearly always there are none at all, and then the identity of the work need not be worked out.
        return self.strikes_of(_work(row)) if self._strikes else Strikes()

    def strikes_of(self, work: str) -> Strikes:
        return self._strikes.get(work, Strikes())

    def blame(self, row: ActivityRow, cause: str | None, *, alone: bool) -> None:
        """Count the end of a worker process against *row*, which ran in it."""
        work = _work(row)
        strikes = self._strikes[work] = self.strikes_of(work).after(cause, alone)
        with self._connection:
            self._connection.execute(
                "INSERT OR REPLACE INTO strikes (work, faults, kills, cause) VALUES (?, ?, ?, ?)",
                (work, strikes.faults, strikes.kills, strikes.cause),
            )

    def begin(self, rows: Iterable[ActivityRow]) -> None:
        """Mark *rows* as running. Call it before the activities run: the marks are written when it returns."""
        marks = [(row.id, _work(row)) for row in rows]
        if not marks and not self._ended_ids:
            return
        with self._connection:
            # Removed first: an activity whose worker has ended begins again under its number.
            self._connection.executemany("DELETE FROM running WHERE activity_id = ?", self._ended_ids)
            self._connection.executemany("INSERT OR REPLACE INTO running VALUES (?, ?)", marks)
        self._ended_ids.clear()

    def end(self, row: ActivityRow, *, finished: bool) -> None:
        """Remove the mark, by the next `begin`. Work that *finished*, with success or not, loses its strikes."""
        self._ended_ids.append((row.id,))
        if finished and self._strikes and self._strikes.pop(work := _work(row), None) is not None:
            with self._connection:
                self._connection.execute("DELETE FROM strikes WHERE work = ?", (work,))

    def close(self) -> None:
        self.begin([])
        self._connection.close()


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.executescript(_SCHEMA)
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _work(row: ActivityRow) -> str:
    """The identity of the work, which is the same for each attempt: a retry must not start without strikes."""
    identity = json.dumps([row.instance_id, row.execution_id, row.name, row.input])
    return hashlib.sha256(identity.encode()).hexdigest()
