"""Schedules: when they are due, when exactly they fire, and what becomes of what was missed.

A due time fires at its own moment, jitter included. Seen later than `ON_TIME` it was missed, and the policy decides.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain

from shared.domain.schedules.cron import due_times, read_cron

ON_TIME = timedelta(minutes=5)  # A tick that comes later than this after a moment has missed it.
MOST = 100  # What one schedule catches up at most after one outage, whatever its policy.


class CatchUp(StrEnum):
    """What fires of the due times that were missed."""

    NONE = "none"
    LATEST = "latest"  # The newest, and only where nothing newer is on time.
    ALL = "all"


class Target(StrEnum):
    """What a schedule does when it fires."""

    RETRAIN = "retrain"
    SCORE = "score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """*of* names a model (retrain) or a route (score); *input* is a folder's pattern that is scored as one run."""

    name: str
    cron: str
    target: Target
    of: str
    timezone: str = "UTC"
    catch_up: CatchUp = CatchUp.NONE
    jitter_s: int = 0
    input: str = ""

    @property
    def mark(self) -> str:
        """What makes it another schedule when it changes: missed times of the old one are not the new one's."""
        return "|".join((self.cron, self.timezone, self.target, self.of, self.input))


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringDecision:
    """*fires* are the due times that fire, by their moments; *skipped_due* is the newest that does not, *because*."""

    fires: tuple[datetime, ...] = ()
    skipped_due: datetime | None = None
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From *after*, which has been seen to, up to and with *until*."""

    after: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseOrder:
    """What somebody ordered last: to pause, or, *at* that time, to go on."""

    paused: bool
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """*schedule* fires *at* for its time *due*."""

    at: datetime
    due: datetime
    schedule: Schedule

    @property
    def place(self) -> tuple[datetime, str, datetime]:
        """Where it stands among all firings of a span."""
        return (self.at, self.schedule.name, self.due)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Due times of *schedule* later than *after* that do not fire; *newest* is the last of them."""

    schedule: str
    after: datetime
    newest: datetime
    because: str


_NOTHING = FiringDecision()
_MOST = {CatchUp.NONE: 0, CatchUp.LATEST: 1, CatchUp.ALL: MOST}


def moment(schedule: Schedule, due: datetime) -> datetime:
    """When *due* fires: up to the jitter later, by the name and the time alone, so that all who ask agree."""
    if not schedule.jitter_s:
        return due
    # A digest and no random number: two hosts, a repeated tick and the command line must agree on the moment. Python's
    # `hash` would differ in every process, since its seed does.
    digest = hashlib.sha256(f"{schedule.name}:{due.isoformat()}".encode()).digest()
    return due + timedelta(seconds=int.from_bytes(digest[:8]) % schedule.jitter_s)


def decide(schedule: Schedule, after: datetime, now: datetime) -> FiringDecision:
    """What fires at *now* where everything until *after* has been seen to."""
    pending = _pending(schedule, after, now)
    newest = next(pending, None)
    if newest is None:
        return _NOTHING  # So it is for nearly all of thousands, at nearly every tick.
    most, on_time, late_times = _MOST[schedule.catch_up], list[datetime](), list[datetime]()
    for due in chain((newest,), pending):
        late = now - moment(schedule, due) > ON_TIME
        (late_times if late else on_time).append(due)
        # Times come newest first. Beyond what the policy catches up, an older one matters only while its jitter may
        # still make it punctual; without this end an outage of a year would walk through a year of minutes.
        if len(late_times) > most and due < now - ON_TIME - timedelta(seconds=schedule.jitter_s):
            break
    if schedule.catch_up is CatchUp.LATEST and on_time:
        most = 0
    fires = sorted([*on_time, *late_times[:most]], key=lambda due: (moment(schedule, due), due))
    if len(late_times) <= most:
        return FiringDecision(fires=tuple(fires))
    return FiringDecision(fires=tuple(fires), skipped_due=late_times[most], because=_skip_reason(schedule))


def plan(
    schedules: Iterable[Schedule], orders: Mapping[str, PauseOrder], since: Mapping[str, datetime], span: Span
) -> tuple[list[Firing], list[Skip]]:
    """What fires, in the order of its moments, and what does not, of all schedules. A pause forgets; it does not wait.

    *since*: from when a schedule counts that is newer than the span.
    """
    firings, skips = list[Firing](), list[Skip]()
    for schedule in schedules:
        order = orders.get(schedule.name)
        if order is not None and order.paused:
            continue
        after = max(span.after, since.get(schedule.name, span.after), order.at if order else span.after)
        if after >= span.until:
            continue
        decision = decide(schedule, after, span.until)
        firings += [Firing(at=moment(schedule, due), due=due, schedule=schedule) for due in decision.fires]
        if decision.skipped_due is not None:
            skips.append(
                Skip(schedule=schedule.name, after=after, newest=decision.skipped_due, because=decision.because)
            )
    return sorted(firings, key=lambda firing: firing.place), skips


def _pending(schedule: Schedule, after: datetime, now: datetime) -> Iterator[datetime]:
    """Due times whose moment has come since *after*, newest first."""
    earliest = after - timedelta(seconds=schedule.jitter_s) if schedule.jitter_s else after
    for due in due_times(read_cron(schedule.cron), schedule.timezone, earliest, now):
        if after < moment(schedule, due) <= now:
            yield due


def _skip_reason(schedule: Schedule) -> str:
    if schedule.catch_up is CatchUp.ALL:
        return f"more than {MOST} were missed; only the newest {MOST} are caught up"
    return f"missed by more than {ON_TIME.seconds // 60} minutes, and catch_up is {schedule.catch_up}"
