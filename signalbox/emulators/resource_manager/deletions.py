"""Vaults and workspaces are deleted softly: their name stays taken until they are recovered or purged.

Contract: Microsoft.KeyVault/deletedVaults 2025-05-01; Azure ML's `forceToPurge`. Nothing here is purged by time.
"""

from collections.abc import Mapping
from typing import Any

from signalbox.emulators.azure_ml.doors import Refusal
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.resource_manager.resource_ids import ResourceId

VAULTS, WORKSPACES = "Microsoft.KeyVault/vaults", "Microsoft.MachineLearningServices/workspaces"
_PLACE = "/deleted"


class SoftDeletions:
    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def keep(self, resource: ResourceId, document: Mapping[str, Any], below: Mapping[str, Any]) -> None:
        """What is deleted, with what lay below it; nothing of types that are gone at once."""
        if resource.type.lower() not in (VAULTS.lower(), WORKSPACES.lower()):
            return
        self._resources.put(_path(resource), {"document": dict(document), "below": dict(below)})

    def find_vault(self, name: str) -> dict[str, Any] | None:
        """As Azure shows a vault that is deleted."""
        kept = self._resources.get(f"{_PLACE}/vaults/{name}")
        if kept is None:
            return None
        document = kept["document"]
        subscription, location = "/".join(document["id"].split("/")[:3]), document.get("location")
        return {
            "id": f"{subscription}/providers/Microsoft.KeyVault/locations/{location}/deletedVaults/{name}",
            "name": name,
            "type": "Microsoft.KeyVault/deletedVaults",
            "properties": {
                "vaultId": document["id"],
                "location": location,
                "purgeProtectionEnabled": bool(document["properties"].get("enablePurgeProtection")),
            },
        }

    def vaults(self) -> list[dict[str, Any]]:
        names = [kept["document"]["name"] for _, kept in self._resources.below(f"{_PLACE}/vaults")]
        return [found for name in names if (found := self.find_vault(name)) is not None]

    def purge_vault(self, name: str) -> bool:
        """False where none is deleted. Raises 405 for a vault that is protected from it."""
        found = self.find_vault(name)
        if found is not None and found["properties"]["purgeProtectionEnabled"]:
            message = 'Operation "DeletedVaultPurge" is not allowed because purge protection is enabled for this vault.'
            raise Refusal(405, "MethodNotAllowed", message)
        return self._resources.delete(f"{_PLACE}/vaults/{name}")

    def purge(self, resource: ResourceId) -> bool:
        """A workspace that was deleted before; False where there is none."""
        return resource.type.lower() == WORKSPACES.lower() and self._resources.delete(_path(resource))

    def recovers(self, resource: ResourceId, body: Mapping[str, Any]) -> bool:
        """Whether *body* asks for what is deleted. Raises 409 where it wants something new of a name that is taken."""
        mode = (body.get("properties") or {}).get("createMode", "default")
        is_there = self._resources.get(_path(resource)) is not None
        if resource.type.lower() == VAULTS.lower():
            if is_there and mode != "recover":
                message = "A vault with the same name already exists in deleted state."
                raise Refusal(
                    409, "ConflictError", f"{message} You need to either recover or purge existing key vault."
                )
            if not is_there and mode == "recover":
                raise Refusal(404, "VaultNotFound", f"There is no deleted vault {resource.name}.")
            return is_there
        if is_there:
            message = "Soft-deleted workspace exists. Please purge or recover it."
            raise Refusal(409, "Conflict", f"{message} https://aka.ms/wsoftdelete")
        return False

    def take_back(self, resource: ResourceId) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """A vault as it was deleted, and by path what lay below it; it is not deleted any more."""
        kept = self._resources.get(_path(resource))
        assert kept is not None
        self._resources.delete(_path(resource))
        return dict(kept["document"]), dict(kept["below"])


def _path(resource: ResourceId) -> str:
    """Names of vaults are taken everywhere, and those of workspaces in their group."""
    is_vault = resource.type.lower() == VAULTS.lower()
    return f"{_PLACE}/vaults/{resource.name}" if is_vault else f"{_PLACE}/others{resource.id}"
