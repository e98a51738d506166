"""Runs over HTTP: list, show with steps, cancel, release, score again. Every order is a record first."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from shared import contracts as c
from shared.clients import Clients
from shared.domain import identity
from shared.domain.inference.runs import RunOutcome
from shared.durable.starting import Client, find_instance, wake
from shared.records import paths as records
from shared.records.inference import GivenOrder, RunRecord, find_run
from shared.records.line_logs import newest_lines
from shared.records.listings import RUNS, listed
from shared.records.store import read_json
from triggers.http.door import Call
from triggers.http.inference.run_reasons import job_of, quarantine_of
from triggers.http.inference.run_records import known_run, run_record
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
    record = await asyncio.to_thread(find_run, clients.store, run)
    instance = await find_instance(client, run)
    if record is None and instance is not None:
        return answers.RunShown(run=run, status=instance.status, step=instance.step)  # Its record is on its way.
    shown = await asyncio.to_thread(_shown, clients, known_run(run, record))
    status = instance.status if instance else "not known to this host any more"
    return replace(shown, status=status, step=instance.step if instance else "")


def _shown(clients: Clients, record: RunRecord) -> answers.RunShown:
    """What the records of a run say; what its orchestration says is left open."""
    run, inference = record.run, record.inference
    steps, route = tuple(_steps(clients, run)), inference.route
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
        opened=record.opened,
        closed=record.closed or "",
        outcome=record.outcome.value if record.outcome else "",
        because=record.because or "",
        manifest=record.manifest or "",
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
    if record.outcome is not None:
        raise Problem(409, "too late", f"run {run} ended as {record.outcome.value}; reprocess it instead")
    at, caller = clients.clock.now().isoformat(), call.caller
    given = GivenOrder(run=run, order=kind, at=at, reason=reason, by=caller.name, oid=caller.oid)
    first = await asyncio.to_thread(clients.store.create, records.order(run, kind), given, {"order": kind})
    for instance in (run, identity.wait_id(run)):
        await wake(call.client, instance, c.ORDER_GIVEN)
    return answers.Ordered(run=run, order=kind, recorded=first)


def _all_runs(clients: Clients) -> Iterator[answers.RunRow]:
    told = ("route", "outcome", "opened", "closed")
    for name, row in listed(clients.hub, clients.configuration.hub.state, RUNS):
        yield answers.RunRow(run=name, **{each: row.get(each, "") for each in told})


def _steps(clients: Clients, run: str) -> list[answers.Step]:
    store = clients.store
    found = [
        answers.Step(
            step=blob.path.rpartition("/")[2].removesuffix(".json"),
            at=blob.modified.isoformat(),
            result=store.document(blob.path),
        )
        for blob in store.blobs(records.effects(run))
    ]
    return sorted(found, key=lambda effect: (records.step_order(effect.step), effect.step))


def _duplicates(clients: Clients, run: str) -> list[dict[str, Any]]:
    """The newest of them: anybody who may deliver an event may repeat it."""
    state, path = clients.configuration.hub.state, records.duplicates(run)
    return [read_json(line) for line in newest_lines(clients.hub, state, path, _MOST_DUPLICATES)]
