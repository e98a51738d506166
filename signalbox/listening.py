"""A listening socket that loses no connection when it is closed; the host and the tests' servers listen by it.

It stands alone because the host and the emulators do not know each other.
"""

import asyncio

from aiohttp import web

_PASSES = 2  # Of the event loop: one runs what an accepted socket becomes, the next tells aiohttp of the connection.


class ListeningSite(web.SockSite):
    """aiohttp's site of a bound socket, which first ends accepting and then closes.

    asyncio gives an accepted socket to its server one pass of the event loop later. A server that was closed in between
    forgets the socket and never closes it (CPython 3.11 to 3.13, `_accept_connection2`), so its client waits for ever.
    """

    async def stop(self) -> None:
        """Listen no more. Every connection that was accepted is known to the runner, which closes it."""
        asyncio.get_running_loop().remove_reader(self._sock)
        for _ in range(_PASSES):
            await asyncio.sleep(0)
        await super().stop()
