"""The HTTP server of a worker, to which the host passes requests on whose bodies are streams.

Anybody on the machine can reach it. A request is answered only if it names a call that the host has told the worker of,
and each call is named by a random number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from signalbox.host.streaming.relay import INVOCATION_HEADER

_PATIENCE_S = 10.0  # The request and the word of it come on two ways, and either may be first.
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Expected:
    """A call that the host has told of."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.has_begun, self.has_ended = asyncio.Event(), asyncio.Event()


class StreamServer:
    """Listens from the first such call on."""

    def __init__(self) -> None:
        self._listening: asyncio.Task[str] | None = None
        self._meetings: dict[str, asyncio.Future[_Expected]] = {}

    async def listen(self) -> str:
        """Where it listens."""
        self._listening = self._listening or asyncio.ensure_future(self._listen())
        return await self._listening

    async def expect(self, invocation: str, answer: Answer) -> None:
        """Answer the request of *invocation*; returns once it is answered. Raises TimeoutError if it does not come."""
        call = _Expected(answer)
        self._meeting(invocation).set_result(call)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await call.has_begun.wait()
        finally:
            self._meetings.pop(invocation, None)
        await call.has_ended.wait()

    async def _listen(self) -> str:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(application, access_log=None, auto_decompress=False)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        invocation = request.headers.get(INVOCATION_HEADER, "")
        try:
            async with asyncio.timeout(_PATIENCE_S):
                call = await asyncio.shield(self._meeting(invocation))
        except TimeoutError:
            self._meetings.pop(invocation, None)
            return web.Response(status=404)
        if call.has_begun.is_set():
            return web.Response(status=404)
        call.has_begun.set()
        try:
            return await call.answer(request)
        finally:
            call.has_ended.set()

    def _meeting(self, invocation: str) -> asyncio.Future[_Expected]:
        return self._meetings.setdefault(invocation, asyncio.get_running_loop().create_future())
