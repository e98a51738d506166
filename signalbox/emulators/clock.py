"""The emulators' clock: the machine's, moved on by a control door. Online endpoints and their monitoring live by it.

Tokens, deliveries and storage keep the machine's own time, because other programs check theirs against it.
"""

import asyncio
import json
import time
from pathlib import Path

from aiohttp import web


class EmulatorClock:
    """Seconds since 1970. How far it was moved is kept in *file*, so that time never goes back at a restart."""

    def __init__(self, file: Path) -> None:
        self._file, self._moved = file, asyncio.Event()
        self._ahead_s = float(json.loads(file.read_text())["ahead_s"]) if file.is_file() else 0.0

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/_control/clock", self._show)
        app.router.add_post("/_control/clock", self._advance)

    def now(self) -> float:
        return time.time() + self._ahead_s

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass at once: every wait whose end is reached ends."""
        self._ahead_s += seconds
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps({"ahead_s": self._ahead_s}))
        self._moved.set()
        self._moved = asyncio.Event()

    async def sleep_until(self, moment: float) -> None:
        while (remaining_s := moment - self.now()) > 0:
            moved = self._moved
            try:
                async with asyncio.timeout(remaining_s):
                    await moved.wait()
            except TimeoutError:
                return

    async def _show(self, request: web.Request) -> web.Response:
        del request
        return web.json_response({"now": self.now(), "ahead_s": self._ahead_s})

    async def _advance(self, request: web.Request) -> web.Response:
        """{"advance_s": seconds}; time does not go back."""
        seconds = float((await request.json())["advance_s"])
        if seconds < 0:
            raise web.HTTPBadRequest(text="advance_s is negative: time does not go back")
        self.advance(seconds)
        return await self._show(request)
