"""Role assignments and role definitions, as Microsoft.Authorization shows them with API version 2022-04-01."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

PROVIDER = "Microsoft.Authorization"
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_LOGS = "Microsoft.OperationalInsights/workspaces"
_ML = "Microsoft.MachineLearningServices/workspaces"
_BUS, _VAULTS = "Microsoft.ServiceBus", "Microsoft.KeyVault/vaults"
_ACCOUNTS, _STACKS = "Microsoft.Storage/storageAccounts", "Microsoft.Resources/deploymentStacks"
_GRANTERS = ["Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"]
_BUS_READS = [f"{_BUS}/*/{kind}/read" for kind in ("queues", "topics", "topics/subscriptions")]

# By id: name, actions, actions taken away, data actions. https://learn.microsoft.com/azure/role-based-access-control
_BUILT_IN: Mapping[str, tuple[str, Sequence[str], Sequence[str], Sequence[str]]] = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": ("Owner", ["*"], [], []),
    "b24988ac-6180-42a0-ab88-20f7382dd24c": (
        "Contributor",
        ["*"],
        [*_GRANTERS, f"{_STACKS}/manageDenySetting/action"],
        [],
    ),
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": ("Reader", ["*/read"], [], []),
    "43d0d8ad-25c7-4714-9337-8eba259f7c42": ("Monitoring Reader", ["*/read", f"{_LOGS}/search/action"], [], []),
    "749f88d5-cbae-40b8-bcfc-e573ddc772fa": (
        "Monitoring Contributor",
        ["*/read", "Microsoft.AlertsManagement/alerts/*", "Microsoft.Insights/*", f"{_LOGS}/search/action"],
        [],
        [],
    ),
    "73c42c96-874c-492b-b04d-ab87d138a893": (
        "Log Analytics Reader",
        ["*/read", f"{_LOGS}/analytics/query/action", f"{_LOGS}/search/action"],
        [f"{_LOGS}/sharedKeys/read"],
        [],
    ),
    "17d1049b-9a84-46fb-8f53-869881c3d3ab": (
        "Storage Account Contributor",
        ["Microsoft.Storage/storageAccounts/*"],
        [],
        [],
    ),
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": (
        "Storage Blob Data Reader",
        [f"{_BLOBS}/read"],
        [],
        [f"{_BLOBS}/blobs/read"],
    ),
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": (
        "Storage Blob Data Contributor",
        [f"{_BLOBS}/{verb}" for verb in ("read", "write", "delete")],
        [],
        [f"{_BLOBS}/blobs/{verb}" for verb in ("read", "write", "delete", "move/action", "add/action")],
    ),
    "f6c7c914-8db3-469d-8ca1-694a8f32e121": (
        "AzureML Data Scientist",
        [f"{_ML}/*/{verb}" for verb in ("read", "action", "delete", "write")],
        [
            f"{_ML}/delete",
            f"{_ML}/write",
            f"{_ML}/computes/*/write",
            f"{_ML}/computes/*/delete",
            f"{_ML}/computes/listKeys/action",
            f"{_ML}/listKeys/action",
        ],
        [],
    ),
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": (
        "Role Based Access Control Administrator",
        [f"{PROVIDER}/roleAssignments/write", f"{PROVIDER}/roleAssignments/delete", "*/read"],
        [],
        [],
    ),
    "090c5cfd-751d-490a-894a-3ce6f1109419": (
        "Azure Service Bus Data Owner",
        ["Microsoft.ServiceBus/*"],
        [],
        ["Microsoft.ServiceBus/*"],
    ),
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": (
        "Storage Blob Data Owner",
        [f"{_BLOBS}/*"],
        [],
        [f"{_BLOBS}/blobs/*"],
    ),
    "adb29209-aa1d-457b-a786-c913953d2891": (
        "Azure Deployment Stack Owner",
        [f"{_STACKS}/*", "Microsoft.Resources/deployments/*", "*/read"],
        [],
        [],
    ),
    "28bf596f-4eb7-45ce-b5bc-6cf482fec137": ("Locks Contributor", ["Microsoft.Authorization/locks/*"], [], []),
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": (
        "Storage Queue Data Contributor",
        [f"{_ACCOUNTS}/queueServices/queues/{verb}" for verb in ("read", "write", "delete")],
        [],
        [f"{_ACCOUNTS}/queueServices/queues/messages/{verb}" for verb in ("read", "write", "delete", "process/action")],
    ),
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": (
        "Storage Table Data Contributor",
        [f"{_ACCOUNTS}/tableServices/tables/{verb}" for verb in ("read", "write", "delete")],
        [],
        [f"{_ACCOUNTS}/tableServices/tables/entities/*"],
    ),
    "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39": (
        "Azure Service Bus Data Sender",
        _BUS_READS,
        [],
        [f"{_BUS}/*/send/action"],
    ),
    "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0": (
        "Azure Service Bus Data Receiver",
        _BUS_READS,
        [],
        [f"{_BUS}/*/receive/action"],
    ),
    "12338af0-0e69-4776-bea7-57ae8d297424": (
        "Key Vault Crypto User",
        [],
        [],
        [f"{_VAULTS}/keys/read", f"{_VAULTS}/keys/sign/action", f"{_VAULTS}/keys/verify/action"],
    ),
    "4633458b-17de-408a-b874-0445c86b69e6": (
        "Key Vault Secrets User",
        [],
        [],
        [f"{_VAULTS}/secrets/getSecret/action", f"{_VAULTS}/secrets/readMetadata/action"],
    ),
    "3913510d-42f4-4e42-8a64-420c390055eb": (
        "Monitoring Metrics Publisher",
        ["Microsoft.Insights/Register/Action", "Microsoft.Resources/subscriptions/resourceGroups/read"],
        [],
        ["Microsoft.Insights/Metrics/Write", "Microsoft.Insights/Telemetry/Write"],
    ),
    "d5a91429-5739-47e2-a06b-3470a27159e7": (
        "EventGrid Data Sender",
        ["Microsoft.EventGrid/topics/read", "Microsoft.EventGrid/domains/read"],
        [],
        ["Microsoft.EventGrid/events/send/action"],
    ),
    "1823dd4f-9b8c-4ab6-ab4e-7397a3684615": (
        "AzureML Registry User",
        [
            "Microsoft.MachineLearningServices/registries/read",
            "Microsoft.MachineLearningServices/registries/assets/*",
        ],
        [],
        [],
    ),
}


def assignments(roles: Iterable[Mapping[str, str]], scope: str) -> list[dict[str, Any]]:
    """Those of *roles* (`principal`, `kind`, `role` and `scope`) that count on *scope*, as the filter atScope() gives
    them: given there, or above. Raises LookupError for a role that is not built in."""
    below = f"{scope}/".lower()
    return [
        assignment(role, number)
        for number, role in enumerate(roles, 1)
        if below.startswith(f"{role['scope'].rstrip('/')}/".lower())
    ]


def name_of(identity: str) -> str:
    """The name of the built-in role with the id; empty where there is none."""
    return _BUILT_IN[identity][0] if identity in _BUILT_IN else ""


def permission(role: str) -> dict[str, list[str]]:
    """What the built-in role called *role* allows. Raises LookupError where there is none."""
    _, actions, not_actions, data_actions = _BUILT_IN[_identity(role)]
    parts = {"actions": actions, "notActions": not_actions, "dataActions": data_actions, "notDataActions": []}
    return {name: list(patterns) for name, patterns in parts.items()}


def definition(identity: str) -> dict[str, Any] | None:
    """The built-in role with the id; None where there is none."""
    if identity not in _BUILT_IN:
        return None
    name = _BUILT_IN[identity][0]
    return {
        "roleName": name,
        "type": "BuiltInRole",
        "permissions": [permission(name)],
        "assignableScopes": ["/"],
    }


def assignment(role: Mapping[str, str], number: int = 0) -> dict[str, Any]:
    """One of them as the service shows it. Those of the settings have no name, and get one by their *number*."""
    identity = _identity(role["role"])
    name = role.get("name") or f"00000000-0000-0000-0000-{number:012d}"
    subscription = "/".join(role["scope"].split("/")[:3])
    return {
        "id": f"{role['scope']}/providers/{PROVIDER}/roleAssignments/{name}",
        "name": name,
        "type": f"{PROVIDER}/roleAssignments",
        "properties": {
            "roleDefinitionId": f"{subscription}/providers/{PROVIDER}/roleDefinitions/{identity}",
            "principalId": role["principal"],
            "principalType": role["kind"],
            "scope": role["scope"],
        },
    }


def _identity(role: str) -> str:
    identity = next((identity for identity, row in _BUILT_IN.items() if row[0] == role), "")
    if not identity:
        names = ", ".join(row[0] for row in _BUILT_IN.values())
        raise LookupError(f"{role!r} is no built-in role here: {names}")
    return identity
