"""A release to production: traffic shifts step by step, is compared, and is put back where the new version is worse."""

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from shared import contracts as c
from shared.domain.rollout.policy import LookRule
from shared.domain.rollout.serving import ChangeKind
from shared.records.production.rollouts import step_at
from shared.records.production.serving import served_intervals
from tests.cli.conftest import run
from tests.rollout.conftest import FIRST, POLICY, RolloutApp, alert, because, running


async def test_a_first_version_has_no_champion_and_takes_all_traffic(serving: RolloutApp) -> None:
    assert serving.traffic == {serving.deployment(FIRST): 100}


async def test_a_healthy_version_goes_through_every_step_and_is_in_production(serving: RolloutApp) -> None:
    model = await serving.released("2")
    assert serving.traffic == {serving.deployment(model): 100}
    entry = serving.cloud.state["assets"]["central/models/churn:2"]
    assert entry.tags["signalbox.state"] == "in production"
    assert serving.cloud.state["assets"]["central/models/churn:1"].tags["signalbox.state"] == "retired"


async def test_a_version_that_fails_requests_is_aborted_and_the_traffic_is_back(serving: RolloutApp) -> None:
    before = serving.traffic
    model = await serving.entered("2")
    good = serving.deployment(FIRST)
    serving.requests.bad_share = lambda deployment: 0.01 if deployment == good else 0.08
    result = await serving.finish(await serving.promote(str(model), "prod"))
    assert result.fate is c.Fate.HELD, result
    assert "worse in errors" in because(result)
    assert serving.traffic == before
    assert list(serving.cloud.state["deployments"]) == [f"prod/onlineEndpoints/churn-online/{good}"]


async def test_each_step_has_a_signed_record_that_its_successor_judges(serving: RolloutApp) -> None:
    promotion = await serving.promote(str(await serving.entered("2")), "prod")
    assert (await serving.finish(promotion)).fate is c.Fate.PROMOTED
    status, shown = await serving.ask("GET", f"rollouts/{promotion}")
    assert status == 200, shown
    assert [(step["weight"], step["decision"]) for step in shown["steps"]] == [
        (5, "advance"),
        (25, "advance"),
        (50, "advance"),
        (100, "advance"),
        (100, "advance"),
    ]
    assert all(step["requests"] >= 100 for step in shown["steps"])
    status, drawn = await serving.ask("GET", f"rollouts/{promotion}/page?step=1")
    assert (status, drawn["digest"]) == (200, shown["steps"][1]["evidence"]), drawn
    assert drawn["html"].count("<svg") == 3


async def test_no_minute_is_counted_twice_and_none_younger_than_the_lag(serving: RolloutApp) -> None:
    serving.requests.counted.clear()
    await serving.entered("2")
    promotion = await serving.promote("churn:2", "prod")
    await serving.finish(promotion)
    records = [step_at(serving.clients.statements, promotion, "prod", step) for step in range(5)]
    parts = [part for record in records if record for part in (record.counts, record.last)]
    counted = [minute.minute for part in parts for minute in part.minutes.get("errors", ())]
    assert len(counted) == len(set(counted)) > 40
    asked = Counter(serving.requests.counted)
    assert set(asked) == set(counted)
    # By the look that counts it, and once more by the next one, which tells what came late.
    assert max(asked.values()) <= 2


async def test_silence_is_no_success_and_no_failure(serving: RolloutApp) -> None:
    model = await serving.entered("2")
    serving.requests.silent = True
    promotion = await serving.promote(str(model), "prod")
    await serving.pass_time(hours=9)
    _, shown = await serving.ask("GET", f"rollouts/{promotion}")
    assert (shown["step"], shown["decision"]) == (0, "wait")
    assert "a person must advance or abort" in shown["because"]


async def test_figures_that_stop_in_the_middle_of_a_step_hold_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was counted before is enough by its numbers, and says nothing of now: no answer is not zero requests."""
    async for app in running(replace(POLICY, look=LookRule(every_s=300)), tmp_path, monkeypatch):
        await app.released("1")
        app.requests.requests = 2000
        promotion = await app.shifting("2")
        await app.pass_time(minutes=11)  # Long enough for more requests than the step needs, and not for the step.
        app.requests.silent = True
        await app.pass_time(hours=1)
        _, shown = await app.ask("GET", f"rollouts/{promotion}")
        nothing, _, awaited = shown["because"].partition("; ")
        assert nothing == "nothing was counted in this look: no answer is not zero requests"
        assert awaited.startswith("requests since 2026-01-01 "), awaited
        assert awaited.endswith(" UTC are due and not counted: Azure Monitor has no figures of them"), awaited
        assert 5 in app.traffic.values()
        app.requests.silent = False
        await app.pass_time(minutes=6)
        assert 25 in app.traffic.values()


async def test_a_person_advances_over_silence(serving: RolloutApp) -> None:
    model = await serving.entered("2")
    serving.requests.silent = True
    promotion = await serving.promote(str(model), "prod")
    await serving.pass_time(hours=1)
    status, taken = await serving.ask(
        "POST", f"rollouts/{promotion}/advance", {"reason": "nobody asks at night"}, "linus"
    )
    assert (status, taken["recorded"]) == (200, True), taken
    await serving.pass_time(minutes=10)
    _, shown = await serving.ask("GET", f"rollouts/{promotion}")
    assert shown["step"] == 1
    assert shown["steps"][0]["because"].startswith("advanced by linus")


async def test_an_order_for_a_step_that_is_past_is_refused(serving: RolloutApp) -> None:
    promotion = await serving.shifting("2")
    await serving.until(lambda: 25 in serving.traffic.values(), every_s=60)
    await serving.pass_time(minutes=1)
    body = {"reason": "no patience", "step": 0}
    status, refusal = await serving.ask("POST", f"rollouts/{promotion}/advance", body, "linus")
    assert (status, refusal["title"]) == (409, "changed meanwhile"), refusal
    status, taken = await serving.ask("POST", f"rollouts/{promotion}/advance", {**body, "step": 1}, "linus")
    assert (status, taken["step"]) == (200, 1)


async def test_a_machine_cannot_advance(serving: RolloutApp) -> None:
    model = await serving.entered("2")
    promotion = await serving.promote(str(model), "prod")
    await serving.pass_time(minutes=5)
    status, _ = await serving.ask("POST", f"rollouts/{promotion}/advance", {"reason": "no patience"})
    assert status == 403


async def test_an_abort_brings_the_traffic_back_at_once_and_twice_is_as_once(serving: RolloutApp) -> None:
    before = serving.traffic
    model = await serving.entered("2")
    promotion = await serving.promote(str(model), "prod")
    await serving.until(lambda: len(serving.traffic) == 2)
    answers = [
        (await serving.ask("POST", f"rollouts/{promotion}/abort", {"reason": "complaints"}, "linus"))[1]
        for _ in range(2)
    ]
    assert [answer["recorded"] for answer in answers] == [True, False]
    result = await serving.finish(promotion)
    assert (result.fate, because(result)) == (c.Fate.HELD, "prod: aborted by linus: complaints")
    assert serving.traffic == before == {serving.deployment(FIRST): 100}
    assert serving.chain().count("rollout abort ordered") == 1


async def test_a_paused_rollout_stays_and_its_time_does_not_count(serving: RolloutApp) -> None:
    model = await serving.entered("2")
    promotion = await serving.promote(str(model), "prod")
    await serving.until(lambda: len(serving.traffic) == 2)
    await serving.ask("POST", f"rollouts/{promotion}/pause", {"reason": "lunch"}, "linus")
    await serving.pass_time(hours=5)
    _, shown = await serving.ask("GET", f"rollouts/{promotion}")
    assert (shown["step"], shown["because"]) == (0, "paused by linus: lunch")
    await serving.ask("POST", f"rollouts/{promotion}/resume", {"reason": "back"}, "linus")
    await serving.pass_time(minutes=5)
    _, shown = await serving.ask("GET", f"rollouts/{promotion}")
    assert shown["step"] == 0, "the five hours of the pause are no time of the step"
    assert (await serving.finish(promotion)).fate is c.Fate.PROMOTED


async def test_a_breach_during_a_pause_aborts(serving: RolloutApp) -> None:
    before, good = serving.traffic, serving.deployment(FIRST)
    model = await serving.entered("2")
    promotion = await serving.promote(str(model), "prod")
    await serving.until(lambda: len(serving.traffic) == 2)
    await serving.ask("POST", f"rollouts/{promotion}/pause", {"reason": "lunch"}, "linus")
    serving.requests.bad_share = lambda deployment: 0.01 if deployment == good else 0.2
    result = await serving.finish(promotion)
    assert result.fate is c.Fate.HELD, result
    assert serving.traffic == before


async def test_traffic_that_somebody_else_changed_stops_the_rollout_and_stays_theirs(serving: RolloutApp) -> None:
    model = await serving.entered("2")
    promotion = await serving.promote(str(model), "prod")
    await serving.watched(promotion)
    theirs = {serving.deployment(FIRST): 60, serving.deployment(model): 40}
    serving.cloud.state["endpoints"]["prod/onlineEndpoints/churn-online"]["traffic"] = theirs
    result = await serving.finish(promotion)
    assert result.fate is c.Fate.HELD, result
    assert "somebody else changed it" in because(result)
    assert "mend it by hand" in because(result)
    assert serving.traffic == theirs


async def test_an_alert_on_the_new_version_aborts_and_one_on_the_champion_does_not(serving: RolloutApp) -> None:
    before = serving.traffic
    model = await serving.entered("2")
    promotion = await serving.promote(str(model), "prod")
    await serving.until(lambda: len(serving.traffic) == 2)
    serving.alerts.fires = [
        alert("prod-errors", serving.deployment(FIRST)),
        alert("another-rule", serving.deployment(model)),
    ]
    await serving.pass_time(minutes=10)
    assert len(serving.traffic) == 2
    serving.alerts.fires = [alert("prod-errors", serving.deployment(model))]
    result = await serving.finish(promotion)
    assert "alerts fire on it: prod-errors" in because(result)
    assert serving.traffic == before


async def test_an_alert_aborts_in_whatever_case_azure_writes_its_names(serving: RolloutApp) -> None:
    before = serving.traffic
    model = await serving.entered("2")
    promotion = await serving.promote(str(model), "prod")
    await serving.until(lambda: len(serving.traffic) == 2)

    serving.alerts.fires = [alert("Prod-Errors", serving.deployment(model).upper())]

    assert "alerts fire on it: Prod-Errors" in because(await serving.finish(promotion))
    assert serving.traffic == before


async def test_incidents_that_hit_both_versions_abort_nothing(serving: RolloutApp) -> None:
    serving.requests.bad_share = lambda deployment: 0.5
    model = await serving.entered("2")
    promotion = await serving.promote(str(model), "prod")
    await serving.pass_time(hours=2)
    _, shown = await serving.ask("GET", f"rollouts/{promotion}")
    assert (shown["step"], shown["decision"]) == (0, "wait")
    assert "both versions are sick" in shown["because"] or "requests failed, over 20%" in shown["because"]


async def test_a_version_that_turns_bad_in_the_soak_is_brought_back(serving: RolloutApp) -> None:
    before = serving.traffic
    model = await serving.entered("2")
    promotion = await serving.promote(str(model), "prod")
    await serving.until(lambda: serving.traffic == {serving.deployment(model): 100}, every_s=60)
    serving.requests.bad_share = lambda deployment: 0.5
    result = await serving.finish(promotion)
    assert result.fate is c.Fate.HELD, result
    assert serving.traffic == before


async def test_what_is_not_in_the_registry_is_not_released(app: RolloutApp) -> None:
    app.register("7", 1.0)
    status, answer = await app.ask("POST", "plans", {"model": "churn:7", "to": "prod"})
    assert status == 422, answer
    assert "is not in the central registry" in str(answer)


async def test_the_serving_history_has_every_share_of_a_release_and_of_one_that_was_put_back(
    serving: RolloutApp,
) -> None:
    model = await serving.entered("2")
    promotion = await serving.promote(str(model), "prod")
    await serving.until(lambda: serving.traffic.get(serving.deployment(model)) == 25, every_s=60)
    await serving.ask("POST", f"rollouts/{promotion}/abort", {"reason": "complaints"}, "linus")
    await serving.finish(promotion)
    served = served_intervals(serving.clients.statements, "prod", "churn-online")
    assert [(interval.model, interval.share, interval.ended) for interval in served] == [
        ("churn:1", 100, ChangeKind.SHIFT),
        ("churn:1", 95, ChangeKind.SHIFT),
        ("churn:2", 5, ChangeKind.SHIFT),
        ("churn:1", 75, ChangeKind.UNDO),
        ("churn:2", 25, ChangeKind.UNDO),
        ("churn:1", 100, None),
    ]


async def test_a_rollout_is_watched_to_its_end(serving: RolloutApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signalbox.cli.watching._EVERY_S", 0.02)
    promotion = await serving.promote(str(await serving.entered("2")), "prod")
    await serving.watched(promotion)
    watching = asyncio.create_task(run(serving, "rollout", "watch", promotion))
    await serving.finish(promotion)
    result = await watching
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0].startswith("5 %  ")
    assert any(line.startswith("soak  ") for line in lines)
    assert lines[-1].startswith("promoted: "), lines
