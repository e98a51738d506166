"""Storage or Azure ML is away for a while at every step of a promotion: it waits, and ends as it would have."""

import json
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from activities.promotion import approvals, assessments, moves, packs, promotions, receipts
from orchestrators.waiting import OUTAGE_S, call_through_outages
from shared import contracts as c
from shared.clients import Clients
from shared.codec import encode
from shared.domain.failures import Transient
from shared.durable.failures import StepFailed
from tests.promotion.conftest import PromotionApp

WAITED_FOR = {
    "open_promotion": promotions,
    "lock_endpoint": promotions,
    "assess_stage": assessments,
    "write_evidence_pack": packs,
    "issue_receipt": receipts,
    "make_move": moves,
    "look_at_approvals": approvals,
    "remind_approvers": approvals,
    "undo_move": moves,
    "unlock_endpoint": promotions,
    "close_promotion": promotions,
}
OUTAGE = timedelta(seconds=20)


def away(monkeypatch: pytest.MonkeyPatch, module: ModuleType, activity: str, outage: timedelta = OUTAGE) -> None:
    """From its first call on, *activity* fails for longer than it is tried again at once."""
    body, since = getattr(module, activity), list[datetime]()

    def failing(clients: Clients, *given: Any) -> Any:
        since.append(clients.clock.now())
        if since[-1] < since[0] + outage:
            raise Transient("nobody answers")
        return body(clients, *given)

    monkeypatch.setattr(module, activity, failing)


async def test_outages_are_waited_for(app: PromotionApp, monkeypatch: pytest.MonkeyPatch) -> None:
    app.register("1", error=1.0)
    before = app.cloud.snapshot()
    for activity, module in WAITED_FOR.items():
        away(monkeypatch, module, activity)
    promotion = await app.promote("churn:1")
    await app.pass_time(timedelta(minutes=10))
    await app.decide(promotion, "grace", "product-owner", "reject")

    result = await app.finish(promotion)

    after = app.cloud.snapshot()
    after["assets"]["dev/models/churn:1"] = before["assets"]["dev/models/churn:1"]
    assert (result.fate, len(result.because)) == (c.Fate.HELD, 1), result.because
    assert (after, app.record(promotion)["fate"]) == (before, "held")
    assert not [path for _, path in app.hub.blobs if path.startswith("locks/")]


class Timeless:
    """A context whose timers fire at once."""

    now = datetime(2026, 1, 1, tzinfo=UTC)

    def show(self, step: str, **facts: object) -> None: ...

    def sdk(self) -> "Timeless":
        return self

    def given(self, payload: object) -> object:
        return payload

    def call_activity_with_retry(self, *_: object) -> None:
        raise RuntimeError("nobody answers")

    def create_timer(self, at: datetime) -> None:
        self.now = at


def test_an_outage_without_end_is_not_waited_for() -> None:
    ctx = Timeless()
    began = ctx.now
    with pytest.raises(StepFailed):
        list(call_through_outages(ctx, c.LOOK_AT_PLAN, c.PromotionLook(promotion="p")))  # type: ignore[arg-type]

    assert OUTAGE_S <= (ctx.now - began).total_seconds() <= OUTAGE_S + 1800


async def terminated(app: PromotionApp) -> str:
    """A promotion that is ended from outside while it waits to be opened."""
    promotion = await app.promote("churn:1", to="preprod")
    await app.pass_time(timedelta(seconds=30))
    await app.host.terminate(promotion, "somebody pulled the plug")
    return promotion


async def test_whoever_ended_before_having_a_plan_is_closed(app: PromotionApp, monkeypatch: pytest.MonkeyPatch) -> None:
    app.register("1", error=1.0)
    away(monkeypatch, promotions, "plan_promotion", timedelta(minutes=1))
    promotion = await terminated(app)
    await app.sweep()

    again = await app.finish(await app.promote("churn:1", to="preprod"))

    assert (app.record(promotion)["fate"], again.fate) == ("failed", c.Fate.PROMOTED)
    assert not list(app.hub.list("signalbox", "promotions-open/"))


async def test_whoever_ended_before_being_opened_stands_in_nobodys_way(
    app: PromotionApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = app.register("1", error=1.0)
    away(monkeypatch, promotions, "open_promotion", timedelta(minutes=1))
    promotion = await terminated(app)
    left = encode(c.Promotion(id=promotion, model=model, source="dev", target="preprod"))
    app.hub.land(f"signalbox/promotions-open/{promotion}.json", json.dumps(left).encode())
    await app.sweep()

    again = await app.finish(await app.promote("churn:1", to="preprod"))

    assert (again.id != promotion, again.fate) == (True, c.Fate.PROMOTED)
    assert not list(app.hub.list("signalbox", "promotions-open/"))


async def test_a_promotion_that_was_ended_while_it_was_closed_ends_as_the_audit_log_says(
    app: PromotionApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.register("1", error=1.0)
    away(monkeypatch, promotions, "_write_fate", timedelta(minutes=1))
    promotion = await terminated(app)
    await app.sweep()

    assert app.record(promotion)["fate"] == "promoted"
    assert [kind for kind in app.chain() if kind in ("promoted", "failed")] == ["promoted"]
    assert app.cloud.state["deployments"]
    assert not list(app.hub.list("signalbox", "promotions-open/"))
