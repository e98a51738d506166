"""A streaming reverse proxy: every request goes to Azurite as it came, committed writes become events."""

import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from signalbox.emulators.storage.commits import Commit, commit_of, event_of

_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "proxy-connection",
}
_CHUNK = 256 * 1024

Publish = Callable[[dict[str, Any]], None]


class StorageFront:
    """*publish* must record the event durably before it returns; *token* gives one for the storage audience."""

    def __init__(
        self, azurite: str, ca: Path, topic: str, publish: Publish, token: Callable[[], str], first: int
    ) -> None:
        self._azurite, self._topic, self._publish, self._token = azurite.rstrip("/"), topic, publish, token
        self._trust = ssl.create_default_context(cafile=str(ca))
        self._session: aiohttp.ClientSession | None = None
        self._number = first
        self.writes: Counter[str] = Counter()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=0)
        app.cleanup_ctx.append(self._lifetime)
        app.router.add_route("*", "/{path:.*}", self._forward)
        return app

    async def _lifetime(self, app: web.Application) -> AsyncIterator[None]:
        del app
        connector = aiohttp.TCPConnector(ssl=self._trust, limit=64)
        self._session = aiohttp.ClientSession(
            connector=connector, auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None)
        )
        yield
        await self._session.close()

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        assert self._session is not None
        headers = _end_to_end(request.headers)
        body = request.content.iter_chunked(_CHUNK) if request.body_exists else None
        url = URL(f"{self._azurite}{request.raw_path}", encoded=True)
        async with self._session.request(
            request.method,
            url,
            headers=headers,
            data=body,
            allow_redirects=False,
            skip_auto_headers=("Content-Type", "User-Agent", "Accept", "Accept-Encoding"),
        ) as answer:
            commit = commit_of(request.method, request.rel_url.raw_path, request.query, request.headers)
            if commit and answer.status in (201, 202):
                await self._committed(commit, request, answer)
            return await _relay(request, answer)

    async def _committed(self, commit: Commit, request: web.Request, answer: aiohttp.ClientResponse) -> None:
        self.writes[commit.location] += commit.api != "DeleteBlob"
        self._number += 1
        size = await self._size(commit, request)
        url = f"{request.scheme}://{request.host}{request.rel_url.raw_path}"
        self._publish(event_of(commit, self._topic, url, answer.headers, size, self._number))

    async def _size(self, commit: Commit, request: web.Request) -> int:
        if commit.api == "DeleteBlob":
            return 0
        if commit.api == "PutBlob":
            return int(request.headers.get("Content-Length", 0))
        assert self._session is not None
        url = URL(f"{self._azurite}{request.rel_url.raw_path}", encoded=True)
        headers = {"Authorization": f"Bearer {self._token()}", "x-ms-version": "2021-12-02"}
        async with self._session.head(url, headers=headers) as seen:
            return int(seen.headers.get("Content-Length", 0))


def _end_to_end(headers: "CIMultiDict[str] | Any") -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _HOP_BY_HOP)


async def _relay(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=_end_to_end(answer.headers))
    if "Content-Length" in answer.headers and request.method != "HEAD":
        response.content_length = int(answer.headers["Content-Length"])
    await response.prepare(request)
    if request.method != "HEAD":
        async for chunk in answer.content.iter_chunked(_CHUNK):
            await response.write(chunk)
    await response.write_eof()
    return response
