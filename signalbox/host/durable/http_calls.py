"""The built-in activity behind `call_http`: one request, and polling while the answer is 202.

Source: TaskHttpActivityShim and DurableOrchestrationContext.CallHttpAsync of the Durable extension. A poll is stored
before it is made, so that a restart goes on polling and does not send the first request again.
"""

from __future__ import annotations

import json
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urljoin

import aiohttp
from multidict import CIMultiDictProxy

from signalbox.host.durable.activities import Postponed
from signalbox.host.durable.model import ActivityRow

_DEFAULT_DELAY = timedelta(seconds=30)  # `defaultAsyncRequestSleepTimeMilliseconds` of the extension.
_JSON = {"Content-Type": "application/json"}


async def call_http(row: ActivityRow) -> str | Postponed:
    """Make the request in the row's input; its answer as JSON text, or the poll that follows a 202."""
    request = json.loads(row.input or "{}")
    content, headers = request.get("content"), dict(request.get("headers") or {})
    if content is not None and "content-type" not in map(str.lower, headers):
        headers |= _JSON
    async with (
        aiohttp.ClientSession() as session,
        session.request(request["method"], request["uri"], data=content, headers=headers) as response,
    ):
        location = response.headers.get("Location")
        if response.status == HTTPStatus.ACCEPTED and location is not None:
            poll = {"method": "GET", "uri": urljoin(request["uri"], location), "headers": request.get("headers")}
            return Postponed(input=json.dumps(poll), delay=_delay(response.headers))
        answer = {"statusCode": response.status, "headers": dict(response.headers), "content": await response.text()}
    return json.dumps(answer)


def _delay(headers: CIMultiDictProxy[str]) -> timedelta:
    seconds = headers.get("Retry-After", "")
    return timedelta(seconds=int(seconds)) if seconds.isdecimal() else _DEFAULT_DELAY
