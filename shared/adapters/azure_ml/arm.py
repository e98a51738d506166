"""Azure ML through Azure Resource Manager: one pipeline for its resources, in workspaces and in registries.

Contracts: https://learn.microsoft.com/rest/api/azureml. POST is never retried blindly; who calls looks first.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias
from urllib.parse import quote

from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.pipeline.policies import (
    BearerTokenCredentialPolicy,
    ContentDecodePolicy,
    CustomHookPolicy,
    RetryPolicy,
    UserAgentPolicy,
)
from azure.core.rest import HttpRequest, HttpResponse

from shared.adapters.allowed_hosts import refuse_other_host
from shared.adapters.azure_faults import failure, translated
from shared.adapters.trace_headers import TraceHeaders
from shared.domain.failures import Refused, Transient
from shared.domain.inference.routes import Workspace
from shared.ports import Place

_API = "2024-10-01"
Pipeline: TypeAlias = PipelineClient[HttpRequest, HttpResponse]
_RETRIES = {"GET": 3}  # By method; anything else is sent once.
_PROVIDER = "providers/Microsoft.MachineLearningServices"
_SETTLING, _FAILED = frozenset({"Creating", "Updating", "Deleting"}), frozenset({"Failed", "Canceled"})
_SERVICES_OWN = frozenset(
    {"provisioningState", "scoringUri", "swaggerUri", "keys"}
)  # In a resource, and never written.
_DOCUMENT = ("location", "tags", "kind", "sku")


class Arm:
    """Sends to *resource_manager* only."""

    def __init__(self, credential: TokenCredential, resource_manager: str) -> None:
        self._pipeline = pipeline(resource_manager, credential, f"{resource_manager}/.default")
        self._base = resource_manager

    def get(self, path: str, action: str) -> dict[str, Any] | None:
        """The resource at *path*, None where there is none."""
        answer = self._send(HttpRequest("GET", self._url(path)), action, accept=(200, 404))
        return None if answer.status_code == 404 else dict(answer.json())

    def list(self, path: str, action: str) -> Iterator[dict[str, Any]]:
        """Every page; nothing where the collection is not there."""
        url: str | None = self._url(path)
        while url:
            refuse_other_host(url, self._base, "nextLink")
            answer = self._send(HttpRequest("GET", url), action, accept=(200, 404))
            page = answer.json() if answer.status_code == 200 else {}
            yield from page.get("value", ())
            url = page.get("nextLink")

    def put(self, path: str, body: dict[str, Any], action: str) -> dict[str, Any]:
        request = HttpRequest("PUT", self._url(path), json=body)
        response = self._send(request, action, accept=(200, 201, 202))
        return dict(response.json()) if response.content else {}

    def change(self, path: str, raw: dict[str, Any], properties: dict[str, Any], action: str) -> None:
        """Set *properties* of the resource that was read as *raw*, and leave all else as it was. Safe to repeat.

        A PUT resets what it leaves out, so everything that can be written is written back. These resources have no
        eTags, so the outcome is read again and compared. Raises Transient until the resource has settled, which its
        caller's retries wait for, and Refused where it came out otherwise.
        """
        if _state(raw) in _SETTLING:
            raise Transient(f"{action}: the resource is {_state(raw)}; try again when that has ended")
        if all(_same(value, raw["properties"].get(name)) for name, value in properties.items()):
            return
        body = writable_body(raw, properties)
        answer = self.put(path, body, action)
        if _state(answer) not in _SETTLING:
            answer = self.get(path, action) or {"properties": {}}
        wanted_values, actual_values = body["properties"], answer["properties"]
        differences = [name for name in wanted_values if not _same(wanted_values[name], actual_values.get(name))]
        if differences or _state(answer) == "Failed":
            reason = ", ".join(differences) or "its state is Failed"
            raise Refused(
                f"{action}: it came out otherwise than it was written ({reason}); look at {path} and try again"
            )
        if _state(answer) in _SETTLING:
            raise Transient(f"{action}: it has begun and has not settled yet")

    def post(self, path: str, body: dict[str, Any], action: str, accept: tuple[int, ...] = (200, 202)) -> Any:
        answer = self._send(HttpRequest("POST", self._url(path), json=body), action, accept)
        return answer.json() if answer.status_code == 200 and answer.content else None

    def delete(self, path: str, action: str) -> None:
        """Safe to repeat: what is gone is gone."""
        self._send(HttpRequest("DELETE", self._url(path)), action, accept=(200, 202, 204, 404))

    def _url(self, path: str) -> str:
        return f"{self._base}{path}{'&' if '?' in path else '?'}api-version={_API}"

    def _send(self, request: HttpRequest, action: str, accept: tuple[int, ...]) -> HttpResponse:
        return send(self._pipeline, request, action, accept)


def writable_body(raw: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    """What a PUT may carry of the resource that a GET gave as *raw*, with *properties* in place of its own."""
    body = {name: raw[name] for name in _DOCUMENT if raw.get(name) is not None}
    if raw.get("identity"):
        body["identity"] = _identity(raw["identity"])
    own = {name: value for name, value in raw["properties"].items() if name not in _SERVICES_OWN and value is not None}
    return body | {"properties": own | properties}


def _identity(raw: dict[str, Any]) -> dict[str, Any]:
    """Without the ids of the principals, which are the service's own."""
    identity: dict[str, Any] = {"type": raw.get("type", "None")}
    if identities := raw.get("userAssignedIdentities"):
        identity["userAssignedIdentities"] = {name: {} for name in identities}
    return identity


def is_made(raw: dict[str, Any]) -> bool:
    """Whether the resource *raw* exists: one that is still being created does not, nor one that could not be."""
    return _state(raw) not in {"Creating", *_FAILED}


def require_made(raw: dict[str, Any] | None, action: str) -> None:
    """Raises Transient until the resource *raw* is made, and Refused where making it has failed.

    What is created as a long operation, as every asset of a registry is, shows up later than the answer to its PUT.
    """
    state = "Creating" if raw is None else _state(raw)
    if state in _SETTLING:
        raise Transient(f"{action}: it has begun and has not settled yet")
    if state in _FAILED:
        raise Refused(f"{action}: it ended as {state}; look at it in Azure ML, delete it there and try again")


def _state(raw: dict[str, Any]) -> str:
    return str(raw["properties"].get("provisioningState") or "")


def _same(first: Any, second: Any) -> bool:
    """Whether both values mean the same: null, an empty map and shares of nought are one."""
    if isinstance(first, dict) and isinstance(second, dict | None):
        names = {*first, *(second or {})}
        return all(_same(first.get(name), (second or {}).get(name)) for name in names)
    return first == second or (not first and not second)


def place_path(place: Place) -> str:
    """The ARM id of a workspace or a registry."""
    root = f"/subscriptions/{quote(place.subscription)}/resourceGroups/{quote(place.resource_group)}/{_PROVIDER}"
    if isinstance(place, Workspace):
        return f"{root}/workspaces/{quote(place.workspace)}"
    return f"{root}/registries/{quote(place.name)}"


def send(client: Pipeline, request: HttpRequest, action: str, accept: tuple[int, ...] = (200,)) -> HttpResponse:
    """The answer, if its status is one of *accept*. Raises Refused and Transient.

    A 401 is a token that expired on the way: nothing was done, the policy has dropped it, and another may be accepted.
    """
    with translated(action):
        answer: HttpResponse = client.send_request(request, retry_total=_RETRIES.get(request.method, 0))
        if answer.status_code == 401:
            answer = client.send_request(request, retry_total=0)
    if answer.status_code not in accept:
        raise failure(action, answer.status_code, answer.text()[:300], answer.headers.get("Retry-After", ""))
    return answer


def pipeline(base: str, credential: TokenCredential, scope: str) -> Pipeline:
    """A pipeline without blind retries of what writes."""
    policies = [
        UserAgentPolicy("signalbox"),
        TraceHeaders(),
        CustomHookPolicy(),
        RetryPolicy(),
        BearerTokenCredentialPolicy(credential, scope),
        ContentDecodePolicy(),
    ]
    return PipelineClient(base, policies=policies)
