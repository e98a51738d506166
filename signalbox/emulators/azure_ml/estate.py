"""The workspaces, registries and datastores, and how ARM paths, references and addresses name them."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote, urlsplit

PROVIDER = "Microsoft.MachineLearningServices"
BLOB_STORE, BLOB_CONTAINER = "workspaceblobstore", "azureml-blobstore"
ARTIFACT_STORE, ARTIFACT_CONTAINER = "workspaceartifactstore", "azureml"

_SCOPE = re.compile(
    rf"/subscriptions/([^/]+)/resourcegroups/([^/]+)/providers/{PROVIDER}/(workspaces|registries)/([^/]+)(?:/.*)?", re.I
)
_DATASTORE_URI = re.compile(
    r"azureml:///?(?:subscriptions/[^/]+/resourcegroups/[^/]+/(?:providers/[^/]+/)?workspaces/(?P<workspace>[^/]+)/)?"
    r"datastores/(?P<store>[^/]+)/paths/(?P<path>.*)",
    re.I,
)
_BY_REGISTRY = re.compile(r"azureml://registries/([^/]+)/(\w+)/([^/]+)/versions/([^/]+)", re.I)
_BY_GUID = re.compile(r"azureml://locations/[^/]+/workspaces/([^/]+)/(\w+)/([^/]+)/versions/([^/]+)", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A blob, or a folder of blobs; an empty path is the whole container."""

    account: str
    container: str
    path: str

    def below(self, name: str) -> "Place":
        return replace(self, path=f"{self.path.rstrip('/')}/{name}".lstrip("/"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A workspace or a registry (*kind*: `workspaces` or `registries`), and the storage account that is its own.

    An *experiment* is tagged as one.
    """

    kind: str
    subscription: str
    resource_group: str
    name: str
    account: str
    experiment: bool = False

    @property
    def id(self) -> str:
        group = f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
        return f"{group}/providers/{PROVIDER}/{self.kind}/{self.name}"

    @property
    def guid(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, self.id.lower()))

    @property
    def storage_id(self) -> str:
        group = f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
        return f"{group}/providers/Microsoft.Storage/storageAccounts/{self.account}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """*common_datastores* names the datastores that every workspace has: name to (account, container).

    *registered* are those that somebody has registered since, by the id of their workspace.
    """

    scopes: tuple[Scope, ...]
    common_datastores: Mapping[str, tuple[str, str]]
    registered: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)

    def at(self, path: str) -> Scope | None:
        """The workspace or registry that the ARM *path* lies in."""
        scope_match = _SCOPE.fullmatch(path)
        prefix = scope_match[0].lower() + "/" if scope_match else ""
        return next((scope for scope in self.scopes if prefix.startswith(scope.id.lower() + "/")), None)

    def listed(self, kind: str, place: Mapping[str, str]) -> list[Scope]:
        """Those of a subscription or, where *place* names a `group` too, of that resource group."""
        group = place.get("group")
        return [
            scope
            for scope in self.scopes
            if (scope.kind, scope.subscription.lower()) == (kind, place["subscription"].lower())
            and (group is None or scope.resource_group.lower() == group.lower())
        ]

    def within(self, path: str) -> str:
        """*path* from its workspace's or registry's name on: how effects are named."""
        scope = self.at(path)
        return path if scope is None else path[len(scope.id) - len(scope.name) :]

    def registry(self, name: str) -> Scope | None:
        return self._scope_named("registries", name)

    def datastores(self, workspace: Scope) -> dict[str, tuple[str, str]]:
        own = {BLOB_STORE: BLOB_CONTAINER, ARTIFACT_STORE: ARTIFACT_CONTAINER}
        built_in = {name: (workspace.account, container) for name, container in own.items()} | {
            **self.common_datastores
        }
        return self.registered.get(workspace.id, {}) | built_in

    def is_built_in(self, datastore: str) -> bool:
        """Whether every workspace has *datastore*: it is configuration, and cannot be registered or removed."""
        return datastore in (BLOB_STORE, ARTIFACT_STORE, *self.common_datastores)

    def place_of(self, uri: str, scope: Scope) -> Place:
        """Where *uri* (azureml datastore path or https blob address) lies. Raises ValueError naming it."""
        uri_match = _DATASTORE_URI.fullmatch(uri)
        if uri_match:
            workspace = self._scope_named("workspaces", uri_match["workspace"]) if uri_match["workspace"] else scope
            store = self.datastores(workspace).get(uri_match["store"]) if workspace else None
            if store is None:
                raise ValueError(f"datastore {uri_match['store']!r} of {uri!r} is not registered")
            return Place(account=store[0], container=store[1], path=uri_match["path"])
        parts = urlsplit(uri)
        account, _, blob_path = unquote(parts.path).lstrip("/").partition("/")
        container, _, path = blob_path.partition("/")
        if parts.scheme != "https" or not container:
            raise ValueError(f"{uri!r} is neither an azureml datastore path nor the https address of a blob")
        return Place(account=account, container=container, path=path)

    def asset_id(self, reference: Any, scope: Scope, kind: str) -> str:
        """The ARM id from the forms in which deployments and imports name assets of *kind*."""
        if isinstance(reference, dict):
            reference = reference.get("assetId") or reference.get("assetid")
        text = str(reference)
        for pattern, owner in ((_BY_REGISTRY, self.registry), (_BY_GUID, self._by_guid)):
            reference_match = pattern.fullmatch(text)
            owner_scope = owner(reference_match[1]) if reference_match else None
            if reference_match and owner_scope:
                return f"{owner_scope.id}/{reference_match[2]}/{reference_match[3]}/versions/{reference_match[4]}"
        text = text.removeprefix("azureml:")
        if text.startswith("/"):
            return text
        name, _, version = text.partition(":")
        return f"{scope.id}/{kind}/{name}/versions/{version}" if version else f"{scope.id}/{text}"

    def _scope_named(self, kind: str, name: str) -> Scope | None:
        return next((scope for scope in self.scopes if scope.kind == kind and scope.name.lower() == name.lower()), None)

    def _by_guid(self, guid: str) -> Scope | None:
        return next((scope for scope in self.scopes if scope.guid == guid.lower()), None)
