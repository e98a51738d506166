"""Managed online endpoints and deployments in Resource Manager; a deployment is ready when its process is.

Shapes: ARM `OnlineEndpoint`, `OnlineDeployment`; a PUT is followed through Azure-AsyncOperation or by GET.
"""

import asyncio
import secrets
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import WORKSPACE, Entrance, Refusal, arm_path, bad, missing
from signalbox.emulators.azure_ml.endpoint_names import EndpointNames
from signalbox.emulators.azure_ml.estate import PROVIDER
from signalbox.emulators.azure_ml.online_servers import OnlineServers, ServingError
from signalbox.emulators.azure_ml.operations import Operations
from signalbox.emulators.azure_ml.resources import Effect, Resources

_KINDS = "onlineEndpoints|onlineendpoints"


class OnlineDoors:
    def __init__(
        self,
        entrance: Entrance,
        resources: Resources,
        names: EndpointNames,
        servers: OnlineServers,
        operations: Operations,
    ) -> None:
        self._entrance, self._resources, self._names = entrance, resources, names
        self._servers, self._operations = servers, operations
        self._tasks: set[asyncio.Task[None]] = set()

    def add_to(self, app: web.Application) -> None:
        endpoint = f"{WORKSPACE}/{{kind:{_KINDS}}}/{{endpoint}}"
        deployment = f"{endpoint}/deployments/{{deployment}}"
        app.router.add_get(f"{WORKSPACE}/{{kind:{_KINDS}}}", self._list)
        app.router.add_get(f"{endpoint}/deployments", self._list)
        for address, put in ((endpoint, self._put_endpoint), (deployment, self._put_deployment)):
            app.router.add_get(address, self._get)
            app.router.add_put(address, put)
            app.router.add_patch(address, put)
        app.router.add_delete(endpoint, self._delete_endpoint)
        app.router.add_delete(deployment, self._delete_deployment)
        app.router.add_post(f"{endpoint}/listKeys", self._keys)
        app.router.add_post(f"{endpoint}/regenerateKeys", self._new_key)
        app.router.add_post(f"{deployment}/getLogs", self._logs)

    def resume(self) -> None:
        for name, work in self._operations.unfinished("deployment"):
            self._start(name, work["path"])

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._servers.stop()

    async def _get(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        return web.json_response(self._must(arm_path(request)))

    async def _list(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        return web.json_response({"value": self._resources.children(arm_path(request))})

    async def _put_endpoint(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        path, body = arm_path(request), await request.json()
        before = self._resources.get(path)
        given = body.get("properties") or {}
        self._refuse_traffic(path, given)
        if before is None:
            self._names.claim(path)
            keys = {"primaryKey": secrets.token_urlsafe(24), "secondaryKey": secrets.token_urlsafe(24)}
            self._resources.put(f"/keys{path}", keys)
        made = self._endpoint(path, body, before)
        changed = (before or {}).get("properties", {}).get("traffic", {}) != made["properties"]["traffic"]
        effect = Effect(kind="traffic", name=self._entrance.estate.within(path)) if changed else None
        self._resources.put(path, made, effect)
        return web.json_response(made, status=200 if before else 201)

    async def _put_deployment(self, request: web.Request) -> web.Response:
        scope = self._entrance.admit(request)
        path, body = arm_path(request), await request.json()
        self._must(path.rpartition("/deployments/")[0])
        before = self._resources.get(path)
        made = _document(path, "onlineEndpoints/deployments", body, before)
        made["properties"]["provisioningState"] = "Updating" if before else "Creating"
        self._resources.put(path, made, Effect(kind="deployments", name=self._entrance.estate.within(path)))
        await self._servers.drop(path)
        operation = self._operations.begin("deployment", {"path": path})
        self._start(operation, path)
        headers = self._operations.status_header(scope, operation)
        return web.json_response(made, status=200 if before else 201, headers=headers)

    async def _delete_endpoint(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        path = arm_path(request)
        for deployment in self._resources.children(f"{path}/deployments"):
            await self._servers.drop(deployment["id"])
        self._names.release(path)
        self._resources.delete(f"/keys{path}")
        done = self._resources.delete(path, Effect(kind="deletions", name=self._entrance.estate.within(path)))
        return web.Response(status=200 if done else 204)

    async def _delete_deployment(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        path = arm_path(request)
        endpoint, _, name = path.rpartition("/deployments/")
        traffic = (self._resources.get(endpoint) or {"properties": {}})["properties"].get("traffic") or {}
        if traffic.get(name):
            raise bad(f"deployment {name} has {traffic[name]} % of the traffic; set it to 0 before deleting it")
        await self._servers.drop(path)
        done = self._resources.delete(path, Effect(kind="deletions", name=self._entrance.estate.within(path)))
        return web.Response(status=200 if done else 204)

    async def _keys(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        return web.json_response(self._must(f"/keys{arm_path(request).rpartition('/')[0]}"))

    async def _new_key(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        path = f"/keys{arm_path(request).rpartition('/')[0]}"
        body = await request.json()
        name = "primaryKey" if body.get("keyType", "Primary") == "Primary" else "secondaryKey"
        fresh = body.get("keyValue") or secrets.token_urlsafe(24)
        self._resources.put(path, self._must(path) | {name: fresh})
        return web.Response(status=202)

    async def _logs(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        path = arm_path(request).rpartition("/")[0]
        self._must(path)
        lines = self._servers.log(path).splitlines()
        tail = int((await request.json() or {}).get("tail") or 100)
        return web.json_response({"content": "\n".join(lines[-tail:])})

    def _start(self, operation: str, path: str) -> None:
        task = asyncio.create_task(self._provision(operation, path))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _provision(self, operation: str, path: str) -> None:
        state, error = "Succeeded", ""
        try:
            await (await self._servers.of(path)).ready()
        except (ServingError, KeyError, ValueError, OSError, TimeoutError) as wrong:
            state, error = "Failed", f"{wrong}"
        there = self._resources.get(path)
        if there is not None:  # Otherwise it was deleted while it was being made.
            there["properties"]["provisioningState"] = state
            self._resources.put(path, there)
        self._operations.end(operation, error)

    def _endpoint(self, path: str, body: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
        made = _document(path, "onlineEndpoints", body, before)
        base = f"{self._entrance.base_url}/online/{made['name']}"
        defaults = {"authMode": "Key", "traffic": {}, "mirrorTraffic": {}, "publicNetworkAccess": "Enabled"}
        urls = {"scoringUri": f"{base}/score", "swaggerUri": f"{base}/swagger.json"}
        made["properties"] = {**defaults, **made["properties"], **urls, "provisioningState": "Succeeded"}
        made["properties"].pop("keys", None)
        made.setdefault("identity", {"type": "SystemAssigned"})
        return made

    def _refuse_traffic(self, path: str, given: dict[str, Any]) -> None:
        traffic, mirrored = given.get("traffic") or {}, given.get("mirrorTraffic") or {}
        known = {deployment["name"] for deployment in self._resources.children(f"{path}/deployments")}
        unknown = [name for name in (*traffic, *mirrored) if name not in known]
        if unknown:
            raise bad(f"traffic names {', '.join(unknown)}; the endpoint has {', '.join(sorted(known)) or 'none'}")
        if sum(traffic.values()) not in (0, 100):
            raise bad(f"traffic sums to {sum(traffic.values())}; it must be 0 or 100")
        if sum(mirrored.values()) > 50:
            raise bad(f"mirrorTraffic sums to {sum(mirrored.values())}; at most 50 is allowed")

    def _must(self, path: str) -> dict[str, Any]:
        found = self._resources.get(path)
        if found is None:
            raise missing(path)
        return found


def _document(path: str, kind: str, body: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
    """What was there, what is given now, and what the service adds."""
    kept = (before or {}).get("properties", {})
    if before and before.get("properties", {}).get("provisioningState") in ("Creating", "Updating"):
        raise Refusal(409, "Conflict", f"{path} is being changed; wait until that is done")
    made = {**(before or {}), **body, "id": path, "name": path.rpartition("/")[2]}
    made["type"] = f"{PROVIDER}/workspaces/{kind}"
    made["properties"] = {**kept, **(body.get("properties") or {})}
    return made
