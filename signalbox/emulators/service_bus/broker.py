"""What the namespace holds: messages come in, are held back until their time, go on, expire, and are looked at.

Every public method is one transaction, so a killed process loses nothing that was answered.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from signalbox.emulators.database import transaction
from signalbox.emulators.service_bus.copies import copies_of
from signalbox.emulators.service_bus.entities import (
    DEAD_LETTERS,
    SUBSCRIPTIONS,
    TRANSFER_LETTERS,
    Entity,
    Namespace,
    Status,
    Topic,
)
from signalbox.emulators.service_bus.schema import ACTIVE, SCHEDULED, Held, read_held
from signalbox.emulators.service_bus.sections import Incoming, read_messages

_INSERT = (
    "INSERT INTO messages "
    "(entity, number, state, session, payload, enqueued, due, expires, life, source, reason, description, hops) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_GOING_ON = "SELECT * FROM messages WHERE entity = ? AND state = 0 AND token IS NULL ORDER BY seq LIMIT 100"
_NO_ORIGIN = {"source": None, "reason": None, "description": None, "hops": 0}
_MOST_HOPS = 4
_TOO_FAR = "The maximum number of allowed hops when forwarding between queues exceeded. This value is set to 4."
_NULL_SESSION = "Session enabled entity doesn't allow a message whose session identifier is null."
_NEXT = "INSERT INTO counters VALUES (?, 1) ON CONFLICT (entity) DO UPDATE SET last = last + 1 RETURNING last"
# Dead letters have no time to live and no limit of deliveries, as the service documents them.
_MOVE = (
    "UPDATE messages SET entity = ?, state = 0, source = ?, reason = ?, description = ?, token = NULL, "
    "locked_until = NULL, expires = NULL, deliveries = 0 WHERE seq = ?"
)


_COUNTED = """
SELECT count(*) FILTER (WHERE state = 0) AS active, count(*) FILTER (WHERE state = 1) AS deferred,
    count(*) FILTER (WHERE state = 2) AS scheduled, coalesce(sum(length(payload)), 0) AS bytes
FROM messages WHERE entity = ?
"""
_CLEARED = tuple(f"DELETE FROM {table} WHERE entity = ?" for table in ("messages", "sessions", "seen", "counters"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What lies at an entity; *size* is in bytes. Locked messages are active ones."""

    active: int
    deferred: int
    scheduled: int
    size: int


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
        self.delete_idle: Callable[[str], None] = _nobody_listens  # Called for an entity that nobody has used for long.
        self._used: dict[str, float] = {}

    def send(self, path: str, messages: Sequence[Incoming]) -> list[int]:
        """Sequence numbers of what was sent; all or nothing. Raises RefusedError."""
        self.touch(path)
        with transaction(self.database):
            numbers = [self._accept(path.lower(), message) for message in messages]
        self._tell(path.lower())
        return numbers

    def touch(self, path: str) -> None:
        """Somebody uses *path*: it is not idle, nor is the topic of which it is a subscription."""
        path = path.lower()
        self._used[path] = self._used[path.partition(SUBSCRIPTIONS)[0]] = self.clock()

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
        self.touch(path)
        self.tick()
        rows = self.database.execute(
            "SELECT * FROM messages WHERE entity = ? AND number >= ? AND (? IS NULL OR session = ?) "
            "ORDER BY number LIMIT ?",
            (path.lower(), first, session, session, count),
        )
        return [read_held(row) for row in rows]

    def counts(self, path: str) -> Counts:
        active, deferred, scheduled, size = self.database.execute(_COUNTED, (path.lower(),)).fetchone()
        return Counts(active=active, deferred=deferred, scheduled=scheduled, size=size)

    def used_at(self, path: str) -> float | None:
        """When somebody last used *path*, None where nobody has since the start."""
        return self._used.get(path.lower())

    def clear(self, path: str) -> None:
        """Forget everything at *path* and in its sub-queues, for an entity that is deleted; its receivers are told."""
        path = path.lower()
        places = (path, path + DEAD_LETTERS, path + TRANSFER_LETTERS)
        with transaction(self.database):
            for deletion in _CLEARED:
                self.database.executemany(deletion, [(place,) for place in places])
        self._used.pop(path, None)
        for place in places:
            self._tell(place)

    def tick(self) -> None:
        """Do what time brings: release what is due, expire what is too old, take back locks that have run out."""
        now, paths = self.clock(), set[str]()
        with transaction(self.database):
            self.database.execute("DELETE FROM seen WHERE until <= ?", (now,))
            paths.update(self._release_due(now))
            paths.update(self._take_back(now))
            paths.update(self._expire(now))
            paths.update(self._go_on())
        for path in paths:
            self._tell(path)
        for path, idle_s in self.namespace.idle_times.items():
            if now - self._used.setdefault(path, now) >= idle_s:
                self.delete_idle(path)

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
        """Move *row* to the dead-letter sub-queue of its entity (inside a transaction). Raises RefusedError."""
        entity = self._entity(row["entity"])
        if entity.is_sub_queue:
            raise RefusedError("amqp:not-allowed", "A message of a dead-letter queue cannot be dead-lettered.")
        dead_letters = entity.dead_letters
        self.database.execute(_MOVE, (dead_letters, row["entity"], reason, description, row["seq"]))
        self._tell(dead_letters)

    def _entity(self, path: str) -> Entity:
        entity = self.namespace.entity(path)
        if entity is None:
            raise RefusedError("amqp:not-found", f"The messaging entity '{path}' could not be found.")
        return entity

    def _accept(self, path: str, message: Incoming, origin: Mapping[str, Any] = _NO_ORIGIN) -> int:
        """Take a message that was sent, or that goes on from another entity, its *origin*."""
        topic = self.namespace.topic(path)
        target = topic or self._entity(path)
        if target.status in (Status.DISABLED, Status.SEND_DISABLED):
            raise RefusedError("com.microsoft:entity-disabled", f"'{path}' is disabled: it takes no messages.")
        if isinstance(target, Entity) and target.sessions and message.session is None:
            raise RefusedError("amqp:not-allowed", f"'{path}' requires sessions: set a session id on the message")
        window = target.duplicate_window_s
        if window is not None and message.message_id is not None and not self._first(path, message.message_id, window):
            # A repeat is accepted and dropped in silence: the service documents that its sender is answered as for the
            # first.
            return 0
        if message.due is not None and message.due > self.clock():
            return self._insert(path, message, SCHEDULED, origin)
        return self._fan_out(topic, message, origin) if topic else self._insert(path, message, ACTIVE, origin)

    def _first(self, path: str, message_id: str, window: float) -> bool:
        now = self.clock()
        self.database.execute(
            "DELETE FROM seen WHERE entity = ? AND message = ? AND until <= ?", (path, message_id, now)
        )
        row = (path, message_id, now + window)
        return self.database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", row).rowcount == 1

    def _fan_out(self, topic: Topic, message: Incoming, origin: Mapping[str, Any] = _NO_ORIGIN) -> int:
        message = replace(message, ttl_s=_shortest(message.ttl_s, topic.time_to_live_s))
        for path, rules in topic.subscriptions.items():
            copies, error = copies_of(message, rules)
            for copy in copies:
                self._insert(path, copy, ACTIVE, origin)
                self._tell(path)
            if error and self._entity(path).dead_letter_filter_errors:
                self._insert(path, message, ACTIVE, origin, ("FilterException", error))
        return 0

    def _insert(
        self, path: str, message: Incoming, state: int, origin: Mapping[str, Any], letter: tuple[str, str] | None = None
    ) -> int:
        """The number of the message, which is a dead letter at once where *letter* says why."""
        now = self.clock()
        entity = self.namespace.entity(path)
        # The shorter of both counts: the entity's time is the longest that a message may ask for, as the service
        # documents it.
        lifetime = _shortest(message.ttl_s, entity.time_to_live_s if entity else None)
        start = message.due if state == SCHEDULED and message.due is not None else now
        expires = None if lifetime is None else start + lifetime
        # Numbers count an entity's own messages; one that becomes a dead letter keeps its number.
        number = int(self.database.execute(_NEXT, (path,)).fetchone()[0])
        record = (path, number, state, message.session, message.payload, now, message.due, expires, lifetime)
        parts = (origin["source"], origin["reason"], origin["description"], origin["hops"])
        inserted = self.database.execute(_INSERT, (*record, *parts))
        if letter is None and entity is not None and entity.sessions and message.session is None:
            # Only a copy for a subscription comes here without one: what is sent to a queue so is refused.
            letter = ("Session ID is null", _NULL_SESSION)
        if letter is not None and entity is not None:
            self._discard(inserted.lastrowid, entity.dead_letters, *letter)
        return number

    def _discard(self, seq: int | None, place: str, reason: str, description: str) -> None:
        """Move a message to *place*, where it waits for somebody to look at it."""
        source = place.removesuffix(TRANSFER_LETTERS).removesuffix(DEAD_LETTERS)
        self.database.execute(_MOVE, (place, source, reason, description, seq))
        self._tell(place)

    def _go_on(self) -> Iterable[str]:
        """Send the messages of entities that forward on their way. What cannot go is a dead letter of the transfer."""
        for entity in list(self.namespace):
            if not entity.forward_to:
                continue
            for row in self.database.execute(_GOING_ON, (entity.path,)).fetchall():
                yield from self._forward(row, entity)

    def _forward(self, row: sqlite3.Row, entity: Entity) -> Iterable[str]:
        source = entity.path.removesuffix(DEAD_LETTERS)  # A dead letter that cannot go waits beside its queue.
        hops = (row["hops"] or 0) + 1
        if hops > _MOST_HOPS:
            self._discard(row["seq"], source + TRANSFER_LETTERS, "MaxTransferHopCountExceeded", _TOO_FAR)
            return
        origin = {name: row[name] for name in ("source", "reason", "description")} | {"hops": hops}
        try:
            self._accept(entity.forward_to, replace(read_messages(row["payload"])[0], due=None), origin)
        except RefusedError as refusal:
            self._discard(row["seq"], source + TRANSFER_LETTERS, refusal.condition, str(refusal))
            return
        self.database.execute("DELETE FROM messages WHERE seq = ?", (row["seq"],))
        yield entity.forward_to

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


def _shortest(*lifetimes: float | None) -> float | None:
    return min((lifetime for lifetime in lifetimes if lifetime is not None), default=None)


def _nobody_listens(path: str) -> None:
    del path
