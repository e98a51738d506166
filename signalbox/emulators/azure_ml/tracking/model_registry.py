"""The doors of MLflow's model registry: the workspace's models, as `mlflow.register_model` writes and reads them."""

import re
from datetime import datetime
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.assets.versions import AssetStore
from signalbox.emulators.azure_ml.doors import Entrance
from signalbox.emulators.azure_ml.estate import Scope
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.azure_ml.tracking.answers import ROOTS, exists, invalid, missing

_STORED = re.compile(r"mlflow-artifacts:/+(?P<store>[^/]+)/(?P<path>.+)")
_LOGGED = re.compile(r"models:/(m-[0-9a-f]+)")
_PLACE = re.compile(r"azureml://.*datastores/(?P<store>[^/]+)/paths/(?P<path>.+)")
_NAME = re.compile(r"""name\s*=\s*['"]([^'"]+)['"]""")


class ModelRegistryDoors:
    def __init__(self, entrance: Entrance, resources: Resources, assets: AssetStore) -> None:
        self._entrance, self._resources, self._assets = entrance, resources, assets

    def add_to(self, app: web.Application) -> None:
        for root in ROOTS:
            models, versions = f"{root}/mlflow/registered-models", f"{root}/mlflow/model-versions"
            app.router.add_post(f"{models}/create", self._create)
            app.router.add_get(f"{models}/get", self._get)
            app.router.add_get(f"{models}/search", self._search)
            app.router.add_post(f"{versions}/create", self._create_version)
            app.router.add_get(f"{versions}/get", self._get_version)
            app.router.add_get(f"{versions}/get-download-uri", self._download_uri)
            app.router.add_get(f"{versions}/search", self._search_versions)

    async def _create(self, request: web.Request) -> web.Response:
        scope, body = self._scope(request), await request.json()
        path = f"{scope.id}/models/{body['name']}"
        if self._assets.exists(path):
            return exists("registered model", body["name"])
        properties = {"description": body.get("description"), "tags": _tags(body)}
        self._assets.put_container(path, {"properties": properties})
        return web.json_response({"registered_model": self._model(scope, body["name"])})

    async def _get(self, request: web.Request) -> web.Response:
        scope, name = self._scope(request), request.query.get("name", "")
        if not self._assets.exists(f"{scope.id}/models/{name}"):
            return missing("registered model", name)
        return web.json_response({"registered_model": self._model(scope, name)})

    async def _search(self, request: web.Request) -> web.Response:
        scope = self._scope(request)
        names = [container["name"] for container in self._assets.containers(f"{scope.id}/models", "ActiveOnly")]
        return web.json_response({"registered_models": [self._model(scope, name) for name in names]})

    async def _create_version(self, request: web.Request) -> web.Response:
        scope, body = self._scope(request), await request.json()
        container = f"{scope.id}/models/{body['name']}"
        if not self._assets.exists(container):
            return missing("registered model", body["name"])
        uri = self._address(str(body.get("source")))
        if not uri.startswith(("azureml://", "runs:/", "https://")):
            return invalid(f"source {uri!r} is no artifact of this workspace")
        version = self._assets.container(container)["properties"]["nextVersion"]
        run = {"azureml.run": body["run_id"]} if body.get("run_id") else {}
        properties = {
            "modelUri": uri,
            "modelType": "mlflow_model",
            "description": body.get("description"),
            "tags": _tags(body),
            "properties": run,
        }
        self._assets.put(scope, f"{container}/versions/{version}", {"properties": properties})
        return web.json_response({"model_version": self._version(scope, body["name"], version)})

    async def _get_version(self, request: web.Request) -> web.Response:
        scope, name, version = self._scope(request), request.query.get("name", ""), request.query.get("version", "")
        if not self._assets.exists(f"{scope.id}/models/{name}/versions/{version}"):
            return missing("model version", f"{name}:{version}")
        return web.json_response({"model_version": self._version(scope, name, version)})

    async def _download_uri(self, request: web.Request) -> web.Response:
        scope, name, version = self._scope(request), request.query.get("name", ""), request.query.get("version", "")
        if not self._assets.exists(f"{scope.id}/models/{name}/versions/{version}"):
            return missing("model version", f"{name}:{version}")
        return web.json_response({"artifact_uri": self._version(scope, name, version)["source"]})

    async def _search_versions(self, request: web.Request) -> web.Response:
        """By the model's name."""
        scope, named = self._scope(request), _NAME.search(request.query.get("filter", ""))
        if named is None:
            return invalid("filter names a model: name='NAME'")
        versions = self._assets.versions(f"{scope.id}/models/{named[1]}/versions", "ActiveOnly", "")
        shown = [self._version(scope, named[1], version["name"]) for version in versions]
        return web.json_response({"model_versions": shown})

    def _address(self, source: str) -> str:
        """The address of a version's files: an artifact's own, or that of a logged model."""
        logged = _LOGGED.fullmatch(source)
        if logged:
            model = self._resources.get(f"/logged-models/{logged[1]}")
            source = model["info"]["artifact_uri"] if model else source
        stored = _STORED.fullmatch(source)
        return f"azureml://datastores/{stored['store']}/paths/{stored['path']}" if stored else source

    def _model(self, scope: Scope, name: str) -> dict[str, Any]:
        container = self._assets.container(f"{scope.id}/models/{name}")
        latest, properties = container["properties"]["latestVersion"], container["properties"]
        return {
            "name": name,
            "description": properties.get("description") or "",
            "tags": _pairs(properties["tags"]),
            "latest_versions": [self._version(scope, name, latest)] if latest else [],
            **_times(container),
        }

    def _version(self, scope: Scope, name: str, version: str) -> dict[str, Any]:
        asset = self._assets.must(f"{scope.id}/models/{name}/versions/{version}")
        properties = asset["properties"]
        place = _PLACE.fullmatch(properties["modelUri"])
        source = f"mlflow-artifacts:/{place['store']}/{place['path']}" if place else properties["modelUri"]
        return {
            "name": name,
            "version": version,
            "source": source.rstrip("/"),
            "run_id": properties["properties"].get("azureml.run", ""),
            "status": "READY",
            "current_stage": "None",
            "description": properties.get("description") or "",
            "tags": _pairs(properties["tags"]),
            **_times(asset),
        }

    def _scope(self, request: web.Request) -> Scope:
        self._entrance.check_token(request)
        return self._entrance.workspace_within(request)


def _tags(body: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: str(tag["value"]) for tag in body.get("tags") or []}


def _pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def _times(asset: dict[str, Any]) -> dict[str, int]:
    data = asset["systemData"]
    moments = {"creation_timestamp": data["createdAt"], "last_updated_timestamp": data["lastModifiedAt"]}
    return {name: int(datetime.fromisoformat(moment).timestamp() * 1000) for name, moment in moments.items()}
