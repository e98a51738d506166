"""Managed online deployments in Resource Manager: created and changed asynchronously, really brought up or failed."""

from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.assets.versions import system_data
from signalbox.emulators.azure_ml.doors import Entrance, Refusal, arm_path, bad, not_found
from signalbox.emulators.azure_ml.estate import PROVIDER, Scope
from signalbox.emulators.azure_ml.online.endpoints import ENDPOINT
from signalbox.emulators.azure_ml.online.fleet import Fleet
from signalbox.emulators.azure_ml.operations import Operations
from signalbox.emulators.azure_ml.resources import Effect, Resources

_DEPLOYMENT = f"{ENDPOINT}/deployments/{{deployment}}"
_UNDER_WAY = ("Creating", "Updating")
_SMALL = {"sku", "tags"}  # What can be changed without bringing up another process.

_DEFAULTS = {
    "endpointComputeType": "Managed",
    "scaleSettings": {"scaleType": "Default"},
    "requestSettings": {"requestTimeout": "PT5S", "maxConcurrentRequestsPerInstance": 1},
}


class DeploymentDoors:
    def __init__(self, entrance: Entrance, resources: Resources, fleet: Fleet, operations: Operations) -> None:
        self._entrance, self._resources = entrance, resources
        self._fleet, self._operations = fleet, operations

    def add_to(self, app: web.Application) -> None:
        app.router.add_get(f"{ENDPOINT}/deployments", self._list)
        app.router.add_get(_DEPLOYMENT, self._show)
        app.router.add_put(_DEPLOYMENT, self._put)
        app.router.add_patch(_DEPLOYMENT, self._patch)
        app.router.add_delete(_DEPLOYMENT, self._delete)
        app.router.add_post(f"{_DEPLOYMENT}/getLogs", self._logs)

    async def _list(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        return web.json_response({"value": self._resources.children(arm_path(request))})

    async def _show(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        return web.json_response(self._must(arm_path(request)))

    async def _put(self, request: web.Request) -> web.Response:
        scope = self._entrance.admit(request)
        path, body = arm_path(request), await request.json()
        self._must(path.rpartition("/deployments/")[0])
        return self._begin(scope, path, body)

    async def _patch(self, request: web.Request) -> web.Response:
        scope = self._entrance.admit(request)
        path, change = arm_path(request), await request.json()
        resource = self._must(path)
        if set(change) <= _SMALL:
            resource |= change
            self._resources.put(path, resource, self._effect("deployments", path))
            return web.json_response(resource)
        properties = {**resource["properties"], **(change.get("properties") or {})}
        return self._begin(scope, path, {**resource, **change, "properties": properties})

    async def _delete(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        path = arm_path(request)
        if self._resources.get(path) is None:
            return web.Response(status=204)
        endpoint = self._must(path.rpartition("/deployments/")[0])
        name = path.rpartition("/")[2]
        shares = {**endpoint["properties"]["mirrorTraffic"], **endpoint["properties"]["traffic"]}
        share = next((share for deployment, share in shares.items() if deployment.lower() == name.lower()), 0)
        if share:
            raise Refusal(400, "UserError", f"{path} has {share} percent of the traffic; set its traffic to 0 first")
        self._resources.delete(path, self._effect("deletions", path))
        await self._fleet.remove(path)
        return web.Response(status=200)

    async def _logs(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        path = arm_path(request).removesuffix("/getLogs")
        self._must(path)
        body = await request.json() if request.body_exists else {}
        return web.json_response({"content": self._fleet.logs(path, int(body.get("tail") or 200))})

    def _begin(self, scope: Scope, path: str, body: dict[str, Any]) -> web.Response:
        before = self._resources.get(path)
        if before and before["properties"]["provisioningState"] in _UNDER_WAY:
            raise Refusal(409, "Conflict", f"{path} is {before['properties']['provisioningState']}; wait for its end")
        deployment = self._complete(scope, path, body, before)
        self._resources.put(path, deployment, self._effect("deployments", path))
        headers = self._operations.status_header(scope, self._fleet.deploy(path))
        return web.json_response(deployment, status=200 if before else 201, headers=headers)

    def _complete(self, scope: Scope, path: str, body: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
        raw_properties = (body.get("properties") or {}).items()
        properties = {name: value for name, value in raw_properties if value is not None}
        self._judge(scope, properties)
        state = "Updating" if before else "Creating"
        return {
            "tags": {},
            "location": "westeurope",
            "sku": {"name": "Default", "capacity": 1},
            **body,
            "id": path,
            "name": path.rpartition("/")[2],
            "type": f"{PROVIDER}/workspaces/onlineEndpoints/deployments",
            "properties": {**_DEFAULTS, **properties, "provisioningState": state},
            "systemData": before["systemData"] if before else system_data(),
        }

    def _judge(self, scope: Scope, properties: dict[str, Any]) -> None:
        code = properties.get("codeConfiguration") or {}
        references = [("model", properties.get("model"), "models"), ("codeId", code.get("codeId"), "codes")]
        for field, reference, kind in references:
            if reference and self._resources.get(self._entrance.estate.asset_id(reference, scope, kind)) is None:
                raise bad(f"{field} {reference!r} does not exist; register it first")
        if not properties.get("model"):
            raise bad("model is missing; name a registered model version")

    def _effect(self, kind: str, path: str) -> Effect:
        return Effect(kind=kind, name=self._entrance.estate.within(path))

    def _must(self, path: str) -> dict[str, Any]:
        resource = self._resources.get(path)
        if resource is None:
            raise not_found(path)
        return resource
