"""Requests to the local Resource Manager, by the identity of the agent: IDENTITY_ENDPOINT gives its tokens."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPResponse
from typing import Any

IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
_VERSIONS = {"/deploymentStacks/": "2025-07-01", "/deployments/": "2026-06-01", f"/{IDENTITY}": "2024-11-30"}
_LONGEST_S = 60


class Refused(OSError):
    """Resource Manager has refused a request; the message is its code and its reason, as `az` prints them."""


def send(method: str, path: str, body: dict[str, Any] | None = None, **query: str) -> Any:
    """What it answers. Raises Refused."""
    with _open(method, path, body, query) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def follow(method: str, path: str, body: dict[str, Any]) -> Any:
    """What the operation that is started has come to: here it has ended when it is answered."""
    with _open(method, path, body, {}) as answer:
        place = answer.headers["Location"]
    with _call("GET", place, None) as answer:
        return json.load(answer)


def _open(method: str, path: str, body: dict[str, Any] | None, query: dict[str, str]) -> HTTPResponse:
    version = next(version for part, version in _VERSIONS.items() if part in path)
    words = urllib.parse.urlencode({"api-version": version, **query})
    return _call(method, f"{os.environ['SIGNALBOX_LOCAL_MANAGER']}{path}?{words}", body)


def _call(method: str, url: str, body: dict[str, Any] | None) -> HTTPResponse:
    headers = {"Authorization": f"Bearer {_token()}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        answer: HTTPResponse = urllib.request.urlopen(request, timeout=_LONGEST_S)
    except urllib.error.HTTPError as refusal:
        error = json.loads(refusal.read() or b"{}").get("error") or {}
        raise Refused(f"({error.get('code', refusal.code)}) {error.get('message', '')}") from refusal
    return answer


def _token() -> str:
    query = f"api-version=2019-08-01&resource=https://management.azure.com&client_id={os.environ['AZURE_CLIENT_ID']}"
    headers = {"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]}
    request = urllib.request.Request(f"{os.environ['IDENTITY_ENDPOINT']}?{query}", headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(json.load(answer)["access_token"])
