"""Azure DevOps' REST API: one client that follows no redirect and sends tokens to the configured host only.

Contracts: https://learn.microsoft.com/rest/api/azure/devops. A writing request is sent once; callers look first.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.pipeline.policies import ContentDecodePolicy, CustomHookPolicy, RetryPolicy, UserAgentPolicy
from azure.core.rest import HttpRequest, HttpResponse

from shared.adapters.azure_faults import failure, translated
from shared.adapters.trace_headers import TraceHeaders
from shared.domain.failures import Refused

AUDIENCE = "499b84ac-1321-427f-aa17-267ca6975798"
# Only reads are repeated. The API has no idempotency keys: a POST whose answer was lost may have started a pipeline,
# and the SDK's retry would start it twice.
_RETRIES = {"GET": 3}
_SIGN_IN = (203, 301, 302, 303, 307, 308)  # Azure DevOps redirects unknown callers to a page to sign in.
_TIMEOUT_S = 30


class TokenNotTaken(Refused):
    """Azure DevOps does not accept a task's own token, or does not any more."""


class DevOpsRest:
    """*base* is the service's address before an organisation's name, *graph* that of its directory of people."""

    def __init__(self, credential: TokenCredential, base: str, graph: str) -> None:
        self._credential, self.base, self.graph = credential, base, graph
        # No RedirectPolicy and no policy for authentication. The service redirects callers it does not know to a page
        # to sign in, and the SDK would follow with the Authorization header.
        policies = [
            UserAgentPolicy("signalbox"),
            TraceHeaders(),
            CustomHookPolicy(),
            RetryPolicy(),
            ContentDecodePolicy(),
        ]
        self._client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(base, policies=policies)

    def get(self, url: str, action: str, token: str = "", **query: str) -> dict[str, Any] | None:
        """The JSON at *url*; None if Azure DevOps answers 404."""
        answer = self.send("GET", url, action, token=token, accept=(200, 404), query=query)
        return dict(answer.json()) if answer.status_code == 200 else None

    def send(
        self,
        method: str,
        url: str,
        action: str,
        *,
        token: str = "",
        accept: tuple[int, ...] = (200,),
        query: Mapping[str, str] | None = None,
        kind: str = "application/json",
        raw: bool = False,
        **content: Any,
    ) -> HttpResponse:
        """The answer, if its status is one of *accept*; *raw*: of bytes and no JSON. Raises Refused and Transient."""
        headers = {"Authorization": f"Bearer {token or self._own_token(action)}", "Accept": "application/json"}
        # Without this header some areas answer an expired token with 203 and a page of HTML, which reads like success.
        headers |= {"Content-Type": kind, "X-TFS-FedAuthRedirect": "Suppress"}
        request = HttpRequest(method, url, params=dict(query or {}), headers=headers, **content)
        with translated(action):
            answer: HttpResponse = self._client.send_request(
                request,
                stream=raw,  # Or else the SDK reads the body as JSON or XML, and fails on anything else.
                retry_total=_RETRIES.get(method, 0),
                retry_status=0,  # The caller waits with a durable timer, which holds no thread.
                connection_timeout=10,
                read_timeout=_TIMEOUT_S,
            )
            answer.read()
        status = answer.status_code
        if token and status in (401, *_SIGN_IN):  # An expired token is often answered by the page to sign in.
            raise TokenNotTaken(f"{action}: {status}, the task's token is not accepted; its life is 48 hours")
        if status in _SIGN_IN:
            raise Refused(f"{action}: Azure DevOps wants a sign-in; give the identity access to the organisation")
        if status not in accept:
            raise failure(action, status, _error_text(answer), answer.headers.get("Retry-After", ""))
        return answer

    def url(self, organisation: str, *parts: object) -> str:
        """The address below the organisation's collection; every part becomes one escaped segment."""
        return "/".join([self.base, *(quote(str(part), safe="") for part in (organisation, *parts))])

    def _own_token(self, action: str) -> str:
        with translated(action):
            return str(self._credential.get_token(f"{AUDIENCE}/.default").token)


def number_of(raw: object) -> int:
    """A run's number; 0 for anything else, as not every plan is owned by a run."""
    text = str(raw or "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _error_text(answer: HttpResponse) -> str:
    """The message in Azure DevOps' answer, shortened; the rest of the body is left out."""
    try:
        return str(answer.json().get("message", ""))[:300]
    except (ValueError, AttributeError):
        return ""
