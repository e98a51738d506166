"""What the doctor reads of alert rules and diagnostic settings, by the app's own adapter, at the emulator."""

import pytest

from shared.adapters.azure_monitor.set_up import AzureMonitorSetUp
from shared.domain.azure.inspection import Hidden
from shared.ports import AlertRuleSeen, LogSetting
from signalbox.emulators.tokens import Identity
from tests.emulators.monitored import ENDPOINT, LOGS_ID, SERVED, Monitored
from tests.emulators.test_monitor_alerts import configure

SETTINGS = f"{ENDPOINT}/providers/Microsoft.Insights/diagnosticSettings"


def set_up(monitored: Monitored, identity: Identity = Identity()) -> AzureMonitorSetUp:  # noqa: B008 - It is frozen.
    return AzureMonitorSetUp(monitored.credential(identity), monitored.manager)


def test_a_rule_is_seen_with_what_it_watches_and_calls(monitored: Monitored) -> None:
    assert set_up(monitored).alert_rule(SERVED.workspace, "prod-errors") is None
    configure(monitored)
    rule = set_up(monitored).alert_rule(SERVED.workspace, "prod-errors")
    address = monitored.hooks.removeprefix("http://")
    assert rule == AlertRuleSeen(name="prod-errors", enabled=True, scopes=(ENDPOINT,), webhooks=(address,))
    configure(monitored, enabled=False)
    disabled = set_up(monitored).alert_rule(SERVED.workspace, "prod-errors")
    assert disabled is not None
    assert not disabled.enabled


def test_the_logs_of_an_endpoint_are_seen_with_where_they_go(monitored: Monitored) -> None:
    assert set_up(monitored).log_settings(SERVED) == ()
    logs = [{"category": "AmlOnlineEndpointTrafficLog", "enabled": True}, {"categoryGroup": "audit", "enabled": False}]
    body = {"properties": {"workspaceId": LOGS_ID, "logs": logs}}
    assert monitored.send("PUT", f"{SETTINGS}/to-logs", body={"properties": {"logs": logs}}).status_code == 400
    assert monitored.send("PUT", f"{SETTINGS}/to-logs", body=body).status_code == 200
    setting = LogSetting(name="to-logs", categories=("AmlOnlineEndpointTrafficLog",), workspace=LOGS_ID)
    assert set_up(monitored).log_settings(SERVED) == (setting,)
    for number in range(2, 6):
        assert monitored.send("PUT", f"{SETTINGS}/more-{number}", body=body).status_code == 200
    assert monitored.send("PUT", f"{SETTINGS}/too-many", body=body).status_code == 400
    assert monitored.send("DELETE", f"{SETTINGS}/more-2").status_code == 200
    assert monitored.send("GET", f"{SETTINGS}/more-2").status_code == 404


def test_who_may_not_look_is_told_so(monitored: Monitored) -> None:
    stranger = Identity(client_id="nobody", oid="nobody")
    with pytest.raises(Hidden, match="may not look"):
        set_up(monitored, stranger).log_settings(SERVED)
    with pytest.raises(Hidden, match="may not look"):
        set_up(monitored, stranger).alert_rule(SERVED.workspace, "prod-errors")
