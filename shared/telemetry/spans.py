"""The spans of the product: an event received, a start, an orchestration, an activity, a job.

Attributes are ids and names from the configuration: never content, never a message, never a secret.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from time import time_ns
from uuid import uuid4

from opentelemetry import trace as api
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer

from shared.telemetry.carried import Carried
from shared.telemetry.export import configure
from shared.telemetry.ids import context_of, next_ids, span_context, span_of, trace_of, traceparent
from shared.telemetry.instruments import count, record_duration
from shared.telemetry.names import ERROR, INSTANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEvent:
    """An event or request. *source* is one of few kinds of events or routes; *caller* is a W3C `traceparent`."""

    source: str
    now: datetime
    since: datetime
    at_ns: int
    event: str = ""
    caller: str = ""


_receipt: ContextVar[ReceivedEvent | None] = ContextVar("receipt", default=None)


@cache
def tracer() -> Tracer:
    configure()
    return api.get_tracer("signalbox")


@contextmanager
def receiving(
    source: str, now: datetime, *, since: datetime | None = None, event: str = "", caller: str = ""
) -> Iterator[None]:
    """Count an event from *source*, the cause of everything that is started within; *since* is when it happened."""
    count("signalbox.events", {"source": source})
    with caused_by(source, now, since=since, event=event, caller=caller):
        yield


@contextmanager
def caused_by(
    source: str, now: datetime, *, since: datetime | None = None, event: str = "", caller: str = ""
) -> Iterator[None]:
    """Do as `receiving` does, without counting: the event was received and counted elsewhere."""
    event_ = ReceivedEvent(source=source, now=now, since=since or now, at_ns=time_ns(), event=event, caller=caller)
    token = _receipt.set(event_)
    try:
        yield
    finally:
        _receipt.reset(token)


@contextmanager
def occurred_at(since: datetime | None) -> Iterator[None]:
    """Correct the time of the event being received: the content says when it happened, not when it was sent on."""
    receipt = _receipt.get()
    token = _receipt.set(replace(receipt, since=since) if receipt and since else receipt)
    try:
        yield
    finally:
        _receipt.reset(token)


@contextmanager
def start_span(verb: str, name: str, instance: str, *, again: bool = False) -> Iterator[Carried]:
    """The span of a start or wake-up of *instance*, below its cause and in its trace; with *again* in a new trace."""
    # The trace follows from the instance's id, so every host and every later event joins it. A repeated start gets a
    # trace of its own.
    trace, receipt = (uuid4().int if again else trace_of(instance)), _receipt.get()
    with _root(trace, receipt) as parent, next_ids(trace=trace):
        links = [] if parent else _links(trace)
        span = tracer().start_span(f"{verb} {name}", parent or Context(), SpanKind.PRODUCER, links=links)
        span.set_attribute(INSTANCE, instance)
        with api.use_span(span, end_on_exit=True, record_exception=False):
            yield _current_link(span, trace, instance, receipt)


def _current_link(span: Span, trace: int, instance: str, receipt: ReceivedEvent | None) -> Carried:
    """Below *span*; where no exporter is configured there is none, and the ids are worked out all the same."""
    context = span.get_span_context()
    parent = traceparent(trace, context.span_id if context.trace_id == trace else span_of(instance))
    if receipt is None:
        return Carried(parent=parent)
    return Carried(parent=parent, since=receipt.since.isoformat(), source=receipt.source)


def count_start(name: str, answer: str, started: bool) -> None:
    """Count a start by the host's *answer*, and the delay since its cause."""
    receipt = _receipt.get()
    source = receipt.source if receipt else "timer"
    count("signalbox.starts", {"orchestration": name, "answer": answer, "source": source})
    if receipt and started:
        lag = (receipt.now - receipt.since).total_seconds()
        record_duration("signalbox.start.lag", lag, {"orchestration": name, "source": source})


def record_orchestration(
    name: str, instance: str, trace_link: Carried, started_at: datetime, ended_at: datetime, error: str = ""
) -> None:
    """The span of one whole execution, made when it has ended: an orchestrator replays, and this line runs once.

    Should the host die before it has written the end, the same span is made again under the same ids.
    """
    with next_ids(span=span_of(trace_link.parent, instance, started_at.isoformat())):
        span = tracer().start_span(name, context_of(trace_link.parent), start_time=_ns(started_at))
    span.set_attribute(INSTANCE, instance)
    _mark(span, error)
    span.end(_ns(ended_at))


@contextmanager
def activity_span(name: str, trace_link: Carried | None) -> Iterator[Span]:
    """An activity, below its orchestration; what it calls sees it as the current span."""
    context = context_of(trace_link.parent) if trace_link else None
    span = tracer().start_span(name, context, kind=SpanKind.CONSUMER)
    with api.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        yield span


def fail(span: Span, error: str) -> None:
    _mark(span, error)


def job_traceparent(name: str) -> str:
    """What a job called *name* carries, so that its own spans come below ours; empty outside a trace."""
    trace = api.get_current_span().get_span_context().trace_id
    return traceparent(trace, span_of("job", name)) if trace else ""


def record_job(name: str, job: str, started_at: datetime, ended_at: datetime, error: str = "") -> None:
    """The span of a job elsewhere, from when it was made until it was seen to have ended."""
    with next_ids(span=span_of("job", name)):
        # Azure ML's clock and ours may differ; a span must not end before it starts.
        span = tracer().start_span("job", kind=SpanKind.CLIENT, start_time=_ns(min(started_at, ended_at)))
    span.set_attributes({"signalbox.job": job, "signalbox.job.name": name})
    _mark(span, error)
    span.end(_ns(ended_at))


@contextmanager
def _root(trace: int, receipt: ReceivedEvent | None) -> Iterator[Context | None]:
    """The span of the event that caused a start, the first of its trace."""
    if receipt is None:
        yield None
        return
    links = _links(trace) + ([Link(span_context(receipt.caller))] if receipt.caller else [])
    with next_ids(trace=trace):
        span = tracer().start_span(
            f"receive {receipt.source}", Context(), SpanKind.CONSUMER, links=links, start_time=receipt.at_ns
        )
    if receipt.event:
        span.set_attribute("signalbox.event", receipt.event)
    with api.use_span(span, end_on_exit=True, record_exception=False):
        yield api.set_span_in_context(span, Context())


def _links(trace: int) -> list[Link]:
    """A link to the span that is current in another trace: the host's own, or a sweep's."""
    current = api.get_current_span().get_span_context()
    return [Link(current)] if current.is_valid and current.trace_id != trace else []


def _mark(span: Span, error: str) -> None:
    if error:
        span.set_attribute(ERROR, error)
        span.set_status(Status(StatusCode.ERROR))


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
