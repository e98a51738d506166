"""Rollouts over HTTP: where they stand, the page of a step, and what people order while traffic shifts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Annotated, Any

from shared.application.promotion.stored_plans import unverified_opening
from shared.application.rollout.costs import costs_of_release
from shared.application.rollout.judged_looks import JudgedLook, judged_looks
from shared.application.rollout.looks import policy_of
from shared.application.rollout.orders import order_rollout
from shared.clients import Clients
from shared.domain.rollout.estimates.forecast import expectations
from shared.domain.rollout.orders import RolloutOrder, RolloutOrderKind, newest
from shared.domain.rollout.steps import SHADOW
from shared.domain.statistics.sequential.rollout_evidence import RolloutEvidence
from shared.domain.statistics.sequential.verdicts import ComparisonFigures, judge_rollout
from shared.domain.teams.ownership import Belonging
from shared.ports import Blob
from shared.records.lists.rows import COLUMNS, PROMOTIONS
from shared.records.production import paths
from shared.records.production.rollouts import LateRequests, RolloutStanding, orders_of, step_at
from shared.records.promotion import fate_of
from shared.validation.rules import OptionalName, Text, Whole
from triggers.http.api_route import ApiRequest, requester_name
from triggers.http.exchange.bodies import Order
from triggers.http.exchange.pages import PAGE, order_of, rows_behind
from triggers.http.exchange.problems import Problem
from triggers.http.promotion.decisions import decision_records, refusals_as_problems


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutFilters:
    """*after*: the promotion that the page before ended with. *sort* is a column, with `-` before it the greatest
    first; by the name of the promotion where it is empty."""

    model: OptionalName = ""
    sort: Annotated[str, Text(shortest=0, longest=10, pattern=r"(-?(at|model|fate))?")] = ""
    after: OptionalName = ""
    limit: Annotated[int, Whole(least=1, most=PAGE)] = PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutRow(RolloutStanding):
    """A rollout as it stood at its last look.

    *step* counts from 0; the one after the last of *weights* is the soak, and -1 the phase of mirrored requests. *fate*
    is that of its promotion, empty while it is under way. *paused*: a person has paused it.
    """

    fate: str = ""
    paused: bool = False


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
    """A step that has ended: *evidence* is the digest of its record, which the next receipt names. *late* are requests
    that came after their minutes had been counted, and are in no count."""

    step: int
    weight: int
    since: str
    ended: str
    requests: int
    errors: int
    decision: str
    because: str
    evidence: str
    late: LateRequests = field(default_factory=LateRequests)


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
class RolloutLookRow:
    """A look: the requests that it has counted, and those that failed; and the logs of the e-values of all evidence so
    far, null where nothing was compared. *worse* is for a worse new version, *better* that it is not worse by the
    margin, in the comparison that has least of that."""

    step: int
    number: int
    weight: int
    at: str
    canary: int
    canary_bad: int
    champion: int
    champion_bad: int
    worse: float | None
    better: float | None
    verdict: str
    decision: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutLooksShown:
    """The newest of all looks, in their order; *earlier* is how many came before.

    *comparisons* are as of the last that compared, with the odds ratio and its confidence sequence, which holds at all
    looks at once with probability *confidence*. From *abort_at* on the evidence aborts, and from *clear_at* it clears.
    """

    promotion: str
    looks: tuple[RolloutLookRow, ...]
    earlier: int
    unit: str
    confidence: float
    abort_at: float
    clear_at: float
    verdict: str = ""
    because: str = ""
    comparisons: tuple[ComparisonFigures, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LookChoice:
    limit: Annotated[int, Whole(least=1, most=PAGE)] = PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutOrderAsked(Order):
    """*step*: the one that the caller has seen; where the rollout is at another by now, it is a 409. Without it the
    order is for the step of now. An abort is for every step."""

    step: Annotated[int, Whole(least=SHADOW, most=100)] | None = None


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
    """Every rollout as it stood at its last look: by the name of its promotion, or as `sort` says."""
    clients, rows = request.clients, list[RolloutRow]()
    for standing in _listed_standings(clients, query):
        model = standing.model.split(":")[0]
        if (query.model and model != query.model) or not request.sees(Belonging.MODEL, model):
            continue
        if len(rows) == query.limit:
            return RolloutPage(rollouts=tuple(rows), next=rows[-1].promotion)
        fate, paused = _course(clients, standing)
        rows.append(RolloutRow(**_members(standing), fate=fate, paused=paused))
    return RolloutPage(rollouts=tuple(rows))


def show_rollout(request: ApiRequest, promotion: str) -> RolloutShown:
    """One rollout: its steps with what they were judged by, and what people ordered."""
    clients = request.clients
    standing = _standing(clients, promotion)
    fate, paused = _course(clients, standing)
    return RolloutShown(
        **_members(standing),
        fate=fate,
        paused=paused,
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


def show_looks(request: ApiRequest, promotion: str, query: LookChoice) -> RolloutLooksShown:
    """The looks at a rollout: the counts of each, and the evidence over time."""
    clients = request.clients
    standing = _standing(clients, promotion)
    opening = unverified_opening(clients.ledger, promotion)
    if opening is None or opening.plan is None:
        raise Problem(404, "no such rollout", f"promotion {promotion!r} has no plan on record")
    at = opening.plan.at(standing.stage)
    looks, earlier = judged_looks(clients.statements, standing, at, query.limit)
    test = policy_of(at).test
    last = next((judged.judgement for judged in reversed(looks) if judged.judgement), None)
    figures = last or judge_rollout(RolloutEvidence(), test)  # Its limits are those of every look.
    return RolloutLooksShown(
        promotion=promotion,
        looks=tuple(_look_row(judged) for judged in looks),
        earlier=earlier,
        unit=test.unit.value,
        confidence=test.confidence,
        abort_at=figures.abort_at,
        clear_at=figures.clear_at,
        verdict=last.verdict.value if last else "",
        because=last.because if last else "",
        comparisons=last.comparisons if last else (),
    )


def _look_row(judged: JudgedLook) -> RolloutLookRow:
    look, minutes, judgement = judged.look, judged.minutes, judged.judgement
    deciding = [comparison.better for comparison in judgement.comparisons if comparison.must_clear] if judgement else []
    return RolloutLookRow(
        step=look.step,
        number=look.number,
        weight=judged.weight,
        at=look.at.isoformat(),
        canary=sum(minute.canary for minute in minutes),
        canary_bad=sum(minute.canary_bad for minute in minutes),
        champion=sum(minute.champion for minute in minutes),
        champion_bad=sum(minute.champion_bad for minute in minutes),
        worse=judgement.worse if judgement else None,
        better=min(deciding, default=None),
        verdict=judgement.verdict.value if judgement else "",
        decision=look.decision,
        because=look.because,
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


async def pause_rollout(request: ApiRequest, promotion: str, body: RolloutOrderAsked) -> RolloutOrdered:
    """Keep the traffic as it is; what goes against the new version still brings it back."""
    return await _order(request, promotion, RolloutOrderKind.PAUSE, body)


async def resume_rollout(request: ApiRequest, promotion: str, body: RolloutOrderAsked) -> RolloutOrdered:
    """Let a paused rollout go on; the time of its pause does not count."""
    return await _order(request, promotion, RolloutOrderKind.RESUME, body)


async def advance_rollout(request: ApiRequest, promotion: str, body: RolloutOrderAsked) -> RolloutOrdered:
    """Let the step go on although it has not decided; never over an abort."""
    return await _order(request, promotion, RolloutOrderKind.ADVANCE, body)


async def abort_rollout(request: ApiRequest, promotion: str, body: Order) -> RolloutOrdered:
    """Give all traffic back to the version before, at once; twice is as once."""
    return await _order(request, promotion, RolloutOrderKind.ABORT, RolloutOrderAsked(reason=body.reason))


async def _order(
    request: ApiRequest, promotion: str, kind: RolloutOrderKind, body: RolloutOrderAsked
) -> RolloutOrdered:
    person = await request.person()
    if person is None and kind is RolloutOrderKind.ADVANCE:
        detail = "a step that has not decided is advanced by a person: send the token of one"
        raise Problem(403, "not allowed", detail)
    order = RolloutOrder(
        kind=kind,
        step=0,
        oid=person.oid if person else "",
        name=requester_name(request.caller, person),
        reason=body.reason,
        at=request.clients.clock.now(),
    )
    with refusals_as_problems():
        taken = await order_rollout(request.client, decision_records(request.clients), promotion, order, body.step)
    return RolloutOrdered(
        promotion=promotion,
        order=kind.value,
        step=taken.order.step,
        by=taken.order.name,
        reason=taken.order.reason,
        recorded=taken.recorded,
    )


def _members(standing: RolloutStanding) -> dict[str, Any]:
    return {member.name: getattr(standing, member.name) for member in fields(standing)}


def _standing(clients: Clients, promotion: str) -> RolloutStanding:
    standing = clients.store.get(RolloutStanding, paths.rollout(promotion))
    if standing is None:
        raise Problem(
            404, "no such rollout", f"promotion {promotion!r} has shifted no traffic; see the list of rollouts"
        )
    return standing


def _course(clients: Clients, standing: RolloutStanding) -> tuple[str, bool]:
    """The fate of the rollout's promotion, and whether a person has paused it; nobody pauses what has ended."""
    fate = fate_of(clients.store, standing.promotion)
    if fate is not None:
        return fate.value, False
    orders = orders_of(clients.statements, standing.promotion, standing.stage, [])
    last = newest(orders, RolloutOrderKind.PAUSE, RolloutOrderKind.RESUME)
    return "", last is not None and last.kind is RolloutOrderKind.PAUSE


def _listed_standings(clients: Clients, query: RolloutFilters) -> Iterator[RolloutStanding]:
    """The rollouts behind `after`, in the order of the query. What is sorted by is known without their records, so that
    those of a page alone are read."""
    blobs: Sequence[Blob] = list(clients.store.blobs(paths.ROLLOUTS))
    if query.sort:
        order = order_of(query.sort)
        value_of = _values_of(clients, order.column)
        ordered_blobs = sorted(blobs, key=lambda blob: (value_of(blob), blob.path), reverse=order.down)
        blobs = rows_behind(ordered_blobs, _promotion_of, query.after)
    else:
        blobs = [blob for blob in blobs if _promotion_of(blob) > query.after]
    standings = (clients.store.get(RolloutStanding, blob.path) for blob in blobs)
    return (standing for standing in standings if standing is not None)


def _values_of(clients: Clients, column: str) -> Callable[[Blob], str]:
    """What a rollout has in *column*: each look writes its blob, and the index has its promotion."""
    if column == "at":
        return lambda blob: blob.modified.isoformat()
    place = COLUMNS[PROMOTIONS].index(column)
    values = {entry[-1]: entry[place] for entry in clients.lists.rows(PROMOTIONS).entries}
    return lambda blob: values.get(_promotion_of(blob), "")


def _promotion_of(blob: Blob) -> str:
    return blob.path.removeprefix(paths.ROLLOUTS).removesuffix(".json")


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
                late=record.late,
            )
