"""Managed online endpoints in Resource Manager: authentication, keys, and the deployments' shares of the traffic."""

import secrets
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.assets.versions import system_data
from signalbox.emulators.azure_ml.doors import WORKSPACE, Entrance, arm_path, bad, not_found
from signalbox.emulators.azure_ml.endpoint_names import EndpointNames
from signalbox.emulators.azure_ml.estate import PROVIDER
from signalbox.emulators.azure_ml.online.fleet import Fleet
from signalbox.emulators.azure_ml.resources import Effect, Resources

ENDPOINT = f"{WORKSPACE}/{{kind:onlineEndpoints|onlineendpoints}}/{{endpoint}}"
_AUTH_MODES = {"key": "Key", "amltoken": "AMLToken", "aadtoken": "AADToken"}
_MOST_MIRRORED = 50
_TOKEN_LIFE_S = 3600


class OnlineDoors:
    """*token_for* makes the tokens of endpoints with AMLToken, for the scoring address as audience."""

    def __init__(
        self,
        entrance: Entrance,
        resources: Resources,
        names: EndpointNames,
        fleet: Fleet,
        token_for: Callable[[str], str],
    ) -> None:
        self._entrance, self._resources, self._names = entrance, resources, names
        self._fleet, self._token_for = fleet, token_for

    def add_to(self, app: web.Application) -> None:
        app.router.add_get(ENDPOINT.rpartition("/")[0], self._list)
        app.router.add_get(ENDPOINT, self._show)
        app.router.add_put(ENDPOINT, self._put)
        app.router.add_patch(ENDPOINT, self._patch)
        app.router.add_delete(ENDPOINT, self._delete)
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
        self._entrance.admit(request)
        path, body = arm_path(request), await request.json()
        before = self._resources.get(path)
        endpoint = self._complete(path, body, before)
        if before is None:
            self._names.claim(path)
            self._resources.put(f"/keys{path}", {"Primary": _key(), "Secondary": _key()})
        self._keep(path, before, endpoint)
        return web.json_response(endpoint, status=200 if before else 201)

    async def _patch(self, request: web.Request) -> web.Response:
        """Tags as the service has it, and any of the properties."""
        self._entrance.admit(request)
        path, change = arm_path(request), await request.json()
        before = self._must(path)
        properties = {**before["properties"], **(change.get("properties") or {})}
        endpoint = self._complete(path, {**before, **change, "properties": properties}, before)
        self._keep(path, before, endpoint)
        return web.json_response(endpoint)

    async def _delete(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        path = arm_path(request)
        for deployment in self._resources.children(f"{path}/deployments"):
            await self._fleet.remove(deployment["id"])
        self._names.release(path)
        self._resources.delete(f"/keys{path}")
        existence = self._resources.delete(path, Effect(kind="deletions", name=self._entrance.estate.within(path)))
        return web.Response(status=200 if existence else 204)

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
        properties["publicNetworkAccess"] = properties.get("publicNetworkAccess") or "Enabled"  # As after any PUT.
        self._judge_shares(path, properties["traffic"], properties["mirrorTraffic"])
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
            "properties": properties | additions | {"provisioningState": "Succeeded"},
            "systemData": before["systemData"] if before else system_data(),
        }

    def _judge_shares(self, path: str, traffic: dict[str, int], mirror_shares: dict[str, int]) -> None:
        deployments = {deployment["name"].lower() for deployment in self._resources.children(f"{path}/deployments")}
        strangers = sorted(name for name in {**traffic, **mirror_shares} if name.lower() not in deployments)
        if strangers:
            raise bad(f"traffic names {', '.join(strangers)}, which {path} does not have; create the deployment first")
        if sum(traffic.values()) not in (0, 100) or min(traffic.values(), default=0) < 0:
            raise bad(f"traffic {traffic} of {path} sums to {sum(traffic.values())}; it must be 0 or 100")
        if not 0 <= sum(mirror_shares.values()) <= _MOST_MIRRORED:
            raise bad(f"mirrorTraffic {mirror_shares} of {path} is more than {_MOST_MIRRORED} percent")

    def _keep(self, path: str, before: dict[str, Any] | None, endpoint: dict[str, Any]) -> None:
        has_new_shares = _shares(before) != _shares(endpoint)
        effect = Effect(kind="traffic", name=self._entrance.estate.within(path)) if has_new_shares else None
        self._resources.put(path, endpoint, effect)

    def _must(self, path: str) -> dict[str, Any]:
        resource = self._resources.get(path)
        if resource is None:
            raise not_found(path)
        return resource


def _shares(endpoint: dict[str, Any] | None) -> list[dict[str, int]]:
    properties = endpoint["properties"] if endpoint else {}
    names = ("traffic", "mirrorTraffic")
    return [{key: share for key, share in properties.get(name, {}).items() if share} for name in names]


def _key() -> str:
    return secrets.token_urlsafe(24)
