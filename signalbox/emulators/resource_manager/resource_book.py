"""All resources that are kept as they were sent: what may be written, what is there, what a deletion takes away.

A resource needs its group and its parent. Types with a service of their own here (roles, locks, event subscriptions)
are kept by that service, and answer as it does.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from signalbox.emulators.azure_ml.doors import Refusal, not_found
from signalbox.emulators.azure_ml.resource_manager.locks import Locks
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.resource_manager.deletions import SoftDeletions
from signalbox.emulators.resource_manager.denials import Denials
from signalbox.emulators.resource_manager.resource_ids import ResourceId, parse_id

_KEPT, _GROUPS = "/resources", "/groups"
_OWN = ("id", "name", "type")
_READ_ONLY = {"Microsoft.Authorization/roleAssignments": ("provisioningState", "scope")}  # And of all others the first.


Parent = Mapping[str, Any] | None
Stands = Callable[[str], bool]  # Whether there is a resource with the id.


class Kind(Protocol):
    """A type that another service keeps; it is given the document of the resource that its own is a child of."""

    def serves(self, body: Mapping[str, Any], stands: Stands) -> bool:
        """False for what is kept as it was sent, since the service does not act on it here."""

    async def put(self, resource: ResourceId, body: Mapping[str, Any], parent: Parent) -> bool:
        """Whether it is new. Raises Refusal."""

    def find(self, resource: ResourceId, parent: Parent) -> dict[str, Any] | None: ...

    def remove(self, resource: ResourceId, parent: Parent) -> bool:
        """Whether it was there."""


class ResourceBook:
    """*fixtures* are the ids of what the local cloud itself consists of: they stand, and nothing here changes them."""

    def __init__(
        self, resources: Resources, locks: Locks, kinds: Mapping[str, Kind], fixtures: Sequence[str] = ()
    ) -> None:
        self._resources, self._locks = resources, locks
        self._kinds = {name.lower(): kind for name, kind in kinds.items()}
        self._fixtures = tuple(fixture.lower() for fixture in fixtures)
        self.denials, self.deletions = Denials(resources), SoftDeletions(resources)

    def is_fixture(self, path: str) -> bool:
        return f"{path.lower()}/".startswith(tuple(f"{fixture}/" for fixture in self._fixtures))

    def find(self, resource: ResourceId) -> dict[str, Any] | None:
        kind = self._kind_of(resource)
        return (
            kind.find(resource, self._parent(resource))
            if kind is not None
            else self._resources.get(f"{_KEPT}{resource.id}")
        )

    def sent(self, resource: ResourceId) -> dict[str, Any] | None:
        """What was last sent of it, by which a plan compares; None where it is not there."""
        found = self.find(resource)
        return None if found is None else _sent(found)

    async def put(self, resource: ResourceId, body: Mapping[str, Any], principal: str, stack: str = "") -> bool:
        """Whether it is new. Raises what Azure refuses: locks and denials, a missing place, a name that is taken."""
        self._locks.check("PUT", resource.id)
        self.denials.check("write", resource, principal, stack)
        self._check_place(resource)
        kind = self._kind_of(resource, body)
        if kind is not None:
            return await kind.put(resource, body, self._parent(resource))
        is_new = self._resources.get(f"{_KEPT}{resource.id}") is None
        if is_new and self.deletions.recovers(resource, body):
            document, below = self.deletions.take_back(resource)
            self._resources.put_all({f"{_KEPT}{resource.id}": document, **below})
            return True
        content = {name: value for name, value in body.items() if name not in _OWN}
        properties = {**(body.get("properties") or {}), "provisioningState": "Succeeded"}
        own = {"id": resource.id, "name": resource.name, "type": resource.type}
        self._resources.put(f"{_KEPT}{resource.id}", {**own, **content, "properties": properties})
        return is_new

    def delete(self, resource: ResourceId, principal: str, stack: str = "", *, purge: bool = False) -> bool:
        """False where it was not there. With *purge* nothing of it is kept for a recovery."""
        self._locks.check("DELETE", resource.id)
        below = [each for path, _ in self._resources.below(f"{_KEPT}{resource.id}") if (each := _kept(path))]
        for each in (resource, *below):
            self.denials.check("delete", each, principal, stack)
        kind = self._kind_of(resource)
        if kind is not None:
            return kind.remove(resource, self._parent(resource))
        found = self._resources.get(f"{_KEPT}{resource.id}")
        if found is None:
            return purge and self.deletions.purge(resource)
        if not purge:
            self.deletions.keep(resource, found, dict(self._resources.below(f"{_KEPT}{resource.id}")))
        return self._resources.delete(f"{_KEPT}{resource.id}")

    def within(self, scope: str) -> Iterator[dict[str, Any]]:
        """The resources of a group or a subscription that are kept here; children are no entries of such a list."""
        for _, document in self._resources.below(f"{_KEPT}{scope}"):
            if document["type"].count("/") == 1:
                yield document

    def children(self, parent: ResourceId) -> list[dict[str, Any]]:
        """What is directly below *parent*, and kept here."""
        return [row for _, row in self._resources.below(f"{_KEPT}{parent.id}") if _parent_of(row) == parent.id.lower()]

    # Groups.

    def group(self, path: str) -> dict[str, Any] | None:
        """The resource group at *path*. Those of the local cloud's own resources stand."""
        found = self._resources.get(f"{_GROUPS}{path}")
        if found is not None or not self._is_group_of_fixture(path):
            return found
        return group_document(path, {"location": "westeurope"})

    def groups(self, subscription: str) -> list[dict[str, Any]]:
        made = [document for _, document in self._resources.below(f"{_GROUPS}{subscription}/resourcegroups")]
        names = {fixture.partition("/providers/")[0] for fixture in self._fixtures}
        fixed = [self.group(name) for name in sorted(names) if name.startswith(f"{subscription.lower()}/")]
        ids = {document["id"].lower() for document in made}
        return [*made, *(group for group in fixed if group is not None and group["id"].lower() not in ids)]

    def put_group(self, path: str, body: Mapping[str, Any]) -> bool:
        is_new = self.group(path) is None
        self._resources.put(f"{_GROUPS}{path}", group_document(path, body))
        return is_new

    def delete_group(self, path: str, principal: str) -> bool:
        """With everything in it. Raises 409 where a lock holds anything in it."""
        if self._is_group_of_fixture(path):
            raise Refusal(409, "ResourceGroupBeingUsed", f"{path} has resources that the local cloud consists of")
        self._locks.check("DELETE", path)
        for document in list(self.within(path)):
            resource = parse_id(document["id"])
            assert resource is not None
            self.delete(resource, principal)
        return self._resources.delete(f"{_GROUPS}{path}")

    def _is_group_of_fixture(self, path: str) -> bool:
        return any(fixture.startswith(f"{path.lower()}/") for fixture in self._fixtures)

    def _kind_of(self, resource: ResourceId, body: Mapping[str, Any] | None = None) -> Kind | None:
        """The service that keeps it, or would keep *body*; None for what is kept here."""
        kind = self._kinds.get(resource.type.lower())
        if kind is None:
            return None
        if body is None:
            return kind if self._resources.get(f"{_KEPT}{resource.id}") is None else None
        return kind if kind.serves(body, self._stands) else None

    def _parent(self, resource: ResourceId) -> Parent:
        return self._resources.get(f"{_KEPT}{resource.parent}") if resource.parent else None

    def _check_place(self, resource: ResourceId) -> None:
        """Raises 404 for a group, a parent or an extended resource that is not there."""
        if resource.group and self.group(resource.group) is None:
            name = resource.group.rpartition("/")[2]
            raise Refusal(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
        if resource.parent and not self._stands(resource.parent):
            message = (
                f"Failed to perform 'write' on resource of type '{resource.type}': {resource.parent} is not there."
            )
            raise Refusal(404, "ParentResourceNotFound", message)
        if "/providers/" in resource.scope and not self._stands(resource.scope):
            raise not_found(resource.scope)

    def _stands(self, path: str) -> bool:
        resource = parse_id(path)
        # The blob service of an account is there with it, whether or not somebody has sent its settings.
        is_default = path.lower().endswith("/blobservices/default")
        return self.is_fixture(path) or is_default or (resource is not None and self.find(resource) is not None)


def _parent_of(document: Mapping[str, Any]) -> str:
    resource = parse_id(document["id"])
    assert resource is not None
    return resource.parent.lower()


def group_document(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": path,
        "name": path.rpartition("/")[2],
        "type": "Microsoft.Resources/resourceGroups",
        "location": body.get("location"),
        "tags": body.get("tags") or {},
        "properties": {"provisioningState": "Succeeded"},
    }


def _sent(document: Mapping[str, Any]) -> dict[str, Any]:
    content = {name: value for name, value in document.items() if name not in _OWN}
    filled_in = _READ_ONLY.get(document["type"], ("provisioningState",))
    properties = {name: value for name, value in document["properties"].items() if name not in filled_in}
    return {**content, "properties": properties}


def _kept(path: str) -> ResourceId | None:
    return parse_id(path.removeprefix(_KEPT))
