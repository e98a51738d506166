"""No stage is skipped: each demands the exit receipt of the stage before it, for the same bundle."""

import json
from dataclasses import replace
from typing import Any

import pytest

from activities.promotion.receipts import issue_receipt
from shared import contracts as c
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.gates.evidence import Evidence
from shared.domain.promotion.approvals import ApprovalPolicy
from shared.ports import Shelf
from tests.promotion.conftest import PREPROD, PromotionApp
from tests.promotion.test_receipts import ordered, replanned, shown
from tests.trust.attacks import forged

STRAIGHT = {"to": "central", "source": "preprod"}


async def refusal(app: PromotionApp, model: str) -> str:
    """Why a promotion from pre-production to the registry goes no further; nothing was moved."""
    before = dict(app.cloud.effects)
    result = await app.finish(await app.promote(model, **STRAIGHT))
    assert result.fate is c.Fate.REFUSED
    moved = [name for name in app.cloud.effects if name not in before and not name.startswith("tag ")]
    assert moved == []
    return result.because[0]


async def test_a_version_that_was_registered_straight_into_a_stage_climbs_no_further(app: PromotionApp) -> None:
    app.register("1", error=50.0, place=PREPROD)

    because = await refusal(app, "churn:1")
    _, plan = await app.ask("POST", "plans", {"model": "churn:1", **STRAIGHT})

    assert because.startswith("central: stage preprod has not measured churn:1 with sha256:")
    assert "promote it through preprod" in because
    assert plan["unmet"][0] == because


async def test_what_was_measured_on_the_way_climbs_on(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    assert (await app.finish(await app.promote("churn:1", to="preprod"))).fate is c.Fate.PROMOTED

    onwards = await app.promote("churn:1", **STRAIGHT)
    await app.approve(onwards)

    assert (await app.finish(onwards)).fate is c.Fate.PROMOTED


async def test_other_bytes_than_those_that_were_measured_climb_no_further(app: PromotionApp) -> None:
    model = app.register("1", error=1.0)
    await app.finish(await app.promote("churn:1", to="preprod"))
    there = app.cloud.state["assets"][f"preprod/models/{model}"]
    shelf = Shelf(place=PREPROD, folder=there.folder, asset=model)
    app.clients.bundles.put(shelf, "model.bin", b"mine")  # type: ignore[attr-defined]

    assert "has not measured churn:1" in await refusal(app, "churn:1")


@pytest.mark.parametrize("change", ["taken back", "forged", "of another stage"])
async def test_a_receipt_counts_only_if_it_is_ours_for_this_stage_and_stands(app: PromotionApp, change: str) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1", to="preprod")
    await app.finish(promotion)
    if change == "taken back":
        record = app.record(promotion) | {"fate": "held"}
        app.hub.land(f"signalbox/promotions/{promotion}/promotion.json", json.dumps(record).encode())
    else:
        edit(app, promotion, {"signature": "0" * 64} if change == "forged" else {"stage": "central"})

    assert "has not measured churn:1" in await refusal(app, "churn:1")


async def test_a_promotion_that_was_taken_back_proves_nothing_whatever_its_record_says(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.decide(promotion, "ada", "data-scientist", "reject")
    assert (await app.finish(promotion)).fate is not c.Fate.PROMOTED
    record = app.record(promotion) | {"fate": "promoted"}
    app.hub.land(f"signalbox/promotions/{promotion}/promotion.json", json.dumps(record).encode())
    app.register("1", error=1.0, place=PREPROD)

    assert "has not measured churn:1" in await refusal(app, "churn:1")
    assert f"promotions/{promotion}/promotion.json" in forged(app)


def edit(app: PromotionApp, promotion: str, changes: dict[str, Any]) -> None:
    """Change the exit receipt where it is kept."""
    key = identity.promotion_key(promotion, "preprod/exit/receipt")
    (path,) = [path for container, path in app.hub.blobs if container == "signalbox" and path.startswith(key)]
    kept = json.loads(app.hub.read("signalbox", path) or b"{}")
    app.hub.land(f"signalbox/{path}", json.dumps({**kept, **changes}).encode())


async def test_no_receipt_for_a_stage_whose_predecessor_has_none(app: PromotionApp) -> None:
    """The lock itself: whatever the orchestration says it has done before."""
    order = ordered(app)
    preprod, last = order.plan.stages
    central = replace(last, stage=replace(last.stage, approvals=ApprovalPolicy()))
    after, straight = (replace(order.plan, stages=stages) for stages in ((preprod, central), (central,)))

    for plan in (after, straight):
        look = replanned(app, replace(order, key=f"k-{len(plan.stages)}", stage="central"), plan)
        each = shown(app, look, Evidence(at=app.clients.clock.now()))
        with pytest.raises(Refused, match="stage preprod has not measured"):
            issue_receipt(app.clients, each)
