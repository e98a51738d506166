"""Spans in the file that the local host keeps them in (`signalbox.host.state_folder.spans`)."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from signalbox.traces.spans import Span, Trace


class FiledSpans:
    """Implements `signalbox.traces.spans.SpanSource`. Raises sqlite3.DatabaseError for a broken file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def newest(self, instance: str) -> Trace | None:
        if not self._path.is_file():
            return None
        with sqlite3.connect(f"file:{self._path}?mode=ro", uri=True) as database:
            query = "SELECT trace FROM spans WHERE instance = ? ORDER BY began DESC LIMIT 1"
            trace_row = database.execute(query, (instance,)).fetchone()
            columns = "span, parent, name, began, ended, failed, attributes"
            rows = database.execute(
                f"SELECT {columns} FROM spans WHERE trace = ? ORDER BY began, ended DESC", trace_row or ("",)
            )
            spans = tuple(_span(*row) for row in rows)
        database.close()
        return Trace(trace=trace_row[0], spans=spans) if trace_row else None


def _span(*row: Any) -> Span:
    span, parent, name, started_ns, ended_ns, is_error, attributes = row
    return Span(
        span=span,
        parent=parent,
        name=name,
        began=started_ns,
        ended=ended_ns,
        failed=bool(is_error),
        attributes=json.loads(attributes),
    )
