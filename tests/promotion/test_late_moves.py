"""An activity may run on, or be delivered again, while its move is undone: what is undone stays undone."""

from contextlib import suppress
from dataclasses import replace

import pytest

from activities.promotion.movers.deployments import deployment_of
from activities.promotion.moves import make_move, undo_move
from activities.promotion.receipts import issue_receipt
from shared import contracts as c
from shared.domain.failures import Refused, Transient
from shared.domain.gates.evidence import Evidence
from shared.domain.promotion.plans import Move, Phase
from shared.ports import EndpointKind, WantedDeployment
from tests.promotion.conftest import PREPROD, PromotionApp
from tests.promotion.test_receipts import move, ordered, replanned, shown
from tests.promotion.test_saga import Fault


def allowed(app: PromotionApp) -> c.MoveOrder:
    """Copying the bundle to pre-production, with its receipt."""
    order = ordered(app)
    return move(order, issue_receipt(app.clients, order))


def refused(app: PromotionApp, order: c.MoveOrder) -> None:
    with pytest.raises(Refused, match="was undone and is not made again"):
        make_move(app.clients, order)


def test_a_move_that_comes_after_its_undo_is_not_made(app: PromotionApp) -> None:
    order, before = allowed(app), app.cloud.snapshot()

    undo_move(app.clients, order)

    refused(app, order)
    assert app.cloud.snapshot() == before


def test_a_move_whose_undo_stands_half_way_is_not_made_again(app: PromotionApp) -> None:
    order, before = allowed(app), app.cloud.snapshot()
    make_move_in_vain(app, order)
    app.cloud.before = Fault("delete", Transient, times=1)
    with pytest.raises(Transient):
        undo_move(app.clients, order)

    refused(app, order)

    undo_move(app.clients, order)
    assert app.cloud.snapshot() == before


def make_move_in_vain(app: PromotionApp, order: c.MoveOrder) -> None:
    app.cloud.after = Fault("copy", Transient, times=1)
    with pytest.raises(Transient):
        make_move(app.clients, order)


def test_a_move_that_is_undone_while_it_is_made_is_put_back(app: PromotionApp) -> None:
    order, before = allowed(app), app.cloud.snapshot()

    def undo(effect: str) -> None:
        app.cloud.before = lambda effect: None
        undo_move(app.clients, order)

    app.cloud.before = undo

    refused(app, order)
    assert app.cloud.snapshot() == before
    assert "moved" not in app.chain()


def test_a_slow_switch_that_is_undone_while_it_is_made_is_put_back(app: PromotionApp) -> None:
    order, endpoints = switching(app), app.endpoints
    endpoints.ensure(PREPROD, EndpointKind.ONLINE, "online")
    endpoints.ensure(PREPROD, EndpointKind.BATCH, "batch")
    for name in ("champion", deployment_of(order)):
        deployment = WantedDeployment(name=name, endpoint="online", kind=EndpointKind.ONLINE, model="m:1")
        endpoints.deploy(PREPROD, deployment)
    endpoints.route(PREPROD, "online", {"champion": 100})
    endpoints.is_slow = True

    def undo(effect: str) -> None:
        app.cloud.before = lambda effect: None
        assert undo_move(app.clients, order).waiting == ""

    app.cloud.before = undo

    for _ in range(4):  # As often as Durable tries a step again that it may.
        with suppress(Transient):
            refused(app, order)
    refused(app, order)
    online = endpoints.find(PREPROD, EndpointKind.ONLINE, "online")
    assert online is not None
    assert (online.settled, online.traffic) == (True, {"champion": 100})


def switching(app: PromotionApp) -> c.MoveOrder:
    """The switch of pre-production's traffic, with its receipt."""
    order = ordered(app)
    plan = order.plan
    at = replace(plan.stages[0], stage=replace(plan.stages[0].stage, exit_gates=()))
    leaving = shown(app, replanned(app, replace(order, phase=Phase.EXIT), replace(plan, stages=(at,))), Evidence())
    return move(leaving, issue_receipt(app.clients, leaving), what=Move.SWITCH_TRAFFIC)
