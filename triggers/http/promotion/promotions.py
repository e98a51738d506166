"""Promotions over HTTP: plan, ask for one, show, explain. A plan is worked out here and writes nothing."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

from shared import contracts as c
from shared.application.promotion.awaited_roles import Waited, open_promotions, waited_for
from shared.application.promotion.holdout_forecast import odds_of_plan
from shared.application.promotion.planning import plan_digest, plan_promotion
from shared.application.promotion.stage_entry import Receipts
from shared.application.promotion.standing import next_attempt, opened, pack_of
from shared.application.promotion.unmet_needs import unmet_at_end, unmet_now, unmet_of_plan
from shared.clients import Clients
from shared.codec import decode, encode
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import who_can
from shared.domain.promotion.models import ModelVersion, exact_model
from shared.domain.promotion.people import PersonId
from shared.domain.promotion.plans import Phase, changes
from shared.durable.starting import Client, find_instance
from shared.records import paths as records
from shared.records.listings import PROMOTIONS, listed
from shared.records.promotion import PromotionRecord, find_promotion, list_set
from triggers.http.door import Call
from triggers.http.idempotency import Starting
from triggers.http.pages import page
from triggers.http.problems import Problem
from triggers.http.requesters import named, person_behind
from triggers.http.requests import EvidenceFilters, PlanAsked, PromotionAsked, PromotionFilters, RecoveryAsked
from triggers.http.responses import work as answers

_WAITING = "waiting"  # No fate of a record: the list's word for what waits for people.


async def plan(clients: Clients, body: PlanAsked) -> answers.Planned:
    """Every write, gate, approval and unmet condition of a promotion, with the plan's digest."""
    source = body.source or _lowest_source(clients, body.to)
    made = await asyncio.to_thread(plan_promotion, clients, exact_model(body.model), source, body.to)
    return answers.Planned(
        digest=plan_digest(made),
        plan=made,
        writes=tuple(f"{at.stage.name}: {move.value}" for at, move in made.moves()),
        gates=tuple(
            f"{at.stage.name} ({phase.value}): {gate.gate}"
            for at in made.stages
            for phase in Phase
            for gate in at.gates(phase)
        ),
        approvals=tuple(f"{at.stage.name}: {role.name}" for at in made.stages for role in at.stage.approvals.roles),
        unmet=tuple(await asyncio.to_thread(_unmet, clients, made)),
        odds=await asyncio.to_thread(odds_of_plan, clients.store, clients.row_files, made, clients.clock.now()),
    )


async def promote(call: Call, body: PromotionAsked) -> Starting:
    """A promotion; with `plan` (the document that `plan` gave) it runs only while the world is as planned."""
    if bool(body.model) == bool(body.models):
        raise Problem(422, "bad body", "give one of the fields 'model' and 'models'")
    if body.models:
        return await _promote_set(call, body)
    request = await _request(call, body, body.model)
    if body.plan is not None:
        request = await asyncio.to_thread(_keep_plan, call.clients, request, body.plan)
    resource = f"promotions/{request.id}"
    return Starting(orchestration=c.PROMOTE, instance=request.id, payload=request, resource=resource)


async def _promote_set(call: Call, body: PromotionAsked) -> Starting:
    """Several models together: all or none, unless `atomic` is false."""
    requests = tuple([await _request(call, body, model) for model in body.models])
    names = tuple(request.id for request in requests)
    name = identity.promotion_set_id(names)
    together = c.PromotionSet(id=name, promotions=requests, atomic=body.atomic)
    await asyncio.to_thread(list_set, call.clients.store, together)
    return Starting(orchestration=c.PROMOTE_SET, instance=name, payload=together, members=names)


async def _request(call: Call, body: PromotionAsked, name: str) -> c.Promotion:
    """The next attempt at promoting the model called *name*."""
    model, target, person = exact_model(name), body.to, await person_behind(call)
    source = body.source or _lowest_source(call.clients, target)
    return c.Promotion(
        id=await _next_id(call, model, target),
        model=model,
        source=source,
        target=target,
        requester=person.oid if person else "",
        requested_by=named(call.caller, person),
        reason=body.reason,
        break_glass=body.break_glass,
        asked_by=(PersonId.of(person, person.name),) if person else (),
        nameless=person is None,
    )


async def _next_id(call: Call, model: ModelVersion, target: str) -> str:
    """Of the next attempt; one that ended before it was opened left no record, and its id to nobody."""
    number = 0
    while True:
        number = await asyncio.to_thread(next_attempt, call.clients.store, model, target, number + 1)
        name = identity.promotion_id(model.name, model.version, target, number)
        there = await find_instance(call.client, name)
        if there is None or there.running:
            return name


async def list_promotions(clients: Clients, filters: PromotionFilters) -> answers.PromotionPage:
    """The newest promotions first; `model` and `fate` narrow. The fate `waiting` lists what waits for people."""
    rows_of = _waiting if filters.fate == _WAITING else _all
    rows = await asyncio.to_thread(lambda: list(rows_of(clients)))
    for name, wanted in (("model", filters.model), ("fate", filters.fate)):
        if wanted:
            rows = [row for row in rows if getattr(row, name) == wanted]
    given, following = page(rows, lambda row: (row.opened, row.promotion), filters.limit, filters.cursor)
    return answers.PromotionPage(total=len(rows), promotions=given, next=following)


async def show(client: Client, clients: Clients, promotion: str) -> answers.PromotionShown:
    """A promotion's record, where it stands now, and where its evidence lies."""
    record = await asyncio.to_thread(find_promotion, clients.store, promotion)
    instance = await find_instance(client, promotion)
    if record is None and instance is not None:
        return answers.PromotionShown(id=promotion, status=instance.status, step=instance.step)  # It is on its way.
    record = _known(promotion, record)
    return answers.PromotionShown(
        id=promotion,
        status=instance.status if instance else "not known to this host any more",
        promotion=record.promotion,
        step=instance.step if instance else "",
        doing=instance.custom_status if instance else {},
        opened=record.opened,
        closed=record.closed or "",
        fate=record.fate.value if record.fate else "",
        because=record.because or (),
        evidence=await asyncio.to_thread(lambda: tuple(_packs(clients, promotion))),
    )


async def evidence(clients: Clients, promotion: str, filters: EvidenceFilters) -> answers.EvidenceShown:
    """The evidence page of `stage` and `phase`, and the digest of what is on it; without `stage`, the newest page."""
    packs = await asyncio.to_thread(lambda: list(_packs(clients, promotion)))
    given = {"stage": filters.stage, "phase": filters.phase.value if filters.phase else ""}
    wanted = {name: value for name, value in given.items() if value}
    found = [pack for pack in packs if all(getattr(pack, name) == value for name, value in wanted.items())]
    if not found:
        said = ", ".join(f"{pack.stage} {pack.phase}" for pack in packs) or "none"
        raise Problem(404, "no such evidence", f"{promotion} has no page for {wanted or 'any stage'}; it has {said}")
    newest = found[-1]
    container, _, path = newest.page.partition("/")
    html = await asyncio.to_thread(clients.hub.read, container, path)
    return answers.EvidenceShown(
        stage=newest.stage, phase=newest.phase, page=newest.page, digest=newest.digest, html=(html or b"").decode()
    )


async def explain(clients: Clients, promotion: str) -> answers.Explained:
    """Each unmet condition, with who can meet it."""
    record = _known(promotion, await asyncio.to_thread(find_promotion, clients.store, promotion))
    request, because = record.promotion, list(record.because or ())
    if record.fate is None:
        glass, now = clients.configuration.ladder.break_glass, clients.clock.now()
        unmet = await asyncio.to_thread(unmet_now, clients.store, clients.ledger, glass, request, now)
    elif record.fate is c.Fate.PROMOTED:
        unmet = because
    else:
        models = {each.name: each for each in clients.configuration.ladder.models}
        unmet = unmet_at_end(models.get(request.model.name), because)
    fate = record.fate.value if record.fate else ""
    return answers.Explained(promotion=promotion, fate=fate, unmet=tuple(unmet))


def _unmet(clients: Clients, plan: c.Plan) -> list[str]:
    receipts = Receipts(clients.store, clients.ledger, clients.signer)
    return unmet_of_plan(receipts, clients.models, clients.configuration.ladder, plan, clients.clock.now())


async def recover(call: Call, model: str, body: RecoveryAsked) -> Starting:
    """Bring `version` of *model* back from the central registry into `environment`."""
    clients, version = call.clients, exact_model(f"{model}:{body.version}")
    environment = clients.configuration.workspace(body.environment).name
    name = f"{identity.recovery_id(version.name, version.version, environment)}-{uuid4().hex}"
    recovery = c.Recovery(
        key=f"recoveries/{name}",
        model=version,
        environment=environment,
        asked_by=call.caller.name,
        reason=body.reason,
    )
    return Starting(orchestration=c.RECOVER, instance=name, payload=recovery, unique=True)


def _lowest_source(clients: Clients, target: str) -> str:
    try:
        return clients.configuration.ladder.lowest_source(target)
    except Refused as refusal:
        raise Problem(404, "no such stage", str(refusal)) from refusal


def _keep_plan(clients: Clients, request: c.Promotion, planned: Any) -> c.Promotion:
    """The plan that somebody looked at is what must run: it is checked here, and again when the promotion starts."""
    try:
        document = decode(c.Plan, planned)
    except ValueError as error:
        raise Problem(422, "bad body", f"field 'plan' is not a plan: {error}; send what `plan` gave") from error
    digest = plan_digest(document)
    now = plan_promotion(clients, request.model, request.source, request.target)
    if plan_digest(now) != digest:
        said = "; ".join(changes(encode(document), encode(now))[:10])
        raise Problem(409, "the world has changed", f"since plan {digest}: {said}; plan again")
    clients.store.create(records.planned(request.id), document)
    return replace(request, plan=digest)


def _waiting(clients: Clients) -> Iterator[answers.PromotionRow]:
    listed_rows = {row.promotion: row for row in _all(clients)}
    glass, now = clients.configuration.ladder.break_glass, clients.clock.now()
    for request in open_promotions(clients.store):
        waiting = waited_for(clients.store, clients.ledger, glass, request, now)
        waits = tuple(_awaited(each) for each in waiting)
        row = listed_rows.get(request.id)
        if waits and row is not None:  # A promotion is listed before it waits for anybody.
            yield replace(row, fate=_WAITING, waits=waits)


def _awaited(waited: Waited) -> answers.Awaited:
    return answers.Awaited(
        stage=waited.stage,
        role=waited.role.name,
        who=who_can(waited.role),
        people=waited.role.people,
        evidence=waited.evidence,
        since=waited.since.isoformat() if waited.since else "",
        until=waited.until.isoformat() if waited.until else "",
        glass=waited.glass,
    )


def _all(clients: Clients) -> Iterator[answers.PromotionRow]:
    told = ("model", "version", "target", "opened", "fate")
    for name, row in listed(clients.hub, clients.configuration.hub.state, PROMOTIONS):
        given: dict[str, Any] = {each: row.get(each, "") for each in told}
        yield answers.PromotionRow(promotion=name, **given)


def _known(promotion: str, record: PromotionRecord | None) -> PromotionRecord:
    if record is None:
        raise Problem(404, "no such promotion", f"promotion {promotion!r} is not known; list them with `promotions`")
    return record


def _packs(clients: Clients, promotion: str) -> Iterator[answers.EvidenceRow]:
    found, state = opened(clients.ledger, promotion), clients.configuration.hub.state
    for at in found.plan.stages if found and found.plan else ():
        for phase in Phase:
            pack = pack_of(clients.ledger, promotion, at.stage.name, phase)
            if pack is not None:
                where = f"{state}/{pack.page}"
                yield answers.EvidenceRow(stage=at.stage.name, phase=phase.value, page=where, digest=pack.digest)
