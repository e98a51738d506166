"""The default of a production batch endpoint follows what serves, forwards and back, and routes follow it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared import contracts as c
from shared.application.inference.scoring import current_scoring
from shared.codec import decode
from shared.domain.configuration import Configuration
from shared.domain.failures import Refused
from shared.domain.inference.routes import Scoring
from tests.rollout.conftest import FIRST, POLICY, PROD, RolloutApp, configuration_with, release_first, running_with

pytestmark = pytest.mark.xdist_group("rollout batch")  # One process plays what they begin with.

FOLLOWING = Scoring(workspace=PROD, endpoint="churn-batch", model="churn", follows=True)
BATCH = "prod/batchEndpoints/churn-batch"


def with_batch(configuration: Configuration) -> Configuration:
    stages = tuple(
        replace(stage, serving=replace(stage.serving, batch="churn-batch")) if stage.rollout else stage
        for stage in configuration.ladder.stages
    )
    return replace(configuration, ladder=replace(configuration.ladder, stages=stages))


BATCH_TOO = with_batch(configuration_with(POLICY))


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    async for made in running_with(BATCH_TOO, tmp_path, monkeypatch):
        yield made


@pytest.fixture
async def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    """Version 1 is in production, and the default of the batch endpoint."""
    async for made in running_with(BATCH_TOO, tmp_path, monkeypatch, (release_first,)):
        yield made


def scores(app: RolloutApp) -> str:
    """What a route that follows the batch endpoint scores with now; empty where nothing does."""
    try:
        return current_scoring(app.endpoints, FOLLOWING).scored_model
    except Refused:
        return ""


async def soaking(app: RolloutApp, version: str) -> str:
    """The promotion of a version that has all traffic and soaks."""
    model = await app.entered(version)
    promotion = await app.promote(str(model), "prod")
    await app.until(lambda: scores(app) == str(model), every_s=60)
    return promotion


async def aborted(app: RolloutApp, promotion: str) -> None:
    await app.ask("POST", f"rollouts/{promotion}/abort", {"reason": "complaints"}, "linus")
    assert (await app.finish(promotion)).fate is c.Fate.HELD


async def test_routes_follow_the_version_that_won_and_not_the_one_on_its_way(serving: RolloutApp) -> None:
    assert scores(serving) == "churn:1"
    promotion = await serving.promote(str(await serving.entered("2")), "prod")
    await serving.until(lambda: len(serving.traffic) == 2, every_s=60)
    assert scores(serving) == "churn:1"
    await serving.finish(promotion)
    assert scores(serving) == "churn:2"


async def test_an_abort_in_the_soak_brings_the_default_back(serving: RolloutApp) -> None:
    await aborted(serving, await soaking(serving, "2"))
    assert scores(serving) == "churn:1"


async def test_after_the_abort_of_a_first_version_nothing_scores(app: RolloutApp) -> None:
    await aborted(app, await soaking(app, "1"))
    assert app.cloud.state["endpoints"].get(BATCH, {}).get("default", "") == ""


async def test_a_default_that_somebody_else_has_chosen_is_left_to_them(serving: RolloutApp) -> None:
    promotion = await soaking(serving, "2")
    serving.cloud.state["endpoints"][BATCH]["default"] = "theirs"
    await aborted(serving, promotion)
    assert serving.cloud.state["endpoints"][BATCH]["default"] == "theirs"


@pytest.mark.parametrize("is_gone", [False, True])
async def test_a_rollback_brings_the_default_back_and_deploys_it_where_it_is_gone(serving: RolloutApp, is_gone) -> None:
    await serving.released("2")
    if is_gone:
        del serving.cloud.state["deployments"][f"{BATCH}/{serving.deployment(FIRST)}"]
    result = await serving.roll_back()
    assert (result.done, result.to) == (True, "churn:1"), result
    assert serving.traffic == {serving.deployment(FIRST): 100}
    assert scores(serving) == "churn:1"


async def test_revoking_a_version_says_that_a_batch_endpoint_goes_on_with_it(serving: RolloutApp) -> None:
    await serving.released("2")
    serving.change_by_hand({serving.deployment(FIRST): 100})

    _, answer = await serving.ask("POST", "models/churn/revoke", {"version": "2", "reason": "leaks"}, "linus")
    outcome = await serving.host.advance_until_finished(str(answer["id"]), timeout=60)

    result = decode(c.RevocationResult, outcome.output)
    assert result.rolled_back == ()
    assert len(result.because) == 1
    assert "prod: churn:2 is the default of the batch endpoint churn-batch" in result.because[0]


async def test_a_rollback_of_a_revoked_version_that_fails_names_the_batch_endpoint_too(serving: RolloutApp) -> None:
    """There is no version before it, so the endpoints go on with it."""

    _, answer = await serving.ask("POST", "models/churn/revoke", {"version": "1", "reason": "leaks"}, "linus")
    outcome = await serving.host.advance_until_finished(str(answer["id"]), timeout=60)

    result = decode(c.RevocationResult, outcome.output)
    assert result.rolled_back == ()
    assert [reason for reason in result.because if "nothing to go back to" in reason]
    assert [reason for reason in result.because if "churn:1 is the default of the batch endpoint" in reason]
    assert scores(serving) == "churn:1"
