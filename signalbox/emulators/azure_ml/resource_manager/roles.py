"""Role assignments and role definitions, as Microsoft.Authorization shows them with API version 2022-04-01."""

from collections.abc import Mapping, Sequence
from typing import Any

PROVIDER = "Microsoft.Authorization"
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_LOGS = "Microsoft.OperationalInsights/workspaces"
_GRANTERS = ["Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"]

# By id: name, actions, actions taken away, data actions. https://learn.microsoft.com/azure/role-based-access-control
_BUILT_IN: Mapping[str, tuple[str, Sequence[str], Sequence[str], Sequence[str]]] = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": ("Owner", ["*"], [], []),
    "b24988ac-6180-42a0-ab88-20f7382dd24c": ("Contributor", ["*"], _GRANTERS, []),
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
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": (
        "Storage Blob Data Owner",
        [f"{_BLOBS}/*"],
        [],
        [f"{_BLOBS}/blobs/*"],
    ),
}


def assignments(roles: Sequence[Mapping[str, str]], scope: str) -> list[dict[str, Any]]:
    """Those of *roles* (`principal`, `kind`, `role` and `scope`) that count on *scope*, as the filter atScope() gives
    them: given there, or above. Raises LookupError for a role that is not built in."""
    below = f"{scope}/".lower()
    return [
        _assignment(number, role)
        for number, role in enumerate(roles, 1)
        if below.startswith(f"{role['scope'].rstrip('/')}/".lower())
    ]


def definition(identity: str) -> dict[str, Any] | None:
    """The built-in role with the id; None where there is none."""
    if identity not in _BUILT_IN:
        return None
    name, actions, not_actions, data_actions = _BUILT_IN[identity]
    permission = {"actions": actions, "notActions": not_actions, "dataActions": data_actions, "notDataActions": []}
    return {"roleName": name, "type": "BuiltInRole", "permissions": [permission], "assignableScopes": ["/"]}


def _assignment(number: int, role: Mapping[str, str]) -> dict[str, Any]:
    identity = next((identity for identity, row in _BUILT_IN.items() if row[0] == role["role"]), "")
    if not identity:
        raise LookupError(
            f"{role['role']!r} is no built-in role here: {', '.join(row[0] for row in _BUILT_IN.values())}"
        )
    name, subscription = f"00000000-0000-0000-0000-{number:012d}", "/".join(role["scope"].split("/")[:3])
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
