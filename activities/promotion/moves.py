"""Make a move of a promotion, or undo it: the same order can be given again and again, and has one effect.

What there was before is recorded before anything is touched, so that undoing knows what to put back, even after a crash
between the effect and its record. Nothing moves without a receipt.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from activities.effects import stamp
from activities.promotion.forgeries import tell_forgeries
from activities.promotion.movers import MOVERS
from activities.promotion.movers.entry import REPLACED, approvers, replaced_entry
from activities.promotion.receipts import require_receipt
from activities.traffic_changes import record_change
from shared import contracts as c
from shared.application.promotion.stage_training import carried
from shared.application.promotion.stored_plans import move_order, signed_at, signed_plan
from shared.application.rollout.orders import refuse_aborted
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import Refused, Transient
from shared.domain.promotion.ladder import Registry
from shared.domain.promotion.models import APPROVED_BY, STATE, EntryState, ModelVersion
from shared.domain.promotion.plans import Move
from shared.domain.rollout.serving import ChangeKind
from shared.domain.trust.statements import PredicateKind, Statement
from shared.records import paths
from shared.records.predicates import EntryStatement
from shared.records.registry import (
    BEGUN,
    ENTRY_STATEMENT,
    UNDO_BEGUN,
    entry_statement,
    history_of,
    is_revoked,
    sign_entry,
)
from shared.records.statements import ForgedError

_KINDS = {
    Move.SWITCH_TRAFFIC: PredicateKind.SERVING_CHANGE,
    Move.SHIFT_TRAFFIC: PredicateKind.SERVING_CHANGE,
    Move.PUBLISH_ENTRY: PredicateKind.REGISTRY_STATE,
    Move.APPROVE_ENTRY: PredicateKind.REGISTRY_STATE,
    Move.MARK_IN_PRODUCTION: PredicateKind.REGISTRY_STATE,
}


def make_move(clients: Clients, step: c.MoveStep) -> c.Moved:
    """Take it as far as it goes now; *waiting* names what Azure is still at work on."""
    # Asked before the receipt: a repeat of a move that was made must not fail because its receipt has expired since.
    if _is_said(clients, step.key, step):
        return c.Moved()
    order = move_order(clients.statements, clients.ledger, step)
    require_receipt(clients, order)
    if order.at.stage.rollout is not None:  # An order may have come after the receipt: no weight is set after it.
        refuse_aborted(clients.statements, order.promotion.id, order.stage)
    if _is_undoing(clients, order):
        # An earlier attempt of this step may have begun the move after the undo had looked.
        _take_back(clients, order, carried(clients.statements, order), _signed_before(clients, order))
        raise _undone_already(order)
    if is_revoked(clients.statements, clients.audit, order.plan.model):
        raise Refused(f"{order.plan.model} is revoked: {order.move.value} at {order.stage} is not made")
    mover, about = MOVERS[order.move], carried(clients.statements, order)
    before = _remember(clients, order, about)
    waiting = mover.advance(clients, about)
    if _is_undoing(clients, order):
        _take_back(clients, order, about, before)  # The undo may have looked before this effect was there.
        raise _undone_already(order)
    if not waiting:
        _record(clients, order, order.key, "moved", before)
    return c.Moved(waiting=waiting)


def undo_move(clients: Clients, step: c.MoveStep) -> c.Moved:
    """Put back what there was before; where nothing was begun there is nothing to undo. It is not made after this."""
    order = move_order(clients.statements, clients.ledger, step)
    # Noted before anything is looked at. An attempt of the move that is still on its way looks for this note before and
    # after its effect, and takes the effect back itself.
    clients.ledger.record(_undoing(order), {"at": stamp(clients)})
    before = _signed_before(clients, order)
    if before is None:
        _refuse_begun(clients, order, signed_at(clients.statements, order.promotion.id, order.plan_digest))
        _refuse_unsigned(clients, order)
        return c.Moved()
    if _is_said(clients, _undone(order), order):
        return c.Moved()
    _log_begin(clients, order, _undoing(order), UNDO_BEGUN)
    if _kind(order.move) is PredicateKind.SERVING_CHANGE:
        # A step may have come into force and not have been recorded yet: it has served all the same.
        record_change(clients, order, f"{_undone(order)}.before", ChangeKind.SHIFT)
    waiting = MOVERS[order.move].undo(clients, carried(clients.statements, order), before)
    if not waiting:
        _record(clients, order, _undone(order), "undone", before)
    return c.Moved(waiting=waiting)


def confirm_effects(clients: Clients, look: c.EffectsLook) -> c.EffectsSeen:
    """What the promotion's moves have made and is not there now, as sentences. Only Azure is asked, no record."""
    plan = signed_plan(clients.statements, clients.ledger, look.promotion.id, look.plan_digest)
    missing = list[str]()
    for at, move in plan.moves():
        order = c.MoveOrder(
            key="", promotion=look.promotion, stage=at.stage.name, move=move, plan_digest=look.plan_digest, plan=plan
        )
        reason = MOVERS[move].missing(clients, carried(clients.statements, order))
        missing += [f"{at.stage.name}: {reason}"] if reason else []
    return c.EffectsSeen(missing=tuple(missing))


def _remember(clients: Clients, order: c.MoveOrder, about: c.MoveOrder) -> Mapping[str, Any]:
    """What there was before the first touch: of this attempt, or of an earlier one that did not end.

    Raises ForgedError where an earlier attempt has begun and its statement is gone: what is there now may be its work.
    """
    remembered = _signed_before(clients, order)
    if remembered is None:
        assert order.receipt is not None  # Nothing moves without one.
        _refuse_begun(clients, order, datetime.fromisoformat(order.receipt.issued))
        if clients.ledger.find(order.key) is not None:  # The move is made all the same: the ledger proves nothing.
            reason = "it says that the move was made, and no statement and no entry of the audit log does"
            tell_forgeries(clients, order.promotion.id, [ForgedError(f"{order.key}.json", reason)])
        before = MOVERS[order.move].before(clients, about)
        statement = Statement(
            kind=PredicateKind.MOVE,
            subjects={str(order.plan.model): order.plan.digest},
            at=clients.clock.now(),
            predicate={**_facts(order), "before": before},
        )
        clients.statements.create(_statement_path(_before(order)), statement)
        # Read again: of two attempts at one moment the statement that was created stands for both. What the other one
        # has seen may be the work of the first.
        remembered = _signed_before(clients, order) or before
    # At each attempt: the one that wrote the statement may have died before it told the log.
    _log_begin(clients, order, _before(order), BEGUN)
    return remembered


def _log_begin(clients: Clients, order: c.MoveOrder, key: str, kind: str) -> None:
    """Write to the audit log that the move, or its undo, begins: whatever is removed afterwards, this stays."""
    facts = {**_facts(order), "bundle": order.plan.digest}
    clients.audit.append(key, kind, str(order.plan.model), "signalbox", facts)


def _signed_before(clients: Clients, order: c.MoveOrder) -> Mapping[str, Any] | None:
    """What there was before the move, None where no statement says so. Raises ForgedError where nobody signed it."""
    predicate = clients.statements.read(_statement_path(_before(order)), PredicateKind.MOVE)
    return None if predicate is None else dict(predicate["before"])


def _refuse_begun(clients: Clients, order: c.MoveOrder, since: datetime) -> None:
    """Raise ForgedError where the audit log has it that the move was begun at *since* or later.

    It is asked where no statement says what was there before. The log is read from its end, and not by an index, from
    which the remover of the statement could have removed the entry.
    """
    keys = {_before(order), order.key}
    entry = next((entry for entry in clients.audit.since(since) if entry.key in keys), None)
    if entry is not None:
        reason = f"it was removed: by entry {entry.number} of the audit log the move was begun; put it back by hand"
        raise ForgedError(_statement_path(_before(order)), reason)


def _refuse_unsigned(clients: Clients, order: c.MoveOrder) -> None:
    """Raise Refused where only the ledger has it that the move was begun."""
    if clients.ledger.find(_before(order)) is not None or clients.ledger.find(order.key) is not None:
        raise Refused(
            f"{order.move.value} of {order.promotion.id}: what was there before is not signed (an earlier release "
            "made the move, or a file was planted); put it back by hand"
        )


def _is_said(clients: Clients, key: str, step: c.MoveStep) -> bool:
    """Whether the deciding key says that the move was made or undone; the ledger's entry alone proves nothing."""
    return clients.statements.read(_statement_path(key), _kind(step.move)) is not None


def _is_undoing(clients: Clients, order: c.MoveOrder) -> bool:
    return clients.ledger.find(_undoing(order)) is not None


def _take_back(clients: Clients, order: c.MoveOrder, about: c.MoveOrder, before: Mapping[str, Any] | None) -> None:
    """Undo what this step has begun. Raises Transient until that is done, so that the step is tried again."""
    waiting = "" if before is None else MOVERS[order.move].undo(clients, about, before)
    if waiting:
        raise Transient(f"{order.move.value} of {order.promotion.id} is being undone: waiting for {waiting}")


def _undone_already(order: c.MoveOrder) -> Refused:
    return Refused(f"{order.move.value} of {order.promotion.id} was undone and is not made again; promote anew")


def _record(clients: Clients, order: c.MoveOrder, key: str, kind: str, before: Mapping[str, Any]) -> None:
    facts = _facts(order) | ({"weight": str(order.at.weights[order.step])} if _is_shifted(order, kind) else {})
    if _kind(order.move) is PredicateKind.REGISTRY_STATE:
        # Before the log names it, so that the scrub misses no statement that was only not written yet.
        entry_statement = _state_entry(clients, order, kind, before)
        facts |= {ENTRY_STATEMENT: entry_statement} if entry_statement else {}
    clients.audit.append(key, kind, str(order.plan.model), "signalbox", facts)
    statement = Statement(
        kind=_kind(order.move),
        subjects={str(order.plan.model): carried(clients.statements, order).plan.digest},
        at=clients.clock.now(),
        predicate={**facts, "change": kind, "plan": order.plan_digest, "place": order.at.stage.place},
    )
    # After the log: a repeat takes the statement for the whole record, and would not write an entry that is missing.
    clients.statements.create(_statement_path(key), statement)
    if _kind(order.move) is PredicateKind.SERVING_CHANGE:
        record_change(clients, order, key, ChangeKind.SHIFT if kind == "moved" else ChangeKind.UNDO)
    # It shows people how far the promotion has come, and proves nothing: a writer of the container can write it.
    clients.ledger.record(key, {"at": stamp(clients)})


def _facts(order: c.MoveOrder) -> dict[str, str]:
    """Which move it is, in the audit log and in statements."""
    return {"promotion": order.promotion.id, "stage": order.stage, "move": order.move.value}


def _is_shifted(order: c.MoveOrder, change: str) -> bool:
    return order.move is Move.SHIFT_TRAFFIC and change == "moved"


def _state_entry(clients: Clients, order: c.MoveOrder, change: str, before: Mapping[str, Any]) -> str:
    """Say what the entry of the central registry is after a move or its undo, for the scrub: where that is said.

    It is what the move makes of it, and not what the registry shows: a tag may have been edited at this moment. Nothing
    is said, and the path is empty, where the entry was there before.
    """
    registry, plan = order.at.stage.registry or order.plan.registry, order.plan
    if registry is None or before.get("there"):
        return ""
    state, approved_by = {
        (Move.PUBLISH_ENTRY, "moved"): (EntryState.CANDIDATE.value, ""),
        (Move.APPROVE_ENTRY, "moved"): (EntryState.APPROVED.value, approvers(order)),
        (Move.MARK_IN_PRODUCTION, "moved"): (EntryState.IN_PRODUCTION.value, before.get(APPROVED_BY, "")),
        (Move.MARK_IN_PRODUCTION, "undone"): (before.get(STATE, ""), before.get(APPROVED_BY, "")),
        (Move.APPROVE_ENTRY, "undone"): (before.get(STATE, ""), before.get(APPROVED_BY, "")),
        (Move.PUBLISH_ENTRY, "undone"): ("", ""),
    }[order.move, change]
    state = _kept_revoked(clients, registry, plan.model, state)
    statement = EntryStatement(
        registry=registry.name,
        model=plan.model,
        bundle=plan.digest,
        state=state,
        approved_by=approved_by,
        promotion=order.promotion.id,
        at=clients.clock.now(),
    )
    name = f"{order.promotion.id}-{order.move.value}-{change}"
    if order.move is Move.MARK_IN_PRODUCTION and REPLACED in before:
        _state_replaced(clients, order, name, EntryState.RETIRED.value if change == "moved" else before[REPLACED])
    return sign_entry(clients.statements, name, statement)


def _state_replaced(clients: Clients, order: c.MoveOrder, name: str, state: str) -> None:
    """Say the same of the entry that served before; of one that nobody signed nothing can be said."""
    replaced = replaced_entry(order)
    if replaced is None:
        return
    entry = entry_statement(clients.statements, history_of(clients.audit, replaced), replaced, [])
    registry = order.at.stage.registry or order.plan.registry
    if entry is not None and registry is not None:
        state = _kept_revoked(clients, registry, replaced, state)
        changed = replace(entry, state=state, promotion=order.promotion.id, at=clients.clock.now())
        path = sign_entry(clients.statements, name, changed)
        facts = {**_facts(order), ENTRY_STATEMENT: path}
        clients.audit.append(f"{path}/stated", "entry restated", str(replaced), "signalbox", facts)


def _kept_revoked(clients: Clients, registry: Registry, model: ModelVersion, state: str) -> str:
    """*state*, or that *model* is revoked: neither an undo nor a successor that retires it makes it anything else."""
    if not state or not is_revoked(clients.statements, clients.audit, model):
        return state
    clients.models.tag(registry, model, {STATE: EntryState.REVOKED.value})
    return EntryState.REVOKED.value


def _statement_path(key: str) -> str:
    """Where the statement lies that the ledger's entry *key* rests on."""
    return paths.statement_of(f"{key}.json")


def _kind(move: Move) -> PredicateKind:
    return _KINDS.get(move, PredicateKind.MOVE)


def _before(order: c.MoveOrder) -> str:
    return f"{_whole(order)}.before"


def _undoing(order: c.MoveOrder) -> str:
    return f"{_whole(order)}.undoing"


def _undone(order: c.MoveOrder) -> str:
    return f"{_whole(order)}.undone"


def _whole(order: c.MoveOrder) -> str:
    """The key of the move as a whole: a shift of traffic is made step by step, and undone at once."""
    return identity.promotion_key(order.promotion.id, f"{order.stage}/{order.move.value}")
