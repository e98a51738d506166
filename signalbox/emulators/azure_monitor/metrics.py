"""The metrics of Resource Manager: `.../providers/Microsoft.Insights/metrics` and `.../metricDefinitions`.

Contracts: https://learn.microsoft.com/rest/api/monitor/metrics/list and .../metric-definitions/list, 2023-10-01.
"""

import re
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import Refusal, bad
from signalbox.emulators.azure_ml.estate import Estate
from signalbox.emulators.azure_monitor.access import Gatehouse
from signalbox.emulators.azure_monitor.faults import MINUTE_S, PublicationDoor
from signalbox.emulators.azure_monitor.measures import (
    METRICS,
    Filter,
    MeasuredResource,
    Measures,
    Metric,
    Series,
    resource_at,
)
from signalbox.emulators.azure_monitor.timespans import duration, interval, iso

_INTERVALS = ("PT1M", "PT5M", "PT15M", "PT30M", "PT1H")
_CONDITION = re.compile(r"\s*(\w+)\s+eq\s+'((?:[^']|'')*)'\s*", re.IGNORECASE)
_TOP = 10


class MetricDoors:
    def __init__(self, gatehouse: Gatehouse, estate: Estate, measures: Measures, door: PublicationDoor) -> None:
        self._gatehouse, self._estate, self._measures, self._door = gatehouse, estate, measures, door

    def add_to(self, app: web.Application) -> None:
        scope = "/{scope:subscriptions/.+?}/providers/{insights:(?i:Microsoft.Insights)}"
        app.router.add_get(f"{scope}/metrics", self._metrics)
        app.router.add_get(f"{scope}/metricDefinitions", self._definitions)

    async def _definitions(self, request: web.Request) -> web.Response:
        resource = self._resource(request, "metricDefinitions")
        definitions = [_definition(resource, metric) for metric in METRICS[resource.namespace].values()]
        return web.json_response({"value": definitions})

    async def _metrics(self, request: web.Request) -> web.Response:
        resource = self._resource(request, "metrics")
        if self._door.take_throttle():
            raise Refusal(
                529, "TooManyRequests", "The service is busy: too many requests for metrics. Try again later."
            )
        query = request.query
        begin, end = _span(query.get("timespan", "PT1H"), self._measures.clock())
        grain = query.get("interval", "PT1M").upper()
        if grain not in _INTERVALS:
            raise bad(f"Invalid time grain {grain}. Valid: {', '.join(_INTERVALS)}")
        values = [
            self._value(request, resource, metric, (begin, end), grain)
            for metric in _named_metrics(resource, query.get("metricnames", "RequestsPerMinute"))
        ]
        body = {
            "cost": max(0, int((end - begin) // MINUTE_S) - 1),
            "timespan": f"{iso(begin)}/{iso(end)}",
            "interval": grain,
            "value": values,
            "namespace": resource.namespace,
            "resourceregion": "westeurope",
        }
        return web.json_response(body)

    def _value(
        self, request: web.Request, resource: MeasuredResource, metric: Metric, span: tuple[float, float], grain: str
    ) -> dict[str, Any]:
        aggregations = {name.strip().lower() for name in request.query.get("aggregation", "average").split(",")}
        if aggregations != {"average"}:
            raise bad(f"Metric: {metric.name} does not support requested aggregation; supported: Average")
        text = request.query.get("$filter", "")
        filters = self._filters(text, metric)
        now = self._measures.clock()
        series = self._measures.series(resource, metric, filters, *span, now)
        top = int(request.query.get("top", _TOP)) if text else len(series)
        until = min(span[1], now)
        return {
            "id": f"{resource.id}/providers/Microsoft.Insights/metrics/{metric.name}",
            "type": "Microsoft.Insights/metrics",
            "name": {"value": metric.name, "localizedValue": _words(metric.name)},
            "displayDescription": f"{_words(metric.name)} of the {'deployment' if resource.deployment else 'endpoint'}",
            "unit": metric.unit,
            "timeseries": [_series(one, span[0], until, duration(grain)) for one in series[:top]],
            "errorCode": "Success",
        }

    def _filters(self, text: str, metric: Metric) -> Filter:
        """Raises 400 for what is not `A eq 'a' or A eq 'b' and B eq '*'`, and for dimensions the metric has not."""
        filters: dict[str, list[str]] = {}
        for part in re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE) if text.strip() else ():
            names = set()
            for condition in re.split(r"\s+or\s+", part.strip().removeprefix("(").removesuffix(")")):
                match = _CONDITION.fullmatch(condition)
                if match is None:
                    raise Refusal(400, "InvalidFilterInQueryString", f"Invalid filter: {condition.strip()}")
                name = _dimension(match[1], metric)
                names.add(name)
                filters.setdefault(name, []).append(match[2].replace("''", "'"))
            if len(names) > 1:
                raise Refusal(400, "InvalidFilterInQueryString", "'or' may separate values of one dimension only")
        wildcards = sum("*" in values for values in filters.values())
        if wildcards > 1 and not self._door.publication.several_wildcards:
            raise bad("Only one dimension of the filter may have the wildcard '*'")
        return filters

    def _resource(self, request: web.Request, kind: str) -> MeasuredResource:
        """Raises 401 and 403; 404 for what is in no workspace, and 400 for what has no metrics."""
        path = f"/{request.match_info['scope']}"
        self._gatehouse.require_read(request, f"Microsoft.Insights/{kind}/read", path)
        if "api-version" not in request.query:
            raise Refusal(400, "MissingApiVersionParameter", "The api-version query parameter is required.")
        if self._estate.at(path) is None:
            raise Refusal(404, "ResourceNotFound", f"The resource {path} was not found")
        resource = resource_at(path)
        if resource is None:
            raise bad(f"{path} is no online endpoint and no deployment of one: only they have metrics here")
        return resource


def _span(text: str, now: float) -> tuple[float, float]:
    try:
        begin, end = interval(text, now)
    except ValueError as error:
        raise bad(f"Invalid timespan {text!r}: {error}") from error
    if end <= begin:
        raise bad(f"Invalid timespan {text!r}: the start must be before the end")
    return begin - begin % MINUTE_S, end


def _named_metrics(resource: MeasuredResource, names: str) -> list[Metric]:
    """Raises 400 naming those that there are."""
    known_metrics = METRICS[resource.namespace]
    metrics = [known_metrics.get(name.strip().lower()) for name in names.split(",")]
    if None in metrics:
        valid_names = ",".join(metric.name for metric in known_metrics.values())
        raise bad(
            f"Failed to find metric configuration for {names} in {resource.namespace}. Valid metrics: {valid_names}"
        )
    return [metric for metric in metrics if metric is not None]


def _dimension(name: str, metric: Metric) -> str:
    own_name = next((dimension for dimension in metric.dimensions if dimension.lower() == name.lower()), None)
    if own_name is None:
        valid_names = ", ".join(metric.dimensions) or "none"
        raise bad(f"Metric: {metric.name} does not support requested dimension {name}; supported are {valid_names}")
    return own_name


def _series(series: Series, begin: float, until: float, grain_s: float) -> dict[str, Any]:
    """The names of the dimensions in lower case, and a point for each time grain, with an average or without one."""
    data: list[dict[str, Any]] = []
    start = begin
    while start < until:
        point: dict[str, Any] = {"timeStamp": iso(start)}
        values = [value for minute, value in series.minutes.items() if start <= minute < start + grain_s]
        numbers = [value for value in values if value is not None]
        if numbers:
            point["average"] = sum(numbers) / len(numbers)
        elif values:
            point["average"] = None
        data.append(point)
        start += grain_s
    metadata = [
        {"name": {"value": n.lower(), "localizedValue": n.lower()}, "value": v} for n, v in series.dimensions.items()
    ]
    return {"metadatavalues": metadata, "data": data}


def _definition(resource: MeasuredResource, metric: Metric) -> dict[str, Any]:
    return {
        "id": f"{resource.id}/providers/microsoft.insights/metricdefinitions/{metric.name}",
        "resourceId": resource.id,
        "namespace": resource.namespace,
        "category": "Traffic",
        "name": {"value": metric.name, "localizedValue": _words(metric.name)},
        "displayDescription": _words(metric.name),
        "isDimensionRequired": False,
        "unit": metric.unit,
        "primaryAggregationType": "Average",
        "supportedAggregationTypes": ["Average"],
        "metricAvailabilities": [{"timeGrain": grain, "retention": "P93D"} for grain in _INTERVALS],
        "dimensions": [{"value": name, "localizedValue": name} for name in metric.dimensions],
    }


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ")
