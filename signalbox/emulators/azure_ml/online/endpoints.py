"""Online endpoints in Resource Manager, managed or on Kubernetes: authentication, keys, shares of the traffic."""

import secrets
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.assets.versions import system_data
from signalbox.emulators.azure_ml.doors import WORKSPACE, Entrance, Refusal, arm_path, bad, not_found
from signalbox.emulators.azure_ml.endpoint_names import EndpointNames
from signalbox.emulators.azure_ml.estate import PROVIDER
from signalbox.emulators.azure_ml.online.changes import EndpointChanges
from signalbox.emulators.azure_ml.online.conditions import Conditions
from signalbox.emulators.azure_ml.online.fleet import Fleet
from signalbox.emulators.azure_ml.online.rules import is_settled, judge_name, judge_shares
from signalbox.emulators.azure_ml.operations import Operations
from signalbox.emulators.azure_ml.resources import Effect, Resources

ENDPOINT = f"{WORKSPACE}/{{kind:onlineEndpoints|onlineendpoints}}/{{endpoint}}"
_AUTH_MODES = {"key": "Key", "amltoken": "AMLToken", "aadtoken": "AADToken"}
_TOKEN_LIFE_S = 3600


class OnlineDoors:
    """*token_for* makes the tokens of endpoints with AMLToken, for the scoring address as audience."""

    def __init__(
        self,
        entrance: Entrance,
        resources: Resources,
        names: EndpointNames,
        fleet: Fleet,
        changes: EndpointChanges,
        operations: Operations,
        conditions: Conditions,
        token_for: Callable[[str], str],
    ) -> None:
        self._entrance, self._resources, self._names = entrance, resources, names
        self._fleet, self._changes, self._operations = fleet, changes, operations
        self._conditions, self._token_for = conditions, token_for

    def add_to(self, app: web.Application) -> None:
        app.router.add_get(ENDPOINT.rpartition("/")[0], self._list)
        app.router.add_get(ENDPOINT, self._show)
        app.router.add_put(ENDPOINT, self._put)
        app.router.add_patch(ENDPOINT, self._patch)
        app.router.add_delete(ENDPOINT, self._delete)
        app.router.add_post("/_control/online/traffic", self._force_traffic)
        app.router.add_post(f"{ENDPOINT}/listKeys", self._list_keys)
        app.router.add_post(f"{ENDPOINT}/regenerateKeys", self._regenerate_keys)
        app.router.add_post(f"{ENDPOINT}/token", self._token)

    async def _list(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        return web.json_response({"value": self._resources.children(arm_path(request))})

    async def _show(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        return web.json_response(self._must(arm_path(request)))

    async def _put(self, request: web.Request) -> web.Response:
        scope = self._entrance.admit(request)
        path, body = arm_path(request), await request.json()
        before = self._resources.get(path)
        self._changes.refuse_parallel(before)
        target = self._complete(path, body, before)
        judge_shares(target, [deployment["name"] for deployment in self._resources.children(f"{path}/deployments")])
        if before is None:
            judge_name("endpoint", target["name"])
            self._names.claim(path)
            self._resources.put(f"/keys{path}", {"Primary": _key(), "Secondary": _key()})
        endpoint, operation = self._changes.begin(target, before)
        headers = self._operations.status_header(scope, operation) | {"x-ms-async-operation-timeout": "PT1H"}
        return web.json_response(endpoint, status=200 if before else 201, headers=headers)

    async def _patch(self, request: web.Request) -> web.Response:
        """Tags and the identity; traffic, like everything else, can be put only."""
        self._entrance.admit(request)
        path, change = arm_path(request), await request.json()
        endpoint = self._must(path)
        refuse_others(change, {"tags", "identity"}, path)
        self._changes.refuse_parallel(endpoint)
        if not is_settled(endpoint):
            raise Refusal(409, "Conflict", f"{path} is {endpoint['properties']['provisioningState']}; wait for its end")
        endpoint |= change
        self._resources.put(path, endpoint)
        return web.json_response(endpoint)

    async def _delete(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        path = arm_path(request)
        self._changes.refuse_parallel(self._resources.get(path))
        self._changes.cancel(path)
        for deployment in self._resources.children(f"{path}/deployments"):
            await self._fleet.remove(deployment["id"])
        self._names.release(path)
        self._resources.delete(f"/keys{path}")
        existence = self._resources.delete(path, Effect(kind="deletions", name=self._entrance.estate.within(path)))
        return web.Response(status=200 if existence else 204)

    async def _force_traffic(self, request: web.Request) -> web.Response:
        """{"endpoint": ARM id, "traffic": {...}, "mirrorTraffic": {...}}: as if somebody else had changed them."""
        body = await request.json()
        shares = {name: body[name] for name in ("traffic", "mirrorTraffic") if name in body}
        return web.json_response(self._changes.force(body["endpoint"], shares))

    async def _list_keys(self, request: web.Request) -> web.Response:
        keys = self._keys(request)
        return web.json_response({"primaryKey": keys["Primary"], "secondaryKey": keys["Secondary"]})

    async def _regenerate_keys(self, request: web.Request) -> web.Response:
        """The SDK sends the key that there is: it asks for another."""
        keys, body = self._keys(request), await request.json()
        key_name, key_value = str(body.get("keyType", "")).capitalize(), body.get("keyValue")
        if key_name not in keys:
            raise bad(f"keyType {body.get('keyType')!r} is not known; it is Primary or Secondary")
        keys[key_name] = key_value if key_value and key_value != keys[key_name] else _key()
        self._resources.put(f"/keys{arm_path(request).rpartition('/')[0]}", keys)
        return web.Response(status=200)

    async def _token(self, request: web.Request) -> web.Response:
        endpoint = self._of_action(request)
        if endpoint["properties"]["authMode"] != "AMLToken":
            raise bad(f"authMode of {endpoint['id']} is {endpoint['properties']['authMode']}: there is no token")
        until = int(time.time()) + _TOKEN_LIFE_S
        return web.json_response(
            {
                "accessToken": self._token_for(endpoint["properties"]["scoringUri"]),
                "expiryTimeUtc": until,
                "refreshAfterTimeUtc": until - _TOKEN_LIFE_S // 4,
                "tokenType": "Bearer",
            }
        )

    def _keys(self, request: web.Request) -> dict[str, str]:
        endpoint = self._of_action(request)
        if endpoint["properties"]["authMode"] != "Key":
            raise bad(f"authMode of {endpoint['id']} is {endpoint['properties']['authMode']}: there are no keys")
        keys = self._resources.get(f"/keys{endpoint['id']}")
        assert keys is not None
        return keys

    def _of_action(self, request: web.Request) -> dict[str, Any]:
        self._entrance.admit(request)
        return self._must(arm_path(request).rpartition("/")[0])

    def _complete(self, path: str, body: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
        properties = dict(body.get("properties") or {})
        mode = _AUTH_MODES.get(str(properties.get("authMode", "Key")).lower())
        if mode is None:
            raise bad(f"authMode {properties['authMode']!r} is not known; it is one of Key, AMLToken, AADToken")
        properties |= {name: dict(properties.get(name) or {}) for name in ("traffic", "mirrorTraffic", "properties")}
        if mode == "AADToken" and properties.get("compute"):
            raise bad("authMode AADToken is for managed endpoints; on Kubernetes it is Key or AMLToken")
        self._default_access(properties, before)
        name = path.rpartition("/")[2]
        scoring = f"{self._entrance.base_url}/online/{name}"
        additions = {"scoringUri": f"{scoring}/score", "swaggerUri": f"{scoring}/swagger.json", "authMode": mode}
        return {
            "tags": {},
            "location": "westeurope",
            "identity": {"type": "SystemAssigned"},
            **body,
            "id": before["id"] if before else path,
            "name": name,
            "type": f"{PROVIDER}/workspaces/onlineEndpoints",
            "properties": properties | additions,
            "systemData": before["systemData"] if before else system_data(),
        }

    def _default_access(self, properties: dict[str, Any], before: dict[str, Any] | None) -> None:
        """A PUT that leaves out publicNetworkAccess makes it Enabled, unless the conditions say that it is kept."""
        kept = "Enabled"
        if before and not self._conditions.resets_public_access:
            kept = before["properties"]["publicNetworkAccess"]
        properties["publicNetworkAccess"] = properties.get("publicNetworkAccess") or kept

    def _must(self, path: str) -> dict[str, Any]:
        resource = self._resources.get(path)
        if resource is None:
            raise not_found(path)
        return resource


def refuse_others(change: dict[str, Any], fields: set[str], path: str) -> None:
    """A PATCH takes *fields* only."""
    others = sorted(set(change) - fields)
    if others:
        raise bad(f"{', '.join(others)} of {path} cannot be patched, only {', '.join(sorted(fields))}; put it whole")


def _key() -> str:
    return secrets.token_urlsafe(24)
