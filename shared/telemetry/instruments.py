"""The product's metrics, by OpenTelemetry's API. Attributes are names that the code or the configuration fixes.

Ids, paths and messages never become attributes: the number of series is bounded by the configuration.
"""

from collections.abc import Mapping
from functools import cache

from opentelemetry import metrics
from opentelemetry.metrics import Counter, Histogram, Meter

from shared.telemetry.export import configure
from shared.telemetry.names import COUNTS, LEVELS, SECONDS

_SECONDS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400, 86400, 604800)  # From a call to a week's approval.


@cache
def _meter() -> Meter:
    configure()
    return metrics.get_meter("signalbox")


@cache
def _histogram(name: str) -> Histogram:
    return _meter().create_histogram(name, "s", SECONDS[name], explicit_bucket_boundaries_advisory=_SECONDS)


@cache
def _counter(name: str) -> Counter:
    return _meter().create_counter(name, description=COUNTS[name])


@cache
def _gauge(name: str):  # type: ignore[no-untyped-def]  # Its type is not public in the API.
    return _meter().create_gauge(name, "s" if name.endswith("age") else "", LEVELS[name])


def record_duration(name: str, seconds: float, attributes: Mapping[str, str]) -> None:
    _histogram(name).record(max(0.0, seconds), attributes)


def count(name: str, attributes: Mapping[str, str]) -> None:
    _counter(name).add(1, attributes)


def set_level(name: str, value: float, attributes: Mapping[str, str]) -> None:
    _gauge(name).set(value, attributes)
