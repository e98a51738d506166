"""A release to production: traffic shifts step by step, is compared, and is put back where the new version is worse."""

from shared import contracts as c
from tests.rollout.conftest import RolloutApp, because


async def test_a_first_version_has_no_champion_and_takes_all_traffic(app: RolloutApp) -> None:
    model = await app.released("1")
    assert app.traffic == {app.deployment(model): 100}


async def test_a_healthy_version_goes_through_every_step_and_is_in_production(app: RolloutApp) -> None:
    await app.released("1")
    model = await app.released("2")
    assert app.traffic == {app.deployment(model): 100}
    entry = app.cloud.state["assets"]["central/models/churn:2"]
    assert entry.tags["signalbox.state"] == "in production"


async def test_a_version_that_fails_requests_is_aborted_and_the_traffic_is_back(app: RolloutApp) -> None:
    champion = await app.released("1")
    before = app.traffic
    model = await app.entered("2")
    good = app.deployment(champion)
    app.requests.bad_share = lambda deployment: 0.01 if deployment == good else 0.08
    result = await app.finish(await app.promote(str(model), "prod"))
    assert result.fate is c.Fate.HELD, result
    assert "worse in errors" in because(result)
    assert app.traffic == before
    assert list(app.cloud.state["deployments"]) == [f"prod/onlineEndpoints/churn-online/{good}"]
