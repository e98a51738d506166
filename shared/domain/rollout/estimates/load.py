"""The load of production as moments at which requests arrive, and what a deployment under it came to.

Nothing is sent here. Arrivals are open: their moments are drawn before any answer is seen, so a slow deployment is sent
no fewer requests than a fast one.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil

MOST_PER_SECOND, LONGEST_S = 200.0, 180.0  # Of an activity, which has ten minutes for everything.
_MINUTE_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadProfile:
    """Requests *per_second* in each minute of a load, and the *origin* of these figures."""

    per_second: tuple[float, ...]
    origin: str

    @property
    def peak(self) -> float:
        return max(self.per_second)

    def scaled(self, factor: float) -> "LoadProfile":
        """The same shape at *factor* times the rate."""
        return LoadProfile(per_second=tuple(rate * factor for rate in self.per_second), origin=self.origin)


def steady(per_second: float, origin: str) -> LoadProfile:
    """The same rate in every minute."""
    return LoadProfile(per_second=(per_second,), origin=origin)


def busiest(requests: Mapping[int, int], seconds: float, origin: str) -> LoadProfile | None:
    """The successive minutes, as many as *seconds* need, in which most *requests* came; None without any request.

    *requests* are counts by minute. A minute that was not counted adds none, so a gap is never the busiest.
    """
    length = max(1, ceil(seconds / _MINUTE_S))
    windows = {start: [requests.get(start + later, 0) for later in range(length)] for start in sorted(requests)}
    start = max(windows, key=lambda minute: sum(windows[minute]), default=None)
    if start is None or not any(windows[start]):
        return None
    return LoadProfile(per_second=tuple(count / _MINUTE_S for count in windows[start]), origin=origin)


def arrivals(profile: LoadProfile, seconds: float, seed: str) -> Iterator[float]:
    """Moments within *seconds*, in seconds from the beginning, of a Poisson process with the rates of *profile*.

    The last rate lasts to the end. A gap has no memory, so each minute may begin anew.
    """
    chance = random.Random(seed)
    for minute in range(ceil(seconds / _MINUTE_S)):
        rate = profile.per_second[min(minute, len(profile.per_second) - 1)]
        moment, end = float(minute * _MINUTE_S), min(seconds, (minute + 1) * _MINUTE_S)
        while rate > 0 and (moment := moment + chance.expovariate(rate)) < end:
            yield moment


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRequest:
    """*status* is empty where there was no answer. It ended *latency_ms* after the moment at which it should have been
    sent. *own_delay_ms* is how late a sender that was waiting for that moment has sent it, None where none was waiting.
    """

    status: str
    latency_ms: float
    own_delay_ms: float | None


def statuses_of(sent: Iterable[SentRequest]) -> dict[str, int]:
    """How many requests ended with each status; "none" are those without an answer."""
    return dict(Counter(request.status or "none" for request in sent))
