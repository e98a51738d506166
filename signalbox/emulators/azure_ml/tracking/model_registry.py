"""The doors of MLflow's model registry: the workspace's models, as `mlflow.register_model` writes and reads them."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.assets.versions import AssetStore
from signalbox.emulators.azure_ml.doors import Entrance
from signalbox.emulators.azure_ml.estate import Scope
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.azure_ml.tracking.answers import ROOTS, exists, invalid, missing, refused

_STORED = re.compile(r"mlflow-artifacts:/+(?P<store>[^/]+)/(?P<path>.+)")
_LOGGED = re.compile(r"models:/(m-[0-9a-f]+)")
_PLACE = re.compile(r"azureml://.*datastores/(?P<store>[^/]+)/paths/(?P<path>.+)")
_BY_NAME = re.compile(r"""\s*(?:name|`name`|"name")\s*(=|like|ilike)\s*(?:'([^']*)'|"([^"]*)")\s*""", re.IGNORECASE)
_NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,254}")
_MOST_MODELS, _MOST_VERSIONS = 1000, 200_000  # As many as MLflow takes for max_results.


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
        scope, body = self._scope(request), await _body(request)
        path = f"{scope.id}/models/{_name(body)}"
        if self._assets.exists(path):
            return exists("registered model", body["name"])
        properties = {"description": body.get("description"), "tags": _tags(body)}
        self._assets.put_container(path, {"properties": properties})
        return web.json_response({"registered_model": self._model(scope, body["name"])})

    async def _get(self, request: web.Request) -> web.Response:
        scope, name = self._scope(request), _name(request.query)
        if not self._assets.exists(f"{scope.id}/models/{name}"):
            return missing("registered model", name)
        return web.json_response({"registered_model": self._model(scope, name)})

    async def _search(self, request: web.Request) -> web.Response:
        """By the model's name, if a filter says so."""
        scope, matches = self._scope(request), _filter(request, _MOST_MODELS)
        containers = self._assets.containers(f"{scope.id}/models", "ActiveOnly")
        names = [container["name"] for container in containers if matches(container["name"])]
        return web.json_response({"registered_models": [self._model(scope, name) for name in names]})

    async def _create_version(self, request: web.Request) -> web.Response:
        scope, body = self._scope(request), await _body(request)
        container = f"{scope.id}/models/{_name(body)}"
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
        scope, name, version = self._scope(request), *_asked_version(request)
        if not self._assets.exists(f"{scope.id}/models/{name}/versions/{version}"):
            return missing("model version", f"{name}:{version}")
        return web.json_response({"model_version": self._version(scope, name, version)})

    async def _download_uri(self, request: web.Request) -> web.Response:
        scope, name, version = self._scope(request), *_asked_version(request)
        if not self._assets.exists(f"{scope.id}/models/{name}/versions/{version}"):
            return missing("model version", f"{name}:{version}")
        return web.json_response({"artifact_uri": self._version(scope, name, version)["source"]})

    async def _search_versions(self, request: web.Request) -> web.Response:
        """By the model's name, if a filter says so."""
        scope, matches = self._scope(request), _filter(request, _MOST_VERSIONS)
        containers = self._assets.containers(f"{scope.id}/models", "ActiveOnly")
        shown = [
            self._version(scope, name, version["name"])
            for name in (container["name"] for container in containers)
            if matches(name)
            for version in self._assets.versions(f"{scope.id}/models/{name}/versions", "ActiveOnly", "")
        ]
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


async def _body(request: web.Request) -> dict[str, Any]:
    """Raises 400 for one that is no object, or whose fields are of other types."""
    try:
        body = await request.json()
    except ValueError as error:
        raise refused("the body is no JSON") from error
    if not isinstance(body, dict):
        raise refused("the body is no object")
    for name in ("description", "source", "run_id"):
        if not isinstance(body.get(name) or "", str):
            raise refused(f"Invalid value {body[name]!r} for parameter '{name}' supplied: it is no string")
    return body


def _name(fields: Mapping[str, Any]) -> str:
    """The model's name. Raises 400 for one that neither MLflow nor Azure ML takes: it would be a part of a path."""
    name = fields.get("name")
    if not name:
        raise refused("Missing value for required parameter 'name'")
    if not isinstance(name, str) or not _NAMED.fullmatch(name):
        raise refused(f"Invalid model name: {name!r}. It has up to 255 letters, digits, dots, hyphens and underscores")
    return name


def _asked_version(request: web.Request) -> tuple[str, str]:
    version = request.query.get("version", "")
    if not version.isascii() or not version.isdigit():
        raise refused(f"Parameter 'version' must be an integer, got {version!r}")
    return _name(request.query), version


def _filter(request: web.Request, limit: int) -> Callable[[str], bool]:
    """Which names are asked for. Raises 400 for a search that is not understood: it must not find everything."""
    text, most = request.query.get("filter", ""), request.query.get("max_results", "100")
    if not most.isascii() or not most.isdigit() or not 0 < int(most) <= limit:
        raise refused(f"max_results must be a whole number from 1 to {limit}, got {most!r}")
    if unserved := [name for name in ("order_by", "page_token") if request.query.get(name)]:
        raise refused(f"the local registry does not serve {', '.join(unserved)}")
    if not text.strip():
        return bool  # Every model has a name.
    match = _BY_NAME.fullmatch(text)
    if match is None:
        raise refused(f"Invalid filter {text!r}: the local registry compares the name alone, with =, LIKE or ILIKE")
    operator, value = match[1].lower(), match[2] or match[3] or ""
    if operator == "=":
        return lambda name: name == value
    pattern = re.compile(
        ".*".join(map(re.escape, value.split("%"))).replace("_", "."), re.IGNORECASE if operator == "ilike" else 0
    )
    return lambda name: pattern.fullmatch(name) is not None


def _tags(body: dict[str, Any]) -> dict[str, str]:
    tags = body.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, dict) and {"key", "value"} <= tag.keys() for tag in tags):
        raise refused("Invalid value for parameter 'tags' supplied: it is no list of keys and values")
    return {str(tag["key"]): str(tag["value"]) for tag in tags}


def _pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def _times(asset: dict[str, Any]) -> dict[str, int]:
    data = asset["systemData"]
    moments = {"creation_timestamp": data["createdAt"], "last_updated_timestamp": data["lastModifiedAt"]}
    return {name: int(datetime.fromisoformat(moment).timestamp() * 1000) for name, moment in moments.items()}
