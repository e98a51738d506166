"""Runs over HTTP: list, show with steps, cancel, release, score again. Every order is a record first."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from shared import contracts as c
from shared.clients import Clients
from shared.codec import decode
from shared.domain import identity
from shared.domain.inference.runs import RunOutcome
from shared.durable.starting import Client, find_instance, wake
from shared.records import paths as records
from shared.records.line_logs import newest_lines
from shared.records.listings import RUNS, listed
from triggers.http.door import Call
from triggers.http.inference.run_reasons import job_of, quarantine_of
from triggers.http.inference.run_records import find_run, read_run, run_record
from triggers.http.pages import page
from triggers.http.problems import Problem
from triggers.http.requests import RunFilters
from triggers.http.responses import work as answers

_MOST_DUPLICATES = 500


async def list_runs(clients: Clients, filters: RunFilters) -> answers.RunPage:
    """The newest runs first; `route` and `outcome` narrow."""
    rows = await asyncio.to_thread(lambda: list(_all_runs(clients)))
    for name, wanted in (("route", filters.route), ("outcome", filters.outcome)):
        if wanted:
            rows = [row for row in rows if getattr(row, name) == wanted]
    given, following = page(rows, lambda row: (row.opened, row.run), filters.limit, filters.cursor)
    return answers.RunPage(total=len(rows), runs=given, next=following)


async def show_run(client: Client, clients: Clients, run: str) -> answers.RunShown:
    """A run's record, the steps it has taken, who asked for what, and the events that came again."""
    raw = await asyncio.to_thread(find_run, clients, run)
    instance = await find_instance(client, run)
    if raw is None and instance is not None:
        return answers.RunShown(run=run, status=instance.status, step=instance.step)  # Its record is on its way.
    shown = await asyncio.to_thread(_shown, clients, read_run(run, raw))
    status = instance.status if instance else "not known to this host any more"
    return replace(shown, status=status, step=instance.step if instance else "")


def _shown(clients: Clients, record: dict[str, Any]) -> answers.RunShown:
    """What the records of a run say; what its orchestration says is left open."""
    run, inference = str(record["run"]), decode(c.Inference, record["inference"])
    steps, route = tuple(_steps(clients, run)), inference.route
    given = {name: record[name] for name in ("opened", "closed", "outcome", "because", "manifest") if name in record}
    shown = answers.RunShown(
        run=run,
        status="",
        steps=steps,
        duplicates=tuple(_duplicates(clients, run)),
        repeats=inference.repeats,
        configuration=inference.configuration,
        route=route.name,
        environment=route.score.workspace.name,
        model=f"{route.score.model}:{route.score.version}",
        **given,
    )
    done = {step.step: step for step in steps}
    if submitted := done.get("submitted"):
        shown = replace(shown, job=job_of(clients, record, route.score.workspace, submitted))
    set_aside = done.get("quarantined")
    if set_aside is None:
        return shown
    quarantine = quarantine_of(clients, inference, set_aside, closed=bool(shown.closed))
    if quarantine.waits:
        shown = replace(shown, outcome=RunOutcome.QUARANTINED.value, because="; ".join(quarantine.because))
    return replace(shown, quarantine=quarantine)


async def order(call: Call, run: str, kind: str, reason: str) -> answers.Ordered:
    """Record the order to `cancel` or `release` *run*, who gave it and why, and wake the run up."""
    clients = call.clients
    record = await asyncio.to_thread(run_record, clients, run)
    if record.get("outcome"):
        raise Problem(409, "too late", f"run {run} ended as {record['outcome']}; reprocess it instead")
    content = {"run": run, "order": kind, "at": clients.clock.now().isoformat(), "reason": reason, **_who(call)}
    state = clients.configuration.hub.state
    first = await asyncio.to_thread(
        clients.hub.create, state, records.order(run, kind), json.dumps(content).encode(), {"order": kind}
    )
    for instance in (run, identity.wait_id(run)):
        await wake(call.client, instance, c.ORDER_GIVEN)
    return answers.Ordered(run=run, order=kind, recorded=first)


def _who(call: Call) -> dict[str, str]:
    """The verified identity, as records keep it."""
    return {"by": call.caller.name, "oid": call.caller.oid}


def _all_runs(clients: Clients) -> Iterator[answers.RunRow]:
    told = ("route", "outcome", "opened", "closed")
    for name, row in listed(clients.hub, clients.configuration.hub.state, RUNS):
        yield answers.RunRow(run=name, **{each: row.get(each, "") for each in told})


def _steps(clients: Clients, run: str) -> list[answers.Step]:
    state = clients.configuration.hub.state
    found = [
        answers.Step(
            step=blob.path.rpartition("/")[2].removesuffix(".json"),
            at=blob.modified.isoformat(),
            result=json.loads(clients.hub.read(state, blob.path) or b"null"),
        )
        for blob in clients.hub.list(state, records.effects(run))
    ]
    return sorted(found, key=lambda effect: (records.step_order(effect.step), effect.step))


def _duplicates(clients: Clients, run: str) -> list[dict[str, Any]]:
    """The newest of them: anybody who may deliver an event may repeat it."""
    state, path = clients.configuration.hub.state, records.duplicates(run)
    return [json.loads(line) for line in newest_lines(clients.hub, state, path, _MOST_DUPLICATES)]
