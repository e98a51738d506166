"""Histories of a task hub in an Azure storage account: its tables, and the blobs of what was too large for a row.

Source: AzureTableTrackingStore, TableEntityConverter, KeySanitation and MessageManager of DurableTask.AzureStorage. The
hub NAME has the tables NAMEInstances and NAMEHistory and the container NAME-largemessages. Nothing is ever written.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ResourceNotFoundError

from signalbox.host.durable.history import OPENING, PUBLIC_NAMES, Code, Event
from signalbox.host.durable.model import FINISHED, InstanceRow, Parent, Status
from signalbox.host.errors import HostError
from signalbox.host.moments import to_text
from signalbox.host.replays.histories import AZURE, StoredHistory

if TYPE_CHECKING:
    from azure.data.tables import TableServiceClient
    from azure.storage.blob import BlobServiceClient

_SENTINEL = "sentinel"  # The row by which a worker of the hub guards a history against a second one.
_BLOB = "BlobName"
_CODES = {
    **{name: code for code, name in PUBLIC_NAMES.items()},
    "OrchestratorStarted": Code.ORCHESTRATOR_STARTED,
    "OrchestratorCompleted": Code.ORCHESTRATOR_COMPLETED,
    "ContinueAsNew": Code.CONTINUE_AS_NEW,
    "GenericEvent": Code.GENERIC_EVENT,
}
_NOT_TOLD = frozenset(
    {"PartitionKey", "RowKey", "ExecutionId", "EventType", "_Timestamp", "IsPlayed", "ParentInstance"}
)
_NULLABLE: Mapping[Code, Mapping[str, Any]] = {
    Code.EXECUTION_STARTED: {"Input": None, "Version": None},
    Code.TASK_SCHEDULED: {"Input": None},
    Code.CHILD_CREATED: {"Input": None, "InstanceId": None},
    Code.EVENT_SENT: {"Input": None},
    Code.EVENT_RAISED: {"Input": None},
    Code.EXECUTION_COMPLETED: {"Result": "null"},
    Code.TASK_COMPLETED: {"Result": None},
    Code.CHILD_COMPLETED: {"Result": None},
    Code.TASK_FAILED: {"Reason": None, "Details": None},
    Code.CHILD_FAILED: {"Reason": None, "Details": None},
}
"""What a table does not keep, since null values are no properties."""

_ESCAPED = re.compile(r"\^(.)", re.DOTALL)
_UNSAFE = re.compile(r"[\^/\\#?\x00-\x1f\x7f-\x9f]")
_LETTERS = {"^": "^", "/": "0", "\\": "1", "#": "2", "?": "3"}
_SHIFT = ord("À")


def escaped(instance_id: str) -> str:
    """The partition key of an instance, in which some characters may not be."""
    return _UNSAFE.sub(lambda match: "^" + _LETTERS.get(match[0], chr(ord(match[0][0]) + _SHIFT)), instance_id)


def unescaped(key: str) -> str:
    originals = {letter: character for character, letter in _LETTERS.items()}
    return _ESCAPED.sub(lambda match: originals.get(match[1]) or chr(ord(match[1]) - _SHIFT), key)


@dataclass(frozen=True, slots=True)
class StorageHub:
    """The task hub *name* of a storage account."""

    name: str
    tables: TableServiceClient
    blobs: BlobServiceClient

    def histories(self, ids: Iterable[str]) -> Iterator[StoredHistory]:
        """The histories of *ids*; of all that have begun and not ended where none is named. Raises HostError."""
        try:
            for instance in [self._instance(id_) for id_ in ids] or list(self._in_flight()):
                history = self._read(instance)
                if history is not None:
                    yield history
        except ResourceNotFoundError as error:
            raise HostError(
                f"the account has no task hub {self.name!r}: nothing has run there yet, or the hub has another name "
                f"({error.reason})"
            ) from None
        except AzureError as error:
            raise HostError(f"the task hub {self.name!r} cannot be read: {error}") from error

    def _in_flight(self) -> Iterator[Mapping[str, Any]]:
        wanted = " and ".join(f"RuntimeStatus ne '{status}'" for status in sorted(FINISHED))
        rows = self.tables.get_table_client(f"{self.name}Instances").query_entities(wanted)
        return (row for row in rows if not row["PartitionKey"].startswith("@"))  # Those are entities.

    def _instance(self, instance_id: str) -> Mapping[str, Any]:
        table = self.tables.get_table_client(f"{self.name}Instances")
        parameters = {"key": escaped(instance_id)}
        row = next(iter(table.query_entities("PartitionKey eq @key", parameters=parameters)), None)
        if row is None:
            raise HostError(f"there is no instance {instance_id!r} in the hub {self.name!r}: it may have been purged")
        return row

    def _read(self, instance: Mapping[str, Any]) -> StoredHistory | None:
        """The history of *instance*, None where it has not begun."""
        table = self.tables.get_table_client(f"{self.name}History")
        found = table.query_entities("PartitionKey eq @key", parameters={"key": instance["PartitionKey"]})
        rows = sorted((row for row in found if row["RowKey"] != _SENTINEL), key=lambda row: row["RowKey"])
        if not rows:
            return None
        # Rows behind those of the newest execution are left of one that was longer, before it continued as new.
        rows = [row for row in rows if row["ExecutionId"] == rows[0]["ExecutionId"]]
        events = [self._event(row) for row in rows]
        started: Mapping[str, Any] = next((row for row in rows if row["EventType"] == "ExecutionStarted"), {})
        return StoredHistory(
            row=_row(instance, started, next((e for e in events if e["EventType"] == Code.EXECUTION_STARTED), {})),
            turns=list(_turns(events)),
            origin=AZURE,
        )

    def _event(self, row: Mapping[str, Any]) -> Event:
        code = _CODES.get(row["EventType"])
        if code is None:
            raise HostError(f"the history of {row['PartitionKey']!r} has an event {row['EventType']!r}, not known here")
        fields = {name: _plain(value) for name, value in row.items() if name not in _NOT_TOLD}
        for name in [name for name in fields if name.endswith(_BLOB)]:
            fields[name.removesuffix(_BLOB)] = self._large(str(fields.pop(name)))
        known = {name: value for name, value in fields.items() if value is not None}
        return {**_NULLABLE.get(code, {}), **known, "EventType": int(code), "Timestamp": _plain(row["_Timestamp"])}

    def _large(self, name: str) -> str:
        blob = self.blobs.get_blob_client(f"{self.name.lower()}-largemessages", name)
        return gzip.decompress(blob.download_blob().readall()).decode()


def _plain(value: Any) -> Any:
    return to_text(value) if isinstance(value, datetime) else value


def _row(instance: Mapping[str, Any], started: Mapping[str, Any], start: Event) -> InstanceRow:
    parent = json.loads(started.get("ParentInstance") or "null")
    status = instance["RuntimeStatus"]
    return InstanceRow(
        instance_id=unescaped(instance["PartitionKey"]),
        execution_id=str(instance.get("ExecutionId") or started.get("ExecutionId") or ""),
        name=instance["Name"],
        created_at=_plain(instance["CreatedTime"]),
        updated_at=_plain(instance["LastUpdatedTime"]),
        status=Status.RUNNING if status == "ContinuedAsNew" else Status(status),
        version=instance.get("Version") or None,
        input=start.get("Input"),
        parent=None
        if parent is None
        else Parent(
            instance_id=parent["OrchestrationInstance"]["InstanceId"],
            execution_id=str(parent["OrchestrationInstance"].get("ExecutionId") or ""),
            task_id=int(parent.get("TaskScheduleId", -1)),
        ),
    )


def _turns(events: list[Event]) -> Iterator[list[Event]]:
    """The turns of a history. What comes while an instance is suspended is told in the turn that resumes it."""
    held: list[Event] = []
    is_suspended = False
    for turn in _groups(events):
        codes = [event["EventType"] for event in turn]
        for code in codes:
            is_suspended = (is_suspended or code == Code.EXECUTION_SUSPENDED) and code != Code.EXECUTION_RESUMED
        if is_suspended and OPENING.isdisjoint(codes):
            held += [event for event in turn if event["EventType"] not in _FRAME]
            continue
        if Code.EXECUTION_TERMINATED in codes:  # The orchestrator was not asked.
            turn = [event for event in turn if event["EventType"] != Code.ORCHESTRATOR_STARTED]
            yield [*held, *turn]
        else:
            yield [*turn[:1], *held, *turn[1:]]
        held = []


_FRAME = frozenset({Code.ORCHESTRATOR_STARTED, Code.ORCHESTRATOR_COMPLETED})


def _groups(events: list[Event]) -> Iterator[list[Event]]:
    """Each begins where the orchestrator was asked."""
    group: list[Event] = []
    for event in events:
        if event["EventType"] == Code.ORCHESTRATOR_STARTED and group:
            yield group
            group = []
        group.append(event)
    if group:
        yield group
