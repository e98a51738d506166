"""All resources as one document without what differs from run to run, so that whole states can be compared.

It stands alone, because it is a control route of tests and no part of Azure.
"""

from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.resources import Resources

_VOLATILE = {"systemData", "AzureAsyncOperationUri"}


class Snapshot:
    """GET /_control/state: resources by their path in lower case; keys, jobs and operations are not resources."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/_control/state", self._show)

    async def _show(self, request: web.Request) -> web.Response:
        del request
        resources = self._resources.below("/subscriptions")
        return web.json_response({path: _lasting(body) for path, body in resources})


def _lasting(value: Any) -> Any:
    """*value* without what differs from run to run, at any depth."""
    if isinstance(value, dict):
        return {name: _lasting(inner) for name, inner in value.items() if name not in _VOLATILE}
    return value
