"""What is due, worked out the slow way: every minute is looked at, and no cron library, span or shortcut is used."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.amounts import amount

MORE = int(os.environ.get("SIGNALBOX_EXAMPLES", amount(1, 4)))  # How many times as many examples as usual.
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Fields:
    """A cron expression as text and, field by field, as the values that it allows (0 is Sunday)."""

    texts: tuple[str, str, str, str, str]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    @property
    def text(self) -> str:
        return " ".join(self.texts)

    @property
    def repeats(self) -> bool:
        return self.texts[0][0] == "*" or self.texts[1][0] == "*"

    def fits(self, wall: datetime) -> bool:
        either = self.texts[2][0] != "*" and self.texts[4][0] != "*"
        days = (wall.day in self.days, (wall.weekday() + 1) % 7 in self.weekdays)
        on = any(days) if either else all(days)
        return on and wall.month in self.months and wall.hour in self.hours and wall.minute in self.minutes


def due(fields: Fields, zone: str, after: datetime, until: datetime) -> list[datetime]:
    """Every due minute later than *after* and not later than *until*, oldest first."""
    clock = ZoneInfo(zone)
    first = after.replace(second=0, microsecond=0)
    minutes = [first + MINUTE * n for n in range(int((until - first) / MINUTE) + 1)]
    return [minute for minute in minutes if after < minute <= until and _is_due(fields, clock, minute)]


def _is_due(fields: Fields, clock: ZoneInfo, minute: datetime) -> bool:
    local = minute.astimezone(clock)
    wall = local.replace(tzinfo=None, fold=0)
    if fields.repeats:
        return fields.fits(wall)
    if local.fold:  # The second time.
        return False
    return any(fields.fits(each) for each in _skipped(minute, clock, wall)) or fields.fits(wall)


def _skipped(minute: datetime, clock: ZoneInfo, wall: datetime) -> Iterator[datetime]:
    """The wall-clock minutes between the minute before and this one: none, unless the clock was set forward."""
    before = (minute - MINUTE).astimezone(clock).replace(tzinfo=None, fold=0) + MINUTE
    while before < wall:
        yield before
        before += MINUTE


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
