"""Drift and alerts as others tell them, to domain events: vendor field names end here.

Contracts: Microsoft.MachineLearningServices.DatasetDriftDetected (v1), RunCompleted and RunStatusChanged with the tag
of a model monitor (v2), and Azure Monitor's common alert schema, alone or as the data of an event.
"""

import re
from collections.abc import Mapping
from typing import Any

from shared.domain.events import AlertChanged, Event, Irrelevant, MonitorBreached, UnreadableEvent
from triggers.events.fields import Fields, short

DRIFT = "microsoft.machinelearningservices.datasetdriftdetected"
RUNS = ("microsoft.machinelearningservices.runcompleted", "microsoft.machinelearningservices.runstatuschanged")
_COMMON = "azuremonitorcommonalertschema"
_BREACH = "azureml_modelmonitor_threshold_breached"
_SIGNAL = re.compile(r"signal '(?P<name>[^']{1,260})'")
_RUN_IN_SUBJECT = re.compile(r"/runs?/(?P<run>[^/]+)/?$")
_CONDITIONS = {"fired": True, "resolved": False}
_LONGEST = 500
_GREATEST = 1e9  # A drift coefficient is a share.


def common_alert(raw: Any) -> Mapping[str, Any] | None:
    """The alert in *raw*: a webhook's body, or an event whose data it is; None where there is none."""
    for candidate in (_lowered(raw), _lowered(_lowered(raw).get("data"))):
        if str(candidate.get("schemaid", "")).lower() == _COMMON:
            return candidate
    return None


def read_dataset_drift(envelope: Fields, event_id: str) -> Event:
    """v1's own monitor; the run is in the data, or in either form of the subject."""
    data = Fields(envelope.get("data"), "data")
    coefficient = data.get("driftCoefficient")
    number = isinstance(coefficient, int | float) and not isinstance(coefficient, bool)
    if not number or not abs(coefficient) <= _GREATEST:  # Not NaN either: JSON has none, and Python reads it.
        raise UnreadableEvent(f"data.driftCoefficient is {short(coefficient)}; expected a number")
    names = [name for key in ("dataDriftName", "dataDriftId") if isinstance(name := data.get(key), str) and name]
    if not names:
        raise UnreadableEvent("data.dataDriftName and data.dataDriftId are missing; expected one of them")
    facts = {key: value for key in _V1 if isinstance(value := data.get(key), str)}
    return MonitorBreached(
        event_id=event_id,
        workspace=_workspace(envelope),
        names=tuple(names),
        run=_run(envelope, data),
        because=f"data drift monitor {names[0]} found a drift coefficient of {coefficient:.3g}",
        coefficient=float(coefficient),
        facts={**facts, "coefficient": f"{coefficient:.6g}"},
    )


_V1 = ("baseDatasetId", "targetDatasetId", "startTime", "endTime")


def read_run(envelope: Fields, event_id: str) -> Event:
    """A run matters where a model monitor put its tag on it: a text that names monitor and signal, and the features."""
    data = Fields(envelope.get("data"), "data")
    tags = data.get("runTags")
    breach = Fields(tags, "data.runTags").get(_BREACH) if isinstance(tags, Mapping) else None
    if not isinstance(breach, str) or not breach:
        subject, kind = envelope.get("subject"), envelope.text("eventType", "type")
        return Irrelevant(
            event_id=event_id,
            subject=subject if isinstance(subject, str) else "",
            reason=f"{kind}: the run carries no tag {_BREACH}",
        )
    match, experiment = _SIGNAL.search(breach), data.get("experimentName")
    signal = match["name"] if match else ""
    names = [name for name in (signal, experiment) if isinstance(name, str) and name]
    return MonitorBreached(
        event_id=event_id,
        workspace=_workspace(envelope),
        names=tuple(names),
        run=_run(envelope, data),
        because=f"model monitor: {' '.join(breach.split())[:_LONGEST]}",
        facts={"signal": signal},
    )


def read_alert(alert: Mapping[str, Any]) -> Event:
    """The essentials of the common schema; the context differs from one kind of alert to the next, and is not read."""
    essentials = Fields(Fields(alert, "alert").get("data"), "data").get("essentials")
    fields = Fields(essentials, "data.essentials")
    rule, condition = fields.text("alertRule"), fields.text("monitorCondition")
    if condition.lower() not in _CONDITIONS:
        raise UnreadableEvent(f"data.essentials.monitorCondition is {short(condition)}; expected Fired or Resolved")
    description = fields.get("description")
    description = description if isinstance(description, str) else ""
    facts = {key: value for key in _ALERT if isinstance(value := fields.get(key), str) and value}
    return AlertChanged(
        event_id=fields.text("alertId"),
        rule=rule,
        fired=_CONDITIONS[condition.lower()],
        fired_at=fields.text("firedDateTime"),
        because=f"alert {rule}" + (f": {description[:_LONGEST]}" if description else ""),
        facts=facts,
    )


_ALERT = ("alertId", "severity", "signalType", "monitoringService", "firedDateTime")


def _workspace(envelope: Fields) -> str:
    return envelope.text("topic", "source").rstrip("/").lower()


def _run(envelope: Fields, data: Fields) -> str:
    run, subject = data.get("runId"), envelope.get("subject")
    if isinstance(run, str) and run:
        return run
    match = _RUN_IN_SUBJECT.search(subject) if isinstance(subject, str) else None
    if not match:
        raise UnreadableEvent(f"data.runId is {short(run)} and subject {short(subject)}; one must name the run")
    return match["run"]


def _lowered(raw: Any) -> dict[str, Any]:
    return {str(key).lower(): value for key, value in raw.items()} if isinstance(raw, Mapping) else {}
