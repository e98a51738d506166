"""Several models together: all or none, or each as it may."""

from typing import Any

from shared import contracts as c
from shared.codec import decode
from shared.domain.promotion.models import FLAG, HELD
from tests.promotion.conftest import Railway


async def promote(railway: Railway, *models: str, **more: Any) -> tuple[str, list[str]]:
    body = {"models": list(models), "to": "preprod", "reason": "together", **more}
    status, answer = await railway.ask("POST", "promotions", body, "linus")
    assert status == 202, answer
    return answer["id"], answer["members"]


async def finished(railway: Railway, name: str) -> c.PromotionSetResult:
    outcome = await railway.host.advance_until_finished(name, timeout=60)
    return decode(c.PromotionSetResult, outcome.output)


async def test_a_set_arrives_whole(railway: Railway) -> None:
    railway.register("1", error=2.0)
    railway.register("2", error=1.0)

    name, promotions = await promote(railway, "churn:1", "churn:2")
    result = await finished(railway, name)

    assert result.promoted
    assert [each.id for each in result.results] == promotions
    railway.chain()


async def test_an_atomic_set_that_cannot_arrive_whole_leaves_nothing_behind(railway: Railway) -> None:
    railway.register("1", error=1.0)
    railway.register("2", error=3.0)
    before = railway.cloud.snapshot()

    name, promotions = await promote(railway, "churn:1", "churn:2")
    result = await finished(railway, name)

    after = railway.cloud.snapshot()
    for version in ("1", "2"):  # Their tags say why they went no further.
        after["assets"][f"dev/models/churn:{version}"] = before["assets"][f"dev/models/churn:{version}"]
    assert not result.promoted
    assert [each.fate for each in result.results] == [c.Fate.HELD, c.Fate.HELD]
    assert after == before
    assert railway.record(promotions[0])["fate"] == "held"
    assert f"{promotions[1]} of the same set was held" in railway.record(promotions[0])["because"][0]
    railway.chain()


async def test_a_set_that_is_not_atomic_says_how_each_ended(railway: Railway) -> None:
    railway.register("1", error=1.0)
    railway.register("2", error=3.0)

    name, _ = await promote(railway, "churn:1", "churn:2", atomic=False)
    result = await finished(railway, name)

    assert [each.fate for each in result.results] == [c.Fate.PROMOTED, c.Fate.HELD]
    assert not result.promoted


async def test_a_set_of_one_or_of_the_same_is_refused(railway: Railway) -> None:
    for models in (["churn:1"], ["churn:1", "churn:1"], "churn:1"):
        body = {"models": models, "to": "preprod", "reason": "r"}
        status, refused = await railway.ask("POST", "promotions", body, "linus")

        assert (status, "field 'models'" in refused["detail"]) == (400, True)


async def test_versions_that_are_flagged_together_are_one_promotion(railway: Railway) -> None:
    railway.register("1", error=1.0, **{FLAG: "churn:1 -> preprod with fraud:3"})
    railway.register("3", error=0.5, name="fraud")
    await railway.sweep()
    waiting = railway.cloud.state["assets"]["dev/models/churn:1"].tags[HELD]

    railway.register("3", error=0.5, name="fraud", **{FLAG: "fraud:3 -> preprod with churn:1"})
    before = railway.cloud.snapshot()["deployments"]
    await railway.sweep()
    await railway.sweep()

    _, found = await railway.ask("GET", "promotions")
    assert "tag it 'fraud:3 -> preprod with churn:1'" in waiting
    assert before == {}
    assert {row["model"]: row["fate"] for row in found["promotions"]} == {"churn": "promoted", "fraud": "promoted"}
    assert all(count == 1 for name, count in railway.cloud.effects.items() if name.startswith("deploy"))


async def test_of_versions_flagged_together_none_arrives_without_the_others(railway: Railway) -> None:
    railway.register("1", error=1.0, **{FLAG: "churn:1 -> preprod with churn:2"})
    railway.register("2", error=3.0, **{FLAG: "churn:2 -> preprod with churn:1"})

    await railway.sweep()

    _, found = await railway.ask("GET", "promotions")
    assert [row["fate"] for row in found["promotions"]] == ["held", "held"]
    assert not railway.cloud.state["deployments"]


async def ended_half_way(railway: Railway) -> tuple[str, list[str]]:
    """A set that is ended from outside when its first has arrived and its second asks people."""
    railway.register("1", error=2.0)
    railway.register("2", error=1.0)
    name, promotions = await promote(railway, "churn:1", "churn:2", to="central")
    await railway.approve(promotions[0])
    await railway.evidence(promotions[1])
    await railway.host.terminate(name, "somebody pulled the plug")
    return name, promotions


def open_sets(railway: Railway) -> list[str]:
    return [blob.path for blob in railway.hub.list("signalbox", "promotion-sets-open/")]


async def test_a_set_that_is_ended_from_outside_leaves_nothing_behind(railway: Railway) -> None:
    name, (first, second) = await ended_half_way(railway)
    await railway.sweep()
    waits = railway.record(first)["fate"]
    await railway.decide(second, "grace", "product-owner", "reject")
    await railway.finish(second)
    await railway.sweep()
    await railway.sweep()

    assert (waits, railway.record(first)["fate"], open_sets(railway)) == ("promoted", "held", [])
    assert f"{name} was ended from outside" in railway.record(first)["because"][0]
    assert not railway.cloud.state["deployments"]
    railway.chain()


async def test_a_set_that_arrives_after_it_was_ended_stays(railway: Railway) -> None:
    _, (first, second) = await ended_half_way(railway)
    await railway.approve(second)
    await railway.finish(second)
    await railway.sweep()

    assert [railway.record(each)["fate"] for each in (first, second)] == ["promoted", "promoted"]
    assert open_sets(railway) == []
