"""Trace and span ids that every process works out for itself, and the W3C text that carries them.

A trace id comes from the id of a run or promotion: a sweep weeks later, another host, a callback join without context.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from opentelemetry import trace as api
from opentelemetry.context import Context
from opentelemetry.trace import SpanContext
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.domain import identity

_W3C = TraceContextTextMapPropagator()
_requested_ids: ContextVar[tuple[int, int]] = ContextVar("wanted ids", default=(0, 0))


class IdSource(Protocol):
    """OpenTelemetry's `IdGenerator`, without importing its SDK."""

    def generate_span_id(self) -> int: ...
    def generate_trace_id(self) -> int: ...
    def is_trace_id_random(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class DerivedIds:
    """The ids that were asked for with `wanting`, and otherwise those of *fallback*."""

    fallback: IdSource

    def generate_span_id(self) -> int:
        return _requested_ids.get()[1] or self.fallback.generate_span_id()

    def generate_trace_id(self) -> int:
        return _requested_ids.get()[0] or self.fallback.generate_trace_id()

    def is_trace_id_random(self) -> bool:
        return self.fallback.is_trace_id_random()  # Digests are as uniform as random ids: samplers may rely on it.


@contextmanager
def next_ids(*, trace: int = 0, span: int = 0) -> Iterator[None]:
    """Give the next span that is made in this context these ids."""
    token = _requested_ids.set((trace, span))
    try:
        yield
    finally:
        _requested_ids.reset(token)


def trace_of(instance: str) -> int:
    """The trace of an orchestration instance: its children's, its restoration's and its own are one."""
    # Derived and not carried: a sweep, an approval weeks later and a restarted host have no context to carry it in
    # (docs/decisions/0006-traces-without-context.md).
    return int(identity.digest("trace", identity.subject_of(instance), length=32), 16)


def span_of(*parts: str) -> int:
    return int(identity.digest("span", *parts, length=16), 16)


def traceparent(trace: int, span: int) -> str:
    # The flag 01 (sampled) is constant: an orchestration cannot ask a sampler again at each replay, and samplers that
    # go by the trace id keep or drop the whole run by themselves.
    return f"00-{trace:032x}-{span:016x}-01"


def context_of(w3c_text: str) -> Context:
    """The context that the W3C text *w3c_text* names; an empty one where it names none."""
    return _W3C.extract({"traceparent": w3c_text}, Context())


def span_context(w3c_text: str) -> SpanContext:
    return api.get_current_span(context_of(w3c_text)).get_span_context()
