"""Several models together: all or none, or each as it may."""

from typing import Any

from shared import contracts as c
from shared.codec import decode
from shared.domain.promotion.models import FLAG, HELD
from tests.promotion.conftest import PromotionApp


async def promote(app: PromotionApp, *models: str, **more: Any) -> tuple[str, list[str]]:
    body = {"models": list(models), "to": "preprod", "reason": "together", **more}
    status, answer = await app.ask("POST", "promotions", body, "linus")
    assert status == 202, answer
    return answer["id"], answer["members"]


async def finished(app: PromotionApp, name: str) -> c.PromotionSetResult:
    outcome = await app.host.advance_until_finished(name, timeout=60)
    return decode(c.PromotionSetResult, outcome.output)


async def test_a_set_arrives_whole(app: PromotionApp) -> None:
    app.register("1", error=2.0)
    app.register("2", error=1.0)

    name, promotions = await promote(app, "churn:1", "churn:2")
    result = await finished(app, name)

    assert result.promoted
    assert [each.id for each in result.results] == promotions
    app.chain()


async def test_an_atomic_set_that_cannot_arrive_whole_leaves_nothing_behind(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    app.register("2", error=3.0)
    before = app.cloud.snapshot()

    name, promotions = await promote(app, "churn:1", "churn:2")
    result = await finished(app, name)

    after = app.cloud.snapshot()
    for version in ("1", "2"):  # Their tags say why they went no further.
        after["assets"][f"dev/models/churn:{version}"] = before["assets"][f"dev/models/churn:{version}"]
    assert not result.promoted
    assert [each.fate for each in result.results] == [c.Fate.HELD, c.Fate.HELD]
    assert after == before
    assert app.record(promotions[0])["fate"] == "held"
    assert f"{promotions[1]} of the same set was held" in app.record(promotions[0])["because"][0]
    app.chain()


async def test_a_set_that_is_not_atomic_says_how_each_ended(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    app.register("2", error=3.0)

    name, _ = await promote(app, "churn:1", "churn:2", atomic=False)
    result = await finished(app, name)

    assert [each.fate for each in result.results] == [c.Fate.PROMOTED, c.Fate.HELD]
    assert not result.promoted


async def test_a_set_of_one_or_of_the_same_is_refused(app: PromotionApp) -> None:
    for models in (["churn:1"], ["churn:1", "churn:1"], "churn:1"):
        body = {"models": models, "to": "preprod", "reason": "r"}
        status, refused = await app.ask("POST", "promotions", body, "linus")

        assert (status, "field 'models'" in refused["detail"]) == (400, True)


async def test_versions_that_are_flagged_together_are_one_promotion(app: PromotionApp) -> None:
    app.register("1", error=1.0, **{FLAG: "churn:1 -> preprod with fraud:3"})
    app.register("3", error=0.5, name="fraud")
    await app.sweep()
    waiting = app.cloud.state["assets"]["dev/models/churn:1"].tags[HELD]

    app.register("3", error=0.5, name="fraud", **{FLAG: "fraud:3 -> preprod with churn:1"})
    before = app.cloud.snapshot()["deployments"]
    await app.sweep()
    await app.sweep()

    _, found = await app.ask("GET", "promotions")
    assert "tag it 'fraud:3 -> preprod with churn:1'" in waiting
    assert before == {}
    assert {row["model"]: row["fate"] for row in found["promotions"]} == {"churn": "promoted", "fraud": "promoted"}
    assert all(count == 1 for name, count in app.cloud.effects.items() if name.startswith("deploy"))


async def test_of_versions_flagged_together_none_arrives_without_the_others(app: PromotionApp) -> None:
    app.register("1", error=1.0, **{FLAG: "churn:1 -> preprod with churn:2"})
    app.register("2", error=3.0, **{FLAG: "churn:2 -> preprod with churn:1"})

    await app.sweep()

    _, found = await app.ask("GET", "promotions")
    assert [row["fate"] for row in found["promotions"]] == ["held", "held"]
    assert not app.cloud.state["deployments"]


async def ended_half_way(app: PromotionApp) -> tuple[str, list[str]]:
    """A set that is ended from outside when its first has arrived and its second asks people."""
    app.register("1", error=2.0)
    app.register("2", error=1.0)
    name, promotions = await promote(app, "churn:1", "churn:2", to="central")
    await app.approve(promotions[0])
    await app.evidence(promotions[1])
    await app.host.terminate(name, "somebody pulled the plug")
    return name, promotions


def open_sets(app: PromotionApp) -> list[str]:
    return [blob.path for blob in app.hub.list("signalbox", "promotion-sets-open/")]


async def test_a_set_that_is_ended_from_outside_leaves_nothing_behind(app: PromotionApp) -> None:
    name, (first, second) = await ended_half_way(app)
    await app.sweep()
    waits = app.record(first)["fate"]
    await app.decide(second, "grace", "product-owner", "reject")
    await app.finish(second)
    await app.sweep()
    await app.sweep()

    assert (waits, app.record(first)["fate"], open_sets(app)) == ("promoted", "held", [])
    assert f"{name} was ended from outside" in app.record(first)["because"][0]
    assert not app.cloud.state["deployments"]
    app.chain()


async def test_a_set_that_arrives_after_it_was_ended_stays(app: PromotionApp) -> None:
    _, (first, second) = await ended_half_way(app)
    await app.approve(second)
    await app.finish(second)
    await app.sweep()

    assert [app.record(each)["fate"] for each in (first, second)] == ["promoted", "promoted"]
    assert open_sets(app) == []
