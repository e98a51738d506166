"""Rollouts over HTTP: where they stand, the page of a step, and what people order while traffic shifts."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Annotated

from shared.application.promotion.stored_plans import unverified_opening
from shared.application.rollout.costs import costs_of_release
from shared.application.rollout.orders import order_rollout
from shared.clients import Clients
from shared.domain.rollout.forecast import expectations
from shared.domain.rollout.orders import RolloutOrder, RolloutOrderKind
from shared.domain.rollout.steps import SHADOW
from shared.domain.teams.ownership import Belonging
from shared.records.production import paths
from shared.records.production.rollouts import RolloutStanding, orders_of, step_at
from shared.validation.rules import OptionalName, Whole
from triggers.http.api_route import ApiRequest, requester_name
from triggers.http.exchange.bodies import Order
from triggers.http.exchange.pages import PAGE
from triggers.http.exchange.problems import Problem
from triggers.http.promotion.decisions import decision_records, refusals_as_problems


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutFilters:
    """*after*: the promotion that the page before ended with."""

    model: OptionalName = ""
    after: OptionalName = ""
    limit: Annotated[int, Whole(least=1, most=PAGE)] = PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutRow(RolloutStanding):
    """A rollout as it stood at its last look.

    *step* counts from 0; the one after the last of *weights* is the soak, and -1 the phase of mirrored requests.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutPage:
    rollouts: tuple[RolloutRow, ...]
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutOrderRow:
    kind: str
    step: int
    by: str
    reason: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutStepRow:
    """A step that has ended: *evidence* is the digest of its record, which the next receipt names."""

    step: int
    weight: int
    since: str
    ended: str
    requests: int
    errors: int
    decision: str
    because: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutShown(RolloutRow):
    """*expected*: how long it lasts, and when which difference would be found, a sentence each.

    *cost*: what two fleets were estimated to cost, and what they have cost so far.
    """

    steps: tuple[RolloutStepRow, ...] = ()
    orders: tuple[RolloutOrderRow, ...] = ()
    expected: tuple[str, ...] = ()
    cost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepChoice:
    """*step* counts from 0; without it, the newest that has ended."""

    step: Annotated[int, Whole(least=0, most=100)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPageShown:
    """*page* is container/path in the hub, *html* its content, *digest* that of the record that it draws."""

    step: int
    page: str
    digest: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutOrdered:
    """*recorded* is false where it was ordered already."""

    promotion: str
    order: str
    step: int
    by: str
    reason: str
    recorded: bool


def list_rollouts(request: ApiRequest, query: RolloutFilters) -> RolloutPage:
    """Every rollout by the name of its promotion, as it stood at its last look."""
    rows = list[RolloutRow]()
    for standing in _standings(request.clients):
        model = standing.model.split(":")[0]
        if standing.promotion <= query.after or (query.model and model != query.model):
            continue
        if not request.sees(Belonging.MODEL, model):
            continue
        if len(rows) == query.limit:
            return RolloutPage(rollouts=tuple(rows), next=rows[-1].promotion)
        rows.append(RolloutRow(**asdict(standing)))
    return RolloutPage(rollouts=tuple(rows))


def show_rollout(request: ApiRequest, promotion: str) -> RolloutShown:
    """One rollout: its steps with what they were judged by, and what people ordered."""
    clients = request.clients
    standing = clients.store.get(RolloutStanding, paths.rollout(promotion))
    if standing is None:
        raise Problem(
            404, "no such rollout", f"promotion {promotion!r} has shifted no traffic; see the list of rollouts"
        )
    return RolloutShown(
        **asdict(standing),
        steps=tuple(_steps(clients, standing)),
        orders=tuple(
            RolloutOrderRow(
                kind=order.kind.value, step=order.step, by=order.name, reason=order.reason, at=order.at.isoformat()
            )
            for order in orders_of(clients.statements, promotion, standing.stage, [])
        ),
        expected=_expected(clients, standing),
        cost=costs_of_release(clients, promotion),
    )


def show_step_page(request: ApiRequest, promotion: str, query: StepChoice) -> StepPageShown:
    """The page of a step that has ended: weights, counts, the odds ratio with its confidence sequence, the evidence."""
    clients = request.clients
    standing = clients.store.get(RolloutStanding, paths.rollout(promotion))
    if standing is None:
        raise _no_page(promotion)
    for step in range(standing.step, -1, -1) if query.step is None else (query.step,):
        record = step_at(clients.statements, promotion, standing.stage, step)
        path = paths.rollout_step(promotion, standing.stage, step, "step.html")
        content = clients.store.read_file(path)
        if record is not None and content is not None:
            page = f"{clients.store.container}/{path}"
            return StepPageShown(step=step, page=page, digest=record.evidence, html=content.decode())
    raise _no_page(promotion)


def _no_page(promotion: str) -> Problem:
    detail = f"no step of promotion {promotion!r} that was compared has ended yet; `rollout show` says where it stands"
    return Problem(404, "no such page", detail)


async def pause_rollout(request: ApiRequest, promotion: str, body: Order) -> RolloutOrdered:
    """Keep the traffic as it is; what goes against the new version still brings it back."""
    return await _order(request, promotion, RolloutOrderKind.PAUSE, body.reason)


async def resume_rollout(request: ApiRequest, promotion: str, body: Order) -> RolloutOrdered:
    """Let a paused rollout go on; the time of its pause does not count."""
    return await _order(request, promotion, RolloutOrderKind.RESUME, body.reason)


async def advance_rollout(request: ApiRequest, promotion: str, body: Order) -> RolloutOrdered:
    """Let the step go on although it has not decided; never over an abort."""
    return await _order(request, promotion, RolloutOrderKind.ADVANCE, body.reason)


async def abort_rollout(request: ApiRequest, promotion: str, body: Order) -> RolloutOrdered:
    """Give all traffic back to the version before, at once; twice is as once."""
    return await _order(request, promotion, RolloutOrderKind.ABORT, body.reason)


async def _order(request: ApiRequest, promotion: str, kind: RolloutOrderKind, reason: str) -> RolloutOrdered:
    person = await request.person()
    if person is None and kind is RolloutOrderKind.ADVANCE:
        detail = "a step that has not decided is advanced by a person: send the token of one"
        raise Problem(403, "not allowed", detail)
    order = RolloutOrder(
        kind=kind,
        step=0,
        oid=person.oid if person else "",
        name=requester_name(request.caller, person),
        reason=reason,
        at=request.clients.clock.now(),
    )
    with refusals_as_problems():
        taken = await order_rollout(request.client, decision_records(request.clients), promotion, order)
    return RolloutOrdered(
        promotion=promotion,
        order=kind.value,
        step=taken.order.step,
        by=taken.order.name,
        reason=taken.order.reason,
        recorded=taken.recorded,
    )


def _standings(clients: Clients) -> Iterator[RolloutStanding]:
    return (stored.record for stored in clients.store.list(RolloutStanding, paths.ROLLOUTS))


def _expected(clients: Clients, standing: RolloutStanding) -> tuple[str, ...]:
    opening = unverified_opening(clients.ledger, standing.promotion)
    policy = opening.plan.at(standing.stage).stage.rollout if opening and opening.plan else None
    return expectations(policy, standing.weights) if policy else ()


def _steps(clients: Clients, standing: RolloutStanding) -> Iterator[RolloutStepRow]:
    for step in range(SHADOW, standing.step + 1):
        record = step_at(clients.statements, standing.promotion, standing.stage, step)
        if record is not None:
            yield RolloutStepRow(
                step=step,
                weight=record.weight,
                since=record.since.isoformat(),
                ended=record.ended.isoformat(),
                requests=record.requests,
                errors=record.errors,
                decision=record.decision,
                because=record.because,
                evidence=record.evidence,
            )
