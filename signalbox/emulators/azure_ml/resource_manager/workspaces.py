"""Workspaces, which are configuration of the emulator, shown as Resource Manager shows them."""

from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import PARENTS, WORKSPACE, Entrance
from signalbox.emulators.azure_ml.estate import PROVIDER, Scope


class WorkspaceDoors:
    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance

    def add_to(self, app: web.Application) -> None:
        for parent in PARENTS:
            app.router.add_get(f"{parent}/workspaces", self._list)
        app.router.add_get(WORKSPACE, self._show)

    async def _list(self, request: web.Request) -> web.Response:
        self._entrance.check_token(request)
        # Hubs, projects and feature stores are workspaces of other kinds, and there are none.
        is_sought = request.query.get("kind", "default").lower() == "default"
        scopes = self._entrance.estate.listed("workspaces", request.match_info) if is_sought else []
        return web.json_response({"value": [self._workspace(scope) for scope in scopes]})

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(self._workspace(self._entrance.admit(request)))

    def _workspace(self, workspace: Scope) -> dict[str, Any]:
        properties = {
            "friendlyName": workspace.name,
            "provisioningState": "Succeeded",
            "workspaceId": workspace.guid,
            "discoveryUrl": f"{self._entrance.base_url}/discovery",
            "mlFlowTrackingUri": f"{self._entrance.base_url.replace('https', 'azureml')}/mlflow/v1.0{workspace.id}",
            "storageAccount": workspace.storage_id,
            "keyVault": "",
            "applicationInsights": "",
        }
        return {
            "id": workspace.id,
            "name": workspace.name,
            "type": f"{PROVIDER}/workspaces",
            "location": "westeurope",
            "kind": "Default",
            "identity": {"type": "SystemAssigned"},
            "tags": {"signalbox-experiment": "true"} if workspace.experiment else {},
            "properties": properties,
        }
