"""An activity may run on, or be delivered again, while its move is undone: what is undone stays undone."""

import pytest

from activities.promotion.moves import make_move, undo_move
from activities.promotion.receipts import issue_receipt
from shared import contracts as c
from shared.domain.failures import Refused, Transient
from tests.promotion.conftest import Railway
from tests.promotion.test_receipts import move, ordered
from tests.promotion.test_saga import Fault


def allowed(railway: Railway) -> c.MoveOrder:
    """Copying the bundle to pre-production, with its receipt."""
    order = ordered(railway)
    return move(order, issue_receipt(railway.clients, order))


def refused(railway: Railway, order: c.MoveOrder) -> None:
    with pytest.raises(Refused, match="was undone and is not made again"):
        make_move(railway.clients, order)


def test_a_move_that_comes_after_its_undo_is_not_made(railway: Railway) -> None:
    order, before = allowed(railway), railway.cloud.snapshot()

    undo_move(railway.clients, order)

    refused(railway, order)
    assert railway.cloud.snapshot() == before


def test_a_move_whose_undo_stands_half_way_is_not_made_again(railway: Railway) -> None:
    order, before = allowed(railway), railway.cloud.snapshot()
    make_move_in_vain(railway, order)
    railway.cloud.before = Fault("delete", Transient, times=1)
    with pytest.raises(Transient):
        undo_move(railway.clients, order)

    refused(railway, order)

    undo_move(railway.clients, order)
    assert railway.cloud.snapshot() == before


def make_move_in_vain(railway: Railway, order: c.MoveOrder) -> None:
    railway.cloud.after = Fault("copy", Transient, times=1)
    with pytest.raises(Transient):
        make_move(railway.clients, order)


def test_a_move_that_is_undone_while_it_is_made_is_put_back(railway: Railway) -> None:
    order, before = allowed(railway), railway.cloud.snapshot()

    def undo(effect: str) -> None:
        railway.cloud.before = lambda effect: None
        undo_move(railway.clients, order)

    railway.cloud.before = undo

    refused(railway, order)
    assert railway.cloud.snapshot() == before
    assert "moved" not in railway.chain()
