"""A data check on request: the same module that checks arrivals, on any data file of the hub."""

import asyncio
from uuid import uuid4

from shared import contracts as c
from shared.clients import Clients
from shared.domain.messaging import Asker
from shared.durable.starting import find_instance
from shared.records import paths as records
from triggers.http.door import Call
from triggers.http.idempotency import Starting
from triggers.http.named_resources import find_file, find_route
from triggers.http.problems import Problem
from triggers.http.requests import DataCheckAsked
from triggers.http.responses import work as answers


async def ask(call: Call, asked: DataCheckAsked) -> Starting:
    """Check the file at `path` (container/path in the hub) against the contract of `route`."""
    name = f"check-{uuid4().hex}"
    check = await asyncio.to_thread(check_of, call.clients, name, asked.path, asked.route, call.caller.name)
    resource = f"data-checks/{name}"
    return Starting(orchestration=c.CHECK_HUB_FILE, instance=name, payload=check, resource=resource, unique=True)


def check_of(
    clients: Clients, name: str, path: str, route_name: str, who: str, asker: Asker | None = None
) -> c.FileCheck:
    """The check called *name* of what lies at *path* now. Raises Problem."""
    hub, route = clients.configuration.hub, find_route(clients, route_name)
    return c.FileCheck(
        key=f"checks/{name}",
        id=name,
        path=path,
        etag=find_file(clients, path).etag,
        route=route.name,
        contract=route.contract,
        state=hub.state,
        asked_by=who,
        asker=asker,
        results=hub.results if asker else "",
    )


async def show(call: Call, check: str) -> answers.DataReport:
    """The verdict, and the whole report."""
    found = await find_instance(call.client, check)
    store = call.clients.store
    report = await asyncio.to_thread(store.document, records.file_check(check))
    if report is None:
        said = f"is {found.status}; look again" if found else "is not known"
        raise Problem(404, "no such report", f"data check {check!r} {said}")
    where = f"{store.container}/{records.file_check(check)}"
    verdict = c.FileVerdict(
        outcome=report["outcome"], rows=report["rows"], report=where, summary=tuple(report["summary"])
    )
    return answers.DataReport(check=check, verdict=verdict, report=report)
