"""Make a move of a promotion, or undo it: the same order can be given again and again, and has one effect.

What there was before is recorded before anything is touched, so that undoing knows what to put back, even after a crash
between the effect and its record. Nothing moves without a receipt.
"""

from activities.effects import stamp
from activities.promotion.movers import MOVERS
from activities.promotion.receipts import require_receipt
from shared import contracts as c
from shared.application.promotion.stage_training import carried
from shared.application.promotion.stored_plans import move_order
from shared.clients import Clients
from shared.domain.failures import Refused


def make_move(clients: Clients, step: c.MoveStep) -> c.Moved:
    """Take it as far as it goes now; *waiting* names what Azure is still at work on."""
    if clients.ledger.find(step.key) is not None:
        return c.Moved()
    order = move_order(clients.ledger, step)
    require_receipt(clients, order)
    if _is_undoing(clients, order):
        raise _undone_already(order)
    mover, about = MOVERS[order.move], carried(clients.ledger, order)
    before = clients.ledger.find(_before(order)) or clients.ledger.record(_before(order), mover.before(clients, about))
    waiting = mover.advance(clients, about)
    if _is_undoing(clients, order):
        mover.undo(clients, about, before)  # Whoever undoes it may have looked before this was there.
        raise _undone_already(order)
    if not waiting:
        _record(clients, order, order.key, "moved")
    return c.Moved(waiting=waiting)


def undo_move(clients: Clients, step: c.MoveStep) -> c.Moved:
    """Put back what there was before; where nothing was begun there is nothing to undo. It is not made after this."""
    order = move_order(clients.ledger, step)
    clients.ledger.record(_undoing(order), {"at": stamp(clients)})
    before = clients.ledger.find(_before(order))
    if before is None or clients.ledger.find(_undone(order)) is not None:
        return c.Moved()
    waiting = MOVERS[order.move].undo(clients, carried(clients.ledger, order), before)
    if not waiting:
        _record(clients, order, _undone(order), "undone")
    return c.Moved(waiting=waiting)


def _is_undoing(clients: Clients, order: c.MoveOrder) -> bool:
    return clients.ledger.find(_undoing(order)) is not None


def _undone_already(order: c.MoveOrder) -> Refused:
    return Refused(f"{order.move.value} of {order.promotion.id} was undone and is not made again; promote anew")


def _record(clients: Clients, order: c.MoveOrder, key: str, kind: str) -> None:
    facts = {"promotion": order.promotion.id, "stage": order.stage, "move": order.move.value}
    clients.audit.append(key, kind, str(order.plan.model), "signalbox", facts)
    clients.ledger.record(key, {"at": stamp(clients)})


def _before(order: c.MoveOrder) -> str:
    return f"{order.key}.before"


def _undoing(order: c.MoveOrder) -> str:
    return f"{order.key}.undoing"


def _undone(order: c.MoveOrder) -> str:
    return f"{order.key}.undone"
