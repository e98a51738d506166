"""Resource Manager put together: its books, and its doors beside those of Azure ML, at the same address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.resource_manager.locks import Locks
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.resource_manager.admission import Admission
from signalbox.emulators.resource_manager.deployments import DeploymentDoors
from signalbox.emulators.resource_manager.extensions import ManagementLocks, RoleAssignments
from signalbox.emulators.resource_manager.resource_book import Kind, ResourceBook
from signalbox.emulators.resource_manager.resource_doors import ResourceDoors
from signalbox.emulators.resource_manager.role_doors import RoleDoors
from signalbox.emulators.resource_manager.stacks import StackDoors


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerOptions:
    """*fixtures* are ids of what the local cloud consists of; *kinds* are types that other services keep."""

    resources: Resources
    admission: Admission
    fixtures: Sequence[str] = ()
    kinds: Mapping[str, Kind] = field(default_factory=dict)


class ResourceManager:
    def __init__(self, options: ManagerOptions, locks: Locks) -> None:
        roles, admission = options.admission.book, options.admission
        kinds: dict[str, Kind] = {
            "Microsoft.Authorization/roleAssignments": RoleAssignments(roles),
            "Microsoft.Authorization/locks": ManagementLocks(locks),
            **options.kinds,
        }
        book = ResourceBook(options.resources, locks, kinds, options.fixtures)
        self._resources = ResourceDoors(book, admission)
        self._doors = (
            RoleDoors(roles, admission),
            DeploymentDoors(book, options.resources, admission),
            StackDoors(book, options.resources, admission),
            self._resources,
        )

    @property
    def middleware(self) -> Any:
        """It answers for what is kept here, ahead of every other door."""
        return self._resources.middleware

    def add_to(self, app: web.Application) -> None:
        for door in self._doors:
            door.add_to(app)
