"""Workspaces, which are configuration of the emulator, shown as Resource Manager shows them."""

from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import WORKSPACE, Entrance, arm_path
from signalbox.emulators.azure_ml.estate import PROVIDER, Scope


class WorkspaceDoors:
    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance

    def add_to(self, app: web.Application) -> None:
        app.router.add_get(WORKSPACE.rpartition("/")[0], self._list)
        app.router.add_get(WORKSPACE, self._show)

    async def _list(self, request: web.Request) -> web.Response:
        self._entrance.check_token(request)
        below = f"{arm_path(request)}/".lower()
        scopes = [scope for scope in self._entrance.estate.scopes if scope.id.lower().startswith(below)]
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
            "identity": {"type": "SystemAssigned"},
            "properties": properties,
        }
