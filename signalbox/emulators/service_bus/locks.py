"""Receiving: a message is locked for one receiver until it is settled, or removed at once."""

import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from signalbox.emulators.database import transaction
from signalbox.emulators.service_bus.broker import Broker, RefusedError
from signalbox.emulators.service_bus.schema import ACTIVE, DEFERRED, Held, read_held

_FREE = "SELECT * FROM messages WHERE entity = ? AND state = 0 AND token IS NULL AND (expires IS NULL OR expires > ?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a receiver decided: complete, abandon, defer, dead-letter, or release (as if never delivered)."""

    verdict: str
    reason: str | None = None
    description: str | None = None


class Locks:
    """Locks on messages. A message of a session is held as long as the session, so its own lock does not run out."""

    def __init__(self, broker: Broker) -> None:
        self._broker, self._database = broker, broker.database

    def take(self, path: str, count: int, session: str | None = None, *, remove: bool = False) -> list[Held]:
        """At most *count* messages of *path*, the oldest first, each locked, or removed."""
        path, now = path.lower(), self._broker.clock()
        self._broker.touch(path)
        with transaction(self._database):
            within = "" if session is None else " AND session = ?"
            values = (path, now) if session is None else (path, now, session)
            rows = self._database.execute(f"{_FREE}{within} ORDER BY seq LIMIT ?", (*values, count)).fetchall()
            return [self._remove(row) if remove else self._lock(row, now) for row in rows]

    def take_deferred(self, path: str, numbers: Sequence[int], *, remove: bool = False) -> list[Held]:
        """Deferred messages by sequence number. Raises RefusedError where one is not there."""
        path, now = path.lower(), self._broker.clock()
        sql = "SELECT * FROM messages WHERE entity = ? AND number = ? AND state = ? AND token IS NULL"
        with transaction(self._database):
            rows = [self._database.execute(sql, (path, number, DEFERRED)).fetchone() for number in numbers]
            if None in rows:
                raise RefusedError("com.microsoft:message-not-found", "a deferred message was not found")
            return [self._remove(row) if remove else self._lock(row, now) for row in rows]

    def settle(self, token: str, outcome: Outcome) -> None:
        """Raises RefusedError where the lock has run out."""
        with transaction(self._database):
            row = self._locked_row(token)
            self._apply(row, outcome)
        self._broker.announce(row["entity"])

    def renew(self, tokens: Sequence[str]) -> list[float]:
        """Until when each is locked now. Raises RefusedError where one has run out."""
        with transaction(self._database):
            return [self._renew(self._locked_row(token)) for token in tokens]

    def _apply(self, row: sqlite3.Row, outcome: Outcome) -> None:
        if outcome.verdict == "complete":
            self._database.execute("DELETE FROM messages WHERE seq = ?", (row["seq"],))
        elif outcome.verdict == "dead-letter":
            self._broker.dead_letter(row, outcome.reason, outcome.description)
        elif outcome.verdict == "abandon":
            self._broker.failed(row)
        else:
            state = DEFERRED if outcome.verdict == "defer" else ACTIVE
            sql = "UPDATE messages SET token = NULL, locked_until = NULL, state = ? WHERE seq = ?"
            self._database.execute(sql, (state, row["seq"]))

    def _locked_row(self, token: str) -> sqlite3.Row:
        row: sqlite3.Row | None = self._database.execute("SELECT * FROM messages WHERE token = ?", (token,)).fetchone()
        if row is None or (row["locked_until"] is not None and row["locked_until"] <= self._broker.clock()):
            raise RefusedError("com.microsoft:message-lock-lost", "The lock supplied is invalid or has run out.")
        return row

    def _lock(self, row: sqlite3.Row, now: float) -> Held:
        token, until = secrets.token_urlsafe(12), self._until(row, now)  # 16 characters: a tag that is also text.
        sql = "UPDATE messages SET token = ?, locked_until = ? WHERE seq = ?"
        self._database.execute(sql, (token, None if self._in_session(row) else until, row["seq"]))
        return read_held(row, token, until)

    def _until(self, row: sqlite3.Row, now: float) -> float:
        entity = self._broker.namespace.entity(row["entity"])
        return now + (entity.lock_s if entity else 0.0)

    def _in_session(self, row: sqlite3.Row) -> bool:
        entity = self._broker.namespace.entity(row["entity"])
        return entity is not None and entity.sessions

    def _renew(self, row: sqlite3.Row) -> float:
        until = self._until(row, self._broker.clock())
        if not self._in_session(row):
            self._database.execute("UPDATE messages SET locked_until = ? WHERE seq = ?", (until, row["seq"]))
        return until

    def _remove(self, row: sqlite3.Row) -> Held:
        self._database.execute("DELETE FROM messages WHERE seq = ?", (row["seq"],))
        return read_held(row)
