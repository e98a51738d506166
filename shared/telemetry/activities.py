"""One execution of an activity: its span, its duration, its failure by kind, and what its result tells in figures."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from time import perf_counter
from typing import Any, TypeVar

from opentelemetry.trace import Span

from shared.domain.failures import Refused
from shared.telemetry.carried import carried_in
from shared.telemetry.instruments import count, record_duration
from shared.telemetry.spans import activity_span, caused_by, fail

T = TypeVar("T")

_NAMES = ("stage", "phase", "move")  # Fields of promotions' payloads that hold configured names, never content.
_LONGEST = 100


class Execution:
    def __init__(self, name: str, payload: Any, span: Span) -> None:
        self._name, self._span = name, span
        self._trace_link = carried_in(payload)

    def gave(self, request: object, result: T, now: datetime) -> T:
        """Record the figures of *result* and return it."""
        from shared.telemetry.measures import Seen, measure  # The contracts are not imported before they are needed.

        measure(self._name, Seen(request=request, result=result, now=now, trace_link=self._trace_link))
        return result

    @contextmanager
    def starting(self, now: datetime) -> Iterator[None]:
        """Make this activity's cause, or else the activity itself, the cause of everything started within."""
        cause = self._trace_link
        since = datetime.fromisoformat(cause.since) if cause and cause.since else now
        with caused_by((cause.source if cause else "") or self._name, now, since=since):
            yield

    def failed(self, error: Exception) -> None:
        """Count the failure by its kind. The message stays out of span and metric, since it may quote content."""
        kind = type(error).__name__
        fail(self._span, kind)
        count("signalbox.failures", {"activity": self._name, "kind": kind})


@contextmanager
def execution(name: str, payload: Any) -> Iterator[Execution]:
    """Measure one execution of the activity *name*. An exception is counted by its kind and passes through."""
    start, outcome = perf_counter(), "done"
    with activity_span(name, carried_in(payload)) as span:
        span.set_attributes(_names_in(payload))
        running = Execution(name, payload, span)
        try:
            yield running
        except Exception as error:
            outcome = "refused" if isinstance(error, Refused) else "broke"
            running.failed(error)
            raise
        finally:
            record_duration(
                "signalbox.activity.duration", perf_counter() - start, {"activity": name, "outcome": outcome}
            )


def _names_in(payload: Any) -> dict[str, str]:
    """Which stage, phase and move an activity is about, so that a trace can be read; empty for other payloads."""
    values = {name: payload.get(name) for name in _NAMES} if isinstance(payload, Mapping) else {}
    return {f"signalbox.{name}": value[:_LONGEST] for name, value in values.items() if isinstance(value, str) and value}
