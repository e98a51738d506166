"""The built-in activity behind `call_http`: one request, and polling while the answer is 202.

Source: TaskHttpActivityShim, ManagedIdentityTokenSource and CreateLocationPollRequest of the Durable extension. A poll
is stored before it is made, so that a restart goes on polling and does not send the first request again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from signalbox.host.durable.activities import Postponed
from signalbox.host.durable.model import ActivityRow

if TYPE_CHECKING:
    from azure.identity.aio import DefaultAzureCredential

_DEFAULT_DELAY = timedelta(seconds=30)  # `defaultAsyncRequestSleepTimeMilliseconds` of the extension.
_JSON = {"Content-Type": "application/json"}
_CREDENTIALS = ("Authorization", "Cookie")


class HttpCalls:
    """Makes the calls. What a token source names is asked for at each call, so that no token is ever stored."""

    def __init__(self) -> None:
        self._credential: DefaultAzureCredential | None = None

    async def call(self, row: ActivityRow) -> str | Postponed:
        """Make the request in the row's input; its answer as JSON text, or the poll that follows a 202."""
        request = json.loads(row.input or "{}")
        content, headers = request.get("content"), CIMultiDict(request.get("headers") or {})
        if content is not None and "Content-Type" not in headers:
            headers.update(_JSON)
        if source := request.get("tokenSource"):
            headers["Authorization"] = f"Bearer {await self._token(source)}"
        async with (
            aiohttp.ClientSession() as session,
            session.request(request["method"], request["uri"], data=content, headers=headers) as response,
        ):
            location = response.headers.get("Location")
            if response.status == HTTPStatus.ACCEPTED and location is not None:
                poll = _poll(request, URL(request["uri"]).join(URL(location)))
                return Postponed(input=json.dumps(poll), delay=_delay(response.headers))
            text = await response.text()
            answer = {"statusCode": response.status, "headers": dict(response.headers), "content": text}
        return json.dumps(answer)

    async def _token(self, source: Mapping[str, str]) -> str:
        """A token of the host's identity for the resource that *source* names."""
        if source["kind"] != "AzureManagedIdentity":
            raise ValueError(f"The token source kind '{source['kind']}' is not supported.")
        if self._credential is None:
            from azure.identity.aio import DefaultAzureCredential

            self._credential = DefaultAzureCredential()
        return (await self._credential.get_token(source["resource"])).token

    async def close(self) -> None:
        if self._credential is not None:
            await self._credential.close()


def _poll(request: Mapping[str, Any], url: URL) -> dict[str, Any]:
    """The question whether *request* is done. Another server gets none of its credentials, and the key of the function
    that took it opens no status."""
    headers = CIMultiDict(request.get("headers") or {})
    headers.popall("x-functions-key", None)
    poll = {"method": "GET", "uri": str(url)}
    if url.origin() != URL(request["uri"]).origin():
        for name in _CREDENTIALS:
            headers.popall(name, None)
    elif source := request.get("tokenSource"):
        poll["tokenSource"] = source
    return {**poll, "headers": dict(headers)}


def _delay(headers: CIMultiDictProxy[str]) -> timedelta:
    seconds = headers.get("Retry-After", "")
    return timedelta(seconds=int(seconds)) if seconds.isdecimal() else _DEFAULT_DELAY
