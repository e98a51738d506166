"""Plan a promotion, start one or several, and bring a version back from the central registry."""

import asyncio
from dataclasses import dataclass, replace
from typing import Annotated, Any
from uuid import uuid4

from shared import contracts as c
from shared.application.inference.scored_routes import routes_of_plan
from shared.application.promotion import planning
from shared.application.promotion.holdout.forecast import odds_of_plan
from shared.application.promotion.stage_entry import Receipts
from shared.application.promotion.standing import next_attempt
from shared.application.promotion.unmet_needs import unmet_of_plan
from shared.application.rollout.costs import costs_of_plan
from shared.application.rollout.quota import quotas_of_plan
from shared.clients import Clients
from shared.codec import decode, encode
from shared.domain import identity
from shared.domain.failures import Refused, Transient
from shared.domain.promotion.models import ModelVersion, exact_model
from shared.domain.promotion.people import PersonId
from shared.domain.promotion.plans import Phase, Plan, changes
from shared.domain.rollout.estimates.forecast import expectations
from shared.durable.starting import find_instance
from shared.records import paths as records
from shared.validation.rules import Many, Name, OptionalName, Sentence
from triggers.http.api_route import ApiRequest, requester_name
from triggers.http.exchange.idempotency import RequestedStart
from triggers.http.exchange.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAsked:
    """*model* is NAME:VERSION, *to* a stage; *source* the environment, unless it is the stage's own."""

    model: Name
    to: Name
    source: OptionalName = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionAsked:
    """One *model* or several *models* (NAME:VERSION), all or none where *atomic*; *plan* is one that was shown."""

    to: Name
    reason: Sentence
    model: OptionalName = ""
    models: Annotated[tuple[Name, ...], Many(fewest=2, most=50, different=True)] = ()
    source: OptionalName = ""
    plan: Any = None
    break_glass: bool = False
    atomic: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryAsked:
    version: Name
    environment: Name
    reason: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """*odds*: what to expect of the gates that compare with the champion, a sentence each. *routes*: which routes will
    score with the version, and which a pin keeps from it. *costs*: what the second fleet of a release costs, *quota*:
    whether there is room for it. *rollout*: how long its traffic shifts, and when which difference would be found."""

    digest: str
    plan: Plan
    writes: tuple[str, ...]
    gates: tuple[str, ...]
    approvals: tuple[str, ...]
    unmet: tuple[str, ...] = ()
    odds: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    costs: tuple[str, ...] = ()
    rollout: tuple[str, ...] = ()
    quota: tuple[str, ...] = ()


async def plan_promotion(request: ApiRequest, body: PlanAsked) -> Planned:
    """Every write, gate, approval and unmet condition of a promotion, with the plan's digest."""
    clients, source = request.clients, body.source or _lowest_source(request.clients, body.to)
    plan = await asyncio.to_thread(planning.plan_promotion, clients, exact_model(body.model), source, body.to)
    return Planned(
        digest=planning.plan_digest(plan),
        plan=plan,
        writes=tuple(f"{at.stage.name}: {move.value}" for at, move in plan.moves()),
        gates=tuple(
            f"{at.stage.name} ({phase.value}): {gate.gate}"
            for at in plan.stages
            for phase in Phase
            for gate in at.gates(phase)
        ),
        approvals=tuple(f"{at.stage.name}: {role.name}" for at in plan.stages for role in at.stage.approvals.roles),
        unmet=tuple(await asyncio.to_thread(_unmet, clients, plan)),
        odds=await asyncio.to_thread(odds_of_plan, clients.store, clients.row_files, plan, clients.clock.now()),
        costs=await asyncio.to_thread(lambda: tuple(costs_of_plan(clients.endpoints, plan))),
        quota=await asyncio.to_thread(
            lambda: tuple(quotas_of_plan(clients.endpoints, clients.monitoring_set_up, plan))
        ),
        routes=await asyncio.to_thread(routes_of_plan, clients.configuration, clients.statements, plan),
        rollout=tuple(
            f"{at.stage.name}: {sentence}"
            for at in plan.stages
            if at.stage.rollout
            for sentence in expectations(at.stage.rollout, at.weights)
        ),
    )


def _unmet(clients: Clients, plan: Plan) -> list[str]:
    receipts = Receipts(clients.store, clients.ledger, clients.signing, clients.audit)
    return unmet_of_plan(receipts, clients.models, clients.configuration.ladder, plan, clients.clock.now())


async def start_promotion(request: ApiRequest, body: PromotionAsked) -> RequestedStart:
    """Promote one model or several; with the document of `plans` as `plan`, only while the world is as planned."""
    if bool(body.model) == bool(body.models):
        raise Problem(422, "bad body", "give one of the fields 'model' and 'models'")
    if body.models:
        return await _promotion_set(request, body)
    promotion = await _promotion(request, body, body.model)
    if body.plan is not None:
        promotion = await asyncio.to_thread(_keep_plan, request.clients, promotion, body.plan)
    return RequestedStart(
        orchestration=c.PROMOTE, instance=promotion.id, payload=promotion, resource=f"promotions/{promotion.id}"
    )


async def recover_model(request: ApiRequest, model: str, body: RecoveryAsked) -> RequestedStart:
    """Bring `version` of *model* back from the central registry into `environment`."""
    version = exact_model(f"{model}:{body.version}")
    environment = request.clients.configuration.workspace(body.environment).name
    name = f"{identity.recovery_id(version.name, version.version, environment)}-{uuid4().hex}"
    recovery = c.Recovery(
        key=f"recoveries/{name}",
        model=version,
        environment=environment,
        asked_by=request.caller.name,
        reason=body.reason,
    )
    return RequestedStart(orchestration=c.RECOVER, instance=name, payload=recovery, unique=True)


async def _promotion_set(request: ApiRequest, body: PromotionAsked) -> RequestedStart:
    """Several models together: all or none, unless `atomic` is false."""
    promotions = tuple([await _promotion(request, body, model) for model in body.models])
    members = tuple(promotion.id for promotion in promotions)
    name = identity.promotion_set_id(members)
    promotion_set = c.PromotionSet(id=name, promotions=promotions, atomic=body.atomic)
    return RequestedStart(orchestration=c.PROMOTE_SET, instance=name, payload=promotion_set, members=members)


async def _promotion(request: ApiRequest, body: PromotionAsked, name: str) -> c.Promotion:
    """The next attempt at promoting the model called *name*."""
    model, target, person = exact_model(name), body.to, await request.person()
    source = body.source or _lowest_source(request.clients, target)
    await asyncio.to_thread(_refuse_unknown, request.clients, model, source)
    return c.Promotion(
        id=await _next_id(request, model, target),
        model=model,
        source=source,
        target=target,
        requester=person.oid if person else "",
        requested_by=requester_name(request.caller, person),
        reason=body.reason,
        break_glass=body.break_glass,
        asked_by=(PersonId.of(person, person.name),) if person else (),
        nameless=person is None,
    )


async def _next_id(request: ApiRequest, model: ModelVersion, target: str) -> str:
    """The id of the next attempt. One that ended before it was opened left no record; its id is not used again."""
    number = 0
    while True:
        number = await asyncio.to_thread(next_attempt, request.clients.store, model, target, number + 1)
        name = identity.promotion_id(model.name, model.version, target, number)
        instance = await find_instance(request.client, name)
        # Durable Functions silently replace a finished instance of the same id, so the id of one that left no record is
        # skipped.
        if instance is None or instance.running:
            return name


def _refuse_unknown(clients: Clients, model: ModelVersion, source: str) -> None:
    """Raise Problem for what no promotion could ever find: a name that may not climb, or a version that is not there.

    Only what one look can tell. All else that a plan refuses takes as long as a plan, and is the promotion's own end.
    """
    try:
        clients.configuration.ladder.promotable(model.name)
        origin = clients.configuration.origin(source)
        planning.require_registered(clients.models.find(origin, model), model, origin)
    except Transient:
        return  # Azure ML is away: the promotion waits for it.
    except Refused as refusal:
        raise Problem(404, "no such model", str(refusal)) from refusal


def _lowest_source(clients: Clients, target: str) -> str:
    try:
        return clients.configuration.ladder.lowest_source(target)
    except Refused as refusal:
        raise Problem(404, "no such stage", str(refusal)) from refusal


def _keep_plan(clients: Clients, promotion: c.Promotion, document: Any) -> c.Promotion:
    """The plan that somebody looked at is what must run: it is checked here, and again when the promotion starts."""
    try:
        plan = decode(Plan, document)
    except ValueError as error:
        raise Problem(422, "bad body", f"field 'plan' is not a plan: {error}; send what `plan` gave") from error
    digest = planning.plan_digest(plan)
    today = planning.plan_promotion(clients, promotion.model, promotion.source, promotion.target)
    # Checked now, so that the caller gets the differences; checked again at the start, because the two are not one
    # moment.
    if planning.plan_digest(today) != digest:
        differences = "; ".join(changes(encode(plan), encode(today))[:10])
        raise Problem(409, "plan is out of date", f"since plan {digest}: {differences}; plan again")
    clients.store.create(records.planned(promotion.id), plan)
    return replace(promotion, plan=digest)
