"""The doors of versioned assets, the same for workspaces, registries and the registries' data plane."""

import asyncio
from typing import Any
from uuid import uuid4

from aiohttp import web

from signalbox.emulators.azure_ml.assets.versions import CONTENT, AssetStore
from signalbox.emulators.azure_ml.blobs import Blobs
from signalbox.emulators.azure_ml.doors import DATA_PLANE, REGISTRY, ROOTS, Entrance, Refusal, arm_path, bad
from signalbox.emulators.azure_ml.estate import Place, Scope
from signalbox.emulators.azure_ml.process import prepare


class AssetDoors:
    def __init__(self, entrance: Entrance, assets: AssetStore, blobs: Blobs) -> None:
        self._entrance, self._assets, self._blobs = entrance, assets, blobs

    def add_to(self, app: web.Application) -> None:
        kinds = "|".join(CONTENT)
        for root in ROOTS:
            container = f"{root}/{{kind:{kinds}}}/{{name}}"
            version = f"{container}/versions/{{version}}"
            app.router.add_get(f"{root}/{{kind:{kinds}}}", self._list_containers)
            app.router.add_get(container, self._show_container)
            app.router.add_put(container, self._put_container)
            app.router.add_delete(container, self._delete)
            app.router.add_get(f"{container}/versions", self._list_versions)
            app.router.add_get(version, self._show)
            app.router.add_put(version, self._put)
            app.router.add_patch(version, self._patch)
            app.router.add_delete(version, self._delete)
            app.router.add_post(f"{version}/startPendingUpload", self._start_upload)
        data_plane = f"{DATA_PLANE}{REGISTRY}"
        app.router.add_put(f"{data_plane}/tempdatarefs/{{name}}/versions/{{version}}", self._temporary_reference)
        app.router.add_post(f"{data_plane}/datarefs/{{name}}/versions/{{version}}", self._read_reference)
        app.router.add_post(f"{REGISTRY}/datareferences/{{name}}/versions/{{version}}", self._read_reference)

    async def _list_containers(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        view = request.query.get("listViewType", "ActiveOnly")
        return web.json_response({"value": self._assets.containers(arm_path(request), view)})

    async def _list_versions(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        view = request.query.get("listViewType", "ActiveOnly")
        versions = self._assets.versions(arm_path(request), view, request.query.get("hash", ""))
        if "asc" in request.query.get("$orderBy", "").lower():
            versions.reverse()
        return web.json_response({"value": versions[: int(request.query.get("$top", len(versions)))]})

    async def _show_container(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        return web.json_response(self._assets.container(arm_path(request)))

    async def _show(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        return web.json_response(self._assets.shown(arm_path(request), request.query.get("api-version", "")))

    async def _put_container(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        container, new = self._assets.put_container(arm_path(request), await request.json())
        return web.json_response(container, status=201 if new else 200)

    async def _put(self, request: web.Request) -> web.Response:
        scope = self._entrance.admit(request)
        path = arm_path(request)
        version, new = self._assets.put(scope, path, await request.json())
        if "/models/" in path.lower():
            prepare()  # A model is registered to be deployed soon.
        return web.json_response(version, status=201 if new else 200)

    async def _patch(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        return web.json_response(self._assets.patch(arm_path(request), await request.json()))

    async def _delete(self, request: web.Request) -> web.Response:
        self._entrance.admit(request)
        return web.Response(status=200 if self._assets.delete(arm_path(request)) else 204)

    async def _start_upload(self, request: web.Request) -> web.Response:
        """Created or got: until the version is registered, its pending upload is the same one."""
        scope, path = self._entrance.admit(request), arm_path(request).removesuffix("/startPendingUpload")
        location = await self._assets.pending(path, lambda: self._blobs.fresh_container(scope.account))
        reference = self._reference(scope, location, write=True)
        return web.json_response(
            reference | {"pendingUploadId": uuid4().hex, "pendingUploadType": "TemporaryBlobReference"}
        )

    async def _temporary_reference(self, request: web.Request) -> web.Response:
        """The data plane's older way to start an upload: it refuses one for a version that exists."""
        scope = self._entrance.admit(request)
        asset_path = self._entrance.estate.asset_id((await request.json())["assetId"], scope, "models")
        if self._assets.exists(asset_path):
            raise Refusal(409, "UserError", f"{asset_path} already exists")
        return web.json_response(await self._upload_reference(scope) | {"temporaryDataReferenceId": uuid4().hex})

    async def _read_reference(self, request: web.Request) -> web.Response:
        """A signature to read the container of a registered asset (`getBlobReferenceSAS`)."""
        scope = self._entrance.admit(request)
        body = await request.json()
        asset = self._assets.must(self._entrance.estate.asset_id(body["assetId"], scope, "models"))
        uris = [asset["properties"].get(name) for names in CONTENT.values() for name in names]
        if body["blobUri"] not in uris:
            raise bad(f"blobUri {body['blobUri']!r} is not the content of {asset['id']}")
        location = self._entrance.estate.place_of(body["blobUri"], scope)
        return web.json_response(self._reference(scope, location, write=False))

    async def _upload_reference(self, scope: Scope) -> dict[str, Any]:
        location = await asyncio.to_thread(self._blobs.fresh_container, scope.account)
        return self._reference(scope, location, write=True)

    def _reference(self, scope: Scope, location: Place, *, write: bool) -> dict[str, Any]:
        credential = {"credentialType": "SAS", "sasUri": self._blobs.signed(location, write=write)}
        return {
            "blobReferenceForConsumption": {
                "blobUri": self._blobs.address(location),
                "storageAccountArmId": scope.storage_id,
                "credential": credential,
            }
        }
