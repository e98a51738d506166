"""Records golden histories of promotions that are missing (tests/replay/recording.py)."""

from datetime import timedelta

from shared.contracts import Fate
from shared.domain import identity
from tests.promotion.conftest import Railway
from tests.replay.recording import only_when_asked, record, seen  # noqa: F401 (a fixture)

pytestmark = only_when_asked


async def test_record_a_promotion_that_people_approve(railway: Railway, seen: dict[str, str]) -> None:  # noqa: F811
    railway.register("1", error=1.0)
    promotion = await railway.promote("churn:1")
    await railway.approve(promotion)
    await railway.finish(promotion)

    record("promote-approved", "promote", seen[promotion])


async def test_record_one_that_waits_for_an_endpoint(railway: Railway, seen: dict[str, str]) -> None:  # noqa: F811
    """Another model's promotion holds the endpoint; what waited is no better then, and everything is put back."""
    railway.register("1", error=1.0)
    railway.register("7", error=1.0, name="fraud")
    first = await railway.promote("churn:1")
    await railway.evidence(first)
    second = await railway.promote("fraud:7", to="preprod")
    await railway.pass_time(timedelta(minutes=5))
    await railway.approve(first)
    await railway.finish(first)
    assert (await railway.finish(second)).fate is Fate.HELD

    record("promote-waited", "promote", seen[second])


async def test_record_one_that_was_ended_from_outside(railway: Railway, seen: dict[str, str]) -> None:  # noqa: F811
    railway.register("1", error=1.0)
    promotion = await railway.promote("churn:1")
    await railway.evidence(promotion)
    await railway.host.terminate(promotion, "somebody pulled the plug")
    await railway.sweep()

    record("restore", "restore", seen[identity.restore_id(promotion)])
