"""Azure Monitor's alerts in the common alert schema, alone or as the data of an event: vendor field names end here.

What no decision needs is read leniently, since the context differs from one kind of alert to the next. Contract:
learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema; samples of it are in tests/payloads/alerts.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from shared.domain.alerts import AlertChanged, AlertCriterion
from shared.validation.vendor_json import (
    AnyNumber,
    AnyText,
    FilledText,
    Lenient,
    ReadBy,
    SentAs,
    read_vendor_json,
)
from triggers.events.fields import envelope_of, moment_of, read_sent

_COMMON = "azuremonitorcommonalertschema"
_CONDITIONS = {"fired": True, "resolved": False}


def _has_fired(value: Any) -> bool:
    fired = _CONDITIONS.get(value.lower()) if isinstance(value, str) else None
    if fired is None:
        raise ValueError("expected Fired or Resolved")
    return fired


def _moment(value: Any) -> datetime | None:
    """A time with an offset, or UTC as older log alerts write it: 3/22/2019 1:36:31 PM."""
    try:
        return moment_of(value) or datetime.strptime(str(value), "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)
    except ValueError:
        return None


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _properties(value: Any) -> dict[str, str]:
    return {str(name): str(text) for name, text in value.items() if text is not None} if isinstance(value, dict) else {}


Moment = Annotated[datetime | None, ReadBy(_moment, "a time")]
Texts = Annotated[tuple[str, ...], ReadBy(_texts, "a list of texts")]
Properties = Annotated[dict[str, str] | None, ReadBy(_properties, "texts by name")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Essentials:
    alert_id: FilledText
    alert_rule: FilledText
    fired: Annotated[bool, SentAs("monitorCondition"), ReadBy(_has_fired, "Fired or Resolved")]
    fired_date_time: FilledText
    resolved_date_time: AnyText = ""
    description: AnyText = ""
    severity: AnyText = ""
    signal_type: AnyText = ""
    monitoring_service: AnyText = ""
    alert_target_ids: Annotated[Texts, SentAs("alertTargetIDs")] = ()
    configuration_items: Texts = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dimension:
    name: AnyText = ""
    value: AnyText = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Criterion:
    metric_name: Annotated[AnyText, SentAs("metricName", "metricMeasureColumn")] = ""
    metric_namespace: AnyText = ""
    operator: AnyText = ""
    threshold: AnyNumber = None
    time_aggregation: AnyText = ""
    metric_value: AnyNumber = None
    dimensions: Annotated[tuple[Annotated[_Dimension, Lenient(_Dimension())], ...], Lenient(())] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Condition:
    all_of: Annotated[tuple[Annotated[_Criterion, Lenient(_Criterion())], ...], Lenient(())] = ()
    window_start_time: Moment = None
    window_end_time: Moment = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context(_Criterion):
    """Log alerts made before 2020 have their only criterion and their window here, and no condition."""

    condition: Annotated[_Condition, Lenient(_Condition())] = _Condition()
    properties: Properties = None
    search_interval_start: Annotated[Moment, SentAs("SearchIntervalStartTimeUtc")] = None
    search_interval_end: Annotated[Moment, SentAs("SearchIntervalEndtimeUtc")] = None
    result_count: AnyNumber = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    essentials: _Essentials
    alert_context: Annotated[_Context, Lenient(_Context())] = _Context()
    custom_properties: Properties = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alert:
    data: _Data


@dataclass(frozen=True, slots=True, kw_only=True)
class _Schema:
    schema_id: AnyText = ""


def common_alert(raw: Any) -> Any:
    """The alert in *raw*: a webhook's body, or an event whose data it is; None where there is none."""
    for candidate in (raw, envelope_of(raw).data):
        schema = read_vendor_json(_Schema, candidate).value
        if schema is not None and schema.schema_id.lower() == _COMMON:
            return candidate
    return None


def read_alert(alert: Any) -> AlertChanged:
    """The whole of *alert*, which `common_alert` gave. Raises UnreadableEvent."""
    data = read_sent(_Alert, alert, "alert").data
    essentials, context, condition = data.essentials, data.alert_context, data.alert_context.condition
    return AlertChanged(
        event_id=essentials.alert_id,
        rule=essentials.alert_rule,
        fired=essentials.fired,
        fired_at=essentials.fired_date_time,
        resolved_at=essentials.resolved_date_time,
        description=essentials.description,
        severity=essentials.severity,
        signal_type=essentials.signal_type,
        monitoring_service=essentials.monitoring_service,
        targets=essentials.alert_target_ids,
        items=essentials.configuration_items,
        window_start=condition.window_start_time or context.search_interval_start,
        window_end=condition.window_end_time or context.search_interval_end,
        criteria=_criteria(context),
        # The rule's own properties were in the context before they had a place of their own.
        properties={**(context.properties or {}), **(data.custom_properties or {})},
    )


def _criteria(context: _Context) -> tuple[AlertCriterion, ...]:
    old = context.operator or context.dimensions or context.result_count is not None
    return tuple(
        AlertCriterion(
            metric=criterion.metric_name,
            namespace=criterion.metric_namespace,
            operator=criterion.operator,
            threshold=criterion.threshold,
            aggregation=criterion.time_aggregation,
            value=context.result_count if criterion is context else criterion.metric_value,
            dimensions={dimension.name: dimension.value for dimension in criterion.dimensions if dimension.name},
        )
        for criterion in context.condition.all_of or ((context,) if old else ())
    )
