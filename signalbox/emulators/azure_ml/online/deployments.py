"""Online deployments in Resource Manager: created, changed and scaled asynchronously, really brought up or failed."""

from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.assets.versions import system_data
from signalbox.emulators.azure_ml.doors import Entrance, Refusal, arm_path, bad, not_found
from signalbox.emulators.azure_ml.estate import PROVIDER, Scope
from signalbox.emulators.azure_ml.online.changes import EndpointChanges
from signalbox.emulators.azure_ml.online.conditions import Conditions
from signalbox.emulators.azure_ml.online.endpoints import ENDPOINT, refuse_others
from signalbox.emulators.azure_ml.online.fleet import Fleet
from signalbox.emulators.azure_ml.online.quota import cores_in_use
from signalbox.emulators.azure_ml.online.rules import (
    USUAL_SKU,
    cores_needed,
    is_settled,
    judge_deployment,
    judge_name,
    judge_quota,
    on_kubernetes,
)
from signalbox.emulators.azure_ml.operations import Operations
from signalbox.emulators.azure_ml.resources import Effect, Resources

_DEPLOYMENT = f"{ENDPOINT}/deployments/{{deployment}}"

_DEFAULTS: dict[str, Any] = {
    "endpointComputeType": "Managed",
    "scaleSettings": {"scaleType": "Default"},
    "requestSettings": {"requestTimeout": "PT5S", "maxConcurrentRequestsPerInstance": 1},
}


class DeploymentDoors:
    def __init__(
        self,
        entrance: Entrance,
        resources: Resources,
        fleet: Fleet,
        changes: EndpointChanges,
        operations: Operations,
        conditions: Conditions,
    ) -> None:
        self._entrance, self._resources, self._fleet = entrance, resources, fleet
        self._changes, self._operations, self._conditions = changes, operations, conditions

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
        endpoint, before = self._endpoint_of(path), self._resources.get(path)
        name, state = path.rpartition("/")[2], endpoint["properties"]["provisioningState"]
        self._changes.refuse_parallel(endpoint)
        if not is_settled(endpoint):
            raise bad(
                f"Cannot create a deployment in endpoint {endpoint['name']} because it is in {state} provisioning state"
            )
        if before and not is_settled(before):
            state = before["properties"]["provisioningState"]
            raise Refusal(409, "Conflict", f"{path} is {state}; wait for its end")
        judge_name("deployment", name)
        most = self._conditions.limits.deployments
        if before is None and len(self._resources.children(f"{endpoint['id']}/deployments")) >= most:
            raise bad(f"{endpoint['id']} has {most} deployments, which is the limit of an endpoint")
        deployment = self._complete(scope, path, body, before)
        judge_deployment(endpoint, deployment, self._conditions.limits)
        self._judge_quota(scope, endpoint, deployment, before)
        if before is not None and _is_scaled(before, deployment):
            operation = self._scale(path, deployment)
            return web.json_response(deployment, headers=self._operations.status_header(scope, operation))
        self._resources.put(path, deployment, self._effect("deployments", path))
        headers = self._operations.status_header(scope, self._fleet.deploy(path))
        return web.json_response(deployment, status=200 if before else 201, headers=headers)

    async def _patch(self, request: web.Request) -> web.Response:
        """Tags and the number of instances; everything else can be put only."""
        scope = self._entrance.admit(request)
        path, change = arm_path(request), await request.json()
        before, endpoint = self._must(path), self._endpoint_of(path)
        refuse_others(change, {"tags", "sku"}, path)
        self._changes.refuse_parallel(endpoint)
        if not is_settled(before):
            raise Refusal(409, "Conflict", f"{path} is {before['properties']['provisioningState']}; wait for its end")
        deployment = {**before, **change, "sku": {**before["sku"], **(change.get("sku") or {})}}
        judge_deployment(endpoint, deployment, self._conditions.limits)
        self._judge_quota(scope, endpoint, deployment, before)
        if deployment["sku"] == before["sku"]:
            self._resources.put(path, deployment)
            return web.json_response(deployment)
        operation = self._scale(path, deployment)
        return web.json_response(deployment, status=202, headers=self._operations.result_header(scope, operation))

    def _scale(self, path: str, deployment: dict[str, Any]) -> str:
        deployment["properties"]["provisioningState"] = "Scaling"
        self._resources.put(path, deployment, self._effect("deployments", path))
        return self._fleet.scale(path)

    async def _delete(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        path = arm_path(request)
        if self._resources.get(path) is None:
            return web.Response(status=204)
        endpoint = self._endpoint_of(path)
        self._changes.refuse_parallel(endpoint)
        if not is_settled(endpoint):
            raise Refusal(409, "Conflict", f"{endpoint['id']} is {endpoint['properties']['provisioningState']}")
        name = path.rpartition("/")[2]
        shares = {**endpoint["properties"]["mirrorTraffic"], **endpoint["properties"]["traffic"]}
        share = max((share for deployment, share in shares.items() if deployment.lower() == name.lower()), default=0)
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

    def _judge_quota(
        self, scope: Scope, endpoint: dict[str, Any], deployment: dict[str, Any], before: dict[str, Any] | None
    ) -> None:
        """The cores that *deployment* needs more than it had, with those of the whole subscription."""
        if on_kubernetes(endpoint):
            return
        sku, limits = deployment["properties"].get("instanceType") or USUAL_SKU, self._conditions.limits
        used = cores_in_use(self._resources, scope.subscription, limits).get(sku, {})
        needed = cores_needed(sku, deployment["sku"]["capacity"], limits)
        had = used.get(before["id"], 0) if before else 0
        judge_quota(scope.subscription, sku, needed - had, sum(used.values()), limits)

    def _endpoint_of(self, path: str) -> dict[str, Any]:
        return self._must(path.rpartition("/deployments/")[0])

    def _complete(self, scope: Scope, path: str, body: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
        raw_properties = (body.get("properties") or {}).items()
        properties = {name: value for name, value in raw_properties if value is not None}
        self._judge(scope, properties)
        state = "Updating" if before else "Creating"
        settings = {**_DEFAULTS["requestSettings"], **(properties.get("requestSettings") or {})}
        return {
            "tags": {},
            "location": "westeurope",
            **body,
            "sku": {"name": "Default", "capacity": 1, **(body.get("sku") or {})},
            "id": path,
            "name": path.rpartition("/")[2],
            "type": f"{PROVIDER}/workspaces/onlineEndpoints/deployments",
            "properties": {**_DEFAULTS, **properties, "requestSettings": settings, "provisioningState": state},
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


def _is_scaled(before: dict[str, Any], deployment: dict[str, Any]) -> bool:
    """Whether only the number of instances differs, so that what runs goes on."""
    volatile = {"provisioningState": ""}
    first, second = (
        {**raw, "sku": "", "properties": {**raw["properties"], **volatile}} for raw in (before, deployment)
    )
    return before["sku"] != deployment["sku"] and first == second
