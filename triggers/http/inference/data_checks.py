"""A data check on request: the same check as an arrival's, of any data file of the hub."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from shared import contracts as c
from shared.application.inference.scoring import current_contract
from shared.clients import Clients
from shared.domain.data.data_samples import without_samples
from shared.domain.failures import Refused
from shared.domain.messaging import Asker
from shared.durable.starting import find_instance
from shared.records import paths as records
from shared.validation.rules import Name
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.idempotency import RequestedStart
from triggers.http.exchange.problems import Problem
from triggers.http.inference.run_records import sees_data
from triggers.http.named_resources import HubPath, find_file, find_route


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCheckAsked:
    """*path* is container/path in the hub; *route* the one whose contract the file must meet."""

    path: HubPath
    route: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class DataReport:
    """*report* is the whole report of the data check; who may not `see_data` everywhere gets it without samples."""

    check: str
    verdict: c.FileVerdict
    report: Any


async def start_data_check(request: ApiRequest, body: DataCheckAsked) -> RequestedStart:
    """Check the file at `path` (container/path in the hub) against the contract of `route`."""
    name = f"check-{uuid4().hex}"
    check = await asyncio.to_thread(check_of, request.clients, name, body.path, body.route, request.caller.name)
    resource = f"data-checks/{name}"
    return RequestedStart(orchestration=c.CHECK_HUB_FILE, instance=name, payload=check, resource=resource, unique=True)


def check_of(
    clients: Clients, name: str, path: str, route_name: str, requester: str, asker: Asker | None = None
) -> c.FileCheck:
    """The check called *name* of what lies at *path* now. Raises Problem."""
    hub, route = clients.configuration.hub, find_route(clients, route_name)
    try:
        contract = current_contract(clients.endpoints, route)
    except Refused as refusal:
        raise Problem(409, "nothing scores there", str(refusal)) from refusal
    return c.FileCheck(
        key=f"checks/{name}",
        id=name,
        path=path,
        etag=find_file(clients, path).etag,
        route=route.name,
        contract=contract,
        state=hub.state,
        asked_by=requester,
        asker=asker,
        results=hub.results if asker else "",
    )


async def show_data_check(request: ApiRequest, check: str) -> DataReport:
    """The verdict of a data check, and the whole report."""
    instance = await find_instance(request.client, check)
    store = request.clients.store
    report = await asyncio.to_thread(store.document, records.file_check(check))
    if report is None:
        standing = f"is {instance.status}; look again" if instance else "is not known"
        raise Problem(404, "no such report", f"data check {check!r} {standing}")
    location = f"{store.container}/{records.file_check(check)}"
    if not sees_data(request, "", request.owner):
        report = without_samples(report)
    verdict = c.FileVerdict(
        outcome=report["outcome"], rows=report["rows"], report=location, summary=tuple(report["summary"])
    )
    return DataReport(check=check, verdict=verdict, report=report)
