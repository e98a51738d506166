"""When a cron expression is due in a time zone: instants, newest first, so that the work is that of the answer.

An expression that names its times keeps to the wall clock: a time that a clock change skips is due once, at the change;
a time that comes twice is due the first time. One whose minute or hour begins with `*` keeps to intervals instead.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from cronsim import CronSim

_DAY = timedelta(days=1)
_LEAST = timedelta(microseconds=1)
_FIELDS = 5
_SINCE = datetime(2000, 1, 1, tzinfo=UTC)  # From where fifty years are searched for a first time.


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """*hours* and *minutes* descend; *repeats*: it means intervals, not times of the day."""

    text: str
    repeats: bool
    hours: tuple[int, ...]
    minutes: tuple[int, ...]
    days: "CronSim" = field(compare=False, repr=False)

    def walls(self, floor: datetime, ceiling: datetime) -> Iterator[datetime]:
        """The wall-clock times from *floor* until before *ceiling*, newest first; no zone is thought of."""
        day, last = (ceiling - _LEAST).date(), floor.date()
        while day >= last:
            for wall in self._times(day, floor, ceiling):
                if not self._on(day):  # Asked only where a time fits: in a short window hardly ever.
                    break
                yield wall
            day -= _DAY

    def _on(self, day: date) -> bool:
        return day.month in self.days.months and self.days.match_day(day)

    def _times(self, day: date, floor: datetime, ceiling: datetime) -> Iterator[datetime]:
        oldest = floor.hour if floor.date() == day else 0
        newest = ceiling.hour if ceiling.date() == day else 23
        for hour in self.hours:
            if hour > newest:
                continue
            if hour < oldest:
                return
            for minute in self.minutes:
                wall = datetime.combine(day, time(hour, minute))
                if floor <= wall < ceiling:
                    yield wall


@lru_cache(maxsize=20_000)
def read_cron(text: str) -> Cron:
    """The five fields of *text*, as Debian's cron reads them. Raises ValueError saying what is wrong."""
    from cronsim import CronSim, CronSimError  # Not before there is a schedule.

    fields = text.split()
    if len(fields) != _FIELDS:
        raise ValueError(f"it has {len(fields)} fields")
    try:
        expression = CronSim(text, _SINCE)
        first = next(expression, None)
    except CronSimError as error:
        raise ValueError(str(error).lower()) from error
    if first is None:
        raise ValueError("it never fires: no day of fifty years fits")
    return Cron(
        text=text,
        repeats=fields[0].startswith("*") or fields[1].startswith("*"),
        hours=tuple(sorted(expression.hours, reverse=True)),
        minutes=tuple(sorted(expression.minutes, reverse=True)),
        days=expression,
    )


def due_times(cron: Cron, zone: str, after: datetime, until: datetime) -> Iterator[datetime]:
    """Each instant (UTC) later than *after*, up to *until*, at which *cron* is due in *zone*, newest first."""
    window = _window(zone, after, until)
    if window.misses(cron):
        return
    last = None
    for span in window.spans:
        floor = span.start + (span.offset if cron.repeats else span.before)
        if span.start < window.after:
            floor = max(floor, window.after + span.offset)
        for wall in cron.walls(floor, span.end + span.offset):
            instant = max(wall - span.offset, span.start)  # What a change skipped is due when it happens.
            if instant <= window.after:
                return
            if instant != last:
                yield instant.replace(tzinfo=UTC)
            last = instant


def first_due(cron: Cron, zone: str, after: datetime) -> datetime | None:
    """The first instant later than *after*; None where fifty years have none."""
    width = timedelta(hours=1)
    while width < timedelta(days=366 * 50):
        times = list(due_times(cron, zone, after, after + width))
        if times:
            return times[-1]
        # Most schedules are due within hours and 29 February after years: growing windows find both in a few steps.
        after, width = after + width, width * 4
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """A stretch of one offset, from *start* until before *end* (UTC, bare); *before* is the offset that it replaced."""

    start: datetime
    end: datetime
    offset: timedelta
    before: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """*spans* newest first; *hours* and *minutes* of the wall clock that a short window touches, else None."""

    after: datetime
    spans: tuple[_Span, ...]
    hours: frozenset[int] | None
    minutes: frozenset[int] | None

    def misses(self, cron: Cron) -> bool:
        """True where nothing of *cron* can be due: a tick asks this of thousands."""
        if self.hours is None or self.minutes is None:
            return False
        return self.minutes.isdisjoint(cron.minutes) or self.hours.isdisjoint(cron.hours)


@lru_cache(maxsize=4096)
def _window(zone: str, after: datetime, until: datetime) -> _Window:
    """A day further back than *after*: a clock change shortly before it may have been through these times already."""
    clock, bare = ZoneInfo(zone), after.astimezone(UTC).replace(tzinfo=None)
    end, oldest, spans = until.astimezone(UTC).replace(tzinfo=None) + _LEAST, bare - _DAY, list[_Span]()
    while end > oldest:
        offset = _offset(clock, end - _LEAST)
        start = _start(clock, oldest, end, offset)
        before = offset if start == oldest else _offset(clock, start - _LEAST)
        spans.append(_Span(start=start, end=end, offset=offset, before=before))
        end = start
    newest = spans[0]
    # The sets pay for short windows alone: a tick looks back a minute and asks thousands of schedules, of which nearly
    # all have other minutes. In a long window, or across a clock change, they would exclude nothing or too much.
    if newest.start >= bare or newest.end - bare > timedelta(hours=1):
        return _Window(after=bare, spans=tuple(spans), hours=None, minutes=None)
    count = int((newest.end - bare).total_seconds() // 60) + 2
    walls = [bare + newest.offset + timedelta(minutes=number) for number in range(count)]
    hours, minutes = (frozenset(getattr(wall, unit) for wall in walls) for unit in ("hour", "minute"))
    return _Window(after=bare, spans=tuple(spans), hours=hours, minutes=minutes)


def _start(clock: ZoneInfo, oldest: datetime, end: datetime, offset: timedelta) -> datetime:
    """When *offset* began to hold, or *oldest* where it did before; no zone changes twice within a day."""
    inside = end - _LEAST
    while inside > oldest:
        earlier = max(inside - _DAY, oldest)
        if _offset(clock, earlier) != offset:
            return _change(clock, earlier, inside, offset)
        inside = earlier
    return oldest


def _change(clock: ZoneInfo, earlier: datetime, inside: datetime, offset: timedelta) -> datetime:
    """The first instant, in whole seconds, of *offset* between *earlier*, where it does not hold, and *inside*."""
    low, high = earlier.replace(microsecond=0), inside.replace(microsecond=0)
    if _offset(clock, high) != offset:
        return high + timedelta(seconds=1)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        low, high = (low, middle) if _offset(clock, middle) == offset else (middle, high)
    return high


def _offset(clock: ZoneInfo, instant: datetime) -> timedelta:
    offset = clock.fromutc(instant.replace(tzinfo=clock)).utcoffset()
    assert offset is not None  # Every zone of the database has one.
    return offset
