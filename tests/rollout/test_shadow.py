"""Copies of live requests before the first weight: one mirror, ended by the first weight, by an undo, and by others."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared import contracts as c
from shared.application.promotion.standing import receipt_of
from shared.domain.failures import Refused
from shared.domain.promotion.plans import Move, Phase
from shared.domain.rollout.policy import Mirror
from shared.domain.rollout.steps import SHADOW as STEP_OF_COPIES
from shared.records.production.rollouts import step_at
from tests.amounts import sample
from tests.rollout.conftest import POLICY, RolloutApp, because, release_first, running
from tests.rollout.test_receipts import move, order, promotion_of
from tests.rollout.test_saga import NthFault, restored

pytestmark = pytest.mark.xdist_group("rollout shadow")  # One process plays what they begin with.

SHADOW = replace(POLICY, mirror=Mirror(percent=20, for_s=1800))


@pytest.fixture
async def shadowing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    """A version serves."""
    async for made in running(SHADOW, tmp_path, monkeypatch, after=(release_first,)):
        yield made


def mirror(app: RolloutApp) -> dict[str, int]:
    return dict(app.cloud.state["endpoints"]["prod/onlineEndpoints/churn-online"]["mirror"])


async def mirrored(app: RolloutApp) -> str:
    """A promotion of version 2, once it gets copies."""
    promotion = await app.promote(str(await app.entered("2")), "prod")
    await app.until(lambda: bool(mirror(app)))
    return promotion


async def test_copies_come_before_the_first_weight_and_end_with_it(shadowing: RolloutApp) -> None:
    before = shadowing.traffic
    promotion = await mirrored(shadowing)
    assert list(mirror(shadowing).values()) == [20]
    await shadowing.pass_time(minutes=20)
    assert shadowing.traffic == before
    _, shown = await shadowing.ask("GET", f"rollouts/{promotion}")
    assert (shown["step"], shown["decision"]) == (-1, "wait")
    assert (await shadowing.finish(promotion)).fate is c.Fate.PROMOTED
    assert mirror(shadowing) == {}
    _, shown = await shadowing.ask("GET", f"rollouts/{promotion}")
    assert [step["weight"] for step in shown["steps"]] == [0, 5, 25, 50, 100, 100]


async def test_the_first_weight_is_opened_by_a_receipt_over_the_copies_alone(shadowing: RolloutApp) -> None:
    """The receipt of the stage opens the copies, and no weight: what was seen of them is judged first."""
    champion = shadowing.traffic
    await mirrored(shadowing)
    promotion = promotion_of(shadowing)
    exit_receipt = receipt_of(shadowing.clients.statements, shadowing.clients.ledger, promotion.id, "prod", Phase.EXIT)
    assert exit_receipt is not None
    assert exit_receipt.step == STEP_OF_COPIES
    with pytest.raises(Refused, match="the receipt is for step -1, not for 0"):
        move(shadowing, Move.SHIFT_TRAFFIC, 0, exit_receipt)
    with pytest.raises(Refused, match="has no record"):
        order(shadowing, STEP_OF_COPIES, "sha256:none")
    assert shadowing.traffic == champion

    await shadowing.until(lambda: len(shadowing.traffic) == 2, every_s=60)
    record = step_at(shadowing.clients.statements, promotion.id, "prod", STEP_OF_COPIES)
    assert record is not None
    receipt = order(shadowing, STEP_OF_COPIES, record.evidence)
    assert (receipt.step, receipt.evidence) == (0, record.evidence)
    assert receipt.verdicts[0].startswith("copies: ")


async def test_an_abort_in_the_shadow_ends_the_copies(shadowing: RolloutApp) -> None:
    before = shadowing.cloud.snapshot()["endpoints"]
    promotion = await mirrored(shadowing)
    await shadowing.watched(promotion)
    await shadowing.ask("POST", f"rollouts/{promotion}/abort", {"reason": "not today"}, "linus")
    result = await shadowing.finish(promotion)
    assert (result.fate, because(result)) == (c.Fate.HELD, "prod: aborted by linus: not today")
    assert shadowing.cloud.snapshot()["endpoints"] == before


async def test_a_version_that_fails_on_its_copies_never_gets_a_request(shadowing: RolloutApp) -> None:
    before = shadowing.traffic
    (champion,) = before
    shadowing.requests.counts_copies = True
    shadowing.requests.bad_share = lambda deployment: 0.01 if deployment == champion else 0.5
    result = await shadowing.finish(await mirrored(shadowing))
    assert result.fate is c.Fate.HELD, result
    assert "of its requests failed, over 20%" in because(result)
    assert (shadowing.traffic, mirror(shadowing)) == (before, {})


async def test_somebody_elses_mirror_stops_the_rollout_and_stays(shadowing: RolloutApp) -> None:
    before = shadowing.traffic
    promotion = await mirrored(shadowing)
    foreign = {"somebody-elses": 10}
    shadowing.cloud.state["endpoints"]["prod/onlineEndpoints/churn-online"]["mirror"] = foreign
    result = await shadowing.finish(promotion)
    assert result.fate is c.Fate.HELD, result
    assert "copies requests to {'somebody-elses': 10}" in because(result)
    assert (shadowing.traffic, mirror(shadowing)) == (before, foreign)


async def test_a_mirror_that_was_there_before_is_not_taken_over(shadowing: RolloutApp) -> None:
    foreign = {"somebody-elses": 10}
    shadowing.cloud.state["endpoints"]["prod/onlineEndpoints/churn-online"]["mirror"] = foreign
    result = await shadowing.finish(await shadowing.promote(str(await shadowing.entered("2")), "prod"))
    assert result.fate is c.Fate.FAILED, result
    assert "somebody else mirrors there" in because(result)
    assert mirror(shadowing) == foreign


async def test_a_first_version_has_no_requests_to_copy(shadowing: RolloutApp) -> None:
    assert mirror(shadowing) == {}


@pytest.mark.long
@pytest.mark.parametrize("when", sample(["before", "after"], 1))
async def test_copies_that_cannot_be_set_leave_everything_as_it_was(shadowing: RolloutApp, when: str) -> None:
    await shadowing.entered("2")
    before = shadowing.cloud.snapshot()
    fault = NthFault("change prod/onlineEndpoints/churn-online mirror", 0, Refused)
    setattr(shadowing.cloud, when, fault)
    result = await shadowing.finish(await shadowing.promote("churn:2", "prod"))
    assert (result.fate, fault.fired) == (c.Fate.FAILED, True), result
    assert restored(shadowing, before)
