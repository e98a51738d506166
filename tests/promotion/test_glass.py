"""Breaking the glass: two roles, a reason and an end; and nobody overlooks it."""

from dataclasses import replace
from datetime import timedelta

from shared import contracts as c
from shared.application.promotion.standing import break_glass, question
from shared.application.promotion.stored_plans import unverified_opening
from shared.codec import decode
from shared.domain.promotion.plans import Phase
from tests.promotion.conftest import PEOPLE, PromotionApp


async def broken_glass(app: PromotionApp) -> tuple[str, dict[str, str]]:
    """A worse model that waits for an override, and what one says to break the glass."""
    app.register("1", error=1.0)
    await app.whole("churn:1")
    app.register("2", error=3.0)
    promotion = await app.promote("churn:2", to="preprod", who="ada", break_glass=True)
    await app.pass_time(timedelta(minutes=5))
    _, shown = await app.ask("GET", f"promotions/{promotion}")
    failing = next(each["digest"] for each in shown["evidence"] if each["phase"] == "exit")
    return promotion, {"stage": "preprod", "reason": "the champion is on fire", "evidence": failing}


async def test_break_glass_needs_two_roles_and_is_loud(app: PromotionApp) -> None:
    promotion, said = await broken_glass(app)
    _, waits = await app.ask("GET", f"promotions/{promotion}/explain")
    body = said | {"role": "engineer"}

    alone, _ = await app.ask("POST", f"promotions/{promotion}/break-glass", body, "linus")
    again, refused = await app.ask(
        "POST", f"promotions/{promotion}/break-glass", body | {"role": "product-owner"}, "linus"
    )
    await app.ask("POST", f"promotions/{promotion}/break-glass", body | {"role": "product-owner"}, "grace")
    result = await app.finish(promotion)

    assert [each.partition(": ")[0] for each in waits["unmet"]] == [
        "preprod (exit)",
        "break the glass as engineer",
        "break the glass as product-owner",
    ]
    assert (alone, again, "does not hold role" in refused["detail"]) == (200, 403, True)
    assert result.fate is c.Fate.PROMOTED
    assert "receipt issued over failing gates" in app.chain()
    assert "Signalbox.Promotion.GlassBroken" in app.clients.announcer.kinds  # type: ignore[attr-defined]


async def test_broken_glass_that_one_person_leaves_alone_changes_nothing(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    await app.whole("churn:1")
    app.register("2", error=3.0)
    before = app.cloud.snapshot()["deployments"]

    promotion = await app.promote("churn:2", to="preprod", who="ada", break_glass=True)
    result = await app.finish(promotion)

    assert result.fate is c.Fate.HELD
    assert app.cloud.snapshot()["deployments"] == before


async def test_only_a_promotion_that_asked_for_it_can_be_overridden(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    body = {"stage": "central", "phase": "entry", "reason": "in a hurry", "role": "engineer"}
    body["evidence"] = await app.evidence(promotion)

    status, refused = await app.ask("POST", f"promotions/{promotion}/break-glass", body, "linus")

    assert (status, refused["title"]) == (409, "nothing to override")


async def test_glass_that_one_person_breaks_alone_stays_whole(app: PromotionApp) -> None:
    promotion, body = await broken_glass(app)

    status, _ = await app.ask("POST", f"promotions/{promotion}/break-glass", body | {"role": "engineer"}, "linus")

    assert (status, (await app.finish(promotion)).fate) == (200, c.Fate.HELD)


async def test_whose_consent_to_break_the_glass_is_waited_for_is_listed(app: PromotionApp) -> None:
    promotion, body = await broken_glass(app)
    await app.ask("POST", f"promotions/{promotion}/break-glass", body | {"role": "engineer"}, "linus")

    _, page = await app.ask("GET", "promotions?fate=waiting")

    (row,) = page["promotions"]
    assert row["promotion"] == promotion
    assert [(waited["role"], waited["glass"]) for waited in row["waits"]] == [("product-owner", True)]


def overridden(app: PromotionApp, order: c.StageOrder) -> str:
    glass = app.clients.configuration.ladder.break_glass
    return break_glass(app.clients.statements, glass, order, app.clients.clock.now())


async def test_broken_glass_is_whole_again_after_its_time(app: PromotionApp) -> None:
    promotion, body = await broken_glass(app)
    for who, role in (("linus", "engineer"), ("grace", "product-owner")):
        await app.ask("POST", f"promotions/{promotion}/break-glass", body | {"role": role}, who)
    found = unverified_opening(app.clients.ledger, promotion)
    assert found is not None
    assert found.plan is not None
    request = decode(c.Promotion, app.record(promotion)["promotion"])
    order = question(request, found.plan, found.plan_digest, "preprod", body["evidence"])
    order = replace(order, phase=Phase.EXIT)

    assert "linus because the champion is on fire" in overridden(app, order)
    assert not overridden(app, replace(order, evidence="sha256:other"))
    assert not overridden(app, replace(order, promotion=replace(request, requester=PEOPLE["grace"].oid)))
    await app.pass_time(timedelta(hours=2))
    assert overridden(app, order) == ""
