"""Keep the app's OpenTelemetry spans in a file, as the worker on Azure sends them to Application Insights.

Each span is written when it ends: a killed host leaves a trace of all that it had done. Nothing is kept for longer than
a week.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

_WEEK_NS = 7 * 86400 * 10**9
_TABLE = """
CREATE TABLE IF NOT EXISTS spans (
    trace TEXT, span TEXT, parent TEXT, name TEXT, kind TEXT, began INTEGER, ended INTEGER, failed INTEGER,
    instance TEXT, attributes TEXT, links TEXT, PRIMARY KEY (trace, span)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_instance ON spans (instance);
"""


def keep_spans(path: Path) -> None:
    """Write all spans of this process to the SQLite file *path* from now on."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(SpanFile(path)))
    trace.set_tracer_provider(provider)


class SpanFile(SpanExporter):
    """A span that is made again under its ids replaces itself."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._open()
        os.register_at_fork(after_in_child=self._open)  # A worker must not share the host's connection.

    def _open(self) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        # No sync at all: what the process wrote survives its end, and spans that a power cut takes are no record of
        # anything.
        self._database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;" + _TABLE)
        self._database.execute("DELETE FROM spans WHERE ended < ?", (time.time_ns() - _WEEK_NS,))

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with self._lock:
            self._database.executemany(
                "INSERT OR REPLACE INTO spans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_row, spans)
            )
        return SpanExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        del timeout_millis  # Export every span at once, so that a killed host loses none.
        return True

    def shutdown(self) -> None:
        with self._lock:
            self._database.close()


def _row(span: ReadableSpan) -> tuple[object, ...]:
    attributes = dict(span.attributes or {})
    links = [f"{link.context.trace_id:032x}-{link.context.span_id:016x}" for link in span.links]
    return (
        f"{span.context.trace_id:032x}",
        f"{span.context.span_id:016x}",
        f"{span.parent.span_id:016x}" if span.parent else "",
        span.name,
        span.kind.name.lower(),
        span.start_time,
        span.end_time,
        not span.status.is_ok,
        attributes.get("signalbox.instance", ""),
        json.dumps(attributes, default=str),
        json.dumps(links),
    )
