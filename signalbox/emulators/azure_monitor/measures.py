"""The platform metrics of online endpoints and of their deployments, computed from the requests that were answered.

Definitions: https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/
microsoft-machinelearningservices-workspaces-onlineendpoints-metrics. Emulated are those of requests and latencies.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from signalbox.emulators.azure_ml.estate import PROVIDER
from signalbox.emulators.azure_ml.online.traffic import ScoredRequest
from signalbox.emulators.azure_monitor.faults import MINUTE_S, Publication, PublicationDoor, within

ENDPOINTS = f"{PROVIDER}/workspaces/onlineEndpoints"
DEPLOYMENTS = f"{ENDPOINTS}/deployments"
_RESOURCE = re.compile(
    rf"(/subscriptions/[^/]+/resourcegroups/[^/]+/providers/{PROVIDER}/workspaces/[^/]+)"
    r"/onlineendpoints/([^/]+)(?:/deployments/([^/]+))?",
    re.IGNORECASE,
)

Compute = Callable[[Sequence[ScoredRequest]], float]


def _latency(quantile: float | None) -> Compute:
    def compute(requests: Sequence[ScoredRequest]) -> float:
        durations = sorted(request.duration_ms for request in requests)
        if quantile is None:
            return sum(durations) / len(durations)
        return durations[max(0, math.ceil(quantile * len(durations)) - 1)]

    return compute


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """*compute* gives the average of a minute from its requests, of which there is at least one."""

    name: str
    unit: str
    dimensions: tuple[str, ...]
    compute: Compute


_QUANTILES = {"_P50": 0.5, "_P90": 0.9, "_P95": 0.95, "_P99": 0.99}


def _metrics(counted_by: tuple[str, ...], latencies: Mapping[str, float | None], by: tuple[str, ...]) -> list[Metric]:
    count = Metric(name="RequestsPerMinute", unit="Count", dimensions=counted_by, compute=lambda rows: float(len(rows)))
    return [count] + [
        Metric(name=f"RequestLatency{suffix}", unit="MilliSeconds", dimensions=by, compute=_latency(quantile))
        for suffix, quantile in latencies.items()
    ]


METRICS: Mapping[str, Mapping[str, Metric]] = {
    namespace: {metric.name.lower(): metric for metric in metrics}
    for namespace, metrics in {
        ENDPOINTS: _metrics(
            ("deployment", "statusCode", "statusCodeClass", "modelStatusCode"),
            {"": None, **_QUANTILES},
            ("deployment",),
        ),
        DEPLOYMENTS: _metrics(("envoy_response_code",), _QUANTILES, ()),
    }.items()
}
_DIMENSIONS: Mapping[str, Callable[[ScoredRequest], str]] = {
    "deployment": lambda request: request.deployment,
    "statusCode": lambda request: str(request.status),
    "statusCodeClass": lambda request: request.status_class,
    "modelStatusCode": lambda request: "" if request.model_status is None else str(request.model_status),
    "envoy_response_code": lambda request: str(request.status),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredResource:
    """An online endpoint, or one deployment of it; *id* is spelt as it was asked for."""

    id: str
    workspace: str
    endpoint: str
    deployment: str = ""

    @property
    def namespace(self) -> str:
        return DEPLOYMENTS if self.deployment else ENDPOINTS

    def has(self, request: ScoredRequest) -> bool:
        names = [(self.endpoint, request.endpoint), (self.workspace, request.workspace)]
        if self.deployment:
            names.append((self.deployment, request.deployment))
        return all(own == other or own.lower() == other.lower() for own, other in names)


def resource_at(path: str) -> MeasuredResource | None:
    """The endpoint or deployment with the ARM id *path*; None where it is something else."""
    match = _RESOURCE.fullmatch(path)
    if match is None:
        return None
    return MeasuredResource(id=path, workspace=match[1], endpoint=match[2], deployment=match[3] or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """*dimensions* as they are named in the definition. *minutes*: by their beginning, a value, NaN, or None for null.

    A minute that is not in it has no value at all.
    """

    dimensions: Mapping[str, str]
    minutes: Mapping[float, float | None]


class RequestSource(Protocol):
    def between(self, begin: float, end: float) -> Iterator[ScoredRequest]: ...


Filter = Mapping[str, Sequence[str]]  # Values by dimension, `*` for all of them.


class Measures:
    """What the metrics say at a moment."""

    def __init__(self, requests: RequestSource, door: PublicationDoor, clock: Callable[[], float]) -> None:
        self._requests, self._door, self.clock = requests, door, clock

    def series(
        self, resource: MeasuredResource, metric: Metric, filters: Filter, begin: float, end: float, now: float
    ) -> list[Series]:
        """One for each combination of the values of the dimensions of *filters*, the busiest first.

        Only what is published at the moment *now* is in them.
        """
        publication = self._door.publication
        groups: dict[tuple[str, ...], dict[float, list[ScoredRequest]]] = defaultdict(lambda: defaultdict(list))
        for request in self._published(resource, begin, end, now):
            values = tuple(_DIMENSIONS[name](request) for name in filters)
            if all(_passes(value, filters[name]) for name, value in zip(filters, values, strict=True)):
                groups[values][request.at - request.at % MINUTE_S].append(request)
        measured_minutes = {minute for minutes in groups.values() for minute in minutes}
        busiest = sorted(groups.items(), key=lambda item: (-sum(map(len, item[1].values())), item[0]))
        return [
            Series(
                dimensions=dict(zip(filters, values, strict=True)),
                minutes=_averages(metric, minutes, measured_minutes, publication),
            )
            for values, minutes in busiest
        ]

    def _published(self, resource: MeasuredResource, begin: float, end: float, now: float) -> Iterator[ScoredRequest]:
        publication = self._door.publication
        for request in self._requests.between(begin, min(end, now)):
            if resource.has(request) and publication.counts(request) and publication.measured_at(request) <= now:
                yield request


def _passes(value: str, wanted_values: Sequence[str]) -> bool:
    return any(wanted in ("*", value) or wanted.lower() == value.lower() for wanted in wanted_values)


def _averages(
    metric: Metric, minutes: Mapping[float, Sequence[ScoredRequest]], all_minutes: set[float], publication: Publication
) -> dict[float, float | None]:
    averages: dict[float, float | None] = {}
    for minute in sorted(all_minutes):
        requests = minutes.get(minute)
        if within(minute, publication.missing) or (requests is None and not publication.zeros):
            continue
        averages[minute] = 0.0 if requests is None else metric.compute(requests)
        if within(minute, publication.null):
            averages[minute] = None
        if within(minute, publication.nan):
            averages[minute] = math.nan
    return averages
