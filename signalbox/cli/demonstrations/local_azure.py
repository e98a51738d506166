"""The Azure of one machine as people and pipelines of a demonstration meet it: its Resource Manager, over HTTP."""

from collections.abc import Iterable, Mapping
from typing import Any

import requests

from signalbox.launcher.endpoints import SUBSCRIPTION, Endpoints
from signalbox.launcher.people import USER_ASSIGNED

_SCOPE = f"/subscriptions/{SUBSCRIPTION}"
_VERSIONS = {
    "deploymentStacks": "2025-07-01",
    "vaults": "2025-05-01",
    "storageAccounts": "2025-08-01",
    "userAssignedIdentities": "2024-11-30",
}


class LocalAzure:
    """Everything is done by the pipelines' own identity, which has what docs/deploy.md gives to the one that writes."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self.variables = {
            "SIGNALBOX_LOCAL_MANAGER": endpoints.resource_manager,
            "SIGNALBOX_LOCAL_SUBSCRIPTION": SUBSCRIPTION,
            "SSL_CERT_FILE": str(endpoints.ca),
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{endpoints.identity}/msi/token",
            "IDENTITY_HEADER": endpoints.identity_secret,
            "AZURE_CLIENT_ID": USER_ASSIGNED["client_id"],
        }

    def begin(self, installation: Mapping[str, Any], identities: Iterable[str]) -> None:
        """What docs/deploy.md lets people make by hand: groups, the vault of signing keys, deployment identities."""
        location = {"location": installation["location"]}
        home = f"{_SCOPE}/resourceGroups/{installation['resourceGroup']}"
        for group in (home, f"{_SCOPE}/resourceGroups/rg-identities"):
            self._send("PUT", group, location)
        platform = installation["platform"]
        vault = f"{home}/providers/Microsoft.KeyVault/vaults/{platform['signingVault']}"
        self._send("PUT", vault, {**location, "properties": {}})
        for row in platform["signingKeys"]:
            self._send("PUT", f"{vault}/keys/{row['key']}", {"properties": {"kty": "EC"}})
        kind = "Microsoft.ManagedIdentity/userAssignedIdentities"
        for number, client in enumerate(identities):
            place = f"{_SCOPE}/resourceGroups/rg-identities/providers/{kind}/id-{number}"
            self._send("PUT", place, {**location, "properties": {"clientId": client}})

    def stacks(self) -> list[dict[str, Any]]:
        """Every deployment stack, by its name."""
        groups = [group["id"] for group in self._send("GET", f"{_SCOPE}/resourceGroups")["value"]]
        places = [f"{group}/providers/Microsoft.Resources/deploymentStacks" for group in groups]
        stacks = [dict(stack) for place in places for stack in self._send("GET", place)["value"]]
        return sorted(stacks, key=lambda stack: str(stack["name"]))

    def state(self) -> list[str]:
        """What stands, to compare: the resources of every group and of every stack, and the plan of each stack."""
        groups = [group["id"] for group in self._send("GET", f"{_SCOPE}/resourceGroups")["value"]]
        rows = [str(row) for group in groups for row in self._send("GET", f"{group}/resources")["value"]]
        managed = [row["id"] for stack in self.stacks() for row in stack["properties"]["resources"]]
        return sorted({*rows, *managed, *(stack["properties"]["description"] for stack in self.stacks())})

    def open_account(self, group: str) -> str:
        """Let keys open the storage account in *group*, as somebody does who is in a hurry; the account's name."""
        rows = self._send("GET", f"{_SCOPE}/resourceGroups/{group}/resources")["value"]
        (account,) = (row for row in rows if row["type"] == "Microsoft.Storage/storageAccounts")
        self._send("PATCH", account["id"], {"properties": {"allowSharedKeyAccess": True}})
        return str(account["name"])

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        version = next((version for part, version in _VERSIONS.items() if f"/{part}" in path), "2025-04-01")
        query = {"resource": "https://management.azure.com", "client_id": USER_ASSIGNED["client_id"]}
        headers = {"X-IDENTITY-HEADER": self._endpoints.identity_secret}
        tokens = requests.get(
            self.variables["IDENTITY_ENDPOINT"],
            params={"api-version": "2019-08-01", **query},
            headers=headers,
            timeout=30,
        )
        tokens.raise_for_status()
        answer = requests.request(
            method,
            f"{self._endpoints.resource_manager}{path}",
            params={"api-version": version},
            json=body,
            headers={"Authorization": f"Bearer {tokens.json()['access_token']}"},
            verify=str(self._endpoints.ca),
            timeout=30,
        )
        answer.raise_for_status()
        return answer.json()
