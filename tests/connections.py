"""Ending the connections of a server that runs in an event loop of a test.

It stands alone because servers of several folders end in this way.
"""

import asyncio

from aiohttp import web


async def end_serving(*runners: web.BaseRunner) -> None:
    """Stop *runners*, and drop every connection of the running loop.

    A connection over TLS waits for its client's farewell and, while hands are shaken, is not known to the runner: only
    the loop knows all of them. A client that failed never says farewell.
    """
    for runner in runners:
        for connection in runner.server.connections if runner.server else ():
            if connection.transport is not None:
                connection.transport.abort()
        await runner.cleanup()
    for transport in list(getattr(asyncio.get_running_loop(), "_transports", {}).values()):
        transport.abort()
    await asyncio.sleep(0)  # A dropped connection is closed in the loop's next pass.
