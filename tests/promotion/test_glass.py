"""Breaking the glass: two roles, a reason and an end; and nobody overlooks it."""

from dataclasses import replace
from datetime import timedelta

from shared import contracts as c
from shared.application.promotion.standing import break_glass, opened, question
from shared.codec import decode
from shared.domain.promotion.plans import Phase
from tests.promotion.conftest import PEOPLE, Railway


async def broken_glass(railway: Railway) -> tuple[str, dict[str, str]]:
    """A worse model that waits for an override, and what one says to break the glass."""
    railway.register("1", error=1.0)
    await railway.whole("churn:1")
    railway.register("2", error=3.0)
    promotion = await railway.promote("churn:2", to="preprod", who="ada", break_glass=True)
    await railway.pass_time(timedelta(minutes=5))
    _, shown = await railway.ask("GET", f"promotions/{promotion}")
    failing = next(each["digest"] for each in shown["evidence"] if each["phase"] == "exit")
    return promotion, {"stage": "preprod", "reason": "the champion is on fire", "evidence": failing}


async def test_break_glass_needs_two_roles_and_is_loud(railway: Railway) -> None:
    promotion, said = await broken_glass(railway)
    _, waits = await railway.ask("GET", f"promotions/{promotion}/explain")
    body = said | {"role": "engineer"}

    alone, _ = await railway.ask("POST", f"promotions/{promotion}/break-glass", body, "linus")
    again, refused = await railway.ask(
        "POST", f"promotions/{promotion}/break-glass", body | {"role": "product-owner"}, "linus"
    )
    await railway.ask("POST", f"promotions/{promotion}/break-glass", body | {"role": "product-owner"}, "grace")
    result = await railway.finish(promotion)

    assert [each.partition(": ")[0] for each in waits["unmet"]] == [
        "preprod (exit)",
        "break the glass as engineer",
        "break the glass as product-owner",
    ]
    assert (alone, again, "does not hold role" in refused["detail"]) == (200, 403, True)
    assert result.fate is c.Fate.PROMOTED
    assert "receipt issued over failing gates" in railway.chain()
    assert "Signalbox.Promotion.GlassBroken" in railway.clients.announcer.kinds  # type: ignore[attr-defined]


async def test_broken_glass_that_one_person_leaves_alone_changes_nothing(railway: Railway) -> None:
    railway.register("1", error=1.0)
    await railway.whole("churn:1")
    railway.register("2", error=3.0)
    before = railway.cloud.snapshot()["deployments"]

    promotion = await railway.promote("churn:2", to="preprod", who="ada", break_glass=True)
    result = await railway.finish(promotion)

    assert result.fate is c.Fate.HELD
    assert railway.cloud.snapshot()["deployments"] == before


async def test_only_a_promotion_that_asked_for_it_can_be_overridden(railway: Railway) -> None:
    railway.register("1", error=1.0)
    promotion = await railway.promote("churn:1")
    body = {"stage": "central", "phase": "entry", "reason": "in a hurry", "role": "engineer"}
    body["evidence"] = await railway.evidence(promotion)

    status, refused = await railway.ask("POST", f"promotions/{promotion}/break-glass", body, "linus")

    assert (status, refused["title"]) == (409, "nothing to override")


async def test_glass_that_one_person_breaks_alone_stays_whole(railway: Railway) -> None:
    promotion, body = await broken_glass(railway)

    status, _ = await railway.ask("POST", f"promotions/{promotion}/break-glass", body | {"role": "engineer"}, "linus")

    assert (status, (await railway.finish(promotion)).fate) == (200, c.Fate.HELD)


async def test_whose_consent_to_break_the_glass_is_waited_for_is_listed(railway: Railway) -> None:
    promotion, body = await broken_glass(railway)
    await railway.ask("POST", f"promotions/{promotion}/break-glass", body | {"role": "engineer"}, "linus")

    _, page = await railway.ask("GET", "promotions?fate=waiting")

    (row,) = page["promotions"]
    assert row["promotion"] == promotion
    assert [(waited["role"], waited["glass"]) for waited in row["waits"]] == [("product-owner", True)]


async def test_broken_glass_is_whole_again_after_its_time(railway: Railway) -> None:
    promotion, body = await broken_glass(railway)
    for who, role in (("linus", "engineer"), ("grace", "product-owner")):
        await railway.ask("POST", f"promotions/{promotion}/break-glass", body | {"role": role}, who)
    found = opened(railway.clients, promotion)
    assert found is not None
    assert found.plan is not None
    request = decode(c.Promotion, railway.record(promotion)["promotion"])
    order = question(request, found.plan, found.plan_digest, "preprod", body["evidence"])
    order = replace(order, phase=Phase.EXIT)

    assert "linus because the champion is on fire" in break_glass(railway.clients, order)
    assert not break_glass(railway.clients, replace(order, evidence="sha256:other"))
    assert not break_glass(railway.clients, replace(order, promotion=replace(request, requester=PEOPLE["grace"].oid)))
    await railway.pass_time(timedelta(hours=2))
    assert break_glass(railway.clients, order) == ""
