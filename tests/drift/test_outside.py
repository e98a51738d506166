"""What other monitors tell: v1 drift, model monitors' tags and alerts become causes, or a record that says why not."""

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from azure.functions.meta import Datum

from shared.domain.alerts import AlertChanged
from shared.domain.drift.outside import cause_of
from shared.domain.events import Irrelevant, MonitorBreached, UnreadableEvent
from shared.domain.inference.routes import Workspace
from shared.domain.retraining.causes import Cause, CauseKind
from tests.drift.conftest import WATCH, DriftApp
from tests.team_hubs import LAB_HUB
from triggers.events.envelopes import read_event

PAYLOADS = Path(__file__).parents[1] / "payloads"
WORKSPACE = "/subscriptions/s/resourcegroups/g/providers/microsoft.machinelearningservices/workspaces/w"
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def payload(name):
    return json.loads((PAYLOADS / f"{name}.json").read_text())


V1, V1_CLOUD, V2, ALERT = (
    payload(name)
    for name in (
        "dataset_drift_detected.grid",
        "dataset_drift_detected.cloud",
        "run_status_changed.monitor.grid",
        "common_alert.fired",
    )
)


def changed(event, *path, value):
    event = copy.deepcopy(event)
    inner = event
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return event


def cause(raw, watch=WATCH):
    return cause_of(read_event(raw, "datahub"), (watch,), (WORKSPACE,), NOW)


def lower(value):
    return {key.lower(): lower(each) for key, each in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize(("raw", "kind"), [(V1, "drift"), (V2, "drift"), (ALERT, "alert")])
def test_each_becomes_a_cause_of_its_kind_in_any_case(raw, kind):
    found = cause(raw)

    assert isinstance(found, Cause)
    assert (found.model, found.kind.value, found.at) == ("m", kind, NOW)
    assert cause(lower(raw)) == found


def test_both_forms_of_the_drift_events_subject_are_one_cause():
    """One of them says no RunId, so that the subject must."""
    assert cause(V1_CLOUD).id == cause(V1).id
    assert cause(V1).facts["coefficient"] == "0.835"


def test_a_monitors_tag_names_its_signal():
    found = cause(V2)

    assert found.facts["signal"] == "weekly-monitor_inputs"
    assert found.facts["run"] == "monitor_run_7"
    assert "bmi" in found.because
    assert cause(changed(V2, "eventType", value="Microsoft.MachineLearningServices.RunCompleted")).id == found.id


def test_an_alert_in_an_events_data_is_the_same_alert():
    event = {"id": "e", "topic": "t", "subject": "s", "eventType": "Alert", "data": ALERT, "eventTime": "x"}

    assert cause(event) == cause(ALERT)
    again = changed(ALERT, "data", "essentials", "firedDateTime", value="2026-02-01T00:00:00Z")
    assert cause(again).id != cause(ALERT).id


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (changed(V1, "data", "DriftCoefficient", value=0.1), "0.1 is below 0.3 for m"),
        (changed(V1, "data", "DataDriftName", value="another"), "no model names another or 0b4cf4c2"),
        (changed(V1, "topic", value="/subscriptions/x"), "is not the workspace of an environment"),
        (changed(ALERT, "data", "essentials", "monitorCondition", value="Resolved"), "alert drift-alert was resolved"),
        (changed(ALERT, "data", "essentials", "alertRule", value="cpu"), "no model names the alert rule cpu"),
    ],
)
def test_what_is_no_cause_says_why(raw, reason):
    assert reason in cause(raw)


def test_a_run_without_the_tag_starts_nothing():
    for tags in ({}, None):
        found = read_event(changed(V2, "data", "runTags", value=tags), "datahub")
        assert isinstance(found, Irrelevant)
        assert "no tag azureml_modelmonitor_threshold_breached" in found.reason


@pytest.mark.parametrize(
    "raw",
    [
        changed(V1, "data", "DriftCoefficient", value="high"),
        changed(V1, "data", "DriftCoefficient", value=float("nan")),
        changed(V1, "data", "DriftCoefficient", value=10**400),
        changed(V1, "data", value=None),
        changed(V1_CLOUD, "subject", value="elsewhere"),
        changed(ALERT, "data", "essentials", "monitorCondition", value="Maybe"),
        changed(ALERT, "data", "essentials", value=[]),
        changed(ALERT, "data", value=None),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(raw):
    with pytest.raises(UnreadableEvent):
        read_event(raw, "datahub")


def test_events_are_what_they_are():
    assert isinstance(read_event(V1, "datahub"), MonitorBreached)
    assert isinstance(read_event(ALERT, "datahub"), AlertChanged)
    assert cause(ALERT).kind is CauseKind.ALERT


async def test_delivered_three_times_it_is_one_cause(app: DriftApp) -> None:
    for event in (V1, V1, V1_CLOUD):
        await app.host.call("receive_hub_event", Datum(json.dumps(event), "json"))

    assert [each["kind"] for each in app.causes] == ["drift"]


async def test_a_monitor_where_a_team_has_a_hub_of_its_own_raises_nothing(app: DriftApp) -> None:
    """It watches the team's data, under a name that the team may choose."""
    configuration = app.clients.configuration
    hub = replace(LAB_HUB, environments=tuple(workspace.name for workspace in configuration.workspaces))
    vars(app.clients)["configuration"] = replace(configuration, hubs=(hub,))
    await app.host.call("receive_hub_event", Datum(json.dumps(V1), "json"))

    (ignored,) = app.lines(f"ignored/{app.host.clock.now().date().isoformat()}.jsonl")
    assert "in which teams use hubs of their own" in ignored["reason"]
    assert app.causes == []


@pytest.mark.parametrize(
    ("target", "is_cause"), [(WORKSPACE, False), (f"{WORKSPACE}/x/y", False), (f"{WORKSPACE}2", True)]
)
async def test_an_alert_on_what_a_team_uses_with_its_hub_raises_nothing(
    app: DriftApp, target: str, is_cause: bool
) -> None:
    """Also by another environment that is the same workspace."""
    lab = Workspace(name="lab", subscription="S", resource_group="G", workspace="W")
    hub = replace(LAB_HUB, environments=("lab",))
    configuration = replace(app.clients.configuration, hubs=(hub,), workspaces=(lab,))
    vars(app.clients)["configuration"] = configuration
    _, said = await app.request(
        "POST", "alerts", changed(ALERT, "data", "essentials", "alertTargetIDs", value=[target])
    )

    assert len(app.causes) == is_cause
    assert is_cause or "is what teams use with hubs of their own" in said["done"][0]


async def test_an_unknown_source_is_a_record(app: DriftApp) -> None:
    event = changed(V1, "data", "DataDriftName", value="another")
    await app.host.call("receive_hub_event", Datum(json.dumps(event), "json"))

    (ignored,) = app.lines(f"ignored/{app.host.clock.now().date().isoformat()}.jsonl")
    assert "no model names another" in ignored["reason"]
    assert app.causes == []


async def test_a_webhook_delivers_an_alert(app: DriftApp) -> None:
    status, said = await app.request("POST", "alerts", ALERT)

    assert status == 202, said
    assert "to retrain m: alert drift-alert" in said["done"][0]
    assert [each["kind"] for each in app.causes] == ["alert"]
