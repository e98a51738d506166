"""The tables of the broker and the rows of a message. A message is active, deferred or scheduled; locks are on disk."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from signalbox.emulators.database import open_database
from signalbox.emulators.service_bus.entities import DEAD_LETTERS
from signalbox.emulators.service_bus.sections import Marks, with_marks

ACTIVE, DEFERRED, SCHEDULED = 0, 1, 2

_TABLES = """
CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, entity TEXT NOT NULL, state INTEGER NOT NULL, session TEXT,
    payload BLOB NOT NULL, enqueued REAL NOT NULL, due REAL, expires REAL, deliveries INTEGER NOT NULL DEFAULT 0,
    token TEXT, locked_until REAL, source TEXT, reason TEXT, description TEXT, number INTEGER,
    hops INTEGER, life REAL);
CREATE TABLE IF NOT EXISTS counters (entity TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS waiting ON messages (entity, state, locked_until, seq);
CREATE INDEX IF NOT EXISTS waiting_in_session ON messages (entity, session, state, seq);
CREATE UNIQUE INDEX IF NOT EXISTS locked ON messages (token) WHERE token IS NOT NULL;
CREATE INDEX IF NOT EXISTS locks ON messages (locked_until) WHERE locked_until IS NOT NULL;
CREATE INDEX IF NOT EXISTS scheduled ON messages (due) WHERE state = 2;
CREATE INDEX IF NOT EXISTS mortal ON messages (expires) WHERE expires IS NOT NULL;
CREATE TABLE IF NOT EXISTS sessions (
    entity TEXT NOT NULL, id TEXT NOT NULL, state BLOB, owner TEXT, locked_until REAL, updated REAL,
    PRIMARY KEY (entity, id));
CREATE TABLE IF NOT EXISTS seen (entity TEXT NOT NULL, message TEXT NOT NULL, until REAL NOT NULL,
    PRIMARY KEY (entity, message)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS forgotten ON seen (until);
CREATE TABLE IF NOT EXISTS definitions (path TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL,
    content TEXT NOT NULL, created REAL NOT NULL, updated REAL NOT NULL) WITHOUT ROWID;
"""
# What a namespace of an older release lacks; its numbers, which ran across all entities, stay.
_ADDITIONS = (
    ("messages", "number", "INTEGER"),
    ("messages", "hops", "INTEGER"),
    ("messages", "life", "REAL"),
    ("sessions", "updated", "REAL"),
)
_TAKE_OVER = """
UPDATE messages SET number = seq WHERE number IS NULL;
CREATE INDEX IF NOT EXISTS numbered ON messages (entity, number);
INSERT INTO counters SELECT CASE WHEN source IS NULL THEN entity ELSE source END, max(number) FROM messages WHERE true
    GROUP BY 1 ON CONFLICT (entity) DO NOTHING;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A message on its way to a receiver; *token* is its lock, None where it was removed or only peeked at."""

    sequence: int
    token: str | None
    payload: bytes


def open_broker(path: Path) -> sqlite3.Connection:
    database = open_database(path)
    database.executescript(_TABLES)
    for table, column, kind in _ADDITIONS:
        if column not in {row["name"] for row in database.execute(f"PRAGMA table_info({table})")}:
            database.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
    database.executescript(_TAKE_OVER)
    return database


def lock_of(token: str) -> UUID:
    """The lock token that clients know: they read the 16 bytes of a delivery's tag as a little-endian UUID."""
    return UUID(bytes_le=token.encode())


def token_of(lock: UUID) -> str:
    """The delivery's tag behind a lock token."""
    return lock.bytes_le.decode("ascii", "replace")


def read_held(row: sqlite3.Row, token: str | None = None, locked_until: float | None = None) -> Held:
    """The message of *row* with the service's marks on it."""
    marks = Marks(
        sequence=row["number"],
        lock=None if token is None else lock_of(token),
        enqueued_at=row["enqueued"],
        deliveries=row["deliveries"],
        life=row["life"],
        locked_until=locked_until,
        state=row["state"],
        due=row["due"],
        # Only a dead letter that went on to another entity names where it came from.
        dead_letter_source=None if row["entity"].endswith(DEAD_LETTERS) else row["source"],
        reason=row["reason"],
        description=row["description"],
    )
    return Held(sequence=row["number"], token=token, payload=with_marks(row["payload"], marks))
