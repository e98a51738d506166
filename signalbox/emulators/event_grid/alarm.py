"""What a loop over due work sleeps on."""

import asyncio
import time


class Alarm:
    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """There is new work."""
        self._rung.set()

    async def wait(self, due: float | None) -> None:
        """Until it rings, or until *due* (seconds of the epoch; None: nothing is)."""
        try:
            await asyncio.wait_for(self._rung.wait(), None if due is None else max(0.0, due - time.time()))
        except TimeoutError:
            return
        self._rung.clear()
