"""ServiceNow's Table API: an OAuth client that follows no redirect and sends its token to the configured instance only.

A writing request is sent once; callers look first. Values are asked for, never labels: a label depends on the language.
"""

import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from azure.core import PipelineClient
from azure.core.pipeline.policies import ContentDecodePolicy, CustomHookPolicy, RetryPolicy, UserAgentPolicy
from azure.core.rest import HttpRequest, HttpResponse

from shared.adapters.azure_faults import failure, translated
from shared.adapters.trace_headers import TraceHeaders
from shared.domain.failures import Refused

_RETRIES = {"GET": 3}  # A POST whose answer was lost may have made a record.
_TIMEOUT_S = 30
_EARLY_S = 60.0  # A token is renewed before it ends.

Row = dict[str, Any]


class ServiceNowRest:
    """*instance* is its address, such as https://contoso.service-now.com."""

    def __init__(self, instance: str, client_id: str, secret: str) -> None:
        self._instance, self._client_id, self._secret = instance, client_id, secret
        self._lock, self._token, self._until = threading.Lock(), "", 0.0
        policies = [
            UserAgentPolicy("signalbox"),
            TraceHeaders(),
            CustomHookPolicy(),
            RetryPolicy(),
            ContentDecodePolicy(),
        ]
        self._client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(instance, policies=policies)

    def rows(self, table: str, query: str, fields: str, action: str, limit: int = 1) -> list[Row]:
        """The first rows of *table* that fit the encoded *query*."""
        parameters = {
            "sysparm_query": query,
            "sysparm_fields": fields,
            "sysparm_limit": str(limit),
            "sysparm_display_value": "false",
            "sysparm_exclude_reference_link": "true",
        }
        return list(self._send("GET", self._table(table), action, (200,), query=parameters).json()["result"])

    def row(self, table: str, sys_id: str, fields: str, action: str) -> Row:
        """One row. Refused where it is not there, or an access rule hides it: ServiceNow does not say which."""
        parameters = {"sysparm_fields": fields, "sysparm_display_value": "false"}
        parameters |= {"sysparm_exclude_reference_link": "true"}
        return dict(self._send("GET", self._table(table, sys_id), action, (200,), query=parameters).json()["result"])

    def create(self, table: str, fields: Mapping[str, str], action: str) -> Row:
        return dict(self._send("POST", self._table(table), action, (201,), json=dict(fields)).json()["result"])

    def update(self, table: str, sys_id: str, fields: Mapping[str, str], action: str) -> None:
        self._send("PATCH", self._table(table, sys_id), action, (200,), json=dict(fields))

    def _send(
        self,
        method: str,
        url: str,
        action: str,
        accept: tuple[int, ...],
        *,
        query: Mapping[str, str] | None = None,
        **content: Any,
    ) -> HttpResponse:
        for last in (False, True):
            headers = {"Authorization": f"Bearer {self._bearer(action)}", "Accept": "application/json"}
            request = HttpRequest(method, url, params=dict(query or {}), headers=headers, **content)
            answer = self._ask(request, action)
            # An administrator may have revoked the token: nothing was done, so that it may be asked for anew, once.
            if answer.status_code != 401 or last:
                break
            self._forget()
        return _accepted(answer, action, accept)

    def _bearer(self, action: str) -> str:
        with self._lock:
            if time.monotonic() >= self._until:
                form = {"grant_type": "client_credentials", "client_id": self._client_id, "client_secret": self._secret}
                request = HttpRequest("POST", f"{self._instance}/oauth_token.do", data=form)
                granted = _accepted(self._ask(request, f"{action}: sign in"), f"{action}: sign in", (200,)).json()
                self._token = str(granted["access_token"])
                self._until = time.monotonic() + max(1.0, float(granted.get("expires_in", 0)) - _EARLY_S)
            return self._token

    def _forget(self) -> None:
        with self._lock:
            self._until = 0.0

    def _ask(self, request: HttpRequest, action: str) -> HttpResponse:
        with translated(action):
            answer: HttpResponse = self._client.send_request(
                request,
                retry_total=_RETRIES.get(request.method, 0),
                retry_status=0,  # The caller waits with a durable timer, which holds no thread.
                connection_timeout=10,
                read_timeout=_TIMEOUT_S,
            )
        return answer

    def _table(self, *parts: str) -> str:
        return "/".join([f"{self._instance}/api/now/table", *(quote(part, safe="") for part in parts)])


def _accepted(answer: HttpResponse, action: str, accept: tuple[int, ...]) -> HttpResponse:
    status = answer.status_code
    if status in (301, 302, 303, 307, 308):
        raise Refused(f"{action}: ServiceNow redirects; set the instance's own address")
    if status not in accept:
        raise failure(action, status, _error_text(answer), answer.headers.get("Retry-After", ""))
    return answer


def _error_text(answer: HttpResponse) -> str:
    """The message in ServiceNow's answer, shortened; the token endpoint has another shape."""
    try:
        error = answer.json().get("error", "")
    except (ValueError, AttributeError):
        return ""
    if isinstance(error, dict):
        return f"{error.get('message', '')}: {error.get('detail', '')}"[:300]
    return str(error)[:300]
