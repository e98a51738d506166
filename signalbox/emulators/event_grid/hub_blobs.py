"""Blobs in the hub, written over the wire as any client would."""

import ssl
from collections.abc import Callable
from pathlib import Path

import aiohttp

_THERE_ALREADY = (409, 412)


class HubBlobs:
    """*service* is the account's blob service; *token* gives one for the storage audience."""

    def __init__(self, service: str, ca: Path, token: Callable[[], str]) -> None:
        self._service, self._token = service, token
        self._trust = ssl.create_default_context(cafile=str(ca))

    async def create(self, path: str, content: bytes) -> None:
        """Write `container/path` once; what lies there stays. Raises aiohttp.ClientError where it cannot be written."""
        headers = {
            "Authorization": f"Bearer {self._token()}",
            "x-ms-version": "2021-12-02",
            "x-ms-blob-type": "BlockBlob",
            "Content-Type": "application/json",
            "If-None-Match": "*",
        }
        connector = aiohttp.TCPConnector(ssl=self._trust)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.put(f"{self._service}/{path}", data=content, headers=headers) as answer,
        ):
            if answer.headers.get("x-ms-error-code") == "ContainerNotFound" or answer.status not in _THERE_ALREADY:
                answer.raise_for_status()
