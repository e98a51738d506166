"""Spans in Application Insights, by the query API of the Log Analytics workspace in which its tables lie.

Contract: https://learn.microsoft.com/azure/azure-monitor/logs/api/overview, and the tables AppRequests (what was
received) and AppDependencies (all other spans). Why not azure-monitor-query: docs/decisions/0021-azure-monitor.md.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.rest import HttpRequest

from shared.adapters.azure_monitor.bounded import BoundedService
from shared.domain.failures import Refused, Transient
from signalbox.traces.spans import Span, Trace

TABLES = ("AppRequests", "AppDependencies")
# An instance's trace may be a repeated start's own, so that its id does not follow from the instance's.
NEWEST = """{table}
| where tostring(Properties["signalbox.instance"]) == '{instance}'
| order by TimeGenerated desc
| take 1
| project OperationId, TimeGenerated"""
WHOLE = """{table}
| where OperationId == '{trace}'
| project Id, ParentId, Name, TimeGenerated, DurationMs, Success, Properties"""
_INSTANCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,255}")
_TRACE = re.compile(r"[0-9a-f]{32}")
_WAIT_S = 50  # Less than the client's own patience, so that a slow query ends with an error that says so.

Row = Mapping[str, Any]


class LoggedSpans:
    """Implements `signalbox.traces.spans.SpanSource`: of the last *days*. Raises Refused and Transient."""

    def __init__(self, credential: TokenCredential, address: str, workspace: str, days: int) -> None:
        self._service = BoundedService(credential, address.rstrip("/"), address.rstrip("/"))
        self._workspace, self._timespan = workspace, f"P{days}D"

    def newest(self, instance: str) -> Trace | None:
        if not _INSTANCE.fullmatch(instance):  # It becomes part of a query.
            raise Refused(f"{instance[:80]!r} is no id of a run, a promotion or another orchestration")
        rows = [row for table in TABLES for row in self._ask(NEWEST.format(table=table, instance=instance))]
        if not rows:
            return None
        trace = str(max(rows, key=lambda row: str(row["TimeGenerated"]))["OperationId"])
        if not _TRACE.fullmatch(trace):
            raise Refused(
                f"Application Insights has a span of {instance} in the operation {trace[:80]!r}, which is no trace"
            )
        spans = [_span(row) for table in TABLES for row in self._ask(WHOLE.format(table=table, trace=trace))]
        return Trace(trace=trace, spans=tuple(sorted(spans, key=lambda span: (span.began, -span.ended))))

    def _ask(self, query: str) -> Iterator[Row]:
        """Raises Transient for a part of an answer: a trace that lacks spans would mislead."""
        action = "query the traces of Application Insights"
        url = f"{self._service.address}/v1/workspaces/{self._workspace}/query"
        body = {"query": query, "timespan": self._timespan}
        answer = self._service.ask(HttpRequest("POST", url, json=body, headers={"Prefer": f"wait={_WAIT_S}"}), action)
        if answer.get("error"):
            raise Transient(f"{action}: the answer is a part only; ask for fewer days")
        try:
            table = next(table for table in answer["tables"] if table["name"] == "PrimaryResult")
            names = [str(column["name"]) for column in table["columns"]]
            yield from [dict(zip(names, row, strict=True)) for row in table["rows"]]
        except (KeyError, StopIteration, TypeError, ValueError) as error:
            raise Refused(f"{action}: the answer has another form than Log Analytics documents: {error!r}") from error


def _span(row: Row) -> Span:
    began = _nanoseconds(str(row["TimeGenerated"]))
    return Span(
        span=str(row["Id"]),
        parent=str(row["ParentId"] or ""),
        name=str(row["Name"]),
        began=began,
        ended=began + round(float(row["DurationMs"]) * 1e6),
        failed=not row["Success"],
        attributes=json.loads(row["Properties"] or "{}"),
    )


def _nanoseconds(text: str) -> int:
    """Log Analytics writes up to seven digits of a second; a float of today's nanoseconds would lose them."""
    seconds, _, fraction = text.removesuffix("Z").partition(".")
    whole = int(datetime.fromisoformat(f"{seconds}+00:00").timestamp())
    return whole * 10**9 + int(fraction.ljust(9, "0")[:9])
