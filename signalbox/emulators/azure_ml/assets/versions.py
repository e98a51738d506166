"""Versioned assets of workspaces and registries: containers and versions, whose content never changes once registered.

Shapes: ARM `ModelVersion`, `CodeVersion`, `EnvironmentVersion`, `DataVersionBase`.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from signalbox.emulators.azure_ml.assets import outputs
from signalbox.emulators.azure_ml.doors import Refusal, not_found
from signalbox.emulators.azure_ml.estate import PROVIDER, Estate, Place, Scope
from signalbox.emulators.azure_ml.resources import Effect, Resources

Publish = Callable[[dict[str, Any]], None]
CONTENT = {
    "models": ("modelUri",),
    "codes": ("codeUri",),
    "environments": ("image", "condaFile", "build"),
    "data": ("dataUri",),
    "components": ("componentSpec",),
}
_ENTRY = re.compile(r"/registries/[^/]+/models/[^/]+/versions/[^/]+$", re.IGNORECASE)
_DATA_TYPES = ("uri_file", "uri_folder", "mltable")
_MUTABLE = ("description", "tags", "properties", "isArchived", "stage", "flavors")


class AssetStore:
    """*publish* gets a ModelRegistered event for every model version that is created in a workspace, and Resource
    Manager's own event for every write of one in a registry, which has no other events."""

    def __init__(self, resources: Resources, estate: Estate, publish: Publish) -> None:
        self._resources, self._estate, self._publish = resources, estate, publish
        self._pending = asyncio.Lock()

    def put(self, scope: Scope, path: str, body: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """The version at *path*, and whether it is new. Raises Refusal where its content would change."""
        existing = self._resources.get(path)
        properties = {**(body.get("properties") or {})}
        if path.rsplit("/", 4)[1] == "data":
            self._refuse_data(path, properties)
        if job := outputs.job_of(str(properties.get("modelUri"))):
            properties["jobName"] = job
        for name in ("modelUri", "dataUri"):
            if isinstance(properties.get(name), str):
                properties[name] = outputs.resolve(self._resources, scope, properties[name])
        if isinstance(properties.get("componentSpec"), dict):
            _, name, _, version = path.rsplit("/", 3)
            properties["componentSpec"] = {"name": name, "version": version} | properties["componentSpec"]
        if existing is None:
            return self._create(scope, path, {**body, "properties": properties}), True
        self._refuse_new_content(scope, existing, properties)
        reset = {name: properties.get(name) or ({} if name in ("tags", "properties") else None) for name in _MUTABLE}
        return self._change(path, existing, reset), False  # A PUT is the whole: what it leaves out is gone.

    def put_output(self, scope: Scope, name: str, version: str, kind: str, uri: str) -> None:
        """Register what a job wrote, once: without a version as the next one. Raises Refusal."""
        is_model = kind.endswith("_model")
        field, type_field = ("modelUri", "modelType") if is_model else ("dataUri", "dataType")
        container = f"{scope.id}/{'models' if is_model else 'data'}/{name}"
        address = outputs.resolve(self._resources, scope, uri)
        versions = self._resources.children(f"{container}/versions")
        earlier = next((known["name"] for known in versions if known["properties"][field] == address), None)
        if not version and earlier is None:
            version = self.container(container)["properties"]["nextVersion"] if self.exists(container) else "1"
        properties = {field: uri, type_field: kind}
        self.put(scope, f"{container}/versions/{version or earlier}", {"properties": properties})

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Merges tags and properties; null takes one away."""
        existing = self.must(path)
        changes = {**{name: body[name] for name in _MUTABLE if name in body}, **(body.get("properties") or {})}
        frozen = [name for name in changes if name not in _MUTABLE]
        if frozen:
            raise Refusal(
                400, "UserError", f"{', '.join(frozen)} of {path} cannot be patched: {', '.join(_MUTABLE)} can"
            )
        for name in ("tags", "properties"):
            if name in changes:
                values = {**existing["properties"][name], **(changes[name] or {})}
                changes[name] = {key: value for key, value in values.items() if value is not None}
        return self._change(path, existing, changes)

    def put_container(self, path: str, body: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        existing = self._resources.get(path)
        properties = body.get("properties") or {}
        if existing is None:
            self._resources.put(path, _container(path, properties))
        else:
            self._change(path, existing, {name: properties[name] for name in _MUTABLE if name in properties})
        return self.container(path), existing is None

    def container(self, path: str) -> dict[str, Any]:
        """With its newest version and the number that comes next."""
        container = self.must(path)
        versions = [version["name"] for version in self._resources.children(f"{path}/versions")]
        numbers = [int(version) for version in versions if version.isdigit()]
        container["properties"] |= {
            "latestVersion": versions[0] if versions else None,
            "nextVersion": str(max(numbers, default=0) + 1),
        }
        return container

    def containers(self, path: str, view: str) -> list[dict[str, Any]]:
        return [
            self.container(f"{path}/{container['name']}") for container in visible(self._resources.children(path), view)
        ]

    def versions(self, path: str, view: str, content_hash: str) -> list[dict[str, Any]]:
        """Newest first; only those with the *content_hash*, if one is given.

        Code is found by its content under whatever name: clients upload it under a fresh name each time.
        """
        root, _, own = path.partition("/codes/")
        is_code_sought = bool(own and content_hash)
        found = self._codes(f"{root}/codes") if is_code_sought else self._resources.children(path)
        versions = visible(found, view)
        hashes = ((version, version["properties"]["properties"].get("hash_sha256")) for version in versions)
        return [version for version, content in hashes if content_hash in ("", content)]

    def _codes(self, path: str) -> list[dict[str, Any]]:
        return [version for place, version in self._resources.below(path) if "/versions/" in place]

    async def pending(self, path: str, make: Callable[[], Place]) -> Place:
        """Where the content of the version at *path* is being uploaded: one place until it is registered or deleted."""
        async with self._pending:
            record = self._resources.get(f"/pending{path}")
            location = await asyncio.to_thread(make) if record is None else Place(**record)
            self._resources.put(f"/pending{path}", asdict(location))
            return location

    def must(self, path: str) -> dict[str, Any]:
        resource = self._resources.get(path)
        if resource is None:
            raise not_found(path)
        return resource

    def shown(self, path: str, api_version: str) -> dict[str, Any]:
        """The resource as *api_version* has it: the image of an environment is in preview versions since July 2025."""
        resource = self.must(path)
        is_environment = path.rsplit("/", 4)[1] == "environments"
        if is_environment and api_version.endswith("-preview") and api_version >= "2025-07-01":
            resource["properties"]["imageDetails"] = self._image_details(path, resource)
        return resource

    def _image_details(self, path: str, environment: dict[str, Any]) -> dict[str, Any]:
        """An image is built when a job or a deployment first uses its environment; here a deployment does."""
        workspace = path.partition("/environments/")[0]
        deployments = (body for place, body in self._resources.below(workspace) if "/deployments/" in place)
        used = (body["properties"] for body in deployments if "environmentId" in body["properties"])
        if not any(
            str(properties["environmentId"]).lower() == path.lower() and properties["provisioningState"] == "Succeeded"
            for properties in used
        ):
            return {"exists": False}
        content = json.dumps([environment["properties"].get(name) for name in CONTENT["environments"]])
        digest = hashlib.sha256(content.encode()).hexdigest()
        image = {"hostname": "local.azurecr.io", "repository": f"azureml/azureml_{digest[:32]}", "tag": "1"}
        return {"exists": True, "image": image | {"digest": f"sha256:{digest}"}}

    def exists(self, path: str) -> bool:
        return self._resources.get(path) is not None

    def delete(self, path: str) -> bool:
        self._resources.delete(f"/pending{path}")
        return self._resources.delete(path, Effect(kind="deletions", name=self._estate.within(path)))

    def _create(self, scope: Scope, path: str, body: dict[str, Any]) -> dict[str, Any]:
        container, kind = path.rpartition("/versions/")[0], path.rsplit("/", 4)[1]
        version = _version(path, kind, body)
        documents = {path: version}
        if self._resources.get(container) is None:
            kept = {"dataType": version["properties"]["dataType"]} if kind == "data" else {}
            documents = {container: _container(container, kept), **documents}
        self._resources.put_all(documents, Effect(kind="assets", name=self._estate.within(path)))
        if kind == "models" and scope.kind == "workspaces":
            self._publish(_register(scope, path, version))
        self._publish_write(path)
        return version

    def _change(self, path: str, resource: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
        resource["properties"] |= {name: _own(name, value) for name, value in change.items()}
        resource["systemData"]["lastModifiedAt"] = now()
        self._resources.put(path, resource)
        self._publish_write(path)
        return resource

    def _publish_write(self, path: str) -> None:
        if _ENTRY.search(path):
            self._publish(_write_event(path))

    def _refuse_data(self, path: str, properties: dict[str, Any]) -> None:
        """A version of data says what it is and where it lies; all versions of one asset are of one type."""
        kind, uri = properties.get("dataType"), properties.get("dataUri")
        if kind not in _DATA_TYPES or not uri:
            raise Refusal(400, "UserError", f"{path} needs dataType ({', '.join(_DATA_TYPES)}) and dataUri")
        container = self._resources.get(path.rpartition("/versions/")[0])
        first = container["properties"].get("dataType") if container else kind
        if first not in (None, kind):
            raise Refusal(400, "UserError", f"{path} is {kind}, and the versions of this asset are {first}")

    def _refuse_new_content(self, scope: Scope, existing: dict[str, Any], properties: dict[str, Any]) -> None:
        kind = existing["id"].rsplit("/", 4)[1]
        for name in CONTENT[kind]:
            current, new_value = existing["properties"].get(name), properties.get(name)
            if new_value is not None and self._meaning(scope, new_value) != self._meaning(scope, current):
                raise Refusal(
                    409,
                    "UserError",
                    f"{existing['id']} exists and its {name} cannot change from {current!r} to {new_value!r}; "
                    "register another version",
                )

    def _meaning(self, scope: Scope, value: Any) -> Any:
        """Short and long addresses of one place are the same content."""
        try:
            return self._estate.place_of(value, scope) if isinstance(value, str) else value
        except ValueError:
            return value


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def system_data() -> dict[str, Any]:
    at = now()
    creator = {"createdBy": "signalbox", "createdByType": "Application"}
    return {**creator, "createdAt": at, "lastModifiedAt": at, "lastModifiedBy": "signalbox"}


def _version(path: str, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    properties = {name: _own(name, value) for name, value in (body.get("properties") or {}).items()}
    defaults: dict[str, Any] = {"tags": {}, "properties": {}, "isArchived": False, "isAnonymous": False}
    flavors: dict[str, Any] = {"flavors": {}} if kind == "models" else {}
    return {
        "id": _shown_id(path),
        "name": path.rpartition("/")[2],
        "type": _type(path, f"{kind}/versions"),
        "properties": {**defaults, **flavors, **properties, "provisioningState": "Succeeded"},
        "systemData": system_data(),
    }


def _container(path: str, properties: dict[str, Any]) -> dict[str, Any]:
    defaults = {"tags": {}, "properties": {}, "isArchived": False}
    return {
        "id": _shown_id(path),
        "name": path.rpartition("/")[2],
        "type": _type(path, path.rsplit("/", 2)[1]),
        "properties": {
            **defaults,
            **{name: properties[name] for name in (*_MUTABLE, "dataType") if name in properties},
        },
        "systemData": system_data(),
    }


def _shown_id(path: str) -> str:
    """Assets of a registry are known by an id without subscription and resource group."""
    _, _, own = path.partition("/registries/")
    return f"azureml://registries/{own}" if own else path


def _type(path: str, kind: str) -> str:
    return f"{PROVIDER}/{'registries' if '/registries/' in path.lower() else 'workspaces'}/{kind}"


def _own(name: str, value: Any) -> Any:
    return {} if value is None and name in ("tags", "properties", "flavors") else value


def visible(resources: list[dict[str, Any]], view: str) -> list[dict[str, Any]]:
    """*view*: ActiveOnly (as the service has it by default), ArchivedOnly or All."""
    if view == "All":
        return resources
    return [
        resource for resource in resources if bool(resource["properties"].get("isArchived")) == (view == "ArchivedOnly")
    ]


def _register(scope: Scope, path: str, model: dict[str, Any]) -> dict[str, Any]:
    """The event in Event Grid's schema; versions that are numbers are numbers, as in the documented sample."""
    _, name, _, version = path.rsplit("/", 3)
    properties = model["properties"]
    return {
        "id": str(uuid4()),
        "topic": scope.id,
        "subject": f"models/{name}:{version}",
        "eventType": f"{PROVIDER}.ModelRegistered",
        "eventTime": model["systemData"]["createdAt"],
        "data": {
            "ModelName": name,
            "ModelVersion": int(version) if version.isdigit() else version,
            "ModelTags": properties["tags"],
            "ModelProperties": properties["properties"],
        },
        "dataVersion": "2",
        "metadataVersion": "1",
    }


def _write_event(path: str) -> dict[str, Any]:
    """ResourceWriteSuccess of the subscription, in Event Grid's schema."""
    return {
        "id": str(uuid4()),
        "topic": path.partition("/resourceGroups/")[0],
        "subject": path,
        "eventType": "Microsoft.Resources.ResourceWriteSuccess",
        "eventTime": now(),
        "data": {
            "resourceProvider": PROVIDER,
            "resourceUri": path,
            "operationName": f"{PROVIDER}/registries/models/versions/write",
            "status": "Succeeded",
        },
        "dataVersion": "2",
        "metadataVersion": "1",
    }
