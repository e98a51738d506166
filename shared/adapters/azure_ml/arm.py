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
_SERVICES_NOTE = "AzureAsyncOperationUri"  # Of the last operation, among the properties that are the writer's own.
_DOCUMENT = ("location", "tags", "kind", "sku")


class Arm:
    """Sends to *resource_manager* only."""

    def __init__(self, credential: TokenCredential, resource_manager: str) -> None:
        self._pipeline = pipeline(resource_manager, credential, f"{resource_manager}/.default")
        self._base = resource_manager

    def get(self, path: str, action: str, api_version: str = _API) -> dict[str, Any] | None:
        """The resource at *path*, None where there is none."""
        answer = self._send(HttpRequest("GET", self._url(path, api_version)), action, accept=(200, 404))
        return None if answer.status_code == 404 else dict(answer.json())

    def list(self, path: str, action: str) -> Iterator[dict[str, Any]]:
        """Every page; nothing where the collection is not there."""
        url: str | None = self._url(path)
        while url:
            # The address of the next page comes from an answer, and the token goes where it points.
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
        """`advance_change` for changes that last seconds. Raises Transient until the resource has settled, which its
        caller's retries wait for.
        """
        if not is_settled(raw):
            raise Transient(f"{action}: the resource is {_state(raw)}; try again when that has ended")
        if not self.advance_change(path, raw, properties, action):
            raise Transient(f"{action}: it has begun and has not settled yet")

    def advance_change(self, path: str, raw: dict[str, Any], properties: dict[str, Any], action: str) -> bool:
        """Set *properties* of the resource that was read as *raw* and nothing else. True once a read shows them.

        A PUT resets what it leaves out, so everything that can be written is written back. These resources have no
        eTags, so the outcome is read again and compared: a PUT that was cancelled, lost or overwritten is sent again by
        the next call. Raises Refused where the PUT failed, or where it changed something else.
        """
        if not is_settled(raw):
            return False
        if _all_same(properties, raw["properties"]):
            return True
        body = writable_body(raw, properties)
        answer = self.put(path, body, action)
        if is_settled(answer):
            answer = self.get(path, action) or {"properties": {}}
        # Until it has settled, a resource may show the old value of what is changed, and some time longer on Azure
        # (https://github.com/Azure/azure-dev/pull/3881). Everything else must never change.
        others = {name: value for name, value in body["properties"].items() if name not in properties}
        differences = [name for name in others if not _all_same({name: others[name]}, answer["properties"])]
        if differences or _state(answer) == "Failed":
            reason = ", ".join(differences) or "its state is Failed"
            raise Refused(
                f"{action}: it came out otherwise than it was written ({reason}); look at {path} and try again"
            )
        return is_settled(answer) and _all_same(properties, answer["properties"])

    def post(self, path: str, body: dict[str, Any], action: str, accept: tuple[int, ...] = (200, 202)) -> Any:
        answer = self._send(HttpRequest("POST", self._url(path), json=body), action, accept)
        return answer.json() if answer.status_code == 200 and answer.content else None

    def delete(self, path: str, action: str) -> None:
        """Safe to repeat: what is gone is gone."""
        self._send(HttpRequest("DELETE", self._url(path)), action, accept=(200, 202, 204, 404))

    def _url(self, path: str, api_version: str = _API) -> str:
        return f"{self._base}{path}{'&' if '?' in path else '?'}api-version={api_version}"

    def _send(self, request: HttpRequest, action: str, accept: tuple[int, ...]) -> HttpResponse:
        return send(self._pipeline, request, action, accept)


def writable_body(raw: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    """What a PUT may carry of the resource that a GET gave as *raw*, with *properties* in place of its own."""
    body = {name: raw[name] for name in _DOCUMENT if raw.get(name) is not None}
    if raw.get("identity"):
        body["identity"] = _identity(raw["identity"])
    # Null is left out: a GET has it for what is not set, and in a PUT it says something (a null `dataCollector`
    # switches collection off).
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


def is_settled(raw: dict[str, Any]) -> bool:
    """Whether no operation on the resource *raw* is under way."""
    return _state(raw) not in _SETTLING


def _all_same(values: dict[str, Any], properties: dict[str, Any]) -> bool:
    return all(_same(value, properties.get(name)) for name, value in values.items())


def _same(first: Any, second: Any) -> bool:
    """Whether both values mean the same: null, an empty map and shares of nought are one."""
    if isinstance(first, dict) and isinstance(second, dict | None):
        names = {*first, *(second or {})} - {_SERVICES_NOTE}
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
