"""`signalbox trace`: what a run or promotion did on this machine, joined over hosts and restarts, as a tree."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from signalbox.cli.app_client import find_endpoints
from signalbox.cli.errors import NotSetUp, UnknownName, first_line
from signalbox.cli.output import emit_json

_NOTED = ("stage", "phase", "move", "instance", "event", "job")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Times are nanoseconds since 1970."""

    span: str
    parent: str
    name: str
    began: int
    ended: int
    failed: bool
    attributes: dict[str, Any]

    @property
    def note(self) -> str:
        values = (self.attributes.get(f"signalbox.{name}", "") for name in _NOTED)
        return "  ".join(filter(None, [*values, self.attributes.get("error.type", "") if self.failed else ""]))


@click.command()
@click.argument("instance")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def trace(instance: str, as_json: bool) -> None:
    """The trace of the run, promotion or other orchestration INSTANCE."""
    spans_file = Path(find_endpoints().state) / "spans.db"
    try:
        spans_of_trace = read_trace(spans_file, instance)
    except sqlite3.DatabaseError as error:
        raise NotSetUp(
            f"{spans_file} cannot be read: {first_line(error)}; remove it, and start `signalbox up`"
        ) from error
    if spans_of_trace is None:
        raise UnknownName(
            f"no span of {instance} is kept on this machine; name a run or a promotion of `signalbox status` or "
            "`signalbox promotions`, and on Azure look in Application Insights for its operation"
        )
    trace_id, spans = spans_of_trace
    if as_json:
        emit_json({"trace": trace_id, "spans": [asdict(span) for span in spans]})
        return
    click.echo(f"trace {trace_id}")
    for depth, span in tree(spans):
        click.echo(_line(depth, span))


def read_trace(path: Path, instance: str) -> tuple[str, list[Span]] | None:
    """The newest trace with a span of *instance*, its spans by their beginnings; None where there is none."""
    if not path.is_file():
        return None
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        query = "SELECT trace FROM spans WHERE instance = ? ORDER BY began DESC LIMIT 1"
        trace_row = database.execute(query, (instance,)).fetchone()
        columns = "span, parent, name, began, ended, failed, attributes"
        rows = database.execute(
            f"SELECT {columns} FROM spans WHERE trace = ? ORDER BY began, ended DESC", trace_row or ("",)
        )
        spans = [_span(*row) for row in rows]
    database.close()
    return (trace_row[0], spans) if trace_row else None


def tree(spans: list[Span]) -> Iterator[tuple[int, Span]]:
    """Each span below its parent, with its depth; a span whose parent is not kept stands at the top."""
    names, below = {span.span for span in spans}, defaultdict(list)
    for span in spans:
        below[span.parent if span.parent in names else ""].append(span)

    def walk(parent: str, depth: int) -> Iterator[tuple[int, Span]]:
        for span in below[parent]:
            yield depth, span
            yield from walk(span.span, depth + 1)

    yield from walk("", 0)


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


def _line(depth: int, span: Span) -> str:
    at = datetime.fromtimestamp(span.began / 1e9, UTC).strftime("%H:%M:%S.%f")[:-3]
    mark = "x" if span.failed else " "
    took = f"{(span.ended - span.began) / 1e9:.3f} s"
    return f"{at} {mark} {'  ' * depth}{span.name:<{max(1, 34 - 2 * depth)}} {took:>10}  {span.note}".rstrip()
