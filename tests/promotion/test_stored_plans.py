"""Activities work by the plan that is on record, and by no other: the digest in an order says which one it means."""

import json
from dataclasses import replace
from typing import Any

import pytest

from activities.promotion.moves import make_move, undo_move
from activities.promotion.receipts import issue_receipt
from shared import contracts as c
from shared.application.promotion.stored_plans import admission_of, read_plan, restoring_of, unverified_opening
from shared.codec import decode, encode
from shared.domain.failures import Refused
from shared.domain.promotion.plans import Phase
from tests.promotion.conftest import PromotionApp
from tests.promotion.test_receipts import move, order, ordered  # noqa: F401 (a fixture)

OPENED = "promotions/p-1/effects/opened.json"


def stored(app: PromotionApp) -> dict[str, Any]:
    return dict(json.loads(app.hub.read("signalbox", OPENED) or b""))


def test_an_order_for_another_plan_is_refused_before_anything_is_touched(
    app: PromotionApp,
    order: c.StageOrder,  # noqa: F811
) -> None:
    other = replace(order, plan_digest="sha256:other")
    allowed = move(order, issue_receipt(app.clients, order))

    with pytest.raises(Refused, match=r"p-1 is ordered by plan sha256:other, and its plan is sha256:\w+; promote anew"):
        issue_receipt(app.clients, replace(other, key="promotions/p-1/effects/other"))
    for act in (make_move, undo_move):
        with pytest.raises(Refused, match="ordered by plan sha256:other"):
            act(app.clients, replace(allowed, plan_digest="sha256:other"))
    assert not app.cloud.effects


def test_a_plan_that_was_changed_in_its_record_is_refused(app: PromotionApp, order: c.StageOrder) -> None:  # noqa: F811
    content = stored(app)
    content["plan"]["stages"][0]["stage"]["entry_gates"] = []
    app.hub.land(f"signalbox/{OPENED}", json.dumps(content).encode())

    with pytest.raises(Refused, match=rf"the plan in {OPENED} was changed: .*; restore that record from a backup"):
        issue_receipt(app.clients, order)


def test_a_promotion_without_a_plan_on_record_is_refused(app: PromotionApp) -> None:
    with pytest.raises(Refused, match=r"p-2 has no plan in promotions/p-2/effects/opened\.json"):
        read_plan(app.clients.ledger, "p-2", "")


def test_a_plan_of_a_release_that_knew_fewer_fields_is_still_itself(app: PromotionApp) -> None:
    """Its digest is that of what is stored, and not of what this release would store."""
    from shared.domain.promotion.audit import canonical_digest

    ordered(app)
    content = stored(app)
    del content["plan"]["stages"][0]["stage"]["newer"]
    content["plan_digest"] = canonical_digest(content["plan"])
    app.hub.land(f"signalbox/{OPENED}", json.dumps(content).encode())

    plan = read_plan(app.clients.ledger, "p-1", content["plan_digest"])

    assert [at.stage.name for at in plan.stages] == ["preprod", "central"]


def test_reading_a_plan_is_one_reading_of_one_blob(
    app: PromotionApp,
    order: c.StageOrder,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read, paths = app.hub.read, list[str]()

    def counted(container: str, path: str) -> bytes | None:
        paths.append(path)
        return read(container, path)

    monkeypatch.setattr(app.hub, "read", counted)
    read_plan(app.clients.ledger, "p-1", order.plan_digest)

    assert paths == [OPENED]


def test_an_order_of_the_first_version_brings_the_plan_itself_and_still_runs(
    app: PromotionApp,
    order: c.StageOrder,  # noqa: F811
) -> None:
    """It may wait in a queue, from before the deployment; its move names no digest."""
    receipt = issue_receipt(app.clients, decode(c.StageStep, encode(order)))
    payload = encode(move(order, receipt))
    del payload["plan_digest"]

    elsewhere = decode(c.MoveStep, payload | {"receipt": encode(replace(receipt, plan="sha256:other"))})

    with pytest.raises(Refused, match="ordered by plan sha256:other"):
        make_move(app.clients, elsewhere)
    assert make_move(app.clients, decode(c.MoveStep, payload)).waiting == ""
    assert undo_move(app.clients, decode(c.MoveStep, payload)).waiting == ""


def test_neither_orders_nor_histories_carry_the_plan(app: PromotionApp, order: c.StageOrder) -> None:  # noqa: F811
    opening = unverified_opening(app.clients.ledger, "p-1")
    assert opening is not None
    names = [file.path for file in order.plan.contents]

    told = [admission_of(opening), restoring_of(app.clients.statements, app.clients.ledger, order.promotion)]

    for payload in map(json.dumps, map(encode, told)):
        assert not any(name in payload for name in names)
    assert {activity.takes for activity in (c.ASSESS_STAGE, c.ISSUE_RECEIPT)} == {c.StageStep}
    outline = admission_of(opening).course
    assert outline is not None
    of_plan = [(at.stage.name, what.value) for at, what in order.plan.moves()]
    assert [(at.name, what.move.value) for at, what in outline.moves()] == of_plan
    assert {what.phase for _, what in outline.moves()} == set(Phase)
