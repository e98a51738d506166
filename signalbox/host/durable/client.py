"""What a client may ask of the task hub: start, ask, raise, terminate, suspend, resume, restart, purge.

It decides what the extension's HTTP API decides (which states conflict, what is gone); HTTP itself is elsewhere.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from dataclasses import replace

from signalbox.host.clock import Clock
from signalbox.host.durable.engine import Engine
from signalbox.host.durable.entities import EntityName, EntityRow
from signalbox.host.durable.history import Code, Event, event, from_line
from signalbox.host.durable.model import FINISHED, InstanceRow, Kind, Message, Status
from signalbox.host.durable.orchestrations.replay import input_text
from signalbox.host.durable.orchestrations.rewinding import Rewound, rewind
from signalbox.host.durable.orchestrations.scheduling import Catalogue
from signalbox.host.durable.storage import tables
from signalbox.host.durable.storage.database import Storage
from signalbox.host.durable.storage.queries import EntityFilter, Filter, Key
from signalbox.host.moments import to_text
from signalbox.host.settings import DurableSettings

_BAD_ID = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")
_LONGEST_ID = 256
_PURGED_AT_ONCE = 200  # Between two transactions of a purge others write.


class NotFoundError(Exception):
    """No instance has this id."""


class GoneError(Exception):
    """The instance has finished."""


class ConflictError(Exception):
    """The id belongs to an instance that is not finished."""


class NotFinishedError(Exception):
    """The instance is not in a state that the request needs; the text says which."""


class StandingError(Exception):
    """The instance stands already as the caller wants it; the text says how."""


class BadRequestError(Exception):
    """The request cannot be right; the text says why."""


class HubClient:
    """The task hub as its clients see it."""

    def __init__(
        self, storage: Storage, engine: Engine, clock: Clock, catalogue: Catalogue, settings: DurableSettings
    ) -> None:
        self._storage = storage
        self._engine = engine
        self._clock = clock
        self._catalogue = catalogue
        self._override = settings.override_any_state
        self._versioning = settings.versioning

    async def start(
        self, name: str, instance_id: str | None = None, input_text: str | None = None, version: str | None = None
    ) -> str:
        """Start *name*; *input_text* is JSON. A finished instance of this id is replaced, another refuses.

        Raises UnknownFunctionError, BadRequestError or ConflictError.
        """
        self._catalogue.check("orchestrator", name)
        new_id = uuid.uuid4().hex if instance_id is None else _checked_id(instance_id)
        now = to_text(self._clock.now())
        row = InstanceRow(
            instance_id=new_id,
            execution_id=uuid.uuid4().hex,
            name=name,
            version=self._versioning.of_new(version),
            input=input_text,
            created_at=now,
            updated_at=now,
        )
        # Looked up and written in one transaction of the only writer: of many starts of one id exactly one wins
        # (tests/host/test_numbering.py).
        conflict = await self._storage.write(lambda connection: self._claim(connection, row))
        if conflict is not None:
            raise ConflictError(f"An Orchestration instance with the status {conflict} already exists.")
        self._engine.begin(row)
        return new_id

    def _claim(self, connection: tables.Connection, row: InstanceRow) -> Status | None:
        status = tables.status_of(connection, row.instance_id)
        if status is not None:
            if status not in FINISHED and not self._override:
                return status
            tables.erase(connection, row.instance_id)
        tables.write_instance(connection, row)
        return None

    def get(self, instance_id: str) -> InstanceRow:
        """The instance's row. Raises NotFoundError."""
        rows = self._storage.read("SELECT * FROM instances WHERE instance_id = ?", instance_id)
        if not rows:
            raise NotFoundError(instance_id)
        return tables.read_instance(rows[0])

    def history(self, instance_id: str) -> list[Event]:
        """Every event of the current execution, in order."""
        steps = self._storage.read("SELECT events FROM history WHERE instance_id = ? ORDER BY step", instance_id)
        return [from_line(line) for step in steps for line in step["events"].split("\n")]

    def query(self, filter_: Filter, top: int | None = None, after: Key | None = None) -> list[InstanceRow]:
        """At most *top* instances, after the (created, instance id) of an earlier page."""
        sql, values = filter_.page("*", top, after)
        return [tables.read_instance(row) for row in self._storage.read(sql, *values)]

    async def raise_event(self, instance_id: str, name: str, data: str | None) -> None:
        """Store an external event; *data* is JSON text. Raises NotFoundError or GoneError."""
        self.require_unfinished(instance_id)
        body = event(Code.EVENT_RAISED, to_text(self._clock.now()), Name=name, Input=data)
        await self._engine.send(Message(instance_id=instance_id, kind=Kind.RAISE, body=body))

    async def control(self, instance_id: str, kind: Kind, reason: str) -> None:
        """Terminate, suspend or resume. Raises NotFoundError, GoneError, or StandingError where it is so already."""
        self.require_unfinished(instance_id)
        status = self.get(instance_id).status
        if kind is not Kind.TERMINATE and (kind is Kind.SUSPEND) == (status is Status.SUSPENDED):
            raise StandingError(f"Cannot {kind} the instance {instance_id!r}, which is {status}")
        await self._engine.send(Message(instance_id=instance_id, kind=kind, body={"Reason": reason}))

    def require_unfinished(self, instance_id: str) -> None:
        """Raises NotFoundError or GoneError."""
        if self.get(instance_id).finished:
            raise GoneError(instance_id)

    async def restart(self, instance_id: str, new_id: bool) -> str:
        """Start again with the same input. Raises NotFoundError, or ConflictError when the id is still running."""
        row = self.get(instance_id)
        return await self.start(row.name, None if new_id else instance_id, row.input, row.version)

    async def rewind(self, instance_id: str, reason: str) -> None:
        """Try again what a failed instance failed of. Raises NotFoundError or NotFinishedError."""
        now = to_text(self._clock.now())
        # Looked at and written in one transaction: the second of two rewinds would undo a step that has not failed.
        rewound = await self._storage.write(lambda connection: _rewind(connection, instance_id, reason, now))
        self._engine.take_up(rewound)

    async def purge(self, instance_id: str) -> int:
        """Erase one finished instance. Raises NotFoundError or NotFinishedError."""
        row = self.get(instance_id)
        if not row.finished:
            raise NotFinishedError(
                "Only orchestrations in a terminal state can be purged, but the orchestration with instance ID "
                f"{instance_id} has status {row.status}"
            )
        count = await self._erase([instance_id])
        await self._storage.give_back()
        return count

    async def purge_by(self, filter_: Filter) -> int:
        """Erase the finished instances that match, a page in each transaction; how many."""
        statuses = [status for status in FINISHED if not filter_.statuses or status in filter_.statuses]
        if not statuses:
            return 0
        count, after = 0, None
        while True:
            sql, values = replace(filter_, statuses=statuses).page("created, instance_id", _PURGED_AT_ONCE, after)
            keys = [(row["created"], row["instance_id"]) for row in self._storage.read(sql, *values)]
            if not keys:
                break
            after = keys[-1]
            count += await self._erase([instance_id for _, instance_id in keys])
        await self._storage.give_back()
        return count

    async def _erase(self, instance_ids: Sequence[str]) -> int:
        def work(connection: tables.Connection) -> list[str]:
            # Looked at again here: meanwhile a new start may have taken the id.
            finished = [one for one in instance_ids if tables.status_of(connection, one) in FINISHED]
            for instance_id in finished:
                tables.erase(connection, instance_id)
            return finished

        erased_ids = await self._storage.write(work)
        for instance_id in erased_ids:
            self._engine.forget(instance_id)
        return len(erased_ids)

    async def wait(self, instance_id: str) -> InstanceRow:
        """The instance's row once it has finished. Raises NotFoundError."""
        while True:
            # Watched before it is read: a last step that is written in between would otherwise be waited for without
            # end.
            end = self._engine.watch(instance_id)
            try:
                row = self.get(instance_id)
                if row.finished:
                    return row
                await end
            finally:
                end.cancel()

    async def signal(self, entity: EntityName, operation: str, data: str | None) -> None:
        """Send an operation to an entity; *data* is JSON text. Raises UnknownFunctionError."""
        names = {name.lower(): name for name in self._catalogue.entities}
        self._catalogue.check("entity", names.get(entity.name, entity.name))
        text = json.dumps(input_text(data))
        body = {"id": uuid.uuid4().hex, "op": operation, "input": text, "signal": True}
        await self._engine.send(Message(instance_id=str(entity), kind=Kind.OPERATION, body=body))

    def entities(self, filter_: EntityFilter, top: int | None = None, after: Key | None = None) -> list[EntityRow]:
        """At most *top* entities, after the (time, id) of an earlier page."""
        sql, values = filter_.page(top, after)
        return [
            EntityRow(entity=EntityName.parse(row["entity_id"]), state=row["state"], changed_at=row["updated"])
            for row in self._storage.read(sql, *values)
        ]

    def entity_state(self, entity: EntityName) -> str:
        """The entity's state as JSON text. Raises NotFoundError."""
        rows = self._storage.read("SELECT state FROM entities WHERE entity_id = ?", str(entity))
        if not rows:
            raise NotFoundError(str(entity))
        return str(rows[0]["state"])


def _rewind(connection: tables.Connection, instance_id: str, reason: str, now: str) -> Rewound:
    row = tables.find_instance(connection, instance_id)
    if row is None:
        raise NotFoundError(instance_id)
    if row.status is not Status.FAILED:
        raise NotFinishedError(
            f'This orchestration has status {row.status}, but only orchestrations in the "Failed" state can be rewound.'
        )
    return rewind(connection, row, reason, now)


def _checked_id(instance_id: str) -> str:
    if not 0 < len(instance_id) <= _LONGEST_ID or instance_id.startswith("@") or _BAD_ID.search(instance_id):
        raise BadRequestError(
            f"instance id {instance_id!r} is not valid: use 1 to {_LONGEST_ID} characters without / \\ # ? or "
            "control characters, not starting with @"
        )
    return instance_id
