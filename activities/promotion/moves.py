"""Make a move of a promotion, or undo it: the same order can be given again and again, and has one effect.

What there was before is recorded before anything is touched, so that undoing knows what to put back, even after a crash
between the effect and its record. Nothing moves without a receipt.
"""

from collections.abc import Mapping
from typing import Any

from activities.effects import stamp
from activities.promotion.forgeries import tells_forgeries
from activities.promotion.movers import MOVERS
from activities.promotion.movers.entry import approvers
from activities.promotion.receipts import require_receipt
from shared import contracts as c
from shared.application.promotion.stage_training import carried
from shared.application.promotion.stored_plans import move_order, require_signed, unsigned_move_order
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.domain.promotion.models import APPROVED_BY, STATE, EntryState
from shared.domain.promotion.plans import Move
from shared.domain.trust.statements import PredicateKind, Statement
from shared.records import paths
from shared.records.predicates import EntryStatement
from shared.records.registry import sign_entry

_KINDS = {
    Move.SWITCH_TRAFFIC: PredicateKind.SERVING_CHANGE,
    Move.PUBLISH_ENTRY: PredicateKind.REGISTRY_STATE,
    Move.APPROVE_ENTRY: PredicateKind.REGISTRY_STATE,
}


@tells_forgeries
def make_move(clients: Clients, step: c.MoveStep) -> c.Moved:
    """Take it as far as it goes now; *waiting* names what Azure is still at work on."""
    if _is_said(clients, step.key, step):
        return c.Moved()
    order = move_order(clients.statements, clients.ledger, step)
    require_receipt(clients, order)
    if _is_undoing(clients, order):
        raise _undone_already(order)
    mover, about = MOVERS[order.move], carried(clients.ledger, order)
    before = _remember(clients, order, mover.before(clients, about))
    waiting = mover.advance(clients, about)
    if _is_undoing(clients, order):
        mover.undo(clients, about, before)  # The undo may have looked before this effect was there.
        raise _undone_already(order)
    if not waiting:
        _record(clients, order, order.key, "moved", before)
    return c.Moved(waiting=waiting)


@tells_forgeries
def undo_move(clients: Clients, step: c.MoveStep) -> c.Moved:
    """Put back what there was before; where nothing was begun there is nothing to undo. It is not made after this."""
    order = unsigned_move_order(clients.ledger, step)
    clients.ledger.record(_undoing(order), {"at": stamp(clients)})
    before = _remembered(clients, order)
    if before is None or _is_said(clients, _undone(order), order):
        return c.Moved()
    # What was there before is signed, so the move was made by a signed plan: by no other one is it taken back.
    require_signed(clients.statements, step.promotion.id, order.plan_digest)
    waiting = MOVERS[order.move].undo(clients, carried(clients.ledger, order), before)
    if not waiting:
        _record(clients, order, _undone(order), "undone", before)
    return c.Moved(waiting=waiting)


def _remember(clients: Clients, order: c.MoveOrder, before: Mapping[str, Any]) -> Mapping[str, Any]:
    """What there was before the first touch: of this attempt, or of an earlier one that did not end."""
    statement = Statement(
        kind=PredicateKind.MOVE,
        subjects={str(order.plan.model): order.plan.digest},
        at=clients.clock.now(),
        predicate={**_facts(order), "before": before},
    )
    if clients.statements.create(_statement_path(_before(order)), statement):
        return before
    return _remembered(clients, order) or before


def _remembered(clients: Clients, order: c.MoveOrder) -> Mapping[str, Any] | None:
    """What was there before the move, None where nothing was begun. Raises Refused where nobody signed it."""
    predicate = clients.statements.read(_statement_path(_before(order)), PredicateKind.MOVE)
    if predicate is not None:
        return dict(predicate["before"])
    if clients.ledger.find(_before(order)) is not None or clients.ledger.find(order.key) is not None:
        raise Refused(
            f"{order.move.value} of {order.promotion.id}: what was there before is not signed (an earlier release "
            "made the move, or a file was removed); put it back by hand"
        )
    return None


def _is_said(clients: Clients, key: str, step: c.MoveStep) -> bool:
    """Whether the deciding key says that the move was made or undone; the ledger's entry alone proves nothing."""
    return clients.statements.read(_statement_path(key), _kind(step.move)) is not None


def _is_undoing(clients: Clients, order: c.MoveOrder) -> bool:
    return clients.ledger.find(_undoing(order)) is not None


def _undone_already(order: c.MoveOrder) -> Refused:
    return Refused(f"{order.move.value} of {order.promotion.id} was undone and is not made again; promote anew")


def _record(clients: Clients, order: c.MoveOrder, key: str, kind: str, before: Mapping[str, Any]) -> None:
    facts = _facts(order)
    clients.audit.append(key, kind, str(order.plan.model), "signalbox", facts)
    if _kind(order.move) is PredicateKind.REGISTRY_STATE:
        _state_entry(clients, order, kind, before)
    statement = Statement(
        kind=_kind(order.move),
        subjects={str(order.plan.model): carried(clients.ledger, order).plan.digest},
        at=clients.clock.now(),
        predicate={**facts, "change": kind, "plan": order.plan_digest, "place": order.at.stage.place},
    )
    clients.statements.create(_statement_path(key), statement)
    clients.ledger.record(key, {"at": stamp(clients)})


def _facts(order: c.MoveOrder) -> dict[str, str]:
    """Which move it is, in the audit log and in statements."""
    return {"promotion": order.promotion.id, "stage": order.stage, "move": order.move.value}


def _state_entry(clients: Clients, order: c.MoveOrder, change: str, before: Mapping[str, Any]) -> None:
    """Say what the entry of the central registry is after a move or its undo, for the scrub.

    It is what the move makes of it, and not what the registry shows: a tag may have been edited at this moment.
    """
    registry, plan = order.at.stage.registry, order.plan
    if registry is None or before.get("there"):
        return
    # In the order in which they follow each other: two can have one time, and the later path counts.
    states = {
        (Move.PUBLISH_ENTRY, "moved"): (EntryState.CANDIDATE.value, ""),
        (Move.APPROVE_ENTRY, "moved"): (EntryState.APPROVED.value, approvers(order)),
        (Move.APPROVE_ENTRY, "undone"): (before.get(STATE, ""), before.get(APPROVED_BY, "")),
        (Move.PUBLISH_ENTRY, "undone"): ("", ""),
    }
    number = list(states).index((order.move, change))
    state, approved_by = states[order.move, change]
    statement = EntryStatement(
        registry=registry.name,
        model=plan.model,
        bundle=plan.digest,
        state=state,
        approved_by=approved_by,
        promotion=order.promotion.id,
        at=clients.clock.now(),
    )
    sign_entry(clients.statements, f"{order.promotion.id}-{number}-{order.move.value}-{change}", statement)


def _statement_path(key: str) -> str:
    """Where the statement lies that the ledger's entry *key* rests on."""
    return paths.statement_of(f"{key}.json")


def _kind(move: Move) -> PredicateKind:
    return _KINDS.get(move, PredicateKind.MOVE)


def _before(order: c.MoveOrder) -> str:
    return f"{order.key}.before"


def _undoing(order: c.MoveOrder) -> str:
    return f"{order.key}.undoing"


def _undone(order: c.MoveOrder) -> str:
    return f"{order.key}.undone"
