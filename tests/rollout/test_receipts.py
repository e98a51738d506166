"""The receipt of a step judges its record again: nothing goes on by another record, another step, or a mere claim."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from activities.promotion.moves import make_move
from activities.promotion.receipts import issue_receipt
from shared import contracts as c
from shared.application.promotion.standing import receipt_of
from shared.application.promotion.stored_plans import unverified_opening
from shared.domain import identity
from shared.domain.failures import CalledOff, Refused
from shared.domain.promotion.plans import Move, Phase
from shared.domain.promotion.receipts import Receipt
from shared.domain.rollout.steps import StepDecision
from shared.records.production.rollouts import StepRecord, sign_step, step_at
from shared.records.promotion import find_promotion
from tests.fakes.promotion import MemoryModels
from tests.rollout.conftest import FIRST, POLICY, SECOND, RolloutApp, release_first, running
from tests.rollout.test_races import order_later

pytestmark = pytest.mark.xdist_group("rollout receipts")  # One process plays what they begin with.
FORGETTING = replace(POLICY, known_good=replace(POLICY.known_good, rehearsed_within_s=86400))

SUBJECT = ("churn:2", "sha256:" + "0" * 64)


@pytest.fixture
async def shifting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    """Step 0 has ended, and the traffic of step 1 is set."""
    async for app in running(POLICY, tmp_path, monkeypatch, after=(release_first, end_first_step)):
        yield app


async def end_first_step(app: RolloutApp) -> None:
    await app.promote(str(await app.entered("2")), "prod")
    await app.until(lambda: 25 in app.traffic.values(), every_s=60)


def promotion_of(app: RolloutApp) -> c.Promotion:
    record = find_promotion(app.clients.store, identity.promotion_id("churn", "2", "prod", 1))
    assert record is not None
    return record.promotion


def ended(app: RolloutApp) -> StepRecord:
    """The record of step 0."""
    record = step_at(app.clients.statements, promotion_of(app).id, "prod", 0)
    assert record is not None
    return record


def order(app: RolloutApp, number: int, evidence: str) -> Receipt:
    """Ask for the receipt that opens step *number*."""
    promotion = promotion_of(app)
    opening = unverified_opening(app.clients.ledger, promotion.id)
    assert opening is not None
    return issue_receipt(
        app.clients,
        c.StageStep(
            key=f"{promotion.id}/asked/{number}",
            promotion=promotion,
            plan_digest=opening.plan_digest,
            stage="prod",
            phase=Phase.EXIT,
            evidence=evidence,
            number=number,
        ),
    )


def move(app: RolloutApp, what: Move, step: int, receipt: Receipt) -> c.Moved:
    promotion = promotion_of(app)
    opening = unverified_opening(app.clients.ledger, promotion.id)
    assert opening is not None
    return make_move(
        app.clients,
        c.MoveStep(
            key=f"{promotion.id}/moved/{what.value}/{step}",
            promotion=promotion,
            plan_digest=opening.plan_digest,
            stage="prod",
            move=what,
            receipt=receipt,
            step=step,
        ),
    )


async def test_a_step_without_a_record_opens_nothing(shifting: RolloutApp) -> None:
    with pytest.raises(Refused, match="step 1 of prod has no record"):
        order(shifting, 2, ended(shifting).evidence)


async def test_a_step_is_opened_by_the_very_record_that_was_named(shifting: RolloutApp) -> None:
    with pytest.raises(Refused, match="ordered was sha256:other"):
        order(shifting, 1, "sha256:other")
    assert order(shifting, 1, ended(shifting).evidence).step == 1


async def test_a_record_that_says_more_than_its_counts_opens_nothing(shifting: RolloutApp) -> None:
    """The words of the record are not believed: the counts are judged again."""
    record = ended(shifting)
    claim = replace(record, step=1, requests=3, decision=StepDecision.ADVANCE.value, because="it is fine")
    sign_step(shifting.clients.statements, SUBJECT, claim)
    with pytest.raises(Refused, match="3 requests of at least 100"):
        order(shifting, 2, claim.evidence)


async def test_a_receipt_opens_its_own_weight_and_no_other(shifting: RolloutApp) -> None:
    before, receipt = shifting.traffic, order(shifting, 1, ended(shifting).evidence)
    for what, step in ((Move.SHIFT_TRAFFIC, 2), (Move.SHIFT_TRAFFIC, 3), (Move.MARK_IN_PRODUCTION, 0)):
        with pytest.raises(Refused, match="receipt is for step 1"):
            move(shifting, what, step, receipt)
    assert shifting.traffic == before
    assert move(shifting, Move.SHIFT_TRAFFIC, 1, receipt) == c.Moved()


async def test_a_release_begins_only_with_the_traffic_that_was_planned(serving: RolloutApp) -> None:
    """Somebody changed it after the plan, before the first weight was set."""
    promotion = await serving.promote(str(await serving.entered("2")), "prod")
    name = serving.deployment(FIRST)
    serving.cloud.state["deployments"]["prod/onlineEndpoints/churn-online/blue"] = "prod/models/churn:1"
    serving.change_by_hand({name: 50, "blue": 50})
    result = await serving.finish(promotion)
    assert result.fate is c.Fate.FAILED, result
    assert "plan again" in "; ".join(result.because)
    assert serving.traffic == {name: 50, "blue": 50}


@pytest.fixture
async def forgetting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    """What ran or was rehearsed more than a day ago is not known to start."""
    async for app in running(FORGETTING, tmp_path, monkeypatch):
        yield app


async def test_a_cold_version_that_ran_long_ago_is_not_known_to_start(forgetting: RolloutApp) -> None:
    app = forgetting
    champion = await app.released("1")
    await app.pass_time(hours=1)
    current = await app.released("2")
    name = app.deployment(champion)
    del app.cloud.state["deployments"][f"prod/onlineEndpoints/churn-online/{name}"]
    await app.pass_time(days=2)
    result = await app.roll_back()
    assert not result.done
    assert "can be started: it is cold, and ran or was rehearsed until" in result.because
    assert app.traffic == {app.deployment(current): 100}


async def test_no_receipt_is_issued_after_an_abort(shifting: RolloutApp) -> None:
    order_later(shifting, promotion_of(shifting).id)
    with pytest.raises(CalledOff, match="prod: aborted by ada"):
        order(shifting, 1, ended(shifting).evidence)


async def test_a_version_whose_entry_nobody_signed_is_not_known_to_be_good(serving: RolloutApp) -> None:
    for blob in list(serving.hub.list("signalbox", "registry/churn/1/")):
        serving.hub.delete("signalbox", blob.path)
    _, shown = await serving.ask("GET", "models/churn/known-good")
    (version,) = shown["versions"]
    assert "entry is signed" in {row["condition"] for row in version["conditions"] if not row["met"]}


async def test_a_version_whose_entry_nobody_signed_is_gone_back_to_by_nobody(replaced: RolloutApp) -> None:
    for blob in list(replaced.hub.list("signalbox", "registry/churn/1/")):
        replaced.hub.delete("signalbox", blob.path)
    result = await replaced.roll_back(to="1", override=True)
    assert not result.done
    assert "entry is signed" in result.because
    assert replaced.traffic == {replaced.deployment(SECOND): 100}


async def test_receipts_name_the_image_and_one_that_was_built_again_gets_no_more_traffic(app: RolloutApp) -> None:
    models: MemoryModels = app.clients.models  # type: ignore[assignment]
    models.image = "sha256:measured"
    await app.released("1")
    promotion = await app.promote(str(await app.entered("2")), "prod")
    await app.until(lambda: 25 in app.traffic.values(), every_s=60)
    first = receipt_of(app.clients.statements, app.clients.ledger, promotion, "prod", Phase.EXIT)
    assert first is not None
    assert first.image == "sha256:measured"

    models.image = "sha256:built-again"
    result = await app.finish(promotion)
    assert result.fate is c.Fate.FAILED
    assert "sha256:measured was measured: it was built again" in "; ".join(result.because)
    assert 100 in app.traffic.values()
