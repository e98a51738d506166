"""A data check on request: the same module that checks arrivals, on any data file of the hub."""

import asyncio
import json
from uuid import uuid4

from shared import contracts as c
from shared.clients import Clients
from shared.domain import records
from shared.durable import find_instance
from triggers import answers
from triggers.doors import Call
from triggers.places import find_file, find_route
from triggers.problems import Problem
from triggers.requests import DataCheckAsked
from triggers.starting import Starting


async def ask(call: Call, asked: DataCheckAsked) -> Starting:
    """Check the file at `path` (container/path in the hub) against the contract of `route`."""
    clients = call.clients
    route = find_route(clients, asked.route)
    if asked.path.partition("/")[0] in (clients.configuration.hub.state, clients.configuration.hub.dead_letters):
        raise Problem(403, "not allowed", f"path {asked.path!r} is Signalbox's own record; name a data file")
    blob = await asyncio.to_thread(find_file, clients, asked.path)
    name = f"check-{uuid4().hex}"
    check = c.FileCheck(
        key=f"checks/{name}",
        id=name,
        path=asked.path,
        etag=blob.etag,
        route=route.name,
        contract=route.contract,
        state=clients.configuration.hub.state,
        asked_by=call.caller.name,
    )
    resource = f"data-checks/{name}"
    return Starting(orchestration=c.CHECK_HUB_FILE, instance=name, payload=check, resource=resource, unique=True)


async def show(call: Call, check: str) -> answers.DataReport:
    """The verdict, and the whole report."""
    found = await find_instance(call.client, check)
    raw = await asyncio.to_thread(_report, call.clients, check)
    if raw is None:
        said = f"is {found.status}; look again" if found else "is not known"
        raise Problem(404, "no such report", f"data check {check!r} {said}")
    report = json.loads(raw)
    where = f"{call.clients.configuration.hub.state}/{records.file_check(check)}"
    verdict = c.FileVerdict(
        outcome=report["outcome"], rows=report["rows"], report=where, summary=tuple(report["summary"])
    )
    return answers.DataReport(check=check, verdict=verdict, report=report)


def _report(clients: Clients, check: str) -> bytes | None:
    return clients.hub.read(clients.configuration.hub.state, records.file_check(check))
