"""The JSON the Durable HTTP API shows: statuses, histories, and the URLs of an instance."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from signalbox.host.durable.entities import EntityRow
from signalbox.host.durable.history import PUBLIC_NAMES, Code, Event
from signalbox.host.durable.model import InstanceRow

_SECONDS = len("2026-01-31T12:00:00")
_COMPLETED_BY = {
    Code.TASK_COMPLETED: Code.TASK_SCHEDULED,
    Code.TASK_FAILED: Code.TASK_SCHEDULED,
    Code.CHILD_COMPLETED: Code.CHILD_CREATED,
    Code.CHILD_FAILED: Code.CHILD_CREATED,
}
_SHOWN = ("Name", "Reason", "Details", "FireAt", "InstanceId", "OrchestrationStatus")


def status_payload(row: InstanceRow, *, show_input: bool = True) -> dict[str, Any]:
    """One instance as the status API shows it; without *show_input* the input is null."""
    return {
        "name": row.name,
        "instanceId": row.instance_id,
        "runtimeStatus": str(row.status),
        "input": _value(row.input) if show_input else None,
        "customStatus": _value(row.custom_status),
        "output": _value(row.output),
        "createdTime": row.created_at[:_SECONDS] + "Z",
        "lastUpdatedTime": row.updated_at[:_SECONDS] + "Z",
    }


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def entity_payload(row: EntityRow, *, with_state: bool) -> dict[str, Any]:
    """One entity as a list shows it."""
    payload = {"entityId": {"name": row.entity.name, "key": row.entity.key}, "lastOperationTime": row.changed_at}
    return {**payload, "state": json.loads(row.state)} if with_state else payload


def history_payload(history: Iterable[Event], *, show_output: bool, show_input: bool) -> list[dict[str, Any]]:
    """The history as the status API shows it: bookkeeping hidden, a task's start folded into its end."""
    entries = list(history)
    starts = {entry["EventId"]: entry for entry in entries if entry["EventId"] >= 0}
    ended_ids = {entry["TaskScheduledId"] for entry in entries if entry["EventType"] in _COMPLETED_BY}
    return [
        _history_entry(entry, starts, show_output=show_output, show_input=show_input)
        for entry in entries
        if entry["EventType"] in PUBLIC_NAMES and not (entry["EventType"] in _STARTS and entry["EventId"] in ended_ids)
    ]


_STARTS = frozenset(_COMPLETED_BY.values())


def _history_entry(entry: Event, starts: Mapping[int, Event], *, show_output: bool, show_input: bool) -> dict[str, Any]:
    code = entry["EventType"]
    payload = {"EventType": PUBLIC_NAMES[code], "Timestamp": entry["Timestamp"]}
    payload |= {name: entry[name] for name in _SHOWN if entry.get(name) is not None}
    if code == Code.EXECUTION_STARTED or code in _STARTS:
        payload["FunctionName"] = payload.pop("Name")
    if code in _COMPLETED_BY:
        start = starts[entry["TaskScheduledId"]]
        payload |= {"ScheduledTime": start["Timestamp"], "FunctionName": start["Name"]}
    if show_output and entry.get("Result") is not None:
        payload["Result"] = json.loads(entry["Result"])
    if show_input and entry.get("Input") is not None:
        payload["Input"] = entry["Input"]
    return payload


_OPERATIONS = {
    "statusQueryGetUri": ("", ""),
    "sendEventPostUri": ("/raiseEvent/{eventName}", ""),
    "terminatePostUri": ("/terminate", "reason={text}&"),
    "rewindPostUri": ("/rewind", "reason={text}&"),
    "purgeHistoryDeleteUri": ("", ""),
    "restartPostUri": ("/restart", ""),
    "suspendPostUri": ("/suspend", "reason={text}&"),
    "resumePostUri": ("/resume", "reason={text}&"),
}


def management_urls(base: str, hub: str, key: str, instance_id: str) -> dict[str, str]:
    """The URLs of one instance, each with the extension's key. *base* ends before `/instances`."""
    tail, instance = (
        f"taskHub={quote(hub)}&connection=Storage&code={quote(key)}",
        f"{base}/instances/{quote(instance_id)}",
    )
    urls = {name: f"{instance}{path}?{query}{tail}" for name, (path, query) in _OPERATIONS.items()}
    return {"id": instance_id, **urls}


def client_binding(base: str, rpc_base: str, hub: str, key: str) -> str:
    """The JSON text of a durableClient binding, from which the SDK builds DurableOrchestrationClient."""
    create = f"{base}/orchestrators/{{functionName}}[/{{instanceId}}]?code={quote(key)}"
    return json.dumps(
        {
            "taskHubName": hub,
            "creationUrls": {
                "createNewInstancePostUri": create,
                "createAndWaitOnNewInstancePostUri": f"{create}&timeout={{timeoutInSeconds}}"
                "&pollingInterval={intervalInSeconds}",
            },
            "managementUrls": management_urls(base, hub, key, "INSTANCEID"),
            "rpcBaseUrl": rpc_base,
        }
    )
