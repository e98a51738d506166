"""Schedules of timer triggers: NCRONTAB with six fields (seconds first), five fields, or a TimeSpan.

Contract: the timer trigger's documentation; a day of month and a day of week must both match, as in NCrontab.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Protocol

from signalbox.host.errors import HostError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: Sequence[tuple[str, int, int, Sequence[str]]] = (
    ("second", 0, 59, ()),
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)
_TIMESPAN = re.compile(r"(?:(?P<days>\d+)\.)?(?P<hours>\d+):(?P<minutes>\d{2}):(?P<seconds>\d{2})")
_SEARCH_LIMIT = timedelta(days=366 * 9)  # Covers 29 February across a century that skips it.


class Schedule(Protocol):
    """When a timer fires next. Times are aware and in UTC."""

    def after(self, moment: datetime) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Every:
    """A constant interval."""

    interval: timedelta

    def after(self, moment: datetime) -> datetime:
        return moment + self.interval


@dataclass(frozen=True, slots=True)
class Cron:
    """The allowed values of each field, seconds to day of week (0 is Sunday)."""

    text: str
    fields: tuple[frozenset[int], ...]

    def after(self, moment: datetime) -> datetime:
        """The first match later than *moment*. Raises HostError when there is none in nine years."""
        candidate = moment.replace(microsecond=0) + timedelta(seconds=1)
        limit = moment + _SEARCH_LIMIT
        while candidate <= limit:
            later = self._skip(candidate)
            if later is None:
                return candidate
            candidate = later
        raise HostError(f"schedule {self.text!r} never fires: correct its day or month")

    def _skip(self, at: datetime) -> datetime | None:
        """The start of the next unit worth looking at when *at* does not match, else None."""
        seconds, minutes, hours, days, months, weekdays = self.fields
        if at.month not in months:
            return (at.replace(day=1, hour=0, minute=0, second=0) + timedelta(days=32)).replace(day=1)
        if at.day not in days or at.isoweekday() % 7 not in weekdays:
            return at.replace(hour=0, minute=0, second=0) + timedelta(days=1)
        if at.hour not in hours:
            return at.replace(minute=0, second=0) + timedelta(hours=_until(hours, at.hour, 24))
        if at.minute not in minutes:
            return at.replace(second=0) + timedelta(minutes=_until(minutes, at.minute, 60))
        return None if at.second in seconds else at + timedelta(seconds=_until(seconds, at.second, 60))


def _until(allowed: frozenset[int], now: int, end: int) -> int:
    """How many units after *now* the next of the *allowed* values comes, or the *end* at which they begin again."""
    return min((value for value in allowed if value > now), default=end) - now


@lru_cache
def parse_schedule(text: str) -> Schedule:
    """Read a schedule. Raises HostError that names the field and the value."""
    span = _TIMESPAN.fullmatch(text.strip())
    if span:
        return Every(_interval(text, span))
    parts = text.split()
    if len(parts) == 5:
        parts = ["0", *parts]
    if len(parts) != len(_FIELDS):
        raise HostError(f"schedule {text!r} has {len(parts)} fields: use six (second minute hour day month weekday)")
    fields = [_field(part, *limits) for part, limits in zip(parts, _FIELDS, strict=True)]
    fields[5] = frozenset(day % 7 for day in fields[5])
    return Cron(text, tuple(fields))


def _interval(text: str, span: re.Match[str]) -> timedelta:
    parts = {name: int(value or 0) for name, value in span.groupdict().items()}
    if parts["hours"] > 23:  # .NET reads `48:00:00` as days.
        parts = {"days": parts["hours"], "hours": parts["minutes"], "minutes": parts["seconds"]}
    interval = timedelta(**parts)
    if interval <= timedelta(0):
        raise HostError(f"schedule {text!r} is no time at all: use at least 00:00:01")
    return interval


def _field(text: str, name: str, low: int, high: int, words: Sequence[str]) -> frozenset[int]:
    values: set[int] = set()
    for part in text.lower().split(","):
        span, _, step = part.partition("/")
        try:
            first, last = _range(span, low, high, words, open_ended=bool(step))
            field_range = range(first, last + 1, int(step or 1))
        except ValueError:
            raise HostError(f"schedule field {name} is {text!r}: cannot read {part!r}") from None
        if not low <= first <= last <= high:
            raise HostError(f"schedule field {name} is {text!r}: use {low} to {high}")
        values.update(field_range)
    return frozenset(values)


def _range(text: str, low: int, high: int, words: Sequence[str], *, open_ended: bool) -> tuple[int, int]:
    if text in ("*", "?"):
        return low, high
    first, dash, last = text.partition("-")
    begin = _value(first, words, low)
    if dash:
        return begin, _value(last, words, low)
    return begin, high if open_ended else begin


def _value(text: str, words: Sequence[str], low: int) -> int:
    return words.index(text[:3]) + low if text[:3] in words else int(text)
