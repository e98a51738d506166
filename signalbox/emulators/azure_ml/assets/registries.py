"""Registries: their discovery, and the import that `models.share` asks for, which really copies the blobs."""

import asyncio
from typing import Any

from aiohttp import web
from azure.core.exceptions import AzureError

from signalbox.emulators.azure_ml.assets.versions import CONTENT, AssetStore
from signalbox.emulators.azure_ml.blobs import Blobs
from signalbox.emulators.azure_ml.doors import (
    DATA_PLANE,
    PARENTS,
    REGISTRY,
    WORKSPACE,
    Entrance,
    Refusal,
    arm_path,
    bad,
    not_found,
)
from signalbox.emulators.azure_ml.estate import PROVIDER, Scope
from signalbox.emulators.azure_ml.operations import Operations

_KEPT = (
    "description",
    "tags",
    "properties",
    "flavors",
    "modelType",
    "image",
    "condaFile",
    "osType",
    "dataType",
    "stage",
)


class RegistryDoors:
    def __init__(
        self, entrance: Entrance, tenant: str, assets: AssetStore, blobs: Blobs, operations: Operations
    ) -> None:
        self._entrance, self._tenant = entrance, tenant
        self._assets, self._blobs, self._operations = assets, blobs, operations
        self._tasks: set[asyncio.Task[None]] = set()

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/registrymanagement/v1.0/registries/{registry}/discovery", self._discover)
        for parent in PARENTS:
            app.router.add_get(f"{parent}/registries", self._list)
        app.router.add_get(REGISTRY, self._show)
        app.router.add_post(f"{DATA_PLANE}{REGISTRY}/import", self._import)
        app.router.add_post(f"{WORKSPACE}/models/{{name}}/versions/{{version}}/publish", self._publish)

    def resume(self) -> None:
        for name, work in self._operations.unfinished("import"):
            self._start(name, work)

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _discover(self, request: web.Request) -> web.Response:
        self._entrance.check_token(request)
        registry = self._registry(request.match_info["registry"])
        base = f"{self._entrance.base_url}/"
        return web.json_response(
            {
                "registryName": registry.name,
                "tenantId": self._tenant,
                "primaryRegion": "westeurope",
                "regions": ["westeurope"],
                "subscriptionId": registry.subscription,
                "resourceGroup": registry.resource_group,
                "primaryRegionResourceProviderUri": base,
                "registryFqdns": {"westeurope": {"uri": base}},
            }
        )

    async def _list(self, request: web.Request) -> web.Response:
        self._entrance.check_token(request)
        scopes = self._entrance.estate.listed("registries", request.match_info)
        return web.json_response({"value": [self._document(scope) for scope in scopes]})

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(self._document(self._entrance.admit(request)))

    def _document(self, registry: Scope) -> dict[str, Any]:
        account = {"armResourceId": {"resourceId": registry.storage_id}}
        region = {"location": "westeurope", "storageAccountDetails": [{"userCreatedStorageAccount": account}]}
        properties = {
            "discoveryUrl": f"{self._entrance.base_url}/registrymanagement/v1.0/registries/{registry.name}/discovery",
            "publicNetworkAccess": "Enabled",
            "regionDetails": [region],
        }
        return {
            "id": registry.id,
            "name": registry.name,
            "type": f"{PROVIDER}/registries",
            "location": "westeurope",
            "properties": properties,
        }

    async def _import(self, request: web.Request) -> web.Response:
        registry = self._entrance.admit(request)
        properties = (await request.json())["properties"]
        source = self._entrance.estate.asset_id(properties["sourceAssetId"], registry, "models")
        return self._begin(registry, source, properties.get("destinationName"), properties.get("destinationVersion"))

    async def _publish(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        body = await request.json()
        source = arm_path(request).removesuffix("/publish")
        registry = self._registry(body["registryName"])
        return self._begin(registry, source, body.get("destinationName"), body.get("destinationVersion"))

    def _begin(self, registry: Scope, source: str, name: str | None, version: str | None) -> web.Response:
        self._assets.must(source)
        _, kind, own_name, _, own_version = source.rsplit("/", 4)
        if kind not in CONTENT:
            raise bad(f"{source} is of no kind that a registry keeps: {', '.join(CONTENT)}")
        target = f"{registry.id}/{kind}/{name or own_name}/versions/{version or own_version}"
        if self._assets.exists(target):
            raise Refusal(409, "UserError", f"{target} already exists; a version is registered once")
        work = {"source": source, "target": target}
        operation = self._operations.begin("import", work)
        self._start(operation, work)
        return web.Response(status=202, headers=self._operations.result_header(registry, operation))

    def _start(self, operation: str, work: dict[str, Any]) -> None:
        task = asyncio.create_task(self._copy(operation, work["source"], work["target"]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _copy(self, operation: str, source: str, target: str) -> None:
        try:
            registry, asset = self._scope(target), self._assets.must(source)
            kind = source.rsplit("/", 4)[1]
            properties = {name: asset["properties"][name] for name in _KEPT if name in asset["properties"]}
            for name in CONTENT[kind]:
                if name.endswith("Uri"):
                    uri = asset["properties"][name]
                    properties[name] = await asyncio.to_thread(self._copy_content, uri, self._scope(source), registry)
            self._assets.put(registry, target, {"properties": properties})
            self._operations.end(operation)
        except (AzureError, Refusal, ValueError, KeyError) as error:
            self._operations.end(operation, f"{source} was not copied: {error}")

    def _copy_content(self, uri: str, source: Scope, registry: Scope) -> str:
        """The address of the copy, in a container of its own, under the folder's own name."""
        location = self._entrance.estate.place_of(uri, source)
        fresh = self._blobs.fresh_container(registry.account)
        if not self._blobs.copy(location, fresh):
            raise ValueError(f"{uri} holds no blob")
        folder = location.path.rstrip("/").rpartition("/")[2]
        return f"{self._blobs.address(fresh)}/{folder}".rstrip("/")

    def _scope(self, path: str) -> Scope:
        scope = self._entrance.estate.at(path)
        if scope is None:
            raise not_found(path)
        return scope

    def _registry(self, name: str) -> Scope:
        registry = self._entrance.estate.registry(name)
        if registry is None:
            raise not_found(f"registry {name}")
        return registry
