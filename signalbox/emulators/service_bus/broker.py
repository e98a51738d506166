"""What the namespace holds: messages come in, are held back until their time, expire, and are looked at.

Every public method is one transaction, so a killed process loses nothing that was answered.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from signalbox.emulators.database import transaction
from signalbox.emulators.service_bus.entities import Entity, Namespace, Topic
from signalbox.emulators.service_bus.schema import ACTIVE, SCHEDULED, Held, read_held
from signalbox.emulators.service_bus.sections import Incoming, read_messages

_INSERT = (
    "INSERT INTO messages (entity, number, state, session, payload, enqueued, due, expires) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_NEXT = "INSERT INTO counters VALUES (?, 1) ON CONFLICT (entity) DO UPDATE SET last = last + 1 RETURNING last"
# Dead letters have no time to live and no limit of deliveries, as the service documents them.
_MOVE = (
    "UPDATE messages SET entity = ?, state = 0, source = ?, reason = ?, description = ?, token = NULL, "
    "locked_until = NULL, expires = NULL, deliveries = 0 WHERE seq = ?"
)


class RefusedError(Exception):
    """The service would not do this; *condition* is its AMQP error."""

    def __init__(self, condition: str, message: str) -> None:
        super().__init__(message)
        self.condition = condition


class Broker:
    """*clock* gives seconds since 1970; *announce* is called with the path of an entity that may have a message."""

    def __init__(self, database: sqlite3.Connection, namespace: Namespace, clock: Callable[[], float]) -> None:
        self.database, self.namespace, self.clock = database, namespace, clock
        self.announce: Callable[[str], None] = _nobody_listens

    def send(self, path: str, messages: Sequence[Incoming]) -> list[int]:
        """Sequence numbers of what was sent; all or nothing. Raises RefusedError."""
        with transaction(self.database):
            numbers = [self._accept(path.lower(), message) for message in messages]
        self._tell(path.lower())
        return numbers

    def cancel(self, path: str, numbers: Iterable[int]) -> None:
        """Take scheduled messages out again. Raises RefusedError where one is not scheduled any more."""
        with transaction(self.database):
            for number in numbers:
                deletion = self.database.execute(
                    "DELETE FROM messages WHERE number = ? AND entity = ? AND state = ?",
                    (number, path.lower(), SCHEDULED),
                )
                if deletion.rowcount == 0:
                    raise RefusedError("com.microsoft:message-not-found", f"no scheduled message {number}")

    def peek(self, path: str, first: int, count: int, session: str | None = None) -> list[Held]:
        """At most *count* messages from sequence number *first* on, locked or not; nothing changes."""
        self._entity(path)
        self.tick()
        rows = self.database.execute(
            "SELECT * FROM messages WHERE entity = ? AND number >= ? AND (? IS NULL OR session = ?) "
            "ORDER BY number LIMIT ?",
            (path.lower(), first, session, session, count),
        )
        return [read_held(row) for row in rows]

    def count(self, path: str) -> int:
        """How many messages are at *path*, in whatever state."""
        row = self.database.execute("SELECT count(*) FROM messages WHERE entity = ?", (path.lower(),)).fetchone()
        return int(row[0])

    def tick(self) -> None:
        """Do what time brings: release what is due, expire what is too old, take back locks that have run out."""
        now, paths = self.clock(), set[str]()
        with transaction(self.database):
            self.database.execute("DELETE FROM seen WHERE until <= ?", (now,))
            paths.update(self._release_due(now))
            paths.update(self._take_back(now))
            paths.update(self._expire(now))
        for path in paths:
            self._tell(path)

    def failed(self, row: sqlite3.Row) -> None:
        """One delivery of *row* came to nothing: it is free again, or was tried often enough (inside a transaction)."""
        entity = self._entity(row["entity"])
        tries = row["deliveries"] + 1
        if tries >= entity.max_deliveries:
            description = f"Message could not be consumed after {entity.max_deliveries} delivery attempts."
            self.dead_letter(row, "MaxDeliveryCountExceeded", description)
        else:
            free = "UPDATE messages SET token = NULL, locked_until = NULL, deliveries = ? WHERE seq = ?"
            self.database.execute(free, (tries, row["seq"]))

    def dead_letter(self, row: sqlite3.Row, reason: str | None, description: str | None) -> None:
        """Move *row* to the dead-letter sub-queue of its entity (inside a transaction)."""
        dead_letters = self._entity(row["entity"]).dead_letters
        self.database.execute(_MOVE, (dead_letters, row["entity"], reason, description, row["seq"]))
        self._tell(dead_letters)

    def _entity(self, path: str) -> Entity:
        entity = self.namespace.entity(path)
        if entity is None:
            raise RefusedError("amqp:not-found", f"The messaging entity '{path}' could not be found.")
        return entity

    def _accept(self, path: str, message: Incoming) -> int:
        topic = self.namespace.topic(path)
        window = topic.duplicate_window_s if topic else self._entity(path).duplicate_window_s
        if topic is None and self._entity(path).sessions and message.session is None:
            raise RefusedError("amqp:not-allowed", f"'{path}' requires sessions: set a session id on the message")
        if window is not None and message.message_id is not None and not self._first(path, message.message_id, window):
            # A repeat is accepted and dropped in silence: the service documents that its sender is answered as for the
            # first.
            return 0
        if message.due is not None and message.due > self.clock():
            return self._insert(path, message, SCHEDULED)
        return self._fan_out(topic, message) if topic else self._insert(path, message, ACTIVE)

    def _first(self, path: str, message_id: str, window: float) -> bool:
        now = self.clock()
        self.database.execute(
            "DELETE FROM seen WHERE entity = ? AND message = ? AND until <= ?", (path, message_id, now)
        )
        row = (path, message_id, now + window)
        return self.database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", row).rowcount == 1

    def _fan_out(self, topic: Topic, message: Incoming) -> int:
        for path, rules in topic.subscriptions.items():
            is_accepted = any(rule.accepts(message.properties, message.application) for rule in rules)
            if is_accepted and (message.session is not None or not self._entity(path).sessions):
                self._insert(path, message, ACTIVE)
                self._tell(path)
        return 0

    def _insert(self, path: str, message: Incoming, state: int) -> int:
        now = self.clock()
        entity = self.namespace.entity(path)
        lifetimes = [
            lifetime for lifetime in (message.ttl_s, entity.time_to_live_s if entity else None) if lifetime is not None
        ]
        start = message.due if state == SCHEDULED and message.due is not None else now
        # The shorter of both counts: the entity's time is the longest that a message may ask for, as the service
        # documents it.
        expires = start + min(lifetimes) if lifetimes else None
        # Numbers count an entity's own messages; one that becomes a dead letter keeps its number.
        number = int(self.database.execute(_NEXT, (path,)).fetchone()[0])
        self.database.execute(
            _INSERT, (path, number, state, message.session, message.payload, now, message.due, expires)
        )
        return number

    def _release_due(self, now: float) -> Iterable[str]:
        query = "SELECT * FROM messages WHERE state = 2 AND due <= ?"
        for row in self.database.execute(query, (now,)).fetchall():
            topic = self.namespace.topic(row["entity"])
            if topic is None:
                sql = "UPDATE messages SET state = 0, enqueued = ? WHERE seq = ?"
                self.database.execute(sql, (now, row["seq"]))
            else:
                self.database.execute("DELETE FROM messages WHERE seq = ?", (row["seq"],))
                self._fan_out(topic, replace(read_messages(row["payload"])[0], due=None))
            yield row["entity"]

    def _take_back(self, now: float) -> Iterable[str]:
        query = "UPDATE sessions SET owner = NULL, locked_until = NULL WHERE locked_until <= ? RETURNING entity, id"
        for entity, session in self.database.execute(query, (now,)).fetchall():
            session_query = "SELECT * FROM messages WHERE entity = ? AND session = ? AND token IS NOT NULL"
            for row in self.database.execute(session_query, (entity, session)).fetchall():
                self.failed(row)
            yield entity
        for row in self.database.execute("SELECT * FROM messages WHERE locked_until <= ?", (now,)).fetchall():
            self.failed(row)
            yield row["entity"]

    def _expire(self, now: float) -> Iterable[str]:
        # A locked message does not expire: its receiver may still settle it, as on Azure.
        old = "SELECT * FROM messages WHERE expires <= ? AND token IS NULL AND state <> 2"
        for row in self.database.execute(old, (now,)).fetchall():
            if self._entity(row["entity"]).dead_letter_expired:
                self.dead_letter(row, "TTLExpiredException", "The message expired and was dead lettered.")
                yield self._entity(row["entity"]).dead_letters
            else:
                self.database.execute("DELETE FROM messages WHERE seq = ?", (row["seq"],))

    def _tell(self, path: str) -> None:
        self.announce(path)


def _nobody_listens(path: str) -> None:
    del path
