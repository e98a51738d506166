"""Records golden histories of promotions that are missing (tests/replay/recording.py)."""

from datetime import timedelta

import pytest

from shared.contracts import Fate
from shared.domain import identity
from tests.promotion.conftest import PromotionApp
from tests.promotion.test_changes import GatedApp, gated  # noqa: F401 (a fixture)
from tests.replay.recording import only_when_asked, record, seen  # noqa: F401 (a fixture)

pytestmark = only_when_asked


async def test_record_a_promotion_that_people_approve(app: PromotionApp, seen: dict[str, str]) -> None:  # noqa: F811
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.approve(promotion)
    await app.finish(promotion)

    record("promote-approved", "promote", seen[promotion])


async def test_record_one_that_waits_for_an_endpoint(app: PromotionApp, seen: dict[str, str]) -> None:  # noqa: F811
    """Another model's promotion holds the endpoint; what waited is no better then, and everything is put back."""
    app.register("1", error=1.0)
    app.register("7", error=1.0, name="fraud")
    first = await app.promote("churn:1")
    await app.evidence(first)
    second = await app.promote("fraud:7", to="preprod")
    await app.pass_time(timedelta(minutes=5))
    await app.approve(first)
    await app.finish(first)
    assert (await app.finish(second)).fate is Fate.HELD

    record("promote-waited", "promote", seen[second])


async def test_record_one_that_was_ended_from_outside(app: PromotionApp, seen: dict[str, str]) -> None:  # noqa: F811
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.evidence(promotion)
    await app.host.terminate(promotion, "somebody pulled the plug")
    await app.sweep()

    record("restore", "restore", seen[identity.restore_id(promotion)])


async def test_record_the_second_version_of_a_promotion(app: PromotionApp, seen: dict[str, str]) -> None:  # noqa: F811
    """Its opening has an outline, and its orders name the plan by a digest."""
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.approve(promotion)
    await app.finish(promotion)

    record("promote-outlined", "promote", seen[promotion])


async def test_record_the_second_version_of_an_undoing(app: PromotionApp, seen: dict[str, str]) -> None:  # noqa: F811
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.evidence(promotion)
    await app.host.terminate(promotion, "somebody pulled the plug")
    await app.sweep()

    record("restore-outlined", "restore", seen[identity.restore_id(promotion)])


@pytest.mark.parametrize(("stem", "error"), [("promote_set-whole", 1.0), ("promote_set-taken_back", 3.0)])
async def test_record_a_set_that_arrives_and_one_that_does_not(
    app: PromotionApp,
    seen: dict[str, str],  # noqa: F811
    stem: str,
    error: float,
) -> None:
    app.register("1", error=2.0)
    app.register("2", error=error)
    body = {"models": ["churn:1", "churn:2"], "to": "preprod", "reason": "together"}
    _, answer = await app.ask("POST", "promotions", body, "linus")
    await app.host.advance_until_finished(answer["id"], timeout=60)

    record(stem, "promote_set", seen[answer["id"]])


async def test_record_a_promotion_that_is_confirmed_at_its_end(app: PromotionApp, seen: dict[str, str]) -> None:  # noqa: F811
    """Its opening says that Azure is asked, before it ends, for what its moves have made."""
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.approve(promotion)
    await app.finish(promotion)

    record("promote-confirmed", "promote", seen[promotion])


async def test_record_one_that_asks_for_a_change(gated: GatedApp, seen: dict[str, str]) -> None:  # noqa: F811
    promotion = await gated.asked()
    gated.desk.move("-1", "approved")
    await gated.finish(promotion)

    record("promote-changed", "promote", seen[promotion])
