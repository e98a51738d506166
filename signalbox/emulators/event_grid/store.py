"""Events and their deliveries in SQLite: what was accepted survives a kill."""

import json
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY, topic TEXT, id TEXT, type TEXT, body TEXT, at REAL, accepted INTEGER DEFAULT 1);
CREATE INDEX IF NOT EXISTS events_by_id ON events (topic, id);
CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY, event INTEGER, subscription TEXT, due REAL, attempts INTEGER DEFAULT 0,
    state TEXT DEFAULT 'due', outcome TEXT DEFAULT '', status INTEGER, tried REAL);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, due);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """*attempts* are those made so far; *outcome*, *status* and *tried_at* tell of the last of them."""

    number: int
    subscription: str
    event_number: int
    event: dict[str, Any]
    published_at: float
    attempts: int
    outcome: str
    status: int | None
    tried_at: float


class EventStore:
    """*database* may hold others' tables too: what is changed within one transaction is kept or lost together."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database
        database.executescript(_SCHEMA)

    def add(self, topic: str, event: dict[str, Any]) -> int:
        """Keep *event*; the same id on the same topic is kept once and counted."""
        existing = self.database.execute(
            "SELECT number FROM events WHERE topic=? AND id=?", (topic, event["id"])
        ).fetchone()
        if existing:
            self.database.execute("UPDATE events SET accepted=accepted+1 WHERE number=?", (existing["number"],))
            return int(existing["number"])
        kind = event.get("eventType") or event.get("type")
        row = (topic, event["id"], kind, json.dumps(event), time.time())
        insertion = self.database.execute("INSERT INTO events (topic, id, type, body, at) VALUES (?,?,?,?,?)", row)
        return int(insertion.lastrowid or 0)

    def schedule(self, event: int, subscription: str, due: float) -> None:
        self.database.execute(
            "INSERT INTO deliveries (event, subscription, due) VALUES (?,?,?)", (event, subscription, due)
        )

    def take_due(self, now: float, limit: int) -> list[Delivery]:
        """Up to *limit* deliveries that are due, marked as under way."""
        rows = self.database.execute(
            "SELECT d.number, d.subscription, d.event, d.attempts, d.outcome, d.status, d.tried, e.body, e.at"
            " FROM deliveries d JOIN events e ON e.number=d.event"
            " WHERE d.state='due' AND d.due<=? ORDER BY d.due, d.number LIMIT ?",
            (now, limit),
        ).fetchall()
        self.database.executemany(
            "UPDATE deliveries SET state='going' WHERE number=?", [(row["number"],) for row in rows]
        )
        return [_delivery(row) for row in rows]

    def next_due(self) -> float | None:
        row = self.database.execute("SELECT MIN(due) AS due FROM deliveries WHERE state='due'").fetchone()
        return None if row["due"] is None else float(row["due"])

    def finish(self, delivery: int, state: str, outcome: str) -> None:
        """*state* is `delivered` or `dead`."""
        self.database.execute("UPDATE deliveries SET state=?, outcome=? WHERE number=?", (state, outcome, delivery))

    def tried(self, delivery: int, outcome: str, status: int | None, now: float) -> None:
        """An attempt was made, and ended so."""
        self.database.execute(
            "UPDATE deliveries SET attempts=attempts+1, outcome=?, status=?, tried=? WHERE number=?",
            (outcome, status, now, delivery),
        )

    def retry(self, delivery: int, due: float) -> None:
        self.database.execute("UPDATE deliveries SET state='due', due=? WHERE number=?", (due, delivery))

    def recover(self) -> None:
        """Deliveries under way when the process died are due again: at least once, never less."""
        self.database.execute("UPDATE deliveries SET state='due' WHERE state='going'")

    def events(self, topic: str = "", kind: str = "", since: int = 0) -> list[dict[str, Any]]:
        rows = self.database.execute(
            "SELECT * FROM events WHERE number>? AND (?='' OR topic=?) AND (?='' OR type=?) ORDER BY number",
            (since, topic, topic, kind, kind),
        )
        return [
            {"number": r["number"], "topic": r["topic"], "accepted": r["accepted"], "event": json.loads(r["body"])}
            for r in rows
        ]

    def find(self, event_id: str) -> int | None:
        row = self.database.execute("SELECT number FROM events WHERE id=?", (event_id,)).fetchone()
        return None if row is None else int(row["number"])

    def deliveries(self, state: str) -> list[dict[str, Any]]:
        rows = self.database.execute(
            "SELECT d.*, e.id AS event_id FROM deliveries d JOIN events e ON e.number=d.event WHERE d.state=?", (state,)
        )
        return [dict(row) for row in rows]


def _delivery(row: sqlite3.Row) -> Delivery:
    return Delivery(
        number=row["number"],
        subscription=row["subscription"],
        event_number=row["event"],
        event=json.loads(row["body"]),
        published_at=row["at"],
        attempts=row["attempts"],
        outcome=row["outcome"],
        status=row["status"],
        tried_at=row["tried"] or row["at"],
    )
