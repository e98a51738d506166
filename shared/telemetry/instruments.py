"""The product's metrics, by OpenTelemetry's API. Attributes are names that the code or the configuration fixes.

Ids, paths and messages never become attributes: the number of series is bounded by the configuration.
"""

from collections.abc import Mapping
from functools import cache

from opentelemetry import metrics
from opentelemetry.metrics import Counter, Histogram, Meter

from shared.telemetry.export import configure

_SECONDS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400, 86400, 604800)  # From a call to a week's approval.

SECONDS = {
    "signalbox.start.lag": "from when the cause happened to the start of what it starts",
    "signalbox.queue.age": "that a message had lain in its queue when it was received, once for each delivery",
    "signalbox.effect.lag": "from the event, or from the start where no event came, to the published effect",
    "signalbox.activity.duration": "of one execution of an activity",
    "signalbox.job.duration": "from a job's creation until it was seen to have ended",
    "signalbox.approval.wait": "from the first look for an approval to its decision",
}
COUNTS = {
    "signalbox.events": "events received, by what became of them",
    "signalbox.starts": "orchestrations asked for, by the host's answer",
    "signalbox.failures": "executions of activities that were refused or broke, by kind",
    "signalbox.runs": "runs that ended, by outcome",
    "signalbox.promotions": "promotions that ended, by fate",
    "signalbox.audit.problems": "what verification of the audit log sees: entries unsigned, altered or missing",
}
LEVELS = {
    "signalbox.backlog": "things that wait: dead letters, open jobs, streamed messages, what queues gave up",
    "signalbox.backlog.age": "seconds that the oldest of them has waited",
}

# Which attributes each may have. Queries and alerts of the infrastructure are checked against them.
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "signalbox.start.lag": ("orchestration", "source"),
    "signalbox.queue.age": ("source",),
    "signalbox.effect.lag": ("effect", "route", "target", "source"),
    "signalbox.activity.duration": ("activity", "outcome"),
    "signalbox.job.duration": ("route", "state"),
    "signalbox.approval.wait": ("stage", "standing"),
    "signalbox.events": ("source",),
    "signalbox.starts": ("orchestration", "answer", "source"),
    "signalbox.failures": ("activity", "kind"),
    "signalbox.runs": ("route", "outcome"),
    "signalbox.promotions": ("target", "fate"),
    "signalbox.audit.problems": ("log",),
    "signalbox.backlog": ("what",),
    "signalbox.backlog.age": ("what",),
}


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
