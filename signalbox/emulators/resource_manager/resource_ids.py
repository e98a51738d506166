"""Ids of resources taken apart, and the types and API versions that are kept here. Other types have no door."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from signalbox.emulators.azure_ml.doors import Refusal

# Those of the templates of this repository; every version was looked up in the published types.
_VERSIONS: Mapping[str, tuple[str, ...]] = {
    "Microsoft.Authorization/locks": ("2020-05-01",),
    "Microsoft.Authorization/roleAssignments": ("2022-04-01",),
    "Microsoft.Communication/communicationServices": ("2023-04-01",),
    "Microsoft.Communication/emailServices": ("2023-04-01",),
    "Microsoft.Consumption/budgets": ("2024-08-01",),
    "Microsoft.DurableTask/schedulers": ("2026-02-01",),
    "Microsoft.EventGrid": ("2022-06-15", "2025-02-15"),
    "Microsoft.Insights/actionGroups": ("2023-01-01",),
    "Microsoft.Insights/components": ("2020-02-02",),
    "Microsoft.Insights/diagnosticSettings": ("2021-05-01-preview",),
    "Microsoft.Insights/scheduledQueryRules": ("2023-12-01",),
    "Microsoft.Insights/workbooks": ("2023-06-01",),
    "Microsoft.KeyVault/vaults": ("2025-05-01", "2026-02-01"),
    "Microsoft.MachineLearningServices/registries": ("2026-03-01", "2026-05-01"),
    "Microsoft.MachineLearningServices/workspaces": ("2026-03-01", "2026-05-01"),
    "Microsoft.ManagedIdentity/userAssignedIdentities": ("2024-11-30",),
    "Microsoft.Network/privateDnsZones": ("2024-06-01",),
    "Microsoft.Network": ("2025-05-01", "2025-07-01", "2025-09-01"),
    "Microsoft.OperationalInsights/workspaces": ("2025-07-01", "2026-03-01"),
    "Microsoft.ServiceBus/namespaces": ("2024-01-01", "2026-01-01"),
    "Microsoft.Storage/storageAccounts": ("2025-08-01", "2026-04-01"),
    "Microsoft.Web/serverfarms": ("2024-11-01", "2025-03-01"),
    "Microsoft.Web/sites": ("2024-11-01", "2025-03-01"),
}
_PROVIDERS = "/providers/"
_GROUP = re.compile(r"(/subscriptions/[^/]+/resourcegroups/[^/]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceId:
    """*scope* is the id before the last provider: a group, or the resource that this one extends."""

    id: str
    type: str
    name: str
    scope: str

    @property
    def group(self) -> str:
        found = _GROUP.match(self.id)
        return found.group(1) if found else ""

    @property
    def parent(self) -> str:
        """The id of the resource that this one is a child of; empty where it is none's."""
        return self.id.rsplit("/", 2)[0] if self.type.count("/") > 1 else ""

    @property
    def is_known(self) -> bool:
        return bool(versions_of(self.type))


def parse_id(path: str) -> ResourceId | None:
    """None where *path* names no single resource."""
    whole = f"/{path.strip('/')}"  # Some clients put a slash before an id that begins with one.
    start = whole.lower().rfind(_PROVIDERS)
    scope, parts = whole[: max(start, 0)], whole[start + len(_PROVIDERS) :].split("/")
    if not scope.lower().startswith("/subscriptions/") or len(parts) < 3 or len(parts) % 2 == 0:
        return None
    kind = "/".join((parts[0], *parts[1::2]))
    return ResourceId(id=whole, type=kind, name=parts[-1], scope=scope)


def versions_of(kind: str) -> tuple[str, ...]:
    """The API versions of a type, which are those of its nearest parent that has a row; none for an unknown type."""
    lowered = kind.lower()
    rows = [name for name in _VERSIONS if lowered == name.lower() or lowered.startswith(f"{name.lower()}/")]
    return _VERSIONS[max(rows, key=len)] if rows else ()


def check_version(kind: str, version: str) -> None:
    """Raises 400 where *kind* has no such version."""
    if version not in versions_of(kind):
        known = ", ".join(versions_of(kind))
        message = f"No registered resource provider found for API version '{version}' for type '{kind}'."
        raise Refusal(400, "NoRegisteredProviderFound", f"{message} The supported api-versions are '{known}'.")
