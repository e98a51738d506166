"""Operations: how something that was started goes, for those who only hold its status URL.

The host knows what runs; once it has purged an instance, the records of runs and promotions still tell how it ended.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from shared.clients import Clients
from shared.durable.starting import Instance, find_instance
from shared.records import paths as records
from triggers.http.door import Call
from triggers.http.idempotency import API
from triggers.http.problems import Problem
from triggers.http.responses.work import Operation

_STATUS = {
    "Pending": "accepted",
    "Running": "running",
    "ContinuedAsNew": "running",
    "Suspended": "running",
    "Completed": "succeeded",
    "Terminated": "cancelled",
    "Canceled": "cancelled",
}
# The words by which workflows say that they ended well, by the field that has them.
_GOOD: dict[str, tuple[Any, ...]] = {
    "outcome": ("completed", "partial", "passed", "better", "duplicate"),
    "fate": ("promoted",),
    "promoted": (True,),
}
_CANCELLED = "cancelled"
_RESOURCES = {"run_inference": "runs", "promote": "promotions", "check_hub_file": "data-checks"}


async def show(call: Call, operation: str) -> Operation:
    found = await find_instance(call.client, operation)
    if found is not None:
        return _of_instance(found)
    recorded = await asyncio.to_thread(_of_record, call.clients, operation)
    if recorded is None:
        raise Problem(404, "no such operation", f"operation {operation!r} is not known; starts answer with its URL")
    return recorded


def _of_instance(found: Instance) -> Operation:
    result = found.output if isinstance(found.output, dict) else {}
    status, because = _STATUS.get(found.status, "failed"), _because(found, result)
    if status == "succeeded":
        status = _end(result)
    resource = f"{API}/{_RESOURCES[found.name]}/{found.id}" if found.name in _RESOURCES else ""
    return Operation(
        id=found.id,
        kind=found.name,
        status=status,
        step=found.step,
        outcome=str(result.get("outcome") or result.get("fate") or ""),
        because=because,
        resource=resource,
        result=result or None,
    )


def _because(found: Instance, result: Mapping[str, Any]) -> str:
    if found.status == "Failed":
        return (str(found.output or "").splitlines() or [""])[0][:500]
    said = result.get("because", "")
    return "; ".join(map(str, said)) if isinstance(said, list) else str(said)


def _end(result: Mapping[str, Any]) -> str:
    """A workflow that says nothing about its end has ended well."""
    if result.get("outcome") == _CANCELLED:
        return _CANCELLED
    well = all(result[field] in good for field, good in _GOOD.items() if field in result)
    return "succeeded" if well else "failed"


def _of_record(clients: Clients, operation: str) -> Operation | None:
    paths = {
        "run_inference": records.run_record(operation),
        "promote": records.promotion(operation),
        "retrain": records.retraining(operation),
    }
    for kind, path in paths.items():
        record = clients.store.document(path)
        if record is not None:
            return _recorded(kind, operation, record)
    return None


def _recorded(kind: str, operation: str, record: Mapping[str, Any]) -> Operation:
    ended = {name: record[name] for name in ("outcome", "fate") if record.get(name)}
    said = record.get("because", "")
    return Operation(
        id=operation,
        kind=kind,
        status=_end(ended) if ended else "running",
        outcome=next(iter(ended.values()), ""),
        because="; ".join(said) if isinstance(said, list) else str(said),
        resource=f"{API}/{_RESOURCES[kind]}/{operation}" if kind in _RESOURCES else "",
        result=ended or None,
    )
