"""Alerts: what a rule's evaluation makes of them, and how the common schema and AlertsManagement show them.

Schemas: https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema, alerts-payload-samples;
https://learn.microsoft.com/rest/api/monitor/alertsmanagement/alerts/get-all.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.azure_monitor.alerts.rules import KIND, AlertRule, read_rule
from signalbox.emulators.azure_monitor.measures import Measures
from signalbox.emulators.azure_monitor.timespans import iso

_RULES, _ALERTS, _STATES = "/rules", "/alerts", "/states"
_HEALTHY_TO_RESOLVE = 3  # Evaluations in a row.
_KEPT_S = 30 * 86400.0

Document = dict[str, Any]
Notify = Callable[[AlertRule, Document], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What a rule found at the moment *at* in the series with these *dimensions*; *value* is None without data."""

    at: float
    dimensions: Mapping[str, str]
    value: float | None


class Alarms:
    """Evaluates every rule at its times. *notify* gets a rule and its alert once it fires and once it is resolved."""

    def __init__(self, resources: Resources, measures: Measures, notify: Notify) -> None:
        self._resources, self._measures, self._notify = resources, measures, notify

    def put(self, path: str, body: Document) -> Document:
        """Raises 400. A rule that is changed begins anew, without the alerts that it had."""
        rule = read_rule(path, body)
        document = {"id": path, "name": rule.name, "type": KIND, **body}
        self._resources.put(f"{_RULES}{path}", {"document": document, "evaluated_at": self._measures.clock()})
        self._resources.delete(f"{_STATES}{path}")
        return document

    def find(self, path: str) -> Document | None:
        record = self._resources.get(f"{_RULES}{path}")
        return None if record is None else dict(record["document"])

    def delete(self, path: str) -> bool:
        self._resources.delete(f"{_STATES}{path}")
        return self._resources.delete(f"{_RULES}{path}")

    def alerts(self) -> list[Document]:
        """Those of the last 30 days, as they are stored."""
        oldest = self._measures.clock() - _KEPT_S
        return [alert for _, alert in self._resources.below(_ALERTS) if alert["fired_at"] >= oldest]

    def evaluate(self) -> None:
        """Every evaluation that is due by now, in the order of its time, also those that a jump of the clock passed."""
        now = self._measures.clock()
        for path, record in self._resources.below(_RULES):
            document = record["document"]
            rule = read_rule(document["id"], document)
            at = record["evaluated_at"] + rule.frequency_s
            while at <= now:
                if rule.enabled:
                    self._evaluate(rule, at)
                self._resources.put(path, {"document": document, "evaluated_at": at})
                at += rule.frequency_s

    def _evaluate(self, rule: AlertRule, at: float) -> None:
        values = {
            tuple(series.dimensions.items()): Evaluation(at=at, dimensions=series.dimensions, value=value)
            for series, value in rule.values(self._measures, at)
        }
        states = dict(self._resources.below(f"{_STATES}{rule.id}"))
        for path, state in states.items():
            evaluation = values.pop(tuple(state["dimensions"].items()), None)
            silent = Evaluation(at=at, dimensions=state["dimensions"], value=None)
            self._proceed(rule, path, state, evaluation or silent)
        for evaluation in values.values():
            path = f"{_STATES}{rule.id}/{uuid.uuid4()}"
            self._proceed(
                rule, path, {"dimensions": dict(evaluation.dimensions), "alert": "", "healthy": 0}, evaluation
            )

    def _proceed(self, rule: AlertRule, path: str, state: Document, evaluation: Evaluation) -> None:
        """A series without data counts as healthy: what Azure makes of it is not documented for every metric."""
        is_broken = evaluation.value is not None and rule.broken_by(evaluation.value)
        if is_broken and not (rule.resolves and state["alert"]):
            alert = self._fire(rule, evaluation)
            state = state | {"alert": alert["id"] if rule.resolves else ""}
        healthy = 0 if is_broken else state["healthy"] + 1
        if state["alert"] and healthy >= _HEALTHY_TO_RESOLVE:
            self._resolve(rule, state["alert"], evaluation)
            state = state | {"alert": ""}
        self._resources.put(path, state | {"healthy": healthy})

    def _fire(self, rule: AlertRule, evaluation: Evaluation) -> Document:
        alert = {
            "id": str(uuid.uuid4()),
            "rule": rule.id,
            "severity": f"Sev{rule.severity}",
            "description": rule.description,
            "target": rule.resource.id,
            "type": rule.resource.namespace,
            "fired_at": evaluation.at,
            "resolved_at": None,
            "context": _context(rule, evaluation),
        }
        self._keep(rule, alert)
        return alert

    def _resolve(self, rule: AlertRule, name: str, evaluation: Evaluation) -> None:
        alert = self._resources.get(f"{_ALERTS}/{name}")
        if alert is not None:
            self._keep(rule, alert | {"resolved_at": evaluation.at, "context": _context(rule, evaluation)})

    def _keep(self, rule: AlertRule, alert: Document) -> None:
        self._resources.put(f"{_ALERTS}/{alert['id']}", alert)
        self._notify(rule, alert)


def _context(rule: AlertRule, evaluation: Evaluation) -> Document:
    criterion = {
        "metricName": rule.metric.name,
        "metricNamespace": rule.resource.namespace,
        "operator": rule.operator,
        "threshold": f"{rule.threshold:g}",
        "timeAggregation": "Average",
        "dimensions": [{"name": name, "value": value} for name, value in evaluation.dimensions.items()],
        "metricValue": evaluation.value,
    }
    condition = {
        "windowSize": rule.window,
        "allOf": [criterion],
        "windowStartTime": iso(evaluation.at - rule.window_s),
        "windowEndTime": iso(evaluation.at),
    }
    return {"properties": None, "conditionType": "SingleResourceMultipleMetricCriteria", "condition": condition}


def common_schema(alert: Document, properties: Mapping[str, str]) -> Document:
    """The alert as a webhook gets it. Ids of resources come in lower case, as in Azure's own samples."""
    target, rule = alert["target"].lower(), alert["rule"].rpartition("/")[2]
    resolved = {"resolvedDateTime": iso(alert["resolved_at"])} if alert["resolved_at"] else {}
    essentials = {
        "alertId": _id_of(alert),
        "alertRule": rule,
        "severity": alert["severity"],
        "signalType": "Metric",
        "monitorCondition": "Resolved" if resolved else "Fired",
        "monitoringService": "Platform",
        "alertTargetIDs": [target],
        "configurationItems": [target.rpartition("/")[2]],
        "originAlertId": f"{alert['id']}_{_group(alert)}_microsoft.insights_metricAlerts_{rule}_1",
        "firedDateTime": iso(alert["fired_at"]),
        **resolved,
        "description": alert["description"],
        "essentialsVersion": "1.0",
        "alertContextVersion": "1.0",
        "targetResourceType": alert["type"].lower(),
        "targetResourceGroup": _group(alert),
    }
    context = alert["context"] | {"properties": dict(properties) or None}
    data = {"essentials": essentials, "alertContext": context, "customProperties": dict(properties) or None}
    return {"schemaId": "azureMonitorCommonAlertSchema", "data": data}


def managed_alert(alert: Document, *, with_context: bool) -> Document:
    """The alert as AlertsManagement lists it."""
    condition = "Resolved" if alert["resolved_at"] else "Fired"
    changed_at = alert["resolved_at"] or alert["fired_at"]
    essentials = {
        "severity": alert["severity"],
        "signalType": "Metric",
        "alertState": "New",
        "monitorCondition": condition,
        "monitorService": "Platform",
        "targetResource": alert["target"].lower(),
        "targetResourceName": alert["target"].lower().rpartition("/")[2],
        "targetResourceGroup": _group(alert),
        "targetResourceType": alert["type"].lower(),
        "sourceCreatedId": f"{alert['id']}_microsoft.insights_metricAlerts",
        "alertRule": alert["rule"],
        "startDateTime": iso(alert["fired_at"]),
        "lastModifiedDateTime": iso(changed_at),
        "lastModifiedUserName": "System",
        "description": alert["description"],
        **({"monitorConditionResolvedDateTime": iso(changed_at)} if condition == "Resolved" else {}),
    }
    properties = {"essentials": essentials} | ({"context": alert["context"]} if with_context else {})
    name, kind = alert["rule"].rpartition("/")[2], "Microsoft.AlertsManagement/alerts"
    return {"id": _id_of(alert), "name": name, "type": kind, "properties": properties}


def about(alerts: list[Document], scope: str) -> Iterator[Document]:
    """Those whose target is *scope* or lies below it."""
    below = f"{scope}/".lower()
    return (alert for alert in alerts if f"{alert['target']}/".lower().startswith(below))


def _id_of(alert: Document) -> str:
    subscription = "/".join(alert["target"].split("/")[:3])
    return f"{subscription}/providers/Microsoft.AlertsManagement/alerts/{alert['id']}"


def _group(alert: Document) -> str:
    return str(alert["target"].split("/")[4].lower())
