"""The tables of Application Insights in Log Analytics: what was received, and all other spans.

Columns: https://learn.microsoft.com/azure/azure-monitor/reference/tables/appdependencies and `apprequests`, as far as
spans fill them. A control door takes spans, since nothing here speaks the exporter's own protocol.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from aiohttp import web

_COLUMNS = {
    "TimeGenerated": "datetime",
    "Id": "string",
    "ParentId": "string",
    "OperationId": "string",
    "OperationName": "string",
    "Name": "string",
    "DurationMs": "real",
    "Success": "bool",
    "ResultCode": "string",
    "Properties": "dynamic",
    "AppRoleName": "string",
}
SPAN_TABLES: Mapping[str, Mapping[str, str]] = {
    "AppRequests": _COLUMNS,
    "AppDependencies": _COLUMNS | {"DependencyType": "string", "Target": "string"},
}
# Azure Monitor's exporter makes requests of what is received, and dependencies of everything else.
_RECEIVED = frozenset({"server", "consumer"})


class SpanRows:
    """The rows of the spans that the control door was given."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in SPAN_TABLES}

    def add_to(self, app: web.Application) -> None:
        app.router.add_put("/_control/spans", self._put)

    def between(self, table: str, begin: float, end: float) -> Iterator[dict[str, Any]]:
        for row in self._rows[table].values():
            if begin <= row["TimeGenerated"] < end:
                yield row

    async def _put(self, request: web.Request) -> web.Response:
        for span in (await request.json())["spans"]:
            table = "AppRequests" if span["kind"] in _RECEIVED else "AppDependencies"
            values = {
                "TimeGenerated": span["began"] / 1e9,
                "Id": span["span"],
                "ParentId": span["parent"],
                "OperationId": span["trace"],
                "Name": span["name"],
                "DurationMs": (span["ended"] - span["began"]) / 1e6,
                "Success": not span["failed"],
                "Properties": span["attributes"],
            }
            self._rows[table][span["span"]] = dict.fromkeys(SPAN_TABLES[table], "") | values
        return web.json_response({})
