"""Pass a request on to a worker that serves HTTP itself, and its answer back, both piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import aiohttp
from aiohttp import web

from signalbox.host.containment import describe
from signalbox.host.log import LOGGER

INVOCATION_HEADER = "x-ms-invocation-id"
"""Names the call that the worker has been told of; nobody else knows it."""

_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "expect", "proxy-authorization"}
)
_OF_THE_SERVER = frozenset({"date", "server"})
_PAUSES_S = [0.02 * 2**number for number in range(8)]
_LAST_WORDS_S = 1.0  # How long the one may still go on once the other, the call or its answer, has failed.


async def relay(request: web.Request, address: str, invocation: str, order: Awaitable[Any]) -> web.StreamResponse:
    """Send *request* to the worker at *address*. *order* tells the worker of the call, and ends with it."""
    call = asyncio.ensure_future(order)
    passing = asyncio.ensure_future(_reach(request, address, invocation))
    try:
        await asyncio.wait((call, passing), return_when=asyncio.FIRST_COMPLETED)
        if not passing.done():
            patience = _LAST_WORDS_S if call.exception() else None
            await asyncio.wait((passing,), timeout=patience)
        if passing.done() and (response := passing.result()) is not None:
            return response
        # Where the worker has ended, the call ends once another has taken its place.
        await asyncio.wait((call,), timeout=_LAST_WORDS_S)
        return web.Response(status=500)
    finally:
        for task in (call, passing):
            task.cancel()
        await asyncio.gather(call, passing, return_exceptions=True)


async def _reach(request: web.Request, address: str, invocation: str) -> web.StreamResponse | None:
    """Try until the worker listens, as the real host does (RetryProxyHandler): its server begins beside its first
    calls."""
    for pause in _PAUSES_S:
        try:
            return await _pass_on(request, address, invocation)
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(pause)
    LOGGER.error("a worker does not listen at %s", address)
    return None


async def _pass_on(request: web.Request, address: str, invocation: str) -> web.StreamResponse | None:
    """The worker's answer, which may have broken off; None where there is none at all. Raises ClientConnectorError."""
    response: web.StreamResponse | None = None
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
    try:
        async with (
            aiohttp.ClientSession(address, auto_decompress=False, timeout=timeout) as session,
            session.request(
                request.method,
                request.rel_url,
                data=request.content if request.can_read_body else None,
                headers=[*_kept(request.headers, _HOP_BY_HOP), (INVOCATION_HEADER, invocation)],
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                allow_redirects=False,
            ) as answer,
        ):
            response = web.StreamResponse(status=answer.status)
            response.headers.extend(_kept(answer.headers, _HOP_BY_HOP | _OF_THE_SERVER))
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            await response.write_eof()
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientError, ConnectionError) as error:
        LOGGER.error("a worker has not finished its answer: %s", describe(error))
        if response is not None and request.transport is not None:
            request.transport.abort()  # No caller takes the answer for whole.
    return response


def _kept(headers: Any, left_out: frozenset[str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items() if name.lower() not in left_out]
