"""Alerts in the common schema: the whole of each kind is read, and which online deployment it is about."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codec import decode, encode
from shared.domain.alerts import AlertChanged, AlertCriterion, AlertTarget
from shared.domain.events import UnreadableEvent
from triggers.events.envelopes import read_event

PAYLOADS = Path(__file__).parents[1] / "payloads" / "alerts"
WORKSPACE = "/subscriptions/s/resourcegroups/g/providers/microsoft.machinelearningservices/workspaces/prod"
GREEN = AlertTarget(workspace=WORKSPACE, endpoint="churn", deployment="green")
NAMES = (
    "endpoint_metric.fired",
    "endpoint_metric.resolved",
    "deployment_metric.fired",
    "log_query.fired",
    "log_query_2018.fired",
)


def payload(name: str) -> dict[str, Any]:
    return dict(json.loads((PAYLOADS / f"{name}.json").read_text()))


def read(raw: Any) -> AlertChanged:
    event = read_event(raw, "datahub")
    assert isinstance(event, AlertChanged)
    return event


def test_the_whole_of_a_metric_alert_is_read() -> None:
    assert read(payload("endpoint_metric.resolved")) == AlertChanged(
        event_id="/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/5c1d8c2e-bc32-442f-add5-83a997729330",
        rule="prod-errors",
        fired=False,
        fired_at="2026-01-02T00:10:00.3713213Z",
        resolved_at="2026-01-02T00:25:00.1Z",
        description="errors of the churn service",
        severity="Sev1",
        signal_type="Metric",
        monitoring_service="Platform",
        targets=(f"{WORKSPACE}/onlineendpoints/churn",),
        items=("churn",),
        window_start=datetime(2026, 1, 2, 0, 4, 3, 64000, UTC),
        window_end=datetime(2026, 1, 2, 0, 9, 3, 64000, UTC),
        criteria=(
            AlertCriterion(
                metric="RequestsPerMinute",
                namespace="Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
                operator="GreaterThan",
                threshold=2.5,
                aggregation="Average",
                value=7.25,
                dimensions={"deployment": "Green", "statusCodeClass": "5xx"},
            ),
        ),
        properties={"runbook": "RB-7"},
    )


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("endpoint_metric.fired", GREEN),
        ("deployment_metric.fired", GREEN),
        ("log_query.fired", AlertTarget(endpoint="churn", deployment="green")),
        ("log_query_2018.fired", AlertTarget(endpoint="churn", deployment="green")),
    ],
)
def test_each_kind_of_alert_tells_which_deployment_fired(name: str, target: AlertTarget) -> None:
    assert read(payload(name)).target() == target


def test_log_alerts_tell_their_window_and_value() -> None:
    new, old = read(payload("log_query.fired")), read(payload("log_query_2018.fired"))

    assert (new.window_start, new.window_end) == (old.window_start, old.window_end)
    assert old.window_end == datetime(2026, 1, 2, 0, 10, tzinfo=UTC)
    assert [(each.metric, each.value, each.threshold) for each in (*new.criteria, *old.criteria)] == [
        ("percentile_TotalDurationMs_95", 431.0, 200.0),
        ("", 12.0, 10.0),
    ]


def test_custom_properties_name_what_a_log_alert_has_no_dimension_for() -> None:
    raw = payload("log_query.fired")
    raw["data"]["alertContext"]["condition"]["allOf"][0]["dimensions"] = []
    raw["data"]["customProperties"] = {"deployment": "BLUE", "endpoint": "fraud"}

    # The same name in the context's older properties is another spelling, and contradicts.
    assert read(raw).target() == AlertTarget(endpoint="", deployment="blue")


def test_two_deployments_in_one_alert_are_none() -> None:
    raw = payload("endpoint_metric.fired")
    (criterion,) = raw["data"]["alertContext"]["condition"]["allOf"]
    other = criterion | {"dimensions": [{"name": "deployment", "value": "blue"}]}
    raw["data"]["alertContext"]["condition"]["allOf"] = [criterion, other]

    assert read(raw).target() == AlertTarget(workspace=WORKSPACE, endpoint="churn", deployment="")


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_is_the_same_in_any_case_and_crosses_the_durable_boundary(name: str) -> None:
    alert = read(payload(name))

    assert read(_upper(payload(name))) == alert
    assert decode(AlertChanged, json.loads(json.dumps(encode(alert)))) == alert


def test_everything_that_is_wrong_is_named_at_once() -> None:
    raw = payload("endpoint_metric.fired")
    raw["data"]["essentials"] |= {"alertId": 7, "monitorCondition": "Maybe", "firedDateTime": None}

    with pytest.raises(UnreadableEvent) as refused:
        read(raw)

    assert str(refused.value) == (
        "data.essentials.alertId is 7; expected a non-empty string; "
        "data.essentials.monitorCondition is 'Maybe'; expected Fired or Resolved; "
        "data.essentials.firedDateTime is missing; expected a non-empty string"
    )


ODD: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just([{}]) | st.just({"x": []})
)


@given(st.sampled_from(NAMES), st.data())
def test_no_odd_context_makes_an_alert_unreadable(name: str, data: st.DataObject) -> None:
    """What it is read for today is in the essentials."""
    raw = payload(name)
    place: Any = raw["data"]["alertContext"]
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            place[key] = data.draw(ODD)
            break
        place = place[key]

    assert read(raw).rule == raw["data"]["essentials"]["alertRule"]


def test_an_alert_without_a_context_is_about_its_target() -> None:
    raw = payload("endpoint_metric.fired")
    del raw["data"]["alertContext"]

    alert = read(raw)

    assert (alert.criteria, alert.window_start) == ((), None)
    assert alert.target() == AlertTarget(workspace=WORKSPACE, endpoint="churn")


def _upper(value: Any) -> Any:
    """*value* with its fields' names in capitals; the names of properties are the user's."""
    if isinstance(value, list):
        return [_upper(item) for item in value]
    if not isinstance(value, dict):
        return copy.copy(value)
    kept = ("customProperties", "properties")
    return {key.upper(): inner if key in kept else _upper(inner) for key, inner in value.items()}
