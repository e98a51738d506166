"""Metric alerts: when they fire and are resolved, what a webhook gets, and what the app's own adapter lists."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.adapters.azure_monitor.alerts import ActiveAlerts
from shared.domain.alerts import alert_name
from shared.domain.failures import Refused
from shared.ports import FiringAlert
from signalbox.emulators.tokens import Identity
from tests.emulators.monitored import ENDPOINT, GROUP, MINUTE_0, SERVED, Monitored

INSIGHTS = f"{GROUP}/providers/Microsoft.Insights"
RULE, ACTIONS = f"{INSIGHTS}/metricAlerts/prod-errors", f"{INSIGHTS}/actionGroups/app"


def rule(**changes: Any) -> dict[str, Any]:
    """More than three answers with 5xx in a minute, on average over five minutes, by deployment."""
    criterion = {
        "name": "errors",
        "criterionType": "StaticThresholdCriterion",
        "metricName": "RequestsPerMinute",
        "metricNamespace": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
        "operator": "GreaterThan",
        "threshold": 3,
        "timeAggregation": "Average",
        "dimensions": [
            {"name": "deployment", "operator": "Include", "values": ["*"]},
            {"name": "statusCodeClass", "operator": "Include", "values": ["5xx"]},
        ],
    }
    properties = {
        "description": "answers with errors",
        "severity": 1,
        "enabled": True,
        "scopes": [ENDPOINT],
        "evaluationFrequency": "PT1M",
        "windowSize": "PT5M",
        "criteria": {
            "odata.type": "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
            "allOf": [criterion],
        },
        "autoMitigate": True,
        "actions": [{"actionGroupId": ACTIONS.upper(), "webHookProperties": {"model": "diabetes"}}],
    }
    return {"location": "global", "properties": properties | changes}


def configure(monitored: Monitored, **changes: Any) -> None:
    receiver = {"name": "app", "serviceUri": monitored.hooks, "useCommonAlertSchema": True}
    group = {"location": "Global", "properties": {"groupShortName": "app", "webhookReceivers": [receiver]}}
    for path, body in ((ACTIONS, group), (RULE, rule(**changes))):
        answer = monitored.send("PUT", path, body=body)
        assert answer.status_code == 200, answer.text


def firing(monitored: Monitored) -> tuple[FiringAlert, ...]:
    return ActiveAlerts(monitored.credential(), monitored.manager).firing(SERVED)


def conditions(monitored: Monitored) -> list[str]:
    return [body["data"]["essentials"]["monitorCondition"] for body in monitored.arrived]


def test_a_series_fires_once_until_three_healthy_evaluations(monitored: Monitored) -> None:
    configure(monitored)
    for minute in range(6):
        monitored.add(minute, 10, deployment="v2", status=500)
        monitored.add(minute, 50)

    monitored.pass_minutes(8)
    fired = firing(monitored)
    monitored.pass_minutes(4)  # The last minute with errors leaves the window; two evaluations are healthy.
    still = firing(monitored)
    monitored.pass_minutes(5)

    assert [(alert.rule, alert.deployment) for alert in fired] == [("prod-errors", "v2")]
    assert fired == still
    assert firing(monitored) == ()
    assert conditions(monitored) == ["Fired", "Resolved"]


def test_the_webhook_gets_the_common_schema(monitored: Monitored) -> None:
    configure(monitored)
    monitored.add(0, 10, deployment="v2", status=503)
    monitored.pass_minutes(3)

    (body,) = monitored.arrived
    essentials, context = body["data"]["essentials"], body["data"]["alertContext"]
    (criterion,) = context["condition"]["allOf"]
    assert body["schemaId"] == "azureMonitorCommonAlertSchema"
    assert (essentials["alertRule"], essentials["severity"], essentials["monitorCondition"]) == (
        "prod-errors",
        "Sev1",
        "Fired",
    )
    assert essentials["alertTargetIDs"] == [ENDPOINT.lower()]
    assert essentials["alertId"].rpartition("/")[0].endswith("Microsoft.AlertsManagement/alerts")
    assert (context["conditionType"], context["condition"]["windowSize"]) == (
        "SingleResourceMultipleMetricCriteria",
        "PT5M",
    )
    assert (criterion["threshold"], criterion["metricValue"]) == ("3", 10.0)
    assert {one["name"]: one["value"] for one in criterion["dimensions"]} == {
        "deployment": "v2",
        "statusCodeClass": "5xx",
    }
    assert body["data"]["customProperties"] == {"model": "diabetes"}


def test_the_app_lists_what_fires_with_its_deployment_and_moment(monitored: Monitored) -> None:
    configure(monitored)
    assert firing(monitored) == ()
    monitored.add(0, 10, deployment="v2", status=503)
    monitored.pass_minutes(2)

    since = datetime.fromtimestamp((MINUTE_0 + 2) * 60, UTC)
    (alert,) = firing(monitored)
    assert (alert.rule, alert.since, alert.deployment) == ("prod-errors", since, "v2")
    assert alert.window_start == since - timedelta(minutes=5)


def test_a_listed_alert_has_the_name_that_was_pushed(monitored: Monitored) -> None:
    configure(monitored)
    monitored.add(0, 10, deployment="v2", status=503)
    monitored.pass_minutes(2)

    (body,), (alert,) = monitored.arrived, firing(monitored)
    assert alert.id == alert_name(body["data"]["essentials"]["alertId"])


def test_an_alert_on_a_deployment_is_about_that_deployment(monitored: Monitored) -> None:
    criteria = rule()["properties"]["criteria"]
    criteria["allOf"][0] |= {"metricName": "RequestLatency_P95", "threshold": 100, "dimensions": []}
    configure(monitored, scopes=[f"{ENDPOINT}/deployments/v2"], criteria=criteria)
    monitored.add(0, 10, deployment="v2", duration_ms=900.0)
    monitored.pass_minutes(3)

    assert [alert.deployment for alert in firing(monitored)] == ["v2"]


def test_a_rule_that_does_not_resolve_fires_at_every_evaluation(monitored: Monitored) -> None:
    configure(monitored, autoMitigate=False)
    monitored.add(0, 10, status=500)
    monitored.pass_minutes(4)

    assert conditions(monitored) == ["Fired"] * 3


def test_each_deployment_fires_by_itself(monitored: Monitored) -> None:
    configure(monitored)
    monitored.add(0, 10, status=500)
    monitored.add(1, 10, deployment="v2", status=500)
    monitored.pass_minutes(4)

    assert sorted(alert.deployment for alert in firing(monitored)) == ["v1", "v2"]


def test_a_webhook_that_fails_is_tried_five_times_more_and_then_left_alone(monitored: Monitored) -> None:
    monitored.hook_statuses = [429, 503, 504, 408, 503, 503]
    configure(monitored)
    monitored.add(0, 10, status=500)
    monitored.pass_minutes(2)
    for _ in range(8):
        monitored.pass_minutes(1)
    monitored.add(10, 10, deployment="v2", status=500)
    monitored.pass_minutes(3)  # The second alert comes while the address is left alone.
    monitored.add(30, 10, deployment="v3", status=500)
    monitored.pass_minutes(20)

    states = [one["state"] for one in monitored.notifications()]
    assert monitored.notifications()[0]["statuses"] == [429, 503, 504, 408, 503, 503]
    assert (states[0], "silenced" in states, states[-1]) == ("failed", True, "delivered")


def test_a_webhook_that_refuses_is_not_tried_again(monitored: Monitored) -> None:
    monitored.hook_statuses = [400]
    configure(monitored)
    monitored.add(0, 10, status=500)
    monitored.pass_minutes(4)

    assert [(one["state"], one["statuses"]) for one in monitored.notifications()] == [("failed", [400])]


def test_rules_are_kept_changed_and_deleted_by_those_who_may(monitored: Monitored) -> None:
    configure(monitored)
    reader = Identity()

    assert monitored.send("GET", RULE.lower(), identity=reader).json()["properties"]["severity"] == 1
    assert monitored.send("PUT", RULE, identity=reader, body=rule()).status_code == 403
    assert monitored.send("PUT", RULE, body=rule(windowSize="soon")).status_code == 400
    assert monitored.send("DELETE", RULE).status_code == 200
    assert monitored.send("GET", RULE).status_code == 404
    assert monitored.send("GET", ACTIONS).json()["properties"]["groupShortName"] == "app"


def test_without_a_role_alerts_are_not_listed(monitored: Monitored) -> None:
    monitored.grant()

    with pytest.raises(Refused, match=r"Microsoft\.AlertsManagement/alerts/read"):
        firing(monitored)


def test_pages_and_the_filters_of_the_list(monitored: Monitored) -> None:
    configure(monitored, autoMitigate=False)
    monitored.add(0, 10, status=500)
    monitored.pass_minutes(4)
    path = f"{GROUP}/providers/Microsoft.AlertsManagement/alerts"

    def listed(**query: str) -> Any:
        return monitored.ask(path, targetResource=ENDPOINT, monitorCondition="Fired", **query).json()

    assert len(listed()["value"]) == 3
    first = listed(pageCount="2")
    assert (len(first["value"]), "skip=2" in first["nextLink"]) == (2, True)
    assert listed(pageCount="2", skip="2").get("nextLink") is None
    assert "context" not in first["value"][0]["properties"]
    assert monitored.ask(path, monitorCondition="Resolved").json()["value"] == []
