"""Durable entities: operations one at a time per entity, state in SQLite, answers to the orchestrators that called.

Protocol: `azure.durable_functions.entity.Entity`. The SDK 1.x for Python has no locks, and its entities neither signal
others nor start orchestrations; what asks for that all the same is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from signalbox.host.clock import Clock
from signalbox.host.containment import ProcessEndedError, describe
from signalbox.host.durable.history import Code, event
from signalbox.host.durable.model import Kind, Message
from signalbox.host.durable.orchestrations.scheduling import new_row_id
from signalbox.host.durable.storage import tables
from signalbox.host.durable.storage.database import Storage
from signalbox.host.log import LOGGER
from signalbox.host.moments import to_text

_TRIES = 3

EntityFunction = Callable[[str], Awaitable[str]]
"""Runs one batch: the entity context as JSON text in, the entity state as JSON text out."""


@dataclass(frozen=True, slots=True)
class EntityName:
    """An entity's name (lower case) and key; as text `@name@key`."""

    name: str
    key: str

    @classmethod
    def parse(cls, scheduler_id: str) -> EntityName:
        name, _, key = scheduler_id[1:].partition("@")
        return cls(name.lower(), key)

    def __str__(self) -> str:
        return f"@{self.name}@{self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityRow:
    """An entity that exists; *state* is JSON text."""

    entity: EntityName
    state: str
    changed_at: str


class EntityQueue:
    """Performs stored operations; an operation's row goes when its effect and its answer are written."""

    def __init__(
        self,
        storage: Storage,
        functions: Mapping[str, EntityFunction],
        deliver: Callable[[Iterable[Message]], None],
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._storage = storage
        self._functions = {name.lower(): function for name, function in functions.items()}
        self._deliver = deliver
        # A lock lasts as long as an operation holds it or waits for it: entities are without number.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def perform(self, message: Message) -> None:
        """Run one operation and write its outcome."""
        entity = EntityName.parse(message.instance_id)
        async with self._locks.setdefault(str(entity), asyncio.Lock()):
            outcome = await self._run(entity, message)
            if outcome["results"][0]["isError"]:
                reason = outcome["results"][0]["result"]
                LOGGER.warning("entity=%s operation=%s failed: %s", entity, message.body["op"], reason)
            answers = [] if message.body.get("signal") else [_answer(message, outcome["results"][0])]
            now = to_text(self._clock.now())

            def work(connection: sqlite3.Connection) -> None:
                _write_state(connection, entity, outcome, now)
                tables.forget_messages(connection, [message])
                tables.write_messages(connection, answers)

            await self._storage.write(work)
        self._deliver(answers)

    async def _run(self, entity: EntityName, message: Message) -> dict[str, Any]:
        rows = self._storage.read("SELECT state FROM entities WHERE entity_id = ?", str(entity))
        state = rows[0]["state"] if rows else None
        function = self._functions.get(entity.name)
        if function is None:
            return _refusal(f"The function '{entity.name}' doesn't exist or is not an entity function.", state)
        operation = {"name": message.body["op"], "input": message.body["input"]}
        context = {"self": {"name": entity.name, "key": entity.key}, "exists": bool(rows), "state": state}
        try:
            outcome = await _attempt(function, json.dumps({**context, "batch": [operation]}))
        except Exception as error:
            return _refusal(describe(error), state)
        if outcome.get("signals"):
            return _refusal(f"The entity '{entity.name}' sends signals, which this host does not deliver.", state)
        return outcome


async def _attempt(function: EntityFunction, context: str) -> dict[str, Any]:
    for _ in range(_TRIES - 1):
        # Nothing is written before an operation has ended, and what ended its worker may have been somebody else.
        with contextlib.suppress(ProcessEndedError):
            return dict(json.loads(await function(context)))
    return dict(json.loads(await function(context)))


def _refusal(reason: str, state: str | None) -> dict[str, Any]:
    result = {"isError": True, "result": json.dumps(reason)}
    return {"entityExists": state is not None, "entityState": state, "results": [result]}


def _answer(message: Message, result: Mapping[str, Any]) -> Message:
    response = {"result": result["result"], **({"exceptionType": "Exception"} if result["isError"] else {})}
    return Message(
        instance_id=message.body["parent"],
        execution_id=message.body["parentExecution"],
        kind=Kind.ANSWER,
        body=event(Code.EVENT_RAISED, "", Name=message.body["id"], Input=json.dumps(response)),
        inbox_id=new_row_id(),
    )


def _write_state(connection: sqlite3.Connection, entity: EntityName, outcome: Mapping[str, Any], now: str) -> None:
    if outcome["entityExists"]:
        values = (str(entity), outcome["entityState"], now)
        connection.execute("INSERT OR REPLACE INTO entities (entity_id, state, updated) VALUES (?, ?, ?)", values)
    else:
        connection.execute("DELETE FROM entities WHERE entity_id = ?", (str(entity),))
