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
from shared.domain.routes import Workspace
from shared.ports import Place

_API = "2024-10-01"
Pipeline: TypeAlias = PipelineClient[HttpRequest, HttpResponse]
_RETRIES = {"GET": 3}  # By method; anything else is sent once.
_PROVIDER = "providers/Microsoft.MachineLearningServices"


class Arm:
    """Sends to *resource_manager* only."""

    def __init__(self, credential: TokenCredential, resource_manager: str) -> None:
        self._pipeline = pipeline(resource_manager, credential, f"{resource_manager}/.default")
        self._base = resource_manager

    def get(self, path: str, what: str) -> dict[str, Any] | None:
        """The resource at *path*, None where there is none."""
        answer = self._send(HttpRequest("GET", self._url(path)), what, accept=(200, 404))
        return None if answer.status_code == 404 else dict(answer.json())

    def list(self, path: str, what: str) -> Iterator[dict[str, Any]]:
        """Every page; nothing where the collection is not there."""
        url: str | None = self._url(path)
        while url:
            refuse_other_host(url, self._base, "nextLink")
            answer = self._send(HttpRequest("GET", url), what, accept=(200, 404))
            page = answer.json() if answer.status_code == 200 else {}
            yield from page.get("value", ())
            url = page.get("nextLink")

    def put(self, path: str, body: dict[str, Any], what: str) -> dict[str, Any]:
        request = HttpRequest("PUT", self._url(path), json=body)
        return dict(self._send(request, what, accept=(200, 201, 202)).json() or {})

    def patch(self, path: str, body: dict[str, Any], what: str) -> None:
        self._send(HttpRequest("PATCH", self._url(path), json=body), what, accept=(200, 202))

    def post(self, path: str, body: dict[str, Any], what: str, accept: tuple[int, ...] = (200, 202)) -> Any:
        answer = self._send(HttpRequest("POST", self._url(path), json=body), what, accept)
        return answer.json() if answer.status_code == 200 and answer.content else None

    def delete(self, path: str, what: str) -> None:
        """Safe to repeat: what is gone is gone."""
        self._send(HttpRequest("DELETE", self._url(path)), what, accept=(200, 202, 204, 404))

    def _url(self, path: str) -> str:
        return f"{self._base}{path}{'&' if '?' in path else '?'}api-version={_API}"

    def _send(self, request: HttpRequest, what: str, accept: tuple[int, ...]) -> HttpResponse:
        return send(self._pipeline, request, what, accept)


def place_path(place: Place) -> str:
    """The ARM id of a workspace or a registry."""
    root = f"/subscriptions/{quote(place.subscription)}/resourceGroups/{quote(place.resource_group)}/{_PROVIDER}"
    if isinstance(place, Workspace):
        return f"{root}/workspaces/{quote(place.workspace)}"
    return f"{root}/registries/{quote(place.name)}"


def send(client: Pipeline, request: HttpRequest, what: str, accept: tuple[int, ...] = (200,)) -> HttpResponse:
    """The answer, if its status is one of *accept*. Raises Refused and Transient.

    A 401 is a token that expired on the way: nothing was done, the policy has dropped it, and another may be accepted.
    """
    with translated(what):
        answer: HttpResponse = client.send_request(request, retry_total=_RETRIES.get(request.method, 0))
        if answer.status_code == 401:
            answer = client.send_request(request, retry_total=0)
    if answer.status_code not in accept:
        raise failure(what, answer.status_code, answer.text()[:300], answer.headers.get("Retry-After", ""))
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
