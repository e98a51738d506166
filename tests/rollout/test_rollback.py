"""Back to a version that is known to be good: warm, cold, during a rollout, and what refuses."""

from datetime import timedelta

import pytest

from shared import contracts as c
from shared.records.production.serving import served_intervals
from tests.rollout.conftest import FIRST, SECOND, RolloutApp, because


async def test_a_warm_version_has_all_traffic_again_within_a_minute(replaced: RolloutApp) -> None:
    began = replaced.clients.clock.now()
    entry = replaced.cloud.state["assets"]["central/models/churn:1"]
    assert " to " in entry.tags["signalbox.served"]  # Until it was retired.
    result = await replaced.roll_back()
    assert (result.done, result.to) == (True, "churn:1"), result
    assert replaced.clients.clock.now() - began < timedelta(minutes=1)
    assert replaced.traffic == {replaced.deployment(FIRST): 100}
    assets = replaced.cloud.state["assets"]
    assert assets["central/models/churn:1"].tags["signalbox.state"] == "in production"
    assert assets["central/models/churn:2"].tags["signalbox.state"] == "approved"
    served, left = (assets[f"central/models/churn:{version}"].tags["signalbox.served"] for version in ("1", "2"))
    assert served.startswith("prod/churn-online since ")
    assert left == f"{left.partition(' to ')[0]} to {served.partition(' since ')[2]}"  # It ended when the other began.
    kinds = [kind for kind in replaced.chain() if kind.startswith("roll")]
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


async def test_the_version_that_was_left_is_held_until_somebody_releases_it(replaced: RolloutApp) -> None:
    await replaced.roll_back("wrong prices")
    refused = await replaced.finish(await replaced.promote("churn:2", "prod"))
    assert refused.fate is c.Fate.REFUSED
    assert "held back by linus" in because(refused)
    assert "wrong prices" in because(refused)
    status, answer = await replaced.ask("POST", "models/churn/release", {"version": "2", "reason": "fixed"}, "linus")
    assert (status, answer["released"]) == (200, True), answer
    again = await replaced.finish(await replaced.promote("churn:2", "prod"))
    assert again.fate is c.Fate.PROMOTED, again


async def test_a_cold_version_is_recovered_from_the_registry(replaced: RolloutApp) -> None:
    name = replaced.deployment(FIRST)
    del replaced.cloud.state["deployments"][f"prod/onlineEndpoints/churn-online/{name}"]
    del replaced.cloud.state["assets"]["prod/models/churn:1"]
    result = await replaced.roll_back()
    assert (result.done, result.to) == (True, "churn:1"), result
    assert replaced.traffic == {name: 100}
    assert "prod/models/churn:1" in replaced.cloud.state["assets"]


async def test_a_rollback_during_a_rollout_aborts_it_and_holds_its_version(serving: RolloutApp) -> None:
    await serving.pass_time(hours=1)
    model = await serving.entered("2")
    promotion = await serving.promote(str(model), "prod")
    await serving.watched(promotion)
    result = await serving.roll_back()
    assert (result.done, result.to) == (True, "churn:1"), result
    ended = await serving.finish(promotion)
    assert ended.fate is c.Fate.HELD, ended
    assert because(ended) == "prod: aborted by linus: rollback: complaints"
    assert serving.traffic == {serving.deployment(FIRST): 100}


async def test_a_first_version_has_nothing_to_go_back_to(serving: RolloutApp) -> None:
    result = await serving.roll_back()
    assert not result.done
    assert "nothing to go back to" in result.because
    assert serving.traffic == {serving.deployment(FIRST): 100}


async def test_a_version_that_served_too_short_is_not_known_to_be_good_unless_a_person_overrides(
    serving: RolloutApp,
) -> None:
    await serving.released("2")
    await serving.released("3")
    app_known = (await serving.ask("GET", "models/churn/known-good"))[1]["versions"]
    assert [version["model"] for version in app_known] == ["churn:3", "churn:2", "churn:1"]
    served = served_intervals(serving.clients.statements, "prod", "churn-online")
    assert max(interval.share for interval in served if interval.model == "churn:2") == 100


async def test_a_target_that_does_not_answer_as_it_did_gets_no_traffic(replaced: RolloutApp) -> None:
    replaced.cloud.predict["churn:1"] = lambda row: -1.0
    result = await replaced.roll_back()
    assert not result.done
    assert "golden requests deviate" in result.because
    assert replaced.traffic == {replaced.deployment(SECOND): 100}


async def test_a_rolled_back_version_is_not_known_to_be_good(replaced: RolloutApp) -> None:
    await replaced.roll_back()
    _, shown = await replaced.ask("GET", "models/churn/known-good")
    by_model = {version["model"]: version for version in shown["versions"]}
    unmet = {row["condition"] for row in by_model["churn:2"]["conditions"] if not row["met"]}
    assert unmet >= {"ended well", "not held back"}


async def test_what_served_at_a_moment_is_answered_exactly(serving: RolloutApp) -> None:
    moment = serving.clients.clock.now()
    await serving.pass_time(hours=1)
    await serving.released("2")
    place = "environments/prod/endpoints/churn-online/serving"
    _, then = await serving.ask("GET", f"{place}?at={moment:%Y-%m-%dT%H:%M:%SZ}")
    assert [(row["model"], row["share"]) for row in then["intervals"]] == [("churn:1", 100)]
    _, whole = await serving.ask("GET", place)
    assert [row["model"] for row in whole["intervals"] if not row["until"]] == ["churn:2"]


async def test_a_version_that_wants_what_callers_do_not_send_is_brought_back_by_override_alone(
    app: RolloutApp,
) -> None:
    await app.released("1", columns=("x", "age"))
    await app.pass_time(hours=1)
    await app.released("2")
    refused = await app.roll_back()
    assert not refused.done
    assert "churn:1: fits its callers: callers do not send input_data.age" in refused.because
    _, shown = await app.ask("GET", "models/churn/known-good")
    unmet = {
        row["model"]: [condition["condition"] for condition in row["conditions"] if not condition["met"]]
        for row in shown["versions"]
    }
    assert unmet["churn:1"] == ["fits its callers"]
    result = await app.roll_back(to="1", override=True)
    assert (result.done, result.to) == (True, "churn:1"), result
