"""Timer trigger."""

from tests.conformance.client import Client


def test_a_timer_is_run_by_hand(host: Client) -> None:
    before = len(host.get("/api/seen/yearly").json())
    assert host.call("POST", "/admin/functions/yearly", {"input": ""}, key=host.key).status == 202
    seen = host.until(lambda: host.get("/api/seen/yearly").json(), lambda runs: len(runs) > before)
    past_due, status, schedule = seen[-1]
    assert past_due is False
    assert status == ["Last", "LastUpdated", "Next"]
    assert "AdjustForDST" in schedule


def test_the_schedule_of_a_timer_may_be_an_app_setting(host: Client) -> None:
    assert host.get("/admin/functions/yearly", key=host.key).json()["config"]["bindings"][0]["type"] == "timerTrigger"
