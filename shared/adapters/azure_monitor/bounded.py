"""Requests to one service of Azure Monitor, bounded in time and in the size of what they read."""

import json
from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.rest import HttpRequest, HttpResponse

from shared.adapters.azure_faults import failure, translated
from shared.adapters.azure_ml.arm import pipeline
from shared.domain.failures import Refused

_CONNECT_S, _READ_S = 10, 60
# Azure's own client reads an answer whole, however long it is (docs/decisions/0021-azure-monitor.md).
_LARGEST = 16 * 1024 * 1024


class BoundedService:
    """Sends to *address* only, with a token for *audience*."""

    def __init__(self, credential: TokenCredential, address: str, audience: str) -> None:
        self.address = address
        self._pipeline = pipeline(address, credential, f"{audience}/.default")

    def ask(self, request: HttpRequest, action: str) -> dict[str, Any]:
        """The JSON object of an answer with 200. Raises Refused and Transient."""
        with translated(action):
            response = self._send(request)
            # A 401 is a token that expired on the way: the policy has dropped it, and another may be accepted.
            if response.status_code == 401:
                response.close()
                response = self._send(request)
            try:
                text = _text(response, action)
            finally:
                response.close()
        if response.status_code != 200:
            raise failure(action, response.status_code, text[:300], response.headers.get("Retry-After", ""))
        try:
            body = json.loads(text)
        except ValueError as error:
            raise Refused(f"{action}: the answer is not JSON: {error}") from error
        if not isinstance(body, dict):
            raise Refused(f"{action}: the answer is no JSON object")
        return body

    def _send(self, request: HttpRequest) -> HttpResponse:
        return self._pipeline.send_request(
            request, stream=True, retry_total=0, connection_timeout=_CONNECT_S, read_timeout=_READ_S
        )


def _text(response: HttpResponse, action: str) -> str:
    """Raises Refused for an answer that is too long."""
    content = bytearray()
    for block in response.iter_bytes():
        content += block
        if len(content) > _LARGEST:
            raise Refused(f"{action}: the answer is longer than {_LARGEST} bytes; ask for fewer minutes")
    return content.decode("utf-8", "replace")
