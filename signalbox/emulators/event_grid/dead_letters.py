"""Events that could not be delivered, as blobs in the documented form, once for an event and a subscription.

Source: "Event Grid message delivery and retry": written five minutes after the last attempt, dropped when the container
cannot be reached for four hours.
"""

import json
import sqlite3
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp

from signalbox.emulators.event_grid.alarm import Alarm
from signalbox.emulators.event_grid.subscriptions import Subscription

_SCHEMA = """
CREATE TABLE IF NOT EXISTS dead_letters (
    event INTEGER, subscription TEXT, place TEXT, body TEXT, due REAL, until REAL, state TEXT DEFAULT 'due',
    PRIMARY KEY (event, subscription));
"""
_AFTER_S, _AGAIN_S, _GIVEN_UP_S = 300, 60, 4 * 3600
_OUTCOMES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    408: "TimedOut",
    413: "PayloadTooLarge",
    429: "Busy",
    503: "Busy",
}
NEVER_RETRIED = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 413: "RequestEntityTooLarge"}

Write = Callable[[str, bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastAttempt:
    """How the last of *attempts* ended; *status* is None where nobody answered. Times are seconds of the epoch."""

    attempts: int
    outcome: str
    status: int | None
    at: float
    published_at: float


def outcome_of(status: int) -> str:
    """The documented name of an HTTP status."""
    return _OUTCOMES.get(status, "GenericError")


def undeliverable(status: int) -> str:
    """The reason of an event whose *status* is never retried."""
    return f"UndeliverableDueToHttp{NEVER_RETRIED[status]}"


class DeadLetters:
    """*write* creates a blob once; both are told in the same *database* as the deliveries."""

    def __init__(self, database: sqlite3.Connection, write: Write, time_scale: float) -> None:
        self._database, self._write, self._time_scale = database, write, time_scale
        self._alarm = Alarm()
        database.executescript(_SCHEMA)

    def bury(self, number: int, event: dict[str, Any], to: Subscription, reason: str, last: LastAttempt) -> None:
        """Have *event* written to the container of the subscription, if it has one."""
        if not to.dead_letter:
            return
        body = json.dumps([_dead_letter(event, to, reason, last)])
        due_at, until = (time.time() + seconds * self._time_scale for seconds in (_AFTER_S, _GIVEN_UP_S))
        self._database.execute(
            "INSERT OR IGNORE INTO dead_letters (event, subscription, place, body, due, until) VALUES (?,?,?,?,?,?)",
            (number, to.name, _place(to, last.at), body, due_at, until),
        )
        self._alarm.ring()

    async def run(self) -> None:
        """Write for ever."""
        while True:
            rows = self._database.execute(
                "SELECT * FROM dead_letters WHERE state='due' AND due<=? ORDER BY due", (time.time(),)
            )
            for row in rows.fetchall():
                await self._try(row)
            next_due = self._database.execute("SELECT MIN(due) FROM dead_letters WHERE state='due'").fetchone()[0]
            await self._alarm.wait(next_due)

    async def _try(self, row: sqlite3.Row) -> None:
        state, due_at = "written", row["due"]
        try:
            await self._write(row["place"], row["body"].encode())
        except (aiohttp.ClientError, OSError, TimeoutError):
            due_at = time.time() + _AGAIN_S * self._time_scale
            state = "due" if due_at < row["until"] else "dropped"
        self._database.execute(
            "UPDATE dead_letters SET state=?, due=? WHERE event=? AND subscription=?",
            (state, due_at, row["event"], row["subscription"]),
        )


def _dead_letter(event: dict[str, Any], to: Subscription, reason: str, last: LastAttempt) -> dict[str, Any]:
    """The event in the subscription's schema, with why it died; CloudEvents names are in lower case."""
    death = {
        "deadLetterReason": reason,
        "deliveryAttempts": last.attempts,
        "lastDeliveryOutcome": last.outcome,
        "lastHttpStatusCode": last.status,
        "publishTime": _iso(last.published_at),
        "lastDeliveryAttemptTime": _iso(last.at),
    }
    properties = {
        name if to.event_grid_schema else name.lower(): value for name, value in death.items() if value is not None
    }
    return to.shaped(event) | properties


def _place(to: Subscription, at: float) -> str:
    hour = datetime.fromtimestamp(at, UTC)
    folder = f"{to.name.upper()}/{hour.year}/{hour.month}/{hour.day}/{hour.hour}"
    return f"{to.dead_letter.rstrip('/')}/{folder}/{uuid.uuid4()}.json"


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
