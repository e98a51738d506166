"""A task hub as DurableTask.AzureStorage keeps one, in Azurite's tables and blobs, filled with histories of our host.

What the Durable Task Framework does not store is left out here: waits for events, the inputs of activities, and the
marks by which our host knows attempts of a retry and calls of entities.
"""

import gzip
import json
import subprocess
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient

from signalbox.host.durable.history import PUBLIC_NAMES, Code, Event
from signalbox.host.moments import from_text
from signalbox.host.replays.azure_storage import escaped
from signalbox.host.replays.histories import AZURE, StoredHistory
from signalbox.launcher.endpoints import free_ports
from tests.host.process import wait_until

PROJECT = Path(__file__).parents[2]
# The key that Azurite's documentation names.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_NAMES = {
    **PUBLIC_NAMES,
    Code.ORCHESTRATOR_STARTED: "OrchestratorStarted",
    Code.ORCHESTRATOR_COMPLETED: "OrchestratorCompleted",
}
_OURS = {"RetryOf", "RetryOptions", "RequestId", "Signal", "Cancelled"}
_LARGE = 60 * 1024


class Azurite:
    """Its blob and table services."""

    def __init__(self, folder: Path) -> None:
        blob, table, queue = free_ports(3)
        script = PROJECT / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
        options = ["--blobPort", str(blob), "--tablePort", str(table), "--queuePort", str(queue), "--silent"]
        self._process = subprocess.Popen(
            ["node", str(script), "--location", str(folder), "--skipApiVersionCheck", "--disableTelemetry", *options],
            stdout=subprocess.DEVNULL,
        )
        self.connection = (
            f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={KEY};"
            f"BlobEndpoint=http://127.0.0.1:{blob}/devstoreaccount1;TableEndpoint=http://127.0.0.1:{table}/devstoreaccount1;"
        )
        self.tables = TableServiceClient.from_connection_string(self.connection, retry_total=0)
        self.blobs = BlobServiceClient.from_connection_string(self.connection, retry_total=0)
        wait_until(self._answers)

    def _answers(self) -> bool:
        with suppress(Exception):
            list(self.tables.list_tables())
            list(self.blobs.list_containers())
            return True
        return False

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self.tables.close()
        self.blobs.close()


class Hub:
    """Writes histories into the task hub *name*."""

    def __init__(self, azurite: Azurite, name: str) -> None:
        self._azurite, self._name = azurite, name
        for table in ("Instances", "History"):
            azurite.tables.create_table_if_not_exists(name + table)
        with suppress(ResourceExistsError):
            azurite.blobs.create_container(f"{name}-largemessages")

    def write(self, history: StoredHistory) -> None:
        row = history.row
        key, parent = (
            escaped(row.instance_id),
            row.parent
            and {
                "Name": "the parent",
                "OrchestrationInstance": {"InstanceId": row.parent.instance_id, "ExecutionId": row.parent.execution_id},
                "TaskScheduleId": row.parent.task_id,
            },
        )
        self.put_instance(
            key,
            ExecutionId=row.execution_id,
            Name=row.name,
            Version=row.version or "",
            CreatedTime=from_text(row.created_at),
            LastUpdatedTime=from_text(row.updated_at),
            RuntimeStatus=str(row.status),
        )
        events = [event for turn in history.turns for event in _framed(turn) if event["EventType"] in _NAMES]
        for number, event in enumerate(events):
            extra = {"ParentInstance": json.dumps(parent)} if parent and event["EventType"] == 0 else {}
            self.put_event(key, number, row.execution_id, {**self._properties(event), **extra})
        # What an execution has left that was longer, and the row that guards the history.
        self.put_event(key, len(events), "earlier", {"EventType": "TaskScheduled", "Name": "other", "EventId": 7})
        sentinel = {"PartitionKey": key, "RowKey": "sentinel", "ExecutionId": row.execution_id}
        self._table("History").upsert_entity({**sentinel, "IsCheckpointComplete": True})

    def put_instance(self, key: str, **fields: Any) -> None:
        self._table("Instances").upsert_entity({"PartitionKey": key, "RowKey": "", "TaskHubName": self._name, **fields})

    def put_event(self, key: str, number: int, execution: str, properties: dict[str, Any]) -> None:
        own = {"PartitionKey": key, "RowKey": f"{number:016X}", "ExecutionId": execution, "IsPlayed": False}
        moment = {"_Timestamp": datetime.fromisoformat("2026-01-05T00:00:00+00:00")}
        self._table("History").upsert_entity({**own, **moment, **properties})

    def _table(self, suffix: str) -> Any:
        return self._azurite.tables.get_table_client(self._name + suffix)

    def _properties(self, event: Event) -> dict[str, Any]:
        fields = lessened(event)
        del fields["EventType"], fields["Timestamp"]
        if "FireAt" in fields:
            fields["FireAt"] = from_text(fields["FireAt"])
        for name in ("Input", "Result"):
            if len(str(fields.get(name, "")).encode("utf-16-le")) > _LARGE:
                fields[f"{name}BlobName"] = self._upload(fields[name])
                fields[name] = ""
        return {**fields, "EventType": _NAMES[Code(event["EventType"])], "_Timestamp": from_text(event["Timestamp"])}

    def _upload(self, text: str) -> str:
        name = str(uuid.uuid4())
        blob = self._azurite.blobs.get_blob_client(f"{self._name}-largemessages", name)
        blob.upload_blob(gzip.compress(text.encode()))
        return name


def stored_on_azure(history: StoredHistory) -> StoredHistory:
    """*history* as a hub on Azure keeps it and the reader gives it back, without a hub."""
    turns = [
        [{"Input": None, **lessened(event)} for event in _framed(turn) if event["EventType"] in _NAMES]
        for turn in history.turns
    ]
    return replace(history, turns=turns, origin=AZURE)


def lessened(event: Event) -> dict[str, Any]:
    """*event* without what the Durable Task Framework does not store of it."""
    fields = {name: value for name, value in event.items() if name not in _OURS and value is not None}
    if event["EventType"] in (Code.TASK_SCHEDULED, Code.CHILD_CREATED):
        fields.pop("Input", None)
    if event["EventType"] == Code.EVENT_SENT:
        fields["Name"] = "op"
    return fields


def _framed(turn: Sequence[Event]) -> Sequence[Event]:
    """On Azure a turn in which nobody is asked has its frame too."""
    if turn[0]["EventType"] == Code.ORCHESTRATOR_STARTED:
        return turn
    frame = {"EventId": -1, "Timestamp": turn[0]["Timestamp"]}
    began, ended = (
        {**frame, "EventType": int(code)} for code in (Code.ORCHESTRATOR_STARTED, Code.ORCHESTRATOR_COMPLETED)
    )
    return [began, *turn, ended]
