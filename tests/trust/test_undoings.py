"""Undoing is an effect too: unsigned records take nothing back, and hide nothing from what is to be put back."""

import json
from dataclasses import replace
from typing import Any

import pytest

from shared import contracts as c
from shared.codec import decode, encode
from shared.domain.failures import Transient
from shared.domain.promotion.audit import canonical_digest
from shared.domain.promotion.models import STATE
from tests.promotion.conftest import PromotionApp
from tests.trust.attacks import asked, blobs, forged, plant, remove, stored


async def arrived(app: PromotionApp) -> str:
    """A promotion that has arrived in the central registry."""
    app.register("1", error=1.0)
    return (await app.whole("churn:1")).id


def stands(app: PromotionApp, promotion: str) -> bool:
    entry = app.cloud.state["assets"].get("central/models/churn:1")
    serves = app.cloud.state["endpoints"]["preprod/onlineEndpoints/online"]["traffic"]
    return (app.record(promotion)["fate"], entry and entry.tags[STATE], bool(serves)) == ("promoted", "approved", True)


async def test_a_fate_that_was_removed_takes_nothing_back(app: PromotionApp) -> None:
    promotion = await arrived(app)
    record = app.record(promotion)
    path = f"promotions/{promotion}/promotion.json"
    plant(app, path, {name: value for name, value in record.items() if name not in ("fate", "closed", "because")})
    plant(app, f"promotions-open/{promotion}.json", record["promotion"])

    await app.sweep()

    assert stands(app, promotion)
    assert (forged(app), blobs(app, "promotions-open/")) == ([path], [])


@pytest.mark.parametrize("also", ["nothing", "index", "ledger"])
async def test_a_set_that_nobody_signed_takes_nothing_back(app: PromotionApp, also: str) -> None:
    """It names another promotion that will never arrive, so an atomic set would have to give this one up."""
    promotion = await arrived(app)
    request = decode(c.Promotion, app.record(promotion)["promotion"])
    never = replace(request, id="promotion-never", model=replace(request.model, version="9"))
    planted = c.PromotionSet(id="promotions-planted", promotions=(request, never), atomic=True)
    path = "promotion-sets-open/promotions-planted.json"
    plant(app, path, encode(planted))
    if also == "index":
        remove(app, *blobs(app, "audit/subjects/"))
    if also == "ledger":
        remove(app, f"promotions/{promotion}/effects/closed.json")

    await app.sweep()

    assert stands(app, promotion)
    assert path in forged(app)


async def test_what_belongs_to_a_set_is_what_was_signed(app: PromotionApp) -> None:
    """The list names a set that was ended from outside; an attacker puts an arrived promotion among its members."""
    promotion = await arrived(app)
    app.register("2", error=0.5)
    app.register("3", error=0.4)
    body = {"models": ["churn:2", "churn:3"], "to": "preprod", "reason": "together"}
    _, answer = await app.ask("POST", "promotions", body, "linus")
    await app.host.terminate(answer["id"], "somebody pulled the plug")
    path = f"promotion-sets-open/{answer['id']}.json"
    content = stored(app, path)
    plant(app, path, content | {"promotions": [app.record(promotion)["promotion"], *content["promotions"]]})

    await app.sweep()
    await app.sweep()

    assert app.record(promotion)["fate"] == "promoted"
    assert app.cloud.state["assets"]["central/models/churn:1"].tags[STATE] == "approved"
    assert path in forged(app)


async def test_an_open_record_of_another_request_restores_nothing(waiting: PromotionApp) -> None:
    promotion, _ = await asked(waiting)
    await waiting.host.terminate(promotion, "somebody pulled the plug")
    path = f"promotions-open/{promotion}.json"
    plant(waiting, path, stored(waiting, path) | {"model": {"name": "fraud", "version": "7"}})

    await waiting.sweep()

    assert path in forged(waiting)
    assert "fate" not in waiting.record(promotion)


async def test_an_opening_that_was_changed_is_told_of_and_stays_until_it_is_restored(waiting: PromotionApp) -> None:
    """Its outline would undo nothing of the stage that was left out, and close the promotion as put back."""
    promotion, _ = await asked(waiting)
    await waiting.host.terminate(promotion, "somebody pulled the plug")
    path = f"promotions/{promotion}/effects/opened.json"
    opening = stored(waiting, path)
    changed = json.loads(json.dumps(opening))
    changed["plan"]["stages"] = changed["plan"]["stages"][1:]
    changed["plan_digest"] = canonical_digest(changed["plan"])
    plant(waiting, path, changed)
    await waiting.sweep()
    noticed, open_still = forged(waiting), "fate" not in waiting.record(promotion)

    plant(waiting, path, opening)
    await waiting.sweep()

    assert (noticed, open_still) == ([path], True)
    assert waiting.record(promotion)["fate"] == "failed"
    assert not waiting.cloud.state["deployments"]


async def test_an_opening_that_was_removed_closes_nothing(waiting: PromotionApp) -> None:
    promotion, _ = await asked(waiting)
    await waiting.host.terminate(promotion, "somebody pulled the plug")
    path = f"promotions/{promotion}/effects/opened.json"
    remove(waiting, path)

    await waiting.sweep()

    assert forged(waiting) == [path]
    assert "fate" not in waiting.record(promotion)


async def test_a_promotion_is_not_admitted_by_a_plan_that_nobody_signed(waiting: PromotionApp) -> None:
    """Not even an outline of it reaches the orchestration."""
    first, _ = await asked(waiting)
    opening = stored(waiting, f"promotions/{first}/effects/opened.json")
    opening["plan"]["stages"] = opening["plan"]["stages"][1:]
    opening["plan_digest"] = canonical_digest(opening["plan"])
    await waiting.finish(first)
    second = first.rpartition("-")[0] + "-2"
    path = f"promotions/{second}/effects/opened.json"
    plant(waiting, path, opening)
    await waiting.promote("churn:1")

    result = await waiting.finish(second)

    assert (result.fate, "is not believed" in result.because[0]) == (c.Fate.REFUSED, True)
    assert forged(waiting) == [path]


REMOVED = {
    "a move that was made": ["deploy_online.before.dsse.json", "deploy_online.json", "deploy_online.dsse.json"],
    "its statement of before": ["deploy_online.before.dsse.json"],
}


@pytest.mark.parametrize("what", REMOVED)
@pytest.mark.parametrize("index", ["kept", "removed"])
async def test_an_undo_whose_statement_was_removed_stops_and_says_so(
    waiting: PromotionApp, what: str, index: str
) -> None:
    promotion, _ = await asked(waiting)
    remove(waiting, *(f"promotions/{promotion}/effects/preprod/{name}" for name in REMOVED[what]))
    if index == "removed":
        remove(waiting, *blobs(waiting, "audit/subjects/"))
    await waiting.decide(promotion, "grace", "product-owner", "reject")

    result = await waiting.finish(promotion)

    assert "preprod: deploy_online could not be undone, mend it by hand" in " ".join(result.because)
    assert f"promotions/{promotion}/effects/preprod/deploy_online.before.dsse.json" in forged(waiting)


async def test_what_was_there_before_is_not_looked_for_again_after_the_effect(app: PromotionApp) -> None:
    """The statement is removed while Azure is at work; what is there then is the move's own work."""
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    path = f"promotions/{promotion}/effects/preprod/deploy_online.before.dsse.json"

    def after(effect: str) -> None:
        if effect.startswith("deploy preprod/onlineEndpoints"):
            app.cloud.after = lambda effect: None
            remove(app, path)
            raise Transient("the answer was lost")

    app.cloud.after = after
    result = await app.finish(promotion)

    assert result.fate is c.Fate.FAILED
    assert path in forged(app)


@pytest.mark.parametrize("change", ["statement removed", "record changed"])
async def test_no_plan_that_nobody_signed_undoes_anything(waiting: PromotionApp, change: str) -> None:
    promotion, evidence = await asked(waiting)
    await waiting.decide(promotion, "grace", "product-owner", "reject", evidence=evidence)
    path = f"promotions/{promotion}/effects/opened.json"
    if change == "statement removed":
        remove(waiting, *blobs(waiting, f"{promotion}/plans/"))
    else:
        opening: Any = stored(waiting, path)
        opening["plan"]["stages"][0]["stage"]["serving"]["online"] = "of-somebody-else"
        opening["plan_digest"] = canonical_digest(opening["plan"])
        plant(waiting, path, opening)
    before = set(waiting.cloud.state["deployments"])

    result = await waiting.finish(promotion)

    assert result.fate is not c.Fate.PROMOTED
    assert "could not be undone, mend it by hand" in " ".join(result.because)
    assert set(waiting.cloud.state["deployments"]) == before
    assert path in forged(waiting)
