"""Diagnostic settings of online endpoints: which logs are sent where. They are kept, and change nothing here.

Contract: https://learn.microsoft.com/rest/api/monitor/diagnostic-settings, 2021-05-01-preview.
"""

from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import bad, not_found
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.azure_monitor.access import Gatehouse

_KEPT, _KIND = "/diagnostics", "Microsoft.Insights/diagnosticSettings"
_DESTINATIONS = ("workspaceId", "storageAccountId", "eventHubAuthorizationRuleId")
_MOST = 5  # Settings of one resource.


class DiagnosticDoors:
    def __init__(self, gatehouse: Gatehouse, resources: Resources) -> None:
        self._gatehouse, self._resources = gatehouse, resources

    def add_to(self, app: web.Application) -> None:
        settings = (
            "/{scope:subscriptions/.+/onlineEndpoints/[^/]+}/providers/{insights:(?i:Microsoft.Insights)}"
            "/{kind:(?i:diagnosticSettings)}"
        )
        app.router.add_get(settings, self._list)
        app.router.add_put(f"{settings}/{{name}}", self._put)
        app.router.add_get(f"{settings}/{{name}}", self._show)
        app.router.add_delete(f"{settings}/{{name}}", self._delete)

    async def _list(self, request: web.Request) -> web.Response:
        self._gatehouse.require_read(request, f"{_KIND}/read", request.path)
        return web.json_response({"value": self._below(request.path)})

    async def _show(self, request: web.Request) -> web.Response:
        self._gatehouse.require_read(request, f"{_KIND}/read", request.path)
        document = self._resources.get(f"{_KEPT}{request.path}")
        if document is None:
            raise not_found(request.path)
        return web.json_response(document)

    async def _put(self, request: web.Request) -> web.Response:
        """Raises 400 for a setting that sends nothing anywhere, and for the sixth of one resource."""
        self._gatehouse.require_write(request, f"{_KIND}/write", request.path)
        properties = (await request.json()).get("properties") or {}
        logs = properties.get("logs") or ()
        if not any(properties.get(name) for name in _DESTINATIONS) or not any(log.get("enabled") for log in logs):
            raise bad("At least one data sink and one enabled category must be specified.")
        path, folder = request.path, request.path.rpartition("/")[0]
        others = [document for document in self._below(folder) if document["id"].lower() != path.lower()]
        if len(others) >= _MOST:
            raise bad(f"The resource has {_MOST} diagnostic settings, which is the most that one may have.")
        document: dict[str, Any] = {
            "id": path,
            "name": path.rpartition("/")[2],
            "type": _KIND,
            "properties": properties,
        }
        self._resources.put(f"{_KEPT}{path}", document)
        return web.json_response(document)

    async def _delete(self, request: web.Request) -> web.Response:
        self._gatehouse.require_write(request, f"{_KIND}/delete", request.path)
        return web.Response(status=200 if self._resources.delete(f"{_KEPT}{request.path}") else 204)

    def _below(self, folder: str) -> list[dict[str, Any]]:
        return [document for _, document in self._resources.below(f"{_KEPT}{folder}/")]
