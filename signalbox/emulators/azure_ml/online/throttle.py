"""How much an endpoint takes at once: requests in a deployment, requests in a second, and bytes in a second."""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

from signalbox.emulators.azure_ml.online.conditions import Conditions
from signalbox.emulators.clock import EmulatorClock

_BURST_S = 1.0


class TooMany(Exception):
    """A request that is refused because of others; the message is the answer."""


class Throttle:
    """Counts by path of the endpoint or of the deployment. Mirrored copies count like requests of callers."""

    def __init__(self, conditions: Conditions, clock: EmulatorClock) -> None:
        self._conditions, self._clock = conditions, clock
        self._in_flight = Counter[str]()
        self._arrivals: dict[str, deque[float]] = {}
        self._free_at: dict[str, float] = {}

    @contextmanager
    def place(self, deployment: str, most: int) -> Iterator[None]:
        """A place among the requests that *deployment* has at once. Raises TooMany where *most* are taken."""
        if self._in_flight[deployment] >= most:
            raise TooMany("too many pending requests")
        self._in_flight[deployment] += 1
        try:
            yield
        finally:
            self._in_flight[deployment] -= 1

    def count(self, endpoint: str) -> None:
        """Raises TooMany where the endpoint had its most requests within the last second."""
        now, arrivals = self._clock.now(), self._arrivals.setdefault(endpoint, deque())
        while arrivals and arrivals[0] <= now - 1.0:
            arrivals.popleft()
        if len(arrivals) >= self._conditions.limits.requests_per_s:
            raise TooMany("rate limit of the endpoint")
        arrivals.append(now)

    def delay_s(self, endpoint: str, size: int) -> float:
        """How long *size* bytes wait for bandwidth; a second's worth passes at once."""
        now = self._clock.now()
        begin = max(self._free_at.get(endpoint, 0.0), now - _BURST_S)
        self._free_at[endpoint] = begin + size / self._conditions.limits.bytes_per_s
        return max(0.0, self._free_at[endpoint] - now)
