"""Datastores of workspaces: those that each has from the start, and those that are registered as Azure registers them.

Shape: ARM `AzureBlobDatastore`. Datastores of other kinds are storage that the local cloud does not have.
"""

import re
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import WORKSPACE, Entrance, Refusal, arm_path, bad, not_found
from signalbox.emulators.azure_ml.estate import BLOB_STORE, PROVIDER, Scope
from signalbox.emulators.azure_ml.resources import Effect, Resources

_NAME = re.compile(r"[A-Za-z0-9_]{1,255}")
_BLOB = "AzureBlob"


class DatastoreDoors:
    def __init__(self, entrance: Entrance, resources: Resources) -> None:
        self._entrance, self._resources = entrance, resources
        for scope in entrance.estate.scopes:
            for datastore in resources.children(f"{scope.id}/datastores"):
                self._know(scope, datastore)

    def add_to(self, app: web.Application) -> None:
        datastore = f"{WORKSPACE}/datastores/{{datastore}}"
        app.router.add_get(f"{WORKSPACE}/datastores", self._list)
        app.router.add_get(datastore, self._show)
        app.router.add_put(datastore, self._put)
        app.router.add_delete(datastore, self._delete)

    async def _list(self, request: web.Request) -> web.Response:
        workspace = self._entrance.admit(request)
        names = self._entrance.estate.datastores(workspace)
        return web.json_response({"value": [self._datastore(workspace, name) for name in names]})

    async def _show(self, request: web.Request) -> web.Response:
        workspace, name = self._entrance.admit(request), request.match_info["datastore"]
        if name not in self._entrance.estate.datastores(workspace):
            raise not_found(arm_path(request))
        return web.json_response(self._datastore(workspace, name))

    async def _put(self, request: web.Request) -> web.Response:
        """Registered, or changed: a datastore is a mere name of a place, and no version."""
        workspace, name = self._entrance.admit(request), request.match_info["datastore"]
        if not _NAME.fullmatch(name):
            raise bad(f"datastore name {name!r} may have letters, digits and underscores only")
        if self._entrance.estate.is_built_in(name):
            raise Refusal(409, "Conflict", f"datastore {name} belongs to the workspace and cannot be changed")
        properties = (await request.json()).get("properties") or {}
        kind = properties.get("datastoreType")
        if not kind:
            raise bad(f"datastore {name} lacks datastoreType")
        if kind != _BLOB:
            message = f"The local Azure ML serves no {kind} datastores; docs/local-cloud.md says what it does."
            raise Refusal(501, "NotImplemented", message)
        if missing := [field for field in ("accountName", "containerName", "credentials") if not properties.get(field)]:
            raise bad(f"datastore {name} lacks {', '.join(missing)}")
        path = f"{workspace.id}/datastores/{name}"
        is_new = self._resources.get(path) is None
        datastore = self._document(workspace, name, properties)
        self._resources.put(path, datastore, Effect(kind="assets", name=self._entrance.estate.within(path)))
        self._know(workspace, datastore)
        return web.json_response(datastore, status=201 if is_new else 200)

    async def _delete(self, request: web.Request) -> web.Response:
        workspace, name = self._entrance.admit(request), request.match_info["datastore"]
        if self._entrance.estate.is_built_in(name):
            raise Refusal(409, "Conflict", f"datastore {name} belongs to the workspace and cannot be removed")
        self._entrance.estate.registered.get(workspace.id, {}).pop(name, None)
        is_gone = self._resources.delete(f"{workspace.id}/datastores/{name}")
        return web.Response(status=200 if is_gone else 204)

    def _know(self, workspace: Scope, datastore: dict[str, Any]) -> None:
        place = (datastore["properties"]["accountName"], datastore["properties"]["containerName"])
        self._entrance.estate.registered.setdefault(workspace.id, {})[datastore["name"]] = place

    def _datastore(self, workspace: Scope, name: str) -> dict[str, Any]:
        registered = self._resources.get(f"{workspace.id}/datastores/{name}")
        if registered is not None:
            return registered
        account, container = self._entrance.estate.datastores(workspace)[name]
        return self._document(workspace, name, {"accountName": account, "containerName": container})

    def _document(self, workspace: Scope, name: str, properties: dict[str, Any]) -> dict[str, Any]:
        """The datastore as it is shown: Azure never shows the secrets of credentials."""
        credentials = (properties.get("credentials") or {}).get("credentialsType", "None")
        shown = {
            "datastoreType": _BLOB,
            "accountName": properties["accountName"],
            "containerName": properties["containerName"],
            "description": properties.get("description"),
            "tags": properties.get("tags") or {},
            "endpoint": properties.get("endpoint") or "core.windows.net",
            "protocol": properties.get("protocol") or "https",
            "isDefault": name == BLOB_STORE,
            "credentials": {"credentialsType": credentials},
            "serviceDataAccessAuthIdentity": "WorkspaceSystemAssignedIdentity",
        }
        path = f"{workspace.id}/datastores/{name}"
        return {"id": path, "name": name, "type": f"{PROVIDER}/workspaces/datastores", "properties": shown}
