"""Drift as Azure ML's monitors tell it, to domain events: vendor field names end here.

Contracts: Microsoft.MachineLearningServices.DatasetDriftDetected (v1), RunCompleted and RunStatusChanged with the tag
of a model monitor (v2).
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from shared.domain.events import Event, Irrelevant, MonitorBreached, UnreadableEvent
from shared.validation.vendor_json import AnyText, Lenient, ReadBy, SentAs
from triggers.events.fields import IdentifiedEvent, SourcedEvent, read_sent

DRIFT = "microsoft.machinelearningservices.datasetdriftdetected"
RUNS = ("microsoft.machinelearningservices.runcompleted", "microsoft.machinelearningservices.runstatuschanged")
_BREACH = "azureml_modelmonitor_threshold_breached"
_SIGNAL = re.compile(r"signal '(?P<name>[^']{1,260})'")
_RUN_IN_SUBJECT = re.compile(r"/runs?/(?P<run>[^/]+)/?$")
_LONGEST = 500
_GREATEST = 1e9  # A drift coefficient is a share.


def _coefficient(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not abs(value) <= _GREATEST:  # Not NaN either: JSON has none, and Python reads it.
        raise ValueError("expected a number")
    return float(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drift:
    drift_coefficient: Annotated[float, ReadBy(_coefficient, "a number")]
    data_drift_name: AnyText = ""
    data_drift_id: AnyText = ""
    run_id: AnyText = ""
    base_dataset_id: AnyText = ""
    target_dataset_id: AnyText = ""
    start_time: AnyText = ""
    end_time: AnyText = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _DriftEvent(SourcedEvent):
    data: _Drift


@dataclass(frozen=True, slots=True, kw_only=True)
class _RunTags:
    breach: Annotated[AnyText, SentAs(_BREACH)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    run_tags: Annotated[_RunTags, Lenient(_RunTags())] = _RunTags()
    run_id: AnyText = ""
    experiment_name: AnyText = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _RunEvent(IdentifiedEvent):
    data: _Run


def read_dataset_drift(raw: Any) -> Event:
    """v1's own monitor; the run is in the data, or in either form of the subject."""
    event = read_sent(_DriftEvent, raw)
    drift = event.data
    names = tuple(filter(None, (drift.data_drift_name, drift.data_drift_id)))
    if not names:
        raise UnreadableEvent("data.dataDriftName and data.dataDriftId are missing; expected one of them")
    facts = {
        "baseDatasetId": drift.base_dataset_id,
        "targetDatasetId": drift.target_dataset_id,
        "startTime": drift.start_time,
        "endTime": drift.end_time,
        "coefficient": f"{drift.drift_coefficient:.6g}",
    }
    return MonitorBreached(
        event_id=event.id,
        workspace=event.workspace,
        names=names,
        run=_run_of(event, drift.run_id),
        because=f"data drift monitor {names[0]} found a drift coefficient of {drift.drift_coefficient:.3g}",
        coefficient=drift.drift_coefficient,
        facts={name: fact for name, fact in facts.items() if fact},
    )


def read_run(raw: Any) -> Event:
    """A run matters where a model monitor put its tag on it: a text that names monitor and signal, and the features."""
    event = read_sent(_RunEvent, raw)
    breach = event.data.run_tags.breach
    if not breach:
        reason = f"{event.kind}: the run carries no tag {_BREACH}"
        return Irrelevant(event_id=event.id, subject=event.subject, reason=reason)
    match = _SIGNAL.search(breach)
    signal = match["name"] if match else ""
    return MonitorBreached(
        event_id=event.id,
        workspace=read_sent(SourcedEvent, raw).workspace,
        names=tuple(filter(None, (signal, event.data.experiment_name))),
        run=_run_of(event, event.data.run_id),
        because=f"model monitor: {' '.join(breach.split())[:_LONGEST]}",
        facts={"signal": signal},
    )


def _run_of(event: IdentifiedEvent, run: str) -> str:
    match = None if run else _RUN_IN_SUBJECT.search(event.subject)
    if not run and not match:
        subject = repr(event.subject)[:160] if event.subject else "missing"
        raise UnreadableEvent(f"data.runId is missing and subject {subject}; one must name the run")
    return match["run"] if match else run
