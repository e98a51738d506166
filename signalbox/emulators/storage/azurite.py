"""Azurite behind the front: requests sent on as they came, and what it says of a blob."""

import asyncio
import ssl
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp
from aiohttp import web
from multidict import CIMultiDictProxy
from yarl import URL

from signalbox.emulators.storage.commits import Blob, Commit
from signalbox.emulators.streams import CHUNK, end_to_end

_PATIENCE_S = 30.0
# Azurite keeps an idle connection for two minutes (patient_connections.js), so that it is always the front that closes.
IDLE_S = 15.0
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class CutOffError(aiohttp.ClientConnectionError):
    """The connection ended before the answer: whether the request was carried out is unknown."""


class Azurite:
    """Use within `async with`. *token* gives one for the storage audience; *ca* is trusted."""

    def __init__(self, address: str, ca: Path, token: Callable[[], str]) -> None:
        self._address, self._token = address.rstrip("/"), token
        self._trust = ssl.create_default_context(cafile=str(ca))

    async def __aenter__(self) -> "Azurite":
        connector = aiohttp.TCPConnector(ssl=self._trust, limit=64, keepalive_timeout=IDLE_S)
        timeout = aiohttp.ClientTimeout(total=None)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False, timeout=timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    def send(self, request: web.Request) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Send it once, unless it only reads. Raises CutOffError, and another ClientError where nothing was sent."""
        return self._session.request(
            request.method,
            # As the client wrote it: encoded anew it could name another blob.
            URL(f"{self._address}{request.raw_path}", encoded=True),
            headers=end_to_end(request.headers),
            data=request.content.iter_chunked(CHUNK) if request.body_exists else None,
            allow_redirects=False,
            skip_auto_headers=("Content-Type", "User-Agent", "Accept", "Accept-Encoding"),
            middlewares=() if request.method in _READS else (_once,),
        )

    async def look(self, commit: Commit) -> tuple[Blob | None, str]:
        """The blob of *commit* as it lies there now, None where nothing does; and the id of this request."""
        url = URL(f"{self._address}{commit.place}", encoded=True)
        headers = {"Authorization": f"Bearer {self._token()}", "x-ms-version": "2021-12-02"}
        async with self._session.head(url, headers=headers) as response:
            request = response.headers.get("x-ms-request-id", "")
            if response.status == 404:
                return None, request
            response.raise_for_status()
            return _blob(response.headers), request

    async def look_patiently(self, commit: Commit) -> tuple[Blob | None, str]:
        """`look`, while Azurite is still starting. Raises aiohttp.ClientError when it does not come."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return await self.look(commit)
            except aiohttp.ClientConnectionError:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.1)


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """The library would repeat what has no body, such as a deletion, and its second answer would be about nothing."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:  # There was no connection.
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise CutOffError(str(error)) from error


def _blob(headers: CIMultiDictProxy[str]) -> Blob:
    return Blob(
        etag=headers["ETag"].strip('"'),
        size=int(headers["Content-Length"]),
        content_type=headers.get("Content-Type", ""),
        kind=headers["x-ms-blob-type"],
        # Not Last-Modified, which a change of metadata moves as well.
        created_at=parsedate_to_datetime(headers["x-ms-creation-time"]).timestamp(),
    )
