"""What people order during a rollout: whether an order is taken, and its record. The watch over the step acts on it."""

import asyncio
from dataclasses import dataclass, replace

from shared import contracts as c
from shared.application.promotion.decisions import DecisionRecords, DecisionRefused, Objection
from shared.application.promotion.standing import has_receipt
from shared.application.promotion.stored_plans import unverified_opening
from shared.codec import encode
from shared.domain import identity
from shared.domain.failures import CalledOff
from shared.domain.promotion.plans import Phase, StagePlan
from shared.domain.rollout.orders import RolloutOrder, RolloutOrderKind, newest
from shared.domain.rollout.steps import SHADOW, StepDecision
from shared.durable.starting import Client, wake
from shared.records.lists.rows import PROMOTIONS, note_change
from shared.records.production import paths
from shared.records.production.rollouts import RolloutStanding, orders_of, sign_order
from shared.records.promotion import find_promotion
from shared.records.statements import Statements
from shared.records.store import RecordStore


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTaken:
    """*recorded* is False where it was ordered before: twice is as once."""

    promotion: str
    stage: str
    order: RolloutOrder
    recorded: bool


async def order_rollout(
    client: Client, records: DecisionRecords, promotion: str, order: RolloutOrder, seen: int | None = None
) -> OrderTaken:
    """Record *order*, whose step is that of now, and wake who acts on it. Raises DecisionRefused.

    Who has *seen* a step gives an order for that one: it is refused where the rollout is at another by now.
    """
    outcome = await asyncio.to_thread(_take, records, promotion, order, seen)
    await wake_watch(client, records.store, promotion)
    return outcome


async def wake_watch(client: Client, store: RecordStore, promotion: str) -> None:
    """Let the one who watches the rollout of *promotion*, or waits for its approvals, look at what was ordered."""
    standing = await asyncio.to_thread(store.get, RolloutStanding, paths.rollout(promotion))
    if standing is not None:
        # Between two steps nobody watches: the next watch looks at once, and finds the order.
        for step in (standing.step, standing.step + 1):
            await wake(client, identity.rollout_step_id(promotion, standing.stage, step), c.ROLLOUT_ORDERED)
    await wake(client, promotion, c.DECISION_GIVEN)


def aborted(statements: Statements, promotion: str, stage: str) -> str:
    """Why the rollout was aborted by a person; empty where it was not. What nobody signed aborts nothing."""
    abort = newest(orders_of(statements, promotion, stage, []), RolloutOrderKind.ABORT)
    return f"aborted by {abort.name}: {abort.reason}" if abort else ""


def refuse_aborted(statements: Statements, promotion: str, stage: str) -> None:
    """Raise CalledOff where a person has aborted the rollout: nothing more of it is opened, and nothing moves."""
    if because := aborted(statements, promotion, stage):
        raise CalledOff(f"{stage}: {because}")


def _take(records: DecisionRecords, promotion: str, order: RolloutOrder, seen: int | None) -> OrderTaken:
    at = _stage(records, promotion)
    stage, standing = at.stage.name, records.store.get(RolloutStanding, paths.rollout(promotion))
    step = standing.step if standing else SHADOW if at.has_shadow else 0
    order = replace(order, step=step)
    has_begun = standing is not None or has_receipt(records.statements, records.ledger, promotion, stage, Phase.EXIT)
    if order.kind is not RolloutOrderKind.ABORT and not has_begun:
        message = f"{promotion} has not begun to shift traffic; see `explain {promotion}`"
        raise DecisionRefused(Objection.NOTHING_TO_DECIDE, message)
    if seen not in (None, step):
        message = f"{promotion} is at step {step} by now, and the order is for step {seen}; look at it again"
        raise DecisionRefused(Objection.CHANGED, message)
    # `advance` is for steps that cannot decide. Over an abort it would be a way around the one test that guards users.
    if order.kind is RolloutOrderKind.ADVANCE and standing and standing.decision == StepDecision.ABORT.value:
        message = f"step {step} of {promotion} is aborted ({standing.because}): nobody advances over that"
        raise DecisionRefused(Objection.NOT_ACCEPTED, message)
    same = _standing_order(list(orders_of(records.statements, promotion, stage, [])), order)
    if same is not None:
        return OrderTaken(promotion=promotion, stage=stage, order=same, recorded=False)
    recorded = sign_order(records.statements, promotion, stage, _name(order), order)
    note_change(records.store.hub, records.store.container, PROMOTIONS, promotion)
    facts = {"promotion": promotion, "stage": stage, **encode(order)}
    subject = find_promotion(records.store, promotion)
    model = str(subject.promotion.model) if subject else promotion
    key = f"{paths.rollout_orders(promotion, stage)}{_name(order)}"
    records.audit.append(key, f"rollout {order.kind.value} ordered", model, order.name, facts)
    return OrderTaken(promotion=promotion, stage=stage, order=order, recorded=recorded)


def _standing_order(known: list[RolloutOrder], order: RolloutOrder) -> RolloutOrder | None:
    """The order that is in force already, where *order* says the same."""
    if order.kind in (RolloutOrderKind.PAUSE, RolloutOrderKind.RESUME):
        last = newest(known, RolloutOrderKind.PAUSE, RolloutOrderKind.RESUME)
        if last is None and order.kind is RolloutOrderKind.RESUME:
            return order
    elif order.kind is RolloutOrderKind.ADVANCE:
        last = newest((other for other in known if other.step == order.step), RolloutOrderKind.ADVANCE)
    else:
        last = newest(known, RolloutOrderKind.ABORT)
    return last if last is not None and last.kind is order.kind else None


def _name(order: RolloutOrder) -> str:
    """Two that say the same at one moment are one."""
    if order.kind is RolloutOrderKind.ABORT:
        return "abort"
    if order.kind is RolloutOrderKind.ADVANCE:
        return f"advance-{order.step}"
    return f"{order.kind.value}-{order.at.strftime('%Y%m%dT%H%M%S%f')}"


def _stage(records: DecisionRecords, promotion: str) -> StagePlan:
    """The stage of the promotion that shifts traffic."""
    record, opening = find_promotion(records.store, promotion), unverified_opening(records.ledger, promotion)
    if record is None or opening is None or opening.plan is None:
        message = f"promotion {promotion!r} is not known, or has no plan yet"
        raise DecisionRefused(Objection.UNKNOWN_PROMOTION, message)
    at = next((at for at in opening.plan.stages if at.stage.rollout is not None), None)
    if at is None:
        message = f"{promotion} leads to {opening.plan.target}, where no traffic is shifted step by step"
        raise DecisionRefused(Objection.NOTHING_TO_DECIDE, message)
    if record.fate is not None:
        message = f"{promotion} has ended as {record.fate.value}: there is no rollout to order"
        raise DecisionRefused(Objection.ENDED, message)
    return at
