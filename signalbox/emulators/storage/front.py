"""A streaming reverse proxy before Azurite: it lets in who may, and each committed write becomes exactly one event."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from weakref import WeakValueDictionary

import aiohttp
from aiohttp import web

from signalbox.emulators.storage.access import StorageAccess, error_response
from signalbox.emulators.storage.azurite import Azurite, CutOffError
from signalbox.emulators.storage.commits import Blob, Commit, commit_of, told_by
from signalbox.emulators.storage.outbox import Intent, Outbox
from signalbox.emulators.streams import pass_on

_DONE = (201, 202)
_UNKNOWN = (  # As Azure says it.
    "The operation could not be completed within the permitted time. The operation may or may not have succeeded on "
    "the server side. Please query the server state before retrying the operation."
)


class StorageFront:
    """Commits to one blob go one at a time: their events keep their order, and a kill leaves at most one open."""

    def __init__(self, azurite: Azurite, access: StorageAccess, outbox: Outbox) -> None:
        self._azurite, self._access, self._outbox = azurite, access, outbox
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def app(self) -> web.Application:
        """The application; it settles what a kill left open before it serves."""
        app = web.Application(client_max_size=0)
        app.cleanup_ctx.append(self._lifetime)
        app.router.add_route("*", r"/{path:[\s\S]*}", self._forward)
        return app

    async def _lifetime(self, app: web.Application) -> AsyncIterator[None]:
        del app
        async with self._azurite:
            for intent in self._outbox.open():
                self._outbox.settle(intent, *await self._azurite.look_patiently(intent.commit))
            yield

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        refusal = self._access.refusal(request)
        if refusal is not None:
            return refusal
        service = f"{request.scheme}://{request.host}"
        commit = commit_of(request.method, request.rel_url.raw_path, request.query, request.headers, service)
        try:
            if commit is None:
                async with self._azurite.send(request) as answer:
                    return await pass_on(request, answer)
            turn = self._turns.setdefault(commit.place, asyncio.Lock())
            async with turn:
                return await self._commit(request, commit)
        except CutOffError:
            return error_response(500, "OperationTimedOut", _UNKNOWN)
        except aiohttp.ClientConnectorError:
            return error_response(503, "ServerBusy", "The server is currently unable to receive requests.")

    async def _commit(self, request: web.Request, commit: Commit) -> web.StreamResponse:
        intent = self._outbox.intend(commit)
        try:
            async with self._azurite.send(request) as answer:
                await self._conclude(intent, request, answer)
                return await pass_on(request, answer)
        except (aiohttp.ClientError, OSError):  # Cut off by either side: nobody told whether the commit happened.
            await self._find_out(intent)
            raise

    async def _conclude(self, intent: Intent, request: web.Request, answer: aiohttp.ClientResponse) -> None:
        if answer.status not in _DONE:
            self._outbox.forget(intent)
            return
        written_blob = told_by(intent.commit, request.headers)
        blob = written_blob or (await self._azurite.look(intent.commit))[0] or Blob()
        etag = answer.headers.get("ETag", "").strip('"')
        self._outbox.complete(intent, replace(blob, etag=etag), answer.headers.get("x-ms-request-id", ""))

    async def _find_out(self, intent: Intent) -> None:
        """Settle *intent* if it is still open; while Azurite is away it stays so, and the next start settles it."""
        if intent in self._outbox.open():
            try:
                blob_and_request = await self._azurite.look(intent.commit)
            except aiohttp.ClientError:
                return
            self._outbox.settle(intent, *blob_and_request)
