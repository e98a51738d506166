"""Runs over HTTP: list, show with their steps, cancel, release. Every order is a record first."""

import asyncio
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Annotated, Any, TypeAlias
from urllib.parse import quote, unquote

from shared import contracts as c
from shared.application.lists import RowFilter
from shared.clients import Clients
from shared.codec import decode
from shared.domain import identity
from shared.domain.access.permissions import Action
from shared.domain.inference.runs import RunOutcome
from shared.domain.teams.ownership import Belonging
from shared.domain.teams.quotas import WAITING_FOR_ROOM
from shared.durable.starting import find_instance, wake
from shared.records import paths as records
from shared.records.inference import RunRecord, find_run
from shared.records.lists.rows import RUNS, note_change
from shared.validation.rules import OptionalName, Text
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.bodies import Order, Ordered, order_record
from triggers.http.exchange.pages import PAGE, Cursor, Limit, Moment, RowState, indexed_page, order_of, utc_text
from triggers.http.exchange.problems import Problem
from triggers.http.inference.run_records import (
    HeldOutput,
    Quarantine,
    RunJob,
    Step,
    duplicates_of,
    held_output_of,
    job_of,
    known_run,
    quarantine_of,
    reason_of,
    run_record,
    sees_data,
    steps_of,
    unmatched_keys,
)

Sort: TypeAlias = Annotated[str, Text(shortest=0, longest=20, pattern=r"(-?(opened|route|outcome|closed|model|file))?")]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilters:
    """*model* is `NAME:VERSION`, and *file* a part of the path, container first, of the file that opened the run.

    *since* and *until* bound the time at which the run was opened, *until* excluded. *sort* is a column, with `-`
    before it the greatest first; the newest first where it is empty.
    """

    route: OptionalName = ""
    outcome: OptionalName = ""
    model: OptionalName = ""
    file: Annotated[str, Text(shortest=0, longest=1024)] = ""
    state: RowState | None = None
    since: Moment = ""
    until: Moment = ""
    sort: Sort = ""
    limit: Limit = PAGE
    cursor: Cursor = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """*outcome* is empty while the run is under way, and `quarantined` or `held` while it waits for a release; *closed*
    is empty until the run has ended. Times are ISO 8601 UTC. *file* is the one that opened it, of a window its first;
    runs of earlier releases have none.
    """

    run: str
    route: str
    opened: str
    outcome: str = ""
    closed: str = ""
    model: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """*next* is the `cursor` of the next page, empty on the last one; *total* counts all pages. *outcomes* counts the
    runs of each outcome that the other filters let through."""

    total: int
    runs: tuple[RunRow, ...]
    next: str = ""
    outcomes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunShown:
    """*status* is the host's word and *step* where it is; *duplicates* are the repeated events, the last five hundred.

    *repeats* is the attempt before, and *configuration* the one that scores: `today`, or `as it was`. *model* is the
    version that scores, and *deployment* where, as `ENDPOINT/DEPLOYMENT`: *pinned* by the route, or the endpoint's
    default when the run was opened. *overrides* are the settings that somebody asked for in this run alone. *unmatched*
    are some keys of rows that have no prediction, or another, for who may `see_data` there.
    *input_asset* is the data asset that its input is a version of, where its route asks for one.
    """

    run: str
    status: str
    repeats: str = ""
    configuration: str = ""
    route: str = ""
    environment: str = ""
    model: str = ""
    deployment: str = ""
    pinned: bool = True
    unmatched: dict[str, tuple[str, ...]] = field(default_factory=dict)
    step: str = ""
    opened: str = ""
    closed: str = ""
    outcome: str = ""
    because: str = ""
    manifest: str = ""
    overrides: dict[str, Any] = field(default_factory=dict)
    input_asset: c.RegisteredInput | None = None
    quarantine: Quarantine | None = None
    held: HeldOutput | None = None
    job: RunJob | None = None
    steps: tuple[Step, ...] = ()
    duplicates: tuple[dict[str, Any], ...] = ()


async def list_runs(request: ApiRequest, query: RunFilters) -> RunPage:
    """The newest runs first; the filters narrow."""
    return await asyncio.to_thread(_listed_runs, request, query)


def _listed_runs(request: ApiRequest, query: RunFilters) -> RunPage:
    narrowed = RowFilter(
        equal={"route": query.route, "model": query.model},
        part={"file": quote(query.file)},
        since=utc_text(query.since),
        until=utc_text(query.until),
        ended="closed",
        is_open=None if query.state is None else query.state is RowState.OPEN,
    )
    lists = request.clients.lists
    select = partial(lists.selection, RUNS, lists.rows(RUNS), request.clients.configuration, request.scope)
    outcomes = dict(select(narrowed, "outcome").counts)
    wanted = replace(narrowed, equal={**narrowed.equal, "outcome": query.outcome})
    order = order_of(query.sort)
    entries = select(wanted, "outcome", order).entries
    page, following = indexed_page(RUNS, entries, query.limit, query.cursor, order)
    runs = tuple(RunRow(**{**row, "file": unquote(row["file"])}) for row in map(_named, page.rows))
    return RunPage(total=page.total, runs=runs, next=following, outcomes=outcomes)


def _named(row: dict[str, str]) -> dict[str, str]:
    return {("run" if column == "name" else column): value for column, value in row.items()}


async def show_run(request: ApiRequest, run: str) -> RunShown:
    """A run's record, the steps it has taken, who asked for what, and the events that came again."""
    record = await asyncio.to_thread(find_run, request.clients.store, run)
    instance = await find_instance(request.client, run)
    if record is None and instance is not None:
        return RunShown(run=run, status=instance.status, step=instance.step)  # Its record is on its way.
    response = await asyncio.to_thread(_describe, request, known_run(run, record))
    status = instance.status if instance else "not known to this host any more"
    response = replace(response, status=status, step=instance.step if instance else "")
    if instance is not None and instance.step == WAITING_FOR_ROOM:
        return replace(response, because=str(instance.custom_status.get("because", "")))
    return response


async def cancel_run(request: ApiRequest, run: str, body: Order) -> Ordered:
    """Cancel a run; the order is recorded with who gave it and why."""
    return await _order(request, run, "cancel", body.reason)


async def release_run(request: ApiRequest, run: str, body: Order) -> Ordered:
    """Let a run go on with the data that was set aside; the order is recorded with who gave it and why."""
    return await _order(request, run, "release", body.reason)


async def release_output(request: ApiRequest, run: str, body: Order) -> Ordered:
    """Have the predictions of a run published that were held; the order is recorded with who gave it and why."""
    return await _order(request, run, "release-output", body.reason)


async def _order(request: ApiRequest, run: str, kind: str, reason: str) -> Ordered:
    store = request.clients.store
    record = await asyncio.to_thread(run_record, request.clients, run)
    if record.outcome is not None:
        raise Problem(409, "too late", f"run {run} ended as {record.outcome.value}; reprocess it instead")
    if kind == "release-output" and not await asyncio.to_thread(_is_held, request.clients, record):
        raise Problem(409, "nothing is held", f"the output of run {run} is not held; a release is for what was seen")
    order = order_record(request, run, kind, reason)
    is_new = await asyncio.to_thread(store.create, records.order(run, kind), order, {"order": kind})
    await asyncio.to_thread(note_change, store.hub, store.container, RUNS, run)
    # Either may be the one that waits: the run itself for a release, its child for the job.
    for instance in (run, identity.wait_id(run)):
        await wake(request.client, instance, c.ORDER_GIVEN)
    return Ordered(run=run, order=kind, recorded=is_new)


def _is_held(clients: Clients, record: RunRecord) -> bool:
    """An order before anybody could see what is wrong would be a release in blank."""
    return clients.ledger.find(identity.effect_key(record.run, "held")) is not None


def _asked(inference: c.Inference) -> dict[str, Any]:
    """The settings that somebody asked for in this run alone."""
    asked = asdict(inference.overrides) if inference.overrides else {}
    return {name: value for name, value in asked.items() if value is not None}


def _describe(request: ApiRequest, record: RunRecord) -> RunShown:
    """The run as its records describe it; the fields that the host knows stay empty."""
    clients, run, inference = request.clients, record.run, record.inference
    steps, route = steps_of(clients, run), inference.route
    place, team = route.score.workspace.name, clients.configuration.team_of(Belonging.ROUTE, route.name)
    samples = sees_data(request, place, team)
    response = RunShown(
        run=run,
        status="",
        steps=steps,
        duplicates=duplicates_of(clients, run),
        repeats=inference.repeats,
        configuration=inference.configuration,
        route=route.name,
        environment=place,
        model=route.score.scored_model,
        deployment=f"{route.score.endpoint}/{route.score.deployment}" if route.score.deployment else "",
        pinned=not route.score.follows,
        opened=record.opened,
        closed=record.closed or "",
        outcome=record.outcome.value if record.outcome else "",
        because=reason_of(clients.store, record),
        manifest=record.manifest or "",
        overrides=_asked(inference),
        unmatched=unmatched_keys(clients.store, run) if samples else {},
    )
    step_by_name = {step.step: step for step in steps}
    submission = step_by_name.get("submitted")
    if submission and submission.result["job"]:  # An online endpoint makes no job.
        log = clients.configuration.permissions.allows(request.caller, Action.CHECK_DATA, place, team)
        response = replace(response, job=job_of(clients, record, route.score.workspace, submission, log))
    if registration := step_by_name.get("registered"):
        response = replace(response, input_asset=decode(c.RegisteredInput, registration.result))
    hold_step, quarantine_step = step_by_name.get("held"), step_by_name.get("quarantined")
    if hold_step is not None:
        held = held_output_of(clients, inference, hold_step, closed=bool(response.closed), samples=samples)
        response = replace(response, held=held)
        if held.waits:
            response = replace(response, outcome=RunOutcome.HELD.value, because="; ".join(held.because))
    if quarantine_step is None:
        return response
    quarantine = quarantine_of(clients, inference, quarantine_step, closed=bool(response.closed), samples=samples)
    if quarantine.waits:
        response = replace(response, outcome=RunOutcome.QUARANTINED.value, because="; ".join(quarantine.because))
    return replace(response, quarantine=quarantine)
