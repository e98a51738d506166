"""The roles of people go where the app looks for them too: to the emulated Resource Manager, where there is one.

SIGNALBOX_LOCAL_MANAGER is its address. The agent is an identity of its own, to which IDENTITY_ENDPOINT gives tokens.
"""

import json
import os
import urllib.error
import urllib.request
from typing import Any

_ASSIGNMENTS, _VERSION = "/providers/Microsoft.Authorization/roleAssignments/", "2022-04-01"


def give(resources: dict[str, Any]) -> None:
    """Each role of a group in *resources*. What an identity has is known only where identities are made."""
    for name, body in resources.items():
        if _ASSIGNMENTS in name and body["properties"]["principalType"] == "Group":
            _send("PUT", name, {"properties": body["properties"]})


def take_away(resource: str) -> None:
    if _ASSIGNMENTS in resource:
        _send("DELETE", resource)


def _send(method: str, path: str, body: dict[str, Any] | None = None) -> None:
    manager = os.environ.get("SIGNALBOX_LOCAL_MANAGER")
    if not manager:
        return
    headers = {"Authorization": f"Bearer {_token()}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{manager}{path}?api-version={_VERSION}", data, headers, method=method)
    try:
        urllib.request.urlopen(request, timeout=30).close()
    except urllib.error.HTTPError as refusal:
        raise OSError(f"{method} {path}: {refusal.code} {refusal.read().decode(errors='replace')}") from refusal


def _token() -> str:
    query = f"api-version=2019-08-01&resource=https://management.azure.com&client_id={os.environ['AZURE_CLIENT_ID']}"
    headers = {"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]}
    request = urllib.request.Request(f"{os.environ['IDENTITY_ENDPOINT']}?{query}", headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(json.load(answer)["access_token"])
