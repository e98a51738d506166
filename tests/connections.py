"""Servers that run in an event loop of a test, and the end of their connections.

It stands alone because servers of several folders end in this way.
"""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from aiohttp import web


class ServerThread:
    """An event loop in a thread of its own, in which servers run while the test calls them and waits."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What *work* gives in the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


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
