"""The query API of Log Analytics: `POST /v1/workspaces/{id}/query`.

Contract: https://learn.microsoft.com/azure/azure-monitor/logs/api/overview, its response format and its errors.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import Refusal
from signalbox.emulators.azure_monitor.access import LOGS, Gatehouse
from signalbox.emulators.azure_monitor.faults import PublicationDoor
from signalbox.emulators.azure_monitor.logs.expressions import QueryError, Row
from signalbox.emulators.azure_monitor.logs.queries import Table, run
from signalbox.emulators.azure_monitor.logs.telemetry import SPAN_TABLES, SpanRows
from signalbox.emulators.azure_monitor.logs.traffic_log import COLUMNS, TABLE, row_of
from signalbox.emulators.azure_monitor.measures import RequestSource
from signalbox.emulators.azure_monitor.timespans import interval, iso

_INVALID = "The request had some invalid properties"
_MOST_ROWS = 500_000
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PARTIAL = {
    "code": "PartialError",
    "message": "There were some errors when processing your query.",
    "details": [
        {
            "code": "EngineError",
            "message": "Something went wrong processing your query on the server.",
            "innererror": {
                "code": "-2133196797",
                "message": f"The results of this query exceed the set limit of {_MOST_ROWS} records.",
                "severity": 2,
                "severityName": "Error",
            },
        }
    ],
}


class LogDoors:
    """*workspaces*: the ARM id of each Log Analytics workspace by its own id, a GUID."""

    def __init__(
        self,
        gatehouse: Gatehouse,
        workspaces: Mapping[str, str],
        requests: RequestSource,
        door: PublicationDoor,
        clock: Callable[[], float],
    ) -> None:
        self._gatehouse, self._workspaces = gatehouse, {name.lower(): path for name, path in workspaces.items()}
        self._requests, self._door, self._clock, self._spans = requests, door, clock, SpanRows()

    def add_to(self, app: web.Application) -> None:
        self._spans.add_to(app)
        app.router.add_post("/v1/workspaces/{workspace}/query", self._query)

    async def _query(self, request: web.Request) -> web.Response:
        principal, workspace = self._gatehouse.principal(request, LOGS), request.match_info["workspace"]
        if not _GUID.fullmatch(workspace) or workspace.lower() not in self._workspaces:
            raise Refusal(404, "PathNotFoundError", "The requested path does not exist")
        if not self._gatehouse.may_read(principal, self._workspaces[workspace.lower()]):
            message = "The provided credentials have insufficient access to perform the requested operation"
            raise Refusal(403, "InsufficientAccessError", message)
        body = await request.json()
        try:
            table = self._run(str(body.get("query") or ""), str(body.get("timespan") or ""))
        except QueryError as error:
            return _bad_argument(error.kind, str(error), error.code)
        except ValueError as error:
            return _bad_argument("InvalidTimespan", str(error))
        return web.json_response(self._answer(table))

    def _run(self, query: str, timespan: str) -> Table:
        """The query sees only the rows of *timespan*, as the service does. Raises QueryError and ValueError."""
        begin, end = interval(timespan, self._clock()) if timespan else (0.0, self._clock())
        spans = {
            name: Table(columns=columns, rows=self._spans.between(name, begin, end))
            for name, columns in SPAN_TABLES.items()
        }
        return run(query, {TABLE: Table(columns=COLUMNS, rows=self._rows(begin, end)), **spans})

    def _rows(self, begin: float, end: float) -> Iterator[Row]:
        publication, now = self._door.publication, self._clock()
        for request in self._requests.between(begin, min(end, now)):
            if publication.counts(request) and publication.logged_at(request) <= now:
                yield row_of(request)

    def _answer(self, table: Table) -> dict[str, Any]:
        rows = [[_cell(row[name], kind) for name, kind in table.columns.items()] for row in table.rows]
        is_partial = self._door.publication.partial or len(rows) > _MOST_ROWS
        columns = [{"name": name, "type": kind} for name, kind in table.columns.items()]
        tables = [{"name": "PrimaryResult", "columns": columns, "rows": rows[:-1] if is_partial else rows}]
        return {"tables": tables} | ({"error": _PARTIAL} if is_partial else {})


def _cell(value: Any, kind: str) -> Any:
    if kind == "dynamic":
        return json.dumps(value)  # As text, which the caller reads once more.
    return iso(value) if kind == "datetime" and value is not None else value


def _bad_argument(kind: str, message: str, code: str = "") -> web.Response:
    inner: dict[str, Any] = {"code": kind, "message": message}
    if code:
        inner["innererror"] = {"code": code, "message": message}
    error = {"message": _INVALID, "code": "BadArgumentError", "innererror": inner}
    return web.json_response({"error": error}, status=400)
