"""A metric alert rule as Resource Manager keeps it, and what one evaluation of it finds, series by series.

Contract: https://learn.microsoft.com/rest/api/monitor/metric-alerts, 2018-03-01. Emulated is one static criterion.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from signalbox.emulators.azure_ml.doors import bad
from signalbox.emulators.azure_monitor.measures import (
    METRICS,
    Filter,
    MeasuredResource,
    Measures,
    Metric,
    Series,
    resource_at,
)
from signalbox.emulators.azure_monitor.timespans import duration

KIND = "Microsoft.Insights/metricAlerts"
_CRITERIA = "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria"
_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThan": lambda value, threshold: value > threshold,
    "GreaterThanOrEqual": lambda value, threshold: value >= threshold,
    "LessThan": lambda value, threshold: value < threshold,
    "LessThanOrEqual": lambda value, threshold: value <= threshold,
    "Equals": lambda value, threshold: value == threshold,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """*frequency_s* and *window_s*: how often it is evaluated, and over which time before. *properties*: custom ones
    by action group, in lower case. A rule with *resolves* is stateful: an alert is in force until it is resolved."""

    id: str
    name: str
    description: str
    severity: int
    enabled: bool
    resource: MeasuredResource
    metric: Metric
    filters: Filter
    operator: str
    threshold: float
    frequency_s: float
    window_s: float
    window: str
    resolves: bool
    properties: Mapping[str, Mapping[str, str]]

    def broken_by(self, value: float) -> bool:
        """Whether *value* is one that the rule warns of. NaN is none."""
        return _OPERATORS[self.operator](value, self.threshold)

    def values(self, measures: Measures, now: float) -> list[tuple[Series, float | None]]:
        """The average of each series over the window before *now*; None where there is no value in it."""
        series = measures.series(self.resource, self.metric, self.filters, now - self.window_s, now, now)
        return [(one, _average(one)) for one in series]


def read_rule(path: str, body: Mapping[str, Any]) -> AlertRule:
    """The rule of a PUT to *path*. Raises 400 for what the service refuses, and for what is not emulated."""
    properties = body.get("properties") or {}
    try:
        return _rule(path, properties)
    except (KeyError, TypeError, ValueError) as error:
        raise bad(f"The metric alert rule is not valid: {error!r}") from error


def _rule(path: str, properties: Mapping[str, Any]) -> AlertRule:
    (scope,) = properties["scopes"]
    resource, criteria = resource_at(scope), properties["criteria"]
    if resource is None or criteria["odata.type"] != _CRITERIA or len(criteria["allOf"]) != 1:
        raise ValueError("emulated is one static criterion on one online endpoint or deployment")
    (criterion,) = criteria["allOf"]
    metric = METRICS[resource.namespace][criterion["metricName"].lower()]
    if criterion["timeAggregation"] != "Average" or criterion["operator"] not in _OPERATORS:
        raise ValueError(f"{metric.name} has Average only, and operators are {', '.join(_OPERATORS)}")
    dimensions = {dimension["name"]: dimension for dimension in criterion.get("dimensions") or ()}
    if any(dimension["operator"] != "Include" for dimension in dimensions.values()):
        raise ValueError("emulated is the operator Include of dimensions")
    unknown = set(dimensions) - set(metric.dimensions)
    if unknown:
        raise ValueError(f"{metric.name} has no dimension {', '.join(unknown)}")
    return AlertRule(
        id=path,
        name=path.rpartition("/")[2],
        description=str(properties.get("description") or ""),
        severity=int(properties["severity"]),
        enabled=bool(properties["enabled"]),
        resource=resource,
        metric=metric,
        filters={name: dimension["values"] for name, dimension in dimensions.items()},
        operator=criterion["operator"],
        threshold=float(criterion["threshold"]),
        frequency_s=duration(properties["evaluationFrequency"]),
        window_s=duration(properties["windowSize"]),
        window=properties["windowSize"],
        resolves=bool(properties.get("autoMitigate", True)),
        properties={
            action["actionGroupId"].lower(): action.get("webHookProperties") or {}
            for action in properties.get("actions") or ()
        },
    )


def _average(series: Series) -> float | None:
    """Of the minutes that have a value: nulls are left out."""
    values = [value for value in series.minutes.values() if value is not None]
    return sum(values) / len(values) if values else None
