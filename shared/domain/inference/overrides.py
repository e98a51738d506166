"""What one run may ask for instead of its route's settings, and which size past runs suggest for the next one."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from shared.domain.counts import counted
from shared.domain.inference.routes import OverrideLimits, Overrides, Route

_FEWEST_RUNS = 3
ANY_NUMBER = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedOverrides:
    """Settings that somebody asked for in one run; None leaves the route's. Times are seconds."""

    instance_count: int | None = None
    mini_batch_size: int | None = None
    error_threshold: int | None = None
    retries: int | None = None
    timeout_s: int | None = None
    compute: str | None = None

    def over(self, overrides: Overrides) -> Overrides:
        """*overrides* with what was asked for in place of them."""
        asked = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return replace(overrides, **{name: value for name, value in asked.items() if value is not None})


def objections(route: Route, asked: AskedOverrides) -> Iterator[str]:
    """Why *route* does not allow *asked*. What the configuration does not limit may not be asked for at all."""
    if route.score.online:
        yield f"route {route.name} scores online, where no job is started"
        return
    for name in ("instance_count", "mini_batch_size", "error_threshold", "retries", "timeout_s"):
        yield from _above(name, getattr(asked, name), getattr(route.limits, name))
    computes = route.limits.computes
    if asked.compute is not None and asked.compute not in computes:
        allowed = f"the route allows {', '.join(computes)}" if computes else "the route has no limits.computes"
        yield f"compute {asked.compute!r} may not be asked for: {allowed}"


def _above(name: str, value: int | None, most: int | None) -> Iterator[str]:
    limit = f"limits.{name.removesuffix('_s')}"
    if value is None:
        return
    if most is None:
        yield f"{name} may not be asked for: the route has no {limit}"
    # Only the error threshold can be -1, and then any number of files may fail.
    elif most != ANY_NUMBER and (value > most or value == ANY_NUMBER):
        yield f"{name} is {value}, and the route's {limit} is {most}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastJob:
    """A job that completed: the bytes that it scored, on how many instances, in how many seconds."""

    size: int
    instances: int
    seconds: float

    @property
    def share(self) -> float:
        """Bytes for each instance."""
        return self.size / self.instances


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long jobs of a route take: *start_s* whatever their size, and *per_byte_s* for each byte of an instance."""

    start_s: float
    per_byte_s: float

    def seconds(self, size: int, instances: int) -> float:
        return self.start_s + self.per_byte_s * size / instances


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedSize:
    """*instance_count* is 0 where past runs say too little; *cost* 0 where no price is configured."""

    instance_count: int = 0
    seconds: float = 0.0
    cost: float = 0.0
    because: str = ""
    jobs: int = 0


def suggested_size(jobs: Sequence[PastJob], size: int, within_s: float, limits: OverrideLimits) -> SuggestedSize:
    """The fewest instances that score *size* bytes in *within_s* seconds, as past *jobs* went."""
    if len(jobs) < _FEWEST_RUNS:
        known = counted(len(jobs), "completed run is", "completed runs are")
        return SuggestedSize(jobs=len(jobs), because=f"{known} known; {_FEWEST_RUNS} are needed")
    pace, most = pace_of(jobs), limits.instance_count or 1
    fit = next((count for count in range(1, most + 1) if pace.seconds(size, count) <= within_s), 0)
    count = fit or most
    seconds = pace.seconds(size, count)
    manner = f"{seconds:.0f} s expected" if fit else f"even {most} take {seconds:.0f} s, more than {within_s:.0f} s"
    return SuggestedSize(
        instance_count=count,
        seconds=round(seconds, 1),
        cost=round(count * seconds / 3600 * limits.node_hour, 4),
        because=f"{manner}, by {counted(len(jobs), 'run')}: {pace.start_s:.0f} s to start, {_rate(pace)}",
        jobs=len(jobs),
    )


def _rate(pace: Pace) -> str:
    if pace.per_byte_s == 0:
        return "and no more for more bytes"
    return f"then {1 / pace.per_byte_s / 1e6:.3g} MB/s an instance"


def pace_of(jobs: Sequence[PastJob]) -> Pace:
    """By the medians of slopes between pairs (Theil and Sen): one run that waited for a node changes little."""
    slopes = [
        (later.seconds - earlier.seconds) / (later.share - earlier.share)
        for number, earlier in enumerate(jobs)
        for later in jobs[number + 1 :]
        if later.share != earlier.share
    ]
    per_byte = max(statistics.median(slopes), 0.0) if slopes else 0.0
    # Runs of one size say nothing of another: all their time is taken as time for bytes, which never promises too much
    # of a larger run.
    if not slopes:
        return Pace(start_s=0.0, per_byte_s=statistics.median(job.seconds / max(job.share, 1.0) for job in jobs))
    start = statistics.median(job.seconds - per_byte * job.share for job in jobs)
    return Pace(start_s=max(start, 0.0), per_byte_s=per_byte)
