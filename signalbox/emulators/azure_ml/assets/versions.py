"""Versioned assets of workspaces and registries: containers and versions, whose content never changes once registered.

Shapes: ARM `ModelVersion`, `CodeVersion`, `EnvironmentVersion`, `DataVersionBase`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from signalbox.emulators.azure_ml.doors import Refusal, missing
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
_MUTABLE = ("description", "tags", "properties", "isArchived", "stage", "flavors")


class AssetStore:
    """*publish* gets a ModelRegistered event for every model version that is created in a workspace."""

    def __init__(self, resources: Resources, estate: Estate, publish: Publish) -> None:
        self._resources, self._estate, self._publish = resources, estate, publish
        self._pending = asyncio.Lock()

    def put(self, scope: Scope, path: str, body: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """The version at *path*, and whether it is new. Raises Refusal where its content would change."""
        there = self._resources.get(path)
        if there is None:
            return self._create(scope, path, body), True
        given = body.get("properties") or {}
        self._refuse_new_content(scope, there, given)
        reset = {name: given.get(name) or ({} if name in ("tags", "properties") else None) for name in _MUTABLE}
        return self._change(path, there, reset), False  # A PUT is the whole: what it leaves out is gone.

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Merges tags and properties; null takes one away."""
        there = self.must(path)
        given = {**{name: body[name] for name in _MUTABLE if name in body}, **(body.get("properties") or {})}
        frozen = [name for name in given if name not in _MUTABLE]
        if frozen:
            raise Refusal(
                400, "UserError", f"{', '.join(frozen)} of {path} cannot be patched: {', '.join(_MUTABLE)} can"
            )
        for name in ("tags", "properties"):
            if name in given:
                merged = {**there["properties"][name], **(given[name] or {})}
                given[name] = {key: value for key, value in merged.items() if value is not None}
        return self._change(path, there, given)

    def put_container(self, path: str, body: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        there = self._resources.get(path)
        given = body.get("properties") or {}
        if there is None:
            self._resources.put(path, _container(path, given))
        else:
            self._change(path, there, {name: given[name] for name in _MUTABLE if name in given})
        return self.container(path), there is None

    def container(self, path: str) -> dict[str, Any]:
        """With its newest version and the number that comes next."""
        there = self.must(path)
        versions = [version["name"] for version in self._resources.children(f"{path}/versions")]
        numbers = [int(version) for version in versions if version.isdigit()]
        there["properties"] |= {
            "latestVersion": versions[0] if versions else None,
            "nextVersion": str(max(numbers, default=0) + 1),
        }
        return there

    def containers(self, path: str, view: str) -> list[dict[str, Any]]:
        return [self.container(f"{path}/{each['name']}") for each in _seen(self._resources.children(path), view)]

    def versions(self, path: str, view: str, content_hash: str) -> list[dict[str, Any]]:
        """Newest first; only those with the *content_hash*, if one is given."""
        found = _seen(self._resources.children(path), view)
        known = ((version, version["properties"]["properties"].get("hash_sha256")) for version in found)
        return [version for version, there in known if content_hash in ("", there)]

    async def pending(self, path: str, make: Callable[[], Place]) -> Place:
        """Where the content of the version at *path* is being uploaded: one place until it is registered or deleted."""
        async with self._pending:
            there = self._resources.get(f"/pending{path}")
            place = await asyncio.to_thread(make) if there is None else Place(**there)
            self._resources.put(f"/pending{path}", asdict(place))
            return place

    def must(self, path: str) -> dict[str, Any]:
        found = self._resources.get(path)
        if found is None:
            raise missing(path)
        return found

    def exists(self, path: str) -> bool:
        return self._resources.get(path) is not None

    def delete(self, path: str) -> bool:
        self._resources.delete(f"/pending{path}")
        return self._resources.delete(path, Effect(kind="deletions", name=self._estate.within(path)))

    def _create(self, scope: Scope, path: str, body: dict[str, Any]) -> dict[str, Any]:
        container, kind = path.rpartition("/versions/")[0], path.rsplit("/", 4)[1]
        made = _version(path, kind, body)
        documents = {path: made}
        if self._resources.get(container) is None:
            documents = {container: _container(container, {}), **documents}
        self._resources.put_all(documents, Effect(kind="assets", name=self._estate.within(path)))
        if kind == "models" and scope.kind == "workspaces":
            self._publish(_registered(scope, path, made))
        return made

    def _change(self, path: str, there: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
        there["properties"] |= {name: _own(name, value) for name, value in change.items()}
        there["systemData"]["lastModifiedAt"] = now()
        self._resources.put(path, there)
        return there

    def _refuse_new_content(self, scope: Scope, there: dict[str, Any], given: dict[str, Any]) -> None:
        kind = there["id"].rsplit("/", 4)[1]
        for name in CONTENT[kind]:
            was, wanted = there["properties"].get(name), given.get(name)
            if wanted is not None and self._meaning(scope, wanted) != self._meaning(scope, was):
                raise Refusal(
                    409,
                    "UserError",
                    f"{there['id']} exists and its {name} cannot change from {was!r} to {wanted!r}; "
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
    who = {"createdBy": "signalbox", "createdByType": "Application"}
    return {**who, "createdAt": at, "lastModifiedAt": at, "lastModifiedBy": "signalbox"}


def _version(path: str, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    given = {name: _own(name, value) for name, value in (body.get("properties") or {}).items()}
    defaults: dict[str, Any] = {"tags": {}, "properties": {}, "isArchived": False, "isAnonymous": False}
    flavors: dict[str, Any] = {"flavors": {}} if kind == "models" else {}
    return {
        "id": _shown_id(path),
        "name": path.rpartition("/")[2],
        "type": _type(path, f"{kind}/versions"),
        "properties": {**defaults, **flavors, **given, "provisioningState": "Succeeded"},
        "systemData": system_data(),
    }


def _container(path: str, given: dict[str, Any]) -> dict[str, Any]:
    defaults = {"tags": {}, "properties": {}, "isArchived": False}
    return {
        "id": _shown_id(path),
        "name": path.rpartition("/")[2],
        "type": _type(path, path.rsplit("/", 2)[1]),
        "properties": {**defaults, **{name: given[name] for name in _MUTABLE if name in given}},
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


def _seen(found: list[dict[str, Any]], view: str) -> list[dict[str, Any]]:
    """*view*: ActiveOnly (as the service has it by default), ArchivedOnly or All."""
    if view == "All":
        return found
    return [each for each in found if bool(each["properties"].get("isArchived")) == (view == "ArchivedOnly")]


def _registered(scope: Scope, path: str, model: dict[str, Any]) -> dict[str, Any]:
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
