"""Status URLs: how something that was started goes, for callers who know nothing else of it.

The host knows what runs; once it has purged an instance, the records of runs and promotions still say how it ended.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.clients import Clients
from shared.durable.starting import Instance, find_instance
from shared.records import paths as records
from shared.records.datasets import paths as dataset_paths
from shared.records.inference import find_run
from shared.records.production import paths as production_paths
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.idempotency import API
from triggers.http.exchange.problems import Problem
from triggers.http.inference.run_records import reason_of

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
    "outcome": ("completed", "partial", "passed", "better", "duplicate", "published", "already published", "imported"),
    "fate": ("promoted",),
    "promoted": (True,),
    "restored": (True,),
    "done": (True,),  # Of a rollback: one that has brought nothing back has not succeeded.
}
_CANCELLED = "cancelled"
_RESOURCES = {
    "run_inference": "runs",
    "promote": "promotions",
    "check_hub_file": "data-checks",
    "import_source": "imports",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """*status*: accepted, running, succeeded, failed or cancelled; *outcome* is the workflow's own word for its end.

    *result* is what it gave; *resource* is where to read more.
    """

    id: str
    status: str
    kind: str = ""
    step: str = ""
    outcome: str = ""
    because: str = ""
    resource: str = ""
    result: Any = None


async def show_operation(request: ApiRequest, operation: str) -> Operation:
    instance = await find_instance(request.client, operation)
    if instance is not None:
        return await asyncio.to_thread(_without_data, request.clients, _of_instance(instance))
    response = await asyncio.to_thread(_of_record, request.clients, operation)
    if response is None:
        raise Problem(404, "no such operation", f"operation {operation!r} is not known; starts answer with its URL")
    return response


def _of_instance(instance: Instance) -> Operation:
    result = instance.output if isinstance(instance.output, dict) else {}
    status, because = _STATUS.get(instance.status, "failed"), _because(instance, result)
    if status == "succeeded":
        status = _end(result)
    resource = f"{API}/{_RESOURCES[instance.name]}/{instance.id}" if instance.name in _RESOURCES else ""
    return Operation(
        id=instance.id,
        kind=instance.name,
        status=status,
        step=instance.step,
        outcome=str(result.get("outcome") or result.get("fate") or ""),
        because=because,
        resource=resource,
        result=result or None,
    )


def _because(instance: Instance, result: Mapping[str, Any]) -> str:
    if instance.status == "Failed":
        return (str(instance.output or "").splitlines() or [""])[0][:500]
    because = result.get("because", "")
    return "; ".join(map(str, because)) if isinstance(because, list) else str(because)


def _end(result: Mapping[str, Any]) -> str:
    """The status of a workflow that has ended; one whose record names no outcome has succeeded."""
    if result.get("outcome") == _CANCELLED:
        return _CANCELLED
    well = all(result[field] in good for field, good in _GOOD.items() if field in result)
    return "succeeded" if well else "failed"


def _of_record(clients: Clients, operation: str) -> Operation | None:
    paths = {
        "run_inference": records.run_record(operation),
        "promote": records.promotion(operation),
        "retrain": records.retraining(operation),
        "publish_dataset": dataset_paths.publication(operation),
        "import_source": dataset_paths.import_record(operation),
        "roll_back": production_paths.rollback(operation),
    }
    for kind, path in paths.items():
        record = clients.store.document(path)
        if record is not None:
            return _without_data(clients, _read_operation(kind, operation, record))
    return None


def _without_data(clients: Clients, operation: Operation) -> Operation:
    """*operation* without what of a run may hold data: everybody may read it."""
    if operation.kind != "run_inference" or not operation.result:
        return operation
    record = find_run(clients.store, operation.id)
    because = reason_of(clients.store, record) if record and record.because else operation.because
    result = {name: value for name, value in operation.result.items() if name != "job_error"}
    return replace(operation, because=because, result=result | ({"because": because} if "because" in result else {}))


def _read_operation(kind: str, operation: str, record: Mapping[str, Any]) -> Operation:
    end = {name: record[name] for name in ("outcome", "fate", "done") if record.get(name) not in (None, "")}
    because = record.get("because", "")
    return Operation(
        id=operation,
        kind=kind,
        status=_end(end) if end else "running",
        outcome=str(end.get("outcome") or end.get("fate") or ""),
        because="; ".join(because) if isinstance(because, list) else str(because),
        resource=f"{API}/{_RESOURCES[kind]}/{operation}" if kind in _RESOURCES else "",
        result=end or None,
    )
