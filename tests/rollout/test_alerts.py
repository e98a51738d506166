"""An alert on a version that has won already: a rollback, exactly once, or a record that says why there is none."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.promotion.models import ModelVersion
from shared.domain.rollout.serving import ChangeKind
from shared.ports import FiringAlert
from shared.records.production.paths import serving_alerts
from shared.records.production.serving import released_at, served_intervals
from tests.rollout.conftest import FIRST, RolloutApp, alert, pushed


async def pass_an_hour(app: RolloutApp) -> None:
    await app.pass_time(hours=1)


@pytest.fixture
async def won(replaced: RolloutApp) -> RolloutApp:
    """Version 1 is known to be good, and version 2 is in production since an hour."""
    await pass_an_hour(replaced)
    return replaced


def served_by(app: RolloutApp, model: str) -> str:
    name, _, version = model.partition(":")
    return app.deployment(ModelVersion(name=name, version=version))


def firing(app: RolloutApp, model: str = "churn:2", rule: str = "prod-errors") -> FiringAlert:
    return alert(rule, served_by(app, model), app.clients.clock.now())


async def push(app: RolloutApp, body: dict[str, Any]) -> str:
    """What became of the alert, once all that it started has ended."""
    status, answer = await app.ask("POST", "alerts", body)
    assert status == 202, answer
    await app.pass_time(minutes=5)
    return "; ".join(answer["done"])


async def judged(app: RolloutApp) -> list[dict[str, Any]]:
    _, shown = await app.ask("GET", "environments/prod/endpoints/churn-online/alerts")
    return list(shown["alerts"])


def rollbacks(app: RolloutApp) -> int:
    return app.chain().count("rollback ordered")


async def test_a_version_that_turns_bad_after_it_has_won_is_rolled_back_by_its_alert(won: RolloutApp) -> None:
    sentence = await push(won, pushed(replace(firing(won), description="errors over 2 %")))
    assert sentence.startswith("rollback "), sentence
    assert won.traffic == {served_by(won, "churn:1"): 100}
    last = served_intervals(won.clients.statements, "prod", "churn-online")[-1]
    assert (last.model, last.began, last.by) == ("churn:1", ChangeKind.ROLLBACK, "alert prod-errors")
    assert last.because == "alert prod-errors: errors over 2 %"
    (row,) = await judged(won)
    assert (row["model"], row["source"], row["condition"]) == ("churn:2", "pushed", "fired")
    assert row["rollback"].startswith("rollback-churn-")
    assert won.chain()[-1] == "rolled back"


async def test_the_same_alert_brings_back_once_however_often_it_is_delivered(won: RolloutApp) -> None:
    fired = firing(won)
    await push(won, pushed(fired))
    again = await push(won, pushed(fired))
    won.alerts.fires = [fired]
    await won.sweep()
    assert "no rollback" in again
    assert rollbacks(won) == 1
    assert won.traffic == {served_by(won, "churn:1"): 100}
    assert [bool(row["rollback"]) for row in await judged(won)] == [True]


async def test_an_alert_that_nobody_pushed_is_found_by_the_sweep(won: RolloutApp) -> None:
    won.alerts.fires = [firing(won), firing(won, rule="another-rule")]
    await won.sweep()
    assert rollbacks(won) == 1
    assert won.traffic == {served_by(won, "churn:1"): 100}
    (row,) = await judged(won)
    assert (row["source"], bool(row["rollback"])) == ("sweep", True)


async def test_two_alerts_on_one_version_bring_back_once(won: RolloutApp) -> None:
    bodies = [pushed(firing(won)), pushed(replace(firing(won), id="of-another-series"))]
    for body in bodies:
        status, _ = await won.ask("POST", "alerts", body)
        assert status == 202
    await won.pass_time(minutes=5)
    assert rollbacks(won) == 1
    assert won.traffic == {served_by(won, "churn:1"): 100}
    assert sorted(bool(row["rollback"]) for row in await judged(won)) == [False, True]


@pytest.mark.parametrize(
    ("condition", "model", "why"),
    [("Resolved", "churn:2", "was resolved"), ("Fired", "churn:1", "it is about")],
    ids=["resolved", "about the version just replaced"],
)
async def test_what_starts_no_rollback_is_recorded_with_the_reason(
    won: RolloutApp, condition: str, model: str, why: str
) -> None:
    sentence = await push(won, pushed(firing(won, model), condition=condition))
    assert why in sentence
    (row,) = await judged(won)
    assert (row["rollback"], row["condition"]) == ("", condition.lower())
    assert why in row["because"]
    _, ignored = await won.ask("GET", "events/ignored")
    assert why in ignored["events"][0]["reason"]
    assert (rollbacks(won), won.traffic) == (0, {served_by(won, "churn:2"): 100})


async def test_an_alert_after_the_window_starts_no_rollback(won: RolloutApp) -> None:
    await won.pass_time(hours=72)
    assert "longer than 3 days" in await push(won, pushed(firing(won)))
    assert rollbacks(won) == 0


async def test_an_alert_that_is_delivered_after_the_window_starts_no_rollback(won: RolloutApp) -> None:
    fired = firing(won)
    await won.pass_time(hours=72)
    assert "longer than 3 days" in await push(won, pushed(fired))
    assert rollbacks(won) == 0


async def test_an_alert_from_before_the_switch_starts_no_rollback(won: RolloutApp) -> None:
    long_ago = won.clients.clock.now() - timedelta(hours=12)
    assert "it fired before churn:2" in await push(won, pushed(replace(firing(won), since=long_ago)))
    assert rollbacks(won) == 0


async def test_an_alert_without_a_deployment_counts_only_where_its_data_are_of_what_serves(won: RolloutApp) -> None:
    unnamed = replace(firing(won), deployment="", window_start=won.clients.clock.now() - timedelta(hours=12))
    assert "looked at data from before churn:2" in await push(won, pushed(unnamed))
    assert rollbacks(won) == 0
    within = replace(unnamed, id="later", window_start=won.clients.clock.now() - timedelta(minutes=5))
    assert (await push(won, pushed(within))).startswith("rollback ")
    assert won.traffic == {served_by(won, "churn:1"): 100}


async def test_an_alert_on_a_version_that_a_rollback_brought_back_is_a_persons_to_decide(won: RolloutApp) -> None:
    await won.roll_back()
    assert "serves because of rollback" in await push(won, pushed(firing(won, "churn:1")))
    assert rollbacks(won) == 1


async def test_an_alert_on_another_endpoint_or_of_another_rule_starts_no_rollback(won: RolloutApp) -> None:
    elsewhere = await push(won, pushed(firing(won), endpoint="fraud-online"))
    assert "is about endpoint fraud-online, and not prod/churn-online" in elsewhere
    assert "under drift.sources" in await push(won, pushed(firing(won, rule="another-rule")))
    assert (rollbacks(won), await judged(won)) == (0, [])


async def test_an_alert_in_the_soak_is_judged_by_the_rollout_itself(serving: RolloutApp) -> None:
    model = await serving.entered("2")
    promotion = await serving.promote(str(model), "prod")
    await serving.until(lambda: serving.traffic == {serving.deployment(model): 100}, every_s=60)
    fired = firing(serving)
    serving.alerts.fires = [fired]
    sentence = await push(serving, pushed(fired))
    assert f"the rollout {promotion} is under way" in sentence
    await serving.finish(promotion)
    assert (rollbacks(serving), serving.traffic) == (0, {serving.deployment(FIRST): 100})


async def test_an_alert_while_somebody_elses_traffic_serves_is_a_persons_to_decide(won: RolloutApp) -> None:
    theirs = {served_by(won, "churn:1"): 50, served_by(won, "churn:2"): 50}
    won.cloud.state["endpoints"]["prod/onlineEndpoints/churn-online"]["traffic"] = theirs
    assert "a person must decide" in await push(won, pushed(firing(won)))
    assert (rollbacks(won), won.traffic) == (0, theirs)


async def test_the_version_that_an_alert_has_left_is_held_back(won: RolloutApp) -> None:
    await push(won, pushed(firing(won)))
    refused = await won.finish(await won.promote("churn:2", "prod"))
    assert "held back by alert prod-errors" in "; ".join(refused.because)


async def served_condition(app: RolloutApp, model: str) -> dict[str, Any]:
    """Whether *model* has served long enough to be known to be good, as the API says it."""
    status, shown = await app.ask("GET", "models/churn/known-good")
    assert status == 200, shown
    (row,) = (row for row in shown["versions"] if row["model"] == model)
    (condition,) = (each for each in row["conditions"] if each["condition"] == "served")
    return dict(condition)


async def test_an_alert_that_starts_no_rollback_counts_against_the_version_until_it_is_cleared(won: RolloutApp) -> None:
    assert (await served_condition(won, "churn:2"))["met"]
    await won.pass_time(hours=72)
    fired = firing(won)
    assert "longer than 3 days" in await push(won, pushed(fired))
    shown = await served_condition(won, "churn:2")
    assert not shown["met"]
    assert f"since alert prod-errors, which fired at {fired.since:%Y-%m-%d %H:%M} UTC" in shown["because"]
    assert (await served_condition(won, "churn:1"))["met"]  # It had served before.
    status, answer = await won.ask(
        "POST", "models/churn/release", {"version": "2", "reason": "a test of the rule"}, "linus"
    )
    assert (status, answer["released"]) == (200, True), answer
    assert (await served_condition(won, "churn:2"))["met"]
    assert won.chain()[-1] == "hold released"
    await won.pass_time(minutes=1)
    assert "longer than 3 days" in await push(won, pushed(replace(firing(won), id="another")))
    assert not (await served_condition(won, "churn:2"))["met"]
    await won.pass_time(minutes=31)
    assert (await served_condition(won, "churn:2"))["met"]  # It has served half an hour without one.


async def test_an_alert_of_the_future_dates_no_release(won: RolloutApp) -> None:
    """An alert's time is Azure Monitor's, and a release of the far future would outlast every later hold."""
    await push(won, pushed(replace(firing(won), since=won.clients.clock.now() + timedelta(days=7))))
    assert not (await served_condition(won, "churn:2"))["met"]
    await won.ask("POST", "models/churn/release", {"version": "2", "reason": "a test of the rule"}, "linus")
    said = released_at(won.clients.statements, ModelVersion(name="churn", version="2"))
    assert said == won.clients.clock.now()


async def test_an_alert_that_nobody_has_signed_counts_against_no_version(won: RolloutApp) -> None:
    """Who can write to the state container can neither plant an alert, nor write another end over one."""
    await won.pass_time(hours=72)
    await push(won, pushed(firing(won)))
    folder = serving_alerts("prod", "churn-online")
    (signed,) = (blob.path for blob in won.hub.list("signalbox", folder))
    record = json.loads(won.hub.read("signalbox", signed))
    (row,) = await judged(won)
    won.hub.create("signalbox", f"{folder}planted.json", json.dumps({**row, "model": "churn:1"}).encode())
    won.hub.create("signalbox", f"{folder}elsewhere/same.dsse.json", json.dumps(record).encode())
    assert await judged(won) == [row]
    assert (await served_condition(won, "churn:1"))["met"]
    found, forged = won.hub.find("signalbox", signed), json.dumps({**record, "payload": record["payload"][::-1]})
    assert found is not None
    assert won.hub.replace("signalbox", signed, forged.encode(), found.etag)
    assert await judged(won) == []


async def test_an_alert_that_is_found_again_and_again_is_signed_once(won: RolloutApp) -> None:
    await won.pass_time(hours=72)
    won.alerts.fires = [firing(won)]
    await won.sweep()
    for _ in range(2):
        await won.pass_time(minutes=10)
        await won.sweep()
    signed = [blob.path for blob in won.hub.list("signalbox", serving_alerts("prod", "churn-online"))]
    assert len([path for path in signed if not path.endswith("/last.dsse.json")]) == 1
    assert len(signed) == 2  # And when it was found last.


async def test_an_alert_that_stays_in_force_counts_as_long_as_it_does(won: RolloutApp) -> None:
    """Half an hour without one is asked, and this one was found two hours after it had fired, and two hours later."""
    await won.pass_time(hours=72)
    won.alerts.fires = [firing(won)]
    for hours in (0, 2, 2):
        await won.pass_time(hours=hours)
        name = f"reconcile-production-{won.minute}"
        await won.host.start("reconcile_production", name, {"key": name})
        await won.host.advance_until_finished(name, timeout=60)
    won.alerts.fires = []
    await won.pass_time(minutes=29)
    assert not (await served_condition(won, "churn:2"))["met"]
    assert [row["condition"] for row in await judged(won)] == ["fired"]
    await won.pass_time(minutes=2)
    assert (await served_condition(won, "churn:2"))["met"]
