"""Make a move of a promotion, or undo it: the same order can be given again and again, and has one effect.

What there was before is recorded before anything is touched, so that undoing knows what to put back, even after a crash
between the effect and its record. Nothing moves without a receipt.
"""

from activities.effects import stamp
from activities.movers import MOVERS
from activities.receipts import require_receipt
from shared import contracts as c
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.stage_training import carried


def make_move(clients: Clients, order: c.MoveOrder) -> c.Moved:
    """Take it as far as it goes now; *waiting* names what Azure is still at work on."""
    if clients.ledger.find(order.key) is not None:
        return c.Moved()
    require_receipt(clients, order)
    if clients.ledger.find(_undone(order)) is not None:
        raise Refused(f"{order.move.value} of {order.promotion.id} was undone and is not made again; promote anew")
    mover, about = MOVERS[order.move], carried(clients, order)
    if clients.ledger.find(_before(order)) is None:
        clients.ledger.record(_before(order), mover.before(clients, about))
    waiting = mover.advance(clients, about)
    if not waiting:
        _record(clients, order, order.key, "moved")
    return c.Moved(waiting=waiting)


def undo_move(clients: Clients, order: c.MoveOrder) -> c.Moved:
    """Put back what there was before; where nothing was begun there is nothing to undo."""
    before = clients.ledger.find(_before(order))
    if before is None or clients.ledger.find(_undone(order)) is not None:
        return c.Moved()
    waiting = MOVERS[order.move].undo(clients, carried(clients, order), before)
    if not waiting:
        _record(clients, order, _undone(order), "undone")
    return c.Moved(waiting=waiting)


def _record(clients: Clients, order: c.MoveOrder, key: str, kind: str) -> None:
    facts = {"promotion": order.promotion.id, "stage": order.stage, "move": order.move.value}
    clients.audit.append(key, kind, str(order.plan.model), "signalbox", facts)
    clients.ledger.record(key, {"at": stamp(clients)})


def _before(order: c.MoveOrder) -> str:
    return f"{order.key}.before"


def _undone(order: c.MoveOrder) -> str:
    return f"{order.key}.undone"
