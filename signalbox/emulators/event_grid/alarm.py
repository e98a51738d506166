"""What a loop over due work sleeps on. It stands alone, because deliveries and dead letters both sleep on one."""

import asyncio
import time


class Alarm:
    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """There is new work."""
        self._rung.set()

    async def wait(self, due_at: float | None) -> None:
        """Until it rings, or until *due_at* (seconds of the epoch; None: nothing is)."""
        try:
            await asyncio.wait_for(self._rung.wait(), None if due_at is None else max(0.0, due_at - time.time()))
        except TimeoutError:
            return
        self._rung.clear()
