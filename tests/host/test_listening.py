"""A server that stops while somebody connects closes that connection too, at whatever moment it was accepted."""

import asyncio
import gc
import socket

import pytest
from aiohttp import web

from signalbox.listening import ListeningSite


async def _serve_and_stop(passes: int) -> bytes:
    """Connect, let the event loop pass *passes* times, and stop; what the client reads then."""
    runner = web.AppRunner(web.Application(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0))
    await ListeningSite(runner, listener).start()
    with socket.create_connection(listener.getsockname(), timeout=5) as client:
        for _ in range(passes):
            await asyncio.sleep(0)
        await runner.cleanup()
        await asyncio.sleep(0)
        try:
            return client.recv(1)
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize("passes", range(5))
def test_a_connection_that_was_accepted_while_its_server_stops_is_closed(passes: int) -> None:
    assert asyncio.run(_serve_and_stop(passes)) == b""
    gc.collect()  # A socket that nobody has closed would warn now, and a warning fails the test.
