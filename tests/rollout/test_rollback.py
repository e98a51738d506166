"""Back to a version that is known to be good: warm, cold, during a rollout, and what refuses."""

from datetime import timedelta

import pytest

from shared import contracts as c
from shared.records.production.serving import served_intervals
from tests.rollout.conftest import RolloutApp, because


async def test_a_warm_version_has_all_traffic_again_within_a_minute(app: RolloutApp) -> None:
    champion = await app.released("1")
    await app.pass_time(hours=1)
    await app.released("2")
    began = app.clients.clock.now()
    result = await app.roll_back()
    assert (result.done, result.to) == (True, "churn:1"), result
    assert app.clients.clock.now() - began < timedelta(minutes=1)
    assert app.traffic == {app.deployment(champion): 100}
    assets = app.cloud.state["assets"]
    assert assets["central/models/churn:1"].tags["signalbox.state"] == "in production"
    assert assets["central/models/churn:2"].tags["signalbox.state"] == "approved"
    kinds = [kind for kind in app.chain() if kind.startswith("roll")]
    assert kinds[-2:] == ["rollback ordered", "rolled back"]


async def test_the_log_of_the_model_is_read_once_until_the_traffic_is_back_and_once_to_close(
    app: RolloutApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It grows with every promotion of the model, and each entry is a request to the hub."""
    for version in ("1", "2", "3"):
        await app.released(version)
        await app.pass_time(hours=1)
    names, about = list[str](), app.clients.audit.about
    monkeypatch.setattr(app.clients.audit, "about", lambda name: names.append(name) or about(name))
    result = await app.roll_back()
    assert (result.done, result.to) == (True, "churn:2"), result
    assert names == ["churn", "churn"]


async def test_the_version_that_was_left_is_held_until_somebody_releases_it(app: RolloutApp) -> None:
    await app.released("1")
    await app.pass_time(hours=1)
    await app.released("2")
    await app.roll_back("wrong prices")
    refused = await app.finish(await app.promote("churn:2", "prod"))
    assert refused.fate is c.Fate.REFUSED
    assert "held back by linus" in because(refused)
    assert "wrong prices" in because(refused)
    status, answer = await app.ask("POST", "models/churn/release", {"version": "2", "reason": "fixed"}, "linus")
    assert (status, answer["released"]) == (200, True), answer
    again = await app.finish(await app.promote("churn:2", "prod"))
    assert again.fate is c.Fate.PROMOTED, again


async def test_a_cold_version_is_recovered_from_the_registry(app: RolloutApp) -> None:
    champion = await app.released("1")
    await app.pass_time(hours=1)
    await app.released("2")
    name = app.deployment(champion)
    del app.cloud.state["deployments"][f"prod/onlineEndpoints/churn-online/{name}"]
    del app.cloud.state["assets"]["prod/models/churn:1"]
    result = await app.roll_back()
    assert (result.done, result.to) == (True, "churn:1"), result
    assert app.traffic == {name: 100}
    assert "prod/models/churn:1" in app.cloud.state["assets"]


async def test_a_rollback_during_a_rollout_aborts_it_and_holds_its_version(app: RolloutApp) -> None:
    champion = await app.released("1")
    await app.pass_time(hours=1)
    model = await app.entered("2")
    promotion = await app.promote(str(model), "prod")
    await app.watched(promotion)
    result = await app.roll_back()
    assert (result.done, result.to) == (True, "churn:1"), result
    ended = await app.finish(promotion)
    assert ended.fate is c.Fate.HELD, ended
    assert because(ended) == "prod: aborted by linus: rollback: complaints"
    assert app.traffic == {app.deployment(champion): 100}


async def test_a_first_version_has_nothing_to_go_back_to(app: RolloutApp) -> None:
    model = await app.released("1")
    result = await app.roll_back()
    assert not result.done
    assert "nothing to go back to" in result.because
    assert app.traffic == {app.deployment(model): 100}


async def test_a_version_that_served_too_short_is_not_known_to_be_good_unless_a_person_overrides(
    app: RolloutApp,
) -> None:
    await app.released("1")
    await app.released("2")
    await app.released("3")
    app_known = (await app.ask("GET", "models/churn/known-good"))[1]["versions"]
    assert [version["model"] for version in app_known] == ["churn:3", "churn:2", "churn:1"]
    served = served_intervals(app.clients.statements, "prod", "churn-online")
    assert max(interval.share for interval in served if interval.model == "churn:2") == 100


async def test_a_target_that_does_not_answer_as_it_did_gets_no_traffic(app: RolloutApp) -> None:
    await app.released("1")
    await app.pass_time(hours=1)
    current = await app.released("2")
    app.cloud.predict["churn:1"] = lambda row: -1.0
    result = await app.roll_back()
    assert not result.done
    assert "golden requests deviate" in result.because
    assert app.traffic == {app.deployment(current): 100}


async def test_a_rolled_back_version_is_not_known_to_be_good(app: RolloutApp) -> None:
    await app.released("1")
    await app.pass_time(hours=1)
    await app.released("2")
    await app.roll_back()
    _, shown = await app.ask("GET", "models/churn/known-good")
    by_model = {version["model"]: version for version in shown["versions"]}
    unmet = {row["condition"] for row in by_model["churn:2"]["conditions"] if not row["met"]}
    assert unmet >= {"ended well", "not held back"}


async def test_what_served_at_a_moment_is_answered_exactly(app: RolloutApp) -> None:
    await app.released("1")
    moment = app.clients.clock.now()
    await app.pass_time(hours=1)
    await app.released("2")
    place = "environments/prod/endpoints/churn-online/serving"
    _, then = await app.ask("GET", f"{place}?at={moment:%Y-%m-%dT%H:%M:%SZ}")
    assert [(row["model"], row["share"]) for row in then["intervals"]] == [("churn:1", 100)]
    _, whole = await app.ask("GET", place)
    assert [row["model"] for row in whole["intervals"] if not row["until"]] == ["churn:2"]
