"""Provisioning over HTTP: ServiceNow hands a request in, people follow it, and two of them may end what was made."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from shared import contracts as c
from shared.application.provisioning.orders import instance_of, next_attempt
from shared.application.provisioning.teardowns import (
    TeardownVoice,
    ask_for_teardown,
    keep_standing,
    start_teardown,
    teardown_id,
)
from shared.clients import Clients
from shared.domain.access.permissions import Action
from shared.domain.failures import Refused
from shared.domain.identity import digest
from shared.domain.provisioning.orders import NUMBER, SYS_ID, TEAM, RequestRef, TeamOrder, order_problems
from shared.domain.provisioning.plans import AzurePlan
from shared.domain.provisioning.rules import ProvisioningRules, ProvisioningStep
from shared.domain.provisioning.states import OrderState
from shared.domain.teams.ownership import PLATFORM
from shared.records.provisioning import OrderRecord, TeamStanding, find_order, find_platform, standings
from shared.records.provisioning import paths as provisioning_paths
from shared.validation.rules import Name, OptionalName, Sentence, Text
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.bodies import Order
from triggers.http.exchange.idempotency import RequestedStart
from triggers.http.exchange.pages import PAGE, Limit
from triggers.http.exchange.problems import Problem

TeamName: TypeAlias = Annotated[
    str, Text(longest=24, pattern=TEAM, means="a team: 3 to 24 lower-case letters, digits and dashes, a letter first")
]
ItemNumber: TypeAlias = Annotated[str, Text(longest=20, pattern=NUMBER, means="a number such as RITM0010001")]
SysId: TypeAlias = Annotated[str, Text(longest=32, pattern=SYS_ID, means="a sys_id: 32 hexadecimal digits")]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedFor:
    """For whom it was asked, as ServiceNow knows them."""

    user_name: Name
    sys_id: OptionalName = ""
    email: OptionalName = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestVariables:
    """What the form of the catalogue item asks."""

    team: TeamName
    step: ProvisioningStep
    cost_center: Name
    data_owner: Name
    region: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRequest:
    """The body of the step "REST" of ServiceNow's flow. What it says of approvals is read again in ServiceNow."""

    schema: Literal["signalbox.request/1"]
    number: ItemNumber
    sys_id: SysId
    requested_for: RequestedFor
    variables: RequestVariables
    table: Literal["sc_req_item"] = "sc_req_item"
    request: OptionalName = ""
    item: OptionalName = ""
    approval: OptionalName = ""
    correlation: OptionalName = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionedFilters:
    team: OptionalName = ""
    limit: Limit = PAGE
    after: OptionalName = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionedRow:
    """*name* is TEAM/STEP; *order* is at work on it or was the last, *ready* made what stands.

    *drift* are the lines of the last look, at *looked*, all that is known of the platform. *ending* says who wants its
    end, and when it comes.
    """

    name: str
    team: str
    step: str
    order: str
    state: str
    ready: str
    looked: str
    drift: tuple[str, ...]
    ending: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionedPage:
    total: int
    provisioned: tuple[ProvisionedRow, ...]
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionShown:
    state: OrderState
    at: str
    because: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderShown:
    """*plan* is the digest of the plan that counts, *lines* are its changes; *change* is ServiceNow's number."""

    id: str
    team: str
    step: str
    request: str
    by: str
    variables: dict[str, str]
    digest: str
    state: str
    attempt: int
    plan: str
    lines: tuple[str, ...]
    change: str
    transitions: tuple[TransitionShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndOfStep:
    """*role* is the one in which the caller speaks: two people in two roles must want it."""

    step: ProvisioningStep
    role: Name
    reason: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepStep:
    step: ProvisioningStep


@dataclass(frozen=True, slots=True, kw_only=True)
class EndOfStepShown:
    """*asked* and *confirmed* are people; *after* is when a pipeline begins, empty while nobody has confirmed it."""

    team: str
    step: str
    asked: str
    confirmed: str
    after: str
    teardown: str


async def provision_step(request: ApiRequest, body: ServiceRequest) -> RequestedStart:
    """Carry out a request of ServiceNow. The same request, however often it comes, is one order."""
    rules = _rules(request.clients)
    order = _order(body)
    if problems := list(order_problems(order, rules)):
        raise Problem(422, "cannot be provisioned", "; ".join(problems))
    record = await asyncio.to_thread(find_order, request.clients.store, order.id)
    if record is not None and record.digest != order.digest:
        await asyncio.to_thread(_note_conflict, request.clients, order)
        detail = f"{body.number} is order {order.id} with other variables; a request never changes, so make another"
        raise Problem(409, "request changed", detail)
    return _begun(order, rules, record.attempt if record else 1)


async def resume_order(request: ApiRequest, order: str, body: Order) -> RequestedStart:
    """Begin an order that has stopped once more. It is planned anew, and approved again if that differs."""
    rules = _rules(request.clients)
    record = await asyncio.to_thread(_record, request.clients, order)
    try:
        attempt = await next_attempt(request.client, record)
    except Refused as refusal:
        raise Problem(409, "nothing to resume", str(refusal)) from refusal
    facts = {"order": order, "attempt": attempt, "reason": body.reason}
    key = f"provisioning/orders/{order}/resumed/{attempt}"
    who = request.caller.name
    await asyncio.to_thread(request.clients.audit.append, key, "provisioning resumed", record.order.team, who, facts)
    return _begun(record.order, rules, attempt)


async def look_for_drift(request: ApiRequest, body: Order) -> RequestedStart:
    """Look now whether everything is still as it was verified, as every night does."""
    _rules(request.clients)
    del body  # Why somebody looks is in the log of requests; a look changes nothing.
    moment = request.clients.clock.now().strftime("%Y%m%dt%H%M%S%f")[:-3]
    instance = f"{c.DRIFT_LOOK}{moment}"
    sweep = c.Sweep(key=instance)
    return RequestedStart(
        orchestration=c.RECONCILE_PROVISIONING, instance=instance, payload=sweep, resource="provisioning"
    )


def list_provisioned(request: ApiRequest, query: ProvisionedFilters) -> ProvisionedPage:
    """The platform's looks and every step of every team that was ever ordered, by name; the next page begins after
    `after`."""
    rules, store = request.clients.configuration.provisioning, request.clients.store
    looks = (find_platform(store, look.name) for look in rules.platform) if rules else ()
    rows = [_row(request.clients, standing) for standing in (*looks, *standings(store)) if standing]
    rows = sorted((row for row in rows if query.team in ("", row.team)), key=lambda row: row.name)
    rest = [row for row in rows if row.name > query.after]
    page = tuple(rest[: query.limit])
    return ProvisionedPage(total=len(rows), provisioned=page, next=page[-1].name if len(rest) > len(page) else "")


def show_order(request: ApiRequest, order: str) -> OrderShown:
    """One order: what was asked for, the plan, the change, and every state that was told."""
    record, clients = _record(request.clients, order), request.clients
    plans = clients.store.list(AzurePlan, provisioning_paths.plans(order))
    lines = next((entry.record.lines for entry in plans if entry.record.digest == record.plan), ())
    own = record.order
    return OrderShown(
        id=own.id,
        team=own.team,
        step=own.step,
        request=own.request.number,
        by=own.by,
        variables=own.variables,
        digest=record.digest,
        state=record.state.value if record.state else "",
        attempt=record.attempt,
        plan=record.plan,
        lines=lines,
        change=record.change,
        transitions=tuple(
            TransitionShown(state=each.state, at=each.at, because=each.because, attempt=each.attempt)
            for each in record.transitions
        ),
    )


async def tear_down_step(request: ApiRequest, team: str, body: EndOfStep) -> EndOfStepShown:
    """Ask for the end of a step, or confirm what somebody else has asked for. Repeat it if the answer was lost."""
    clients, caller, rules = request.clients, request.caller, _rules(request.clients)
    personas = {
        persona.role.name
        for persona in clients.configuration.permissions.of(caller)
        if persona.team == PLATFORM and persona.allows.get(Action.TEAR_DOWN)
    }
    if body.role not in personas:
        raise Problem(403, "not your role", f"field 'role' is {body.role!r}; you are {', '.join(sorted(personas))}")
    voice = TeardownVoice(name=caller.name, oid=caller.oid, role=body.role, reason=body.reason)
    try:
        standing = await asyncio.to_thread(
            ask_for_teardown, clients.store, clients.audit, rules, (team, body.step), voice, clients.clock.now()
        )
    except Refused as refusal:
        raise Problem(409, "not torn down", str(refusal)) from refusal
    await start_teardown(request.client, rules, standing)
    return _ending(standing)


async def keep_step(request: ApiRequest, team: str, body: KeepStep) -> EndOfStepShown:
    """Take back what somebody has asked for or confirmed: the step stays. Not once its pipeline runs."""
    clients = request.clients
    try:
        standing = await asyncio.to_thread(
            keep_standing, clients.store, clients.audit, team, body.step, request.caller.name
        )
    except Refused as refusal:
        raise Problem(409, "nothing to keep", str(refusal)) from refusal
    return _ending(standing)


def _rules(clients: Clients) -> ProvisioningRules:
    try:
        return clients.configuration.provisioned()
    except Refused as refusal:
        raise Problem(404, "nothing is provisioned here", str(refusal)) from refusal


def _order(body: ServiceRequest) -> TeamOrder:
    variables = body.variables
    return TeamOrder(
        team=variables.team,
        step=variables.step,
        request=RequestRef(number=body.number, sys_id=body.sys_id),
        by=body.requested_for.user_name,
        variables={
            "cost_center": variables.cost_center,
            "data_owner": variables.data_owner,
            "region": variables.region,
        },
    )


def _begun(order: TeamOrder, rules: ProvisioningRules, attempt: int) -> RequestedStart:
    instance = instance_of(order.id, attempt)
    payload = c.ProvisioningOrder(id=order.id, order=order, rules=rules, attempt=attempt)
    return RequestedStart(
        orchestration=c.PROVISION, instance=instance, payload=payload, resource=f"provisioning/orders/{order.id}"
    )


def _note_conflict(clients: Clients, order: TeamOrder) -> None:
    text = "The request came again with other variables, which changes nothing: make another request for them."
    clients.provisioner.desk.note(order.request, f"signalbox {digest(order.id, order.digest)}", text)


def _record(clients: Clients, order: str) -> OrderRecord:
    record = find_order(clients.store, order)
    if record is None:
        raise Problem(404, "no such order", f"{order!r} is no order; `signalbox provision status` lists them")
    return record


def _row(clients: Clients, standing: TeamStanding) -> ProvisionedRow:
    record = find_order(clients.store, standing.order) if standing.order else None
    ending = _ending(standing)
    words = f"asked for by {ending.asked}" if ending.asked else ""
    if ending.confirmed:
        words += f", confirmed by {ending.confirmed}, after {ending.after}"
    return ProvisionedRow(
        name=f"{standing.team}/{standing.step}",
        team=standing.team,
        step=standing.step,
        order=standing.order,
        state="gone" if standing.gone else record.state.value if record and record.state else "",
        ready=standing.ready,
        looked=standing.looked,
        drift=standing.drift,
        ending=words,
    )


def _ending(standing: TeamStanding) -> EndOfStepShown:
    asked = standing.teardown
    return EndOfStepShown(
        team=standing.team,
        step=standing.step,
        asked=asked.by if asked else "",
        confirmed=asked.confirmed_by if asked else "",
        after=asked.after if asked else "",
        teardown=teardown_id(standing) if asked and asked.confirmed_by else "",
    )
