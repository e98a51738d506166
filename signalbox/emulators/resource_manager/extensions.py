"""Types that other services keep, as parts of deployments: role assignments and locks. Locks have doors here too."""

from collections.abc import Mapping
from typing import Any

from signalbox.emulators.azure_ml.resource_manager import roles
from signalbox.emulators.azure_ml.resource_manager.locks import Locks, lock_document
from signalbox.emulators.resource_manager.resource_book import Parent, Stands
from signalbox.emulators.resource_manager.resource_ids import ResourceId
from signalbox.emulators.resource_manager.role_book import RoleBook
from signalbox.emulators.resource_manager.role_doors import read_row


class RoleAssignments:
    def __init__(self, book: RoleBook) -> None:
        self._book = book

    def serves(self, body: Mapping[str, Any], stands: Stands) -> bool:
        del body, stands
        return True

    async def put(self, resource: ResourceId, body: Mapping[str, Any], parent: Parent) -> bool:
        del parent
        return self._book.put(read_row(resource.scope, resource.name, dict(body.get("properties") or {})))

    def find(self, resource: ResourceId, parent: Parent) -> dict[str, Any] | None:
        del parent
        found = self._book.find(resource.scope, resource.name)
        return None if found is None else roles.assignment(found)

    def remove(self, resource: ResourceId, parent: Parent) -> bool:
        del parent
        return self._book.remove(resource.scope, resource.name) is not None


class ManagementLocks:
    def __init__(self, locks: Locks) -> None:
        self._locks = locks

    def serves(self, body: Mapping[str, Any], stands: Stands) -> bool:
        del body, stands
        return True

    async def put(self, resource: ResourceId, body: Mapping[str, Any], parent: Parent) -> bool:
        del parent
        is_new = self._locks.find(resource.scope, resource.name) is None
        self._locks.put(resource.scope, resource.name, dict(body.get("properties") or {}))
        return is_new

    def find(self, resource: ResourceId, parent: Parent) -> dict[str, Any] | None:
        del parent
        found = self._locks.find(resource.scope, resource.name)
        return None if found is None else lock_document(found)

    def remove(self, resource: ResourceId, parent: Parent) -> bool:
        del parent
        return self._locks.remove(resource.scope, resource.name)
