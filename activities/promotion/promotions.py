"""A promotion's own record: opened once with its plan, closed once with its fate; and the locks of endpoints."""

import asyncio
from contextlib import suppress
from dataclasses import replace

from activities.effects import once, stamp
from activities.promotion.forgeries import tell_forgeries, telling_forgeries
from activities.trust.roll_backs import sign_roll_back
from shared import contracts as c
from shared.application.promotion.planning import plan_digest, plan_promotion
from shared.application.promotion.stage_entry import Receipts, refuse_held, unproven
from shared.application.promotion.stored_plans import admission_of, believed_opening, sign_plan
from shared.application.promotion.superseding import refuse_superseded, replaceable, supersede
from shared.application.promotion.turns import (
    holder_of,
    join_queue,
    leave_queue,
    look_again_s,
    queue_of,
    whose_turn,
)
from shared.application.trust.planted_records import planted_records
from shared.clients import Clients
from shared.codec import encode
from shared.domain import identity
from shared.domain.failures import Refused, Transient
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.audit import Entry
from shared.domain.promotion.models import DIGEST, FLAG, HELD, Flag, write_flag
from shared.domain.promotion.outlines import PlanOutline
from shared.domain.promotion.plans import Plan, changes
from shared.domain.retraining.pipelines import Pipeline, PipelineKind
from shared.durable.starting import Client, wake
from shared.records import paths
from shared.records.lists.rows import PROMOTIONS, keep_listed
from shared.records.promotion import LockHolder, PromotionRecord, QueuedPromotion, find_promotion, is_open
from shared.records.registry import refuse_revoked
from shared.records.statements import ForgedError
from shared.records.store import LostRace

_TAG = 256  # What Azure ML takes.


def open_promotion(clients: Clients, opening: c.PromotionOpening) -> c.PromotionAdmission:
    """The outline of the plan that is now recorded; any execution but the first learns who was first."""
    request, store = opening.promotion, clients.store
    record = PromotionRecord(opened=stamp(clients), execution=opening.execution, promotion=request)
    path, row = paths.promotion(request.id), _row(request, record.opened)
    if not store.exists(path):
        # Only where there is no record yet: a start that is repeated after the close leaves nothing for a sweep to see
        # to.
        store.create(paths.open_promotion(request.id), request)
    if not store.create(path, record, row):
        first = find_promotion(store, request.id)
        if first is None:
            raise Transient(f"the record of {request.id} was removed while it was opened")
        if first.execution != opening.execution:
            because = f"{request.id} was opened at {first.opened}; ask for a new attempt to promote again"
            return c.PromotionAdmission(fate=c.Fate.DUPLICATE, because=because)
        row = _row(request, first.opened)
    opened = once(clients, opening.key, c.PromotionOpened, lambda: _begin(clients, request, row))
    if opened.plan is None:
        return admission_of(opened)
    try:
        return _admission(clients, request.id)
    except ForgedError as forgery:  # Somebody has opened it before, by a plan of their own.
        return c.PromotionAdmission(because=str(forgery))


def _admission(clients: Clients, promotion: str) -> c.PromotionAdmission:
    """Raises Refused where it has no record of its opening, and ForgedError for one that nobody signed."""
    with telling_forgeries(clients, promotion):
        opening = believed_opening(clients.statements, clients.ledger, promotion)
    if opening is None:
        raise Refused(f"{promotion} has never been opened: it has no plan")
    return admission_of(opening)


def _row(request: c.Promotion, opened_at: str) -> dict[str, str]:
    """What a list of promotions shows of it."""
    model = request.model
    return {"model": model.name, "version": model.version, "target": request.target, "fate": "", "opened": opened_at}


def _begin(clients: Clients, request: c.Promotion, row: dict[str, str]) -> c.PromotionOpened:
    keep_listed(clients.hub, clients.store.container, PROMOTIONS, request.id, row)
    return _plan(clients, request)


def look_at_plan(clients: Clients, look: c.PromotionLook) -> c.PromotionAdmission:
    """The outline of a plan that was made before. Raises Refused where there is none."""
    return _admission(clients, look.promotion)


def lock_endpoint(clients: Clients, lock: c.EndpointLock) -> c.EndpointLocked:
    """The first in the queue takes the lock once it is free. All others wait, whichever model is theirs."""
    store, now = clients.store, clients.clock.now()
    refuse_superseded(store, lock.owner)
    holder = holder_of(store, lock.endpoint)
    if holder != lock.owner:
        ahead = [place.promotion for place in _ahead(clients, lock)]
        if holder or ahead or not _take(clients, lock):
            place = join_queue(store, lock.endpoint, lock.owner, now)
            before = [*filter(None, [holder]), *ahead]
            ladder = clients.configuration.ladder
            for request, other in replaceable(clients.statements, clients.ledger, ladder, lock, before):
                supersede(store, clients.audit, clients.announcer, request, other)
            again = look_again_s(place, now)
            return c.EndpointLocked(held=False, by=next(iter(before), ""), ahead=len(ahead), look_again_s=again)
    leave_queue(clients.store, lock.endpoint, lock.owner)
    return c.EndpointLocked(held=True)


def _ahead(clients: Clients, lock: c.EndpointLock) -> list[QueuedPromotion]:
    """Those that came before: all of them, where the promotion has no place in the queue yet."""
    waiting = queue_of(clients.store, lock.endpoint)
    own = next((number for number, place in enumerate(waiting) if place.promotion == lock.owner), len(waiting))
    return waiting[:own]


def _take(clients: Clients, lock: c.EndpointLock) -> bool:
    """Whether the lock, free or left by a promotion that has ended, was taken before anybody else came."""
    store, path = clients.store, paths.endpoint_lock(lock.endpoint)
    holder = LockHolder(owner=lock.owner, model=lock.model, at=stamp(clients))
    stored = store.get_stored(LockHolder, path)
    if stored is not None and holder_of(store, lock.endpoint):  # Somebody took it between the two looks.
        return False
    try:
        store.save(path, holder, stored)
    except LostRace:
        return False
    return True


def unlock_endpoint(clients: Clients, lock: c.EndpointLock) -> c.Done:
    """Give back the lock, or the place in its queue."""
    stored = clients.store.get_stored(LockHolder, paths.endpoint_lock(lock.endpoint))
    if stored is not None and stored.record.owner == lock.owner:
        # By its eTag and only our own: a repeat of this step must not free the lock of the promotion that came after.
        clients.store.delete(stored.blob.path, stored.blob.etag)
    leave_queue(clients.store, lock.endpoint, lock.owner)
    return c.Done(at=stamp(clients))


async def wake_waiting(client: Client, clients: Clients, freed: c.LocksFreed) -> c.Done:
    """Tell the first of each queue that its turn has come; one that is not told finds out by looking."""
    for promotion in await asyncio.to_thread(lambda: list(whose_turn(clients.store, freed.locks))):
        await wake(client, promotion, c.TURN_COME)
    return c.Done(at=stamp(clients))


def close_promotion(clients: Clients, closing: c.PromotionClosing) -> c.Done:
    """Write the fate on the record, the model and the audit log, stop a worse model's training, and tell the world."""

    def act() -> c.Done:
        request, at = closing.promotion, stamp(clients)
        tell_forgeries(clients, request.id, planted_records(clients.statements, request.id))
        facts = {"promotion": request.id, "target": request.target, "because": list(closing.because)}
        who = request.requested_by or "the flag on the model"
        key = f"{closing.key}-{closing.fate.value}"  # It may be ended, and put back, while it is being closed.
        clients.audit.append(key, closing.fate.value, str(request.model), who, facts | {"at": at})
        sign_roll_back(clients, closing)
        if closing.fate is not c.Fate.PROMOTED:
            _hold_back(clients, closing)
        elif request.onwards:
            _flag_onwards(clients, request)
        data = {**facts, "model": str(request.model), "fate": closing.fate.value, "reached": closing.reached}
        kind = f"Signalbox.Promotion.{closing.fate.value.capitalize()}"
        clients.announcer.announce(f"{request.id}-{closing.fate.value}", kind, f"promotions/{request.id}", data)
        # After all that tells of the end. As long as the record has no fate, a sweep takes the promotion for open and
        # sees to its end, each part by its own key.
        _write_fate(clients, closing, at)
        clients.store.delete(paths.open_promotion(request.id))
        _publish_head(clients)
        return c.Done(at=at)

    return once(clients, closing.key, c.Done, act)


def finish_promotion(clients: Clients, request: c.Promotion, outline: PlanOutline, end: Entry) -> None:
    """Finish the closing of a promotion that has arrived, as the entry *end* of the audit log says."""
    closing = c.PromotionClosing(
        key=identity.promotion_key(request.id, "closed"),
        promotion=request,
        fate=c.Fate(end.kind),
        because=tuple(end.facts["because"]),
        reached=outline.stages[-1].name,
    )
    close_promotion(clients, closing)
    if is_open(clients.store, request.id):  # It was closed before, so somebody has removed its fate.
        because = f"its fate was removed; it is {end.kind} by entry {end.number} of the audit log"
        tell_forgeries(clients, request.id, [ForgedError(paths.promotion(request.id), because)])
        _write_fate(clients, closing, end.at)
    clients.store.delete(paths.open_promotion(request.id))


def _publish_head(clients: Clients) -> None:
    """Publish the head that covers the promotion, if heads are published."""
    if clients.tree_heads is None:
        return
    # A promotion ends also while the other account does not answer: the sweep publishes later, and records a failure.
    with suppress(Refused, Transient):
        clients.audit.publish()


def _plan(clients: Clients, request: c.Promotion) -> c.PromotionOpened:
    receipts = Receipts(clients.store, clients.ledger, clients.signing, clients.audit)
    try:
        refuse_held(clients.statements, request.model)
        logged = clients.audit.about(request.model.name)
        refuse_revoked(clients.statements, clients.audit, request.model, logged)
        plan = plan_promotion(clients, request.model, request.source, request.target)
        digest = plan_digest(plan)
        _refuse_changed(clients, request, plan, digest)
        ladder = clients.configuration.ladder
        if because := unproven(receipts, ladder, plan, plan.stages[0]):
            raise Refused(because)
    except Refused as refusal:
        return c.PromotionOpened(because=str(refusal))
    finally:
        tell_forgeries(clients, request.id, receipts.forgeries)
    sign_plan(clients.statements, request, plan, digest, clients.clock.now())
    facts = {"promotion": request.id, "plan": digest, "bundle": plan.digest, "target": plan.target}
    who = request.requested_by or "the flag on the model"
    clients.audit.append(f"{request.id}/planned", "planned", str(plan.model), who, facts)
    return c.PromotionOpened(plan=plan, plan_digest=digest, fate=c.Fate.PROMOTED, locks=tuple(plan.locks()))


def _refuse_changed(clients: Clients, request: c.Promotion, plan: Plan, digest: str) -> None:
    if request.flagged and request.flagged != plan.digest:
        raise Refused(f"{plan.model} was flagged with {request.flagged} and has {plan.digest}: it was swapped since")
    if not request.plan or request.plan == digest:
        return
    planned = clients.store.document(paths.planned(request.id))
    reason = "; ".join(changes(planned, encode(plan))[:10]) if planned else "the approved plan was not kept"
    raise Refused(f"the world changed since plan {request.plan}: {reason}; plan again")


def _hold_back(clients: Clients, closing: c.PromotionClosing) -> None:
    """Say on the model why it went no further; cancel the run that still trains a worse one, with the reason on it."""
    request = closing.promotion
    reason = "; ".join(closing.because)[:250]
    with suppress(Refused):  # A promotion that never began may name what does not exist.
        origin = clients.configuration.origin(request.source)
        model = clients.models.find(origin, request.model)
        if model is not None:
            clients.models.tag(origin, request.model, {HELD: f"{request.id}: {reason}"[:_TAG]})
        if model is not None and closing.worse and model.job and isinstance(origin, Workspace):
            trainer = Pipeline(kind=PipelineKind.JOB, workspace=origin, name=model.job)
            run = clients.pipelines.root(trainer, model.job)  # A step may have registered it.
            clients.pipelines.cancel(trainer, run, f"{request.id}: {reason}"[:_TAG])


def _flag_onwards(clients: Clients, request: c.Promotion) -> None:
    """Flag what was trained for where the experiment was flagged to: it is another bundle, and climbs by itself."""
    origin = clients.configuration.origin(request.target)
    version = clients.models.find(origin, request.model)
    if version is None:
        raise Refused(f"{request.model} has gone from {origin.name} before it was flagged for {request.onwards}")
    if not version.tags.get(FLAG):
        flag = Flag(
            model=request.model, stage=request.onwards, digest=version.tags.get(DIGEST, ""), beside=request.beside
        )
        clients.models.tag(origin, request.model, {FLAG: write_flag(flag)})


def _write_fate(clients: Clients, closing: c.PromotionClosing, at: str) -> None:
    store, promotion = clients.store, closing.promotion.id
    path = paths.promotion(promotion)
    stored = store.get_stored(PromotionRecord, path)
    if stored is None:
        raise Refused(f"the record of {promotion} is gone from {store.container}/{path}; restore it from a backup")
    closed = replace(stored.record, closed=at, fate=closing.fate, because=closing.because)
    row = {"fate": closing.fate.value, "closed": at}
    store.update(stored, closed, row)
    keep_listed(store.hub, store.container, PROMOTIONS, promotion, {**stored.blob.metadata, **row})
