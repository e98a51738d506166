"""Change freezes: spans of local time in which nothing is promoted.

The moment comes with the evidence; no clock is read. Where a clock change makes a local time ambiguous, the longer
freeze holds.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from shared.domain.gates.options import parsed_option
from shared.domain.gates.registry import gate
from shared.domain.gates.verdict import GateFinding, decided, failed

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKLY = re.compile(rf"({'|'.join(_DAYS)}) ([01]\d|2[0-3]):([0-5]\d)")
_FORM = "a list of {from, to, because}: local date-times like 2026-12-20T00:00, or both weekly like fri 16:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeWindow:
    """From *start* until before *end*: local times, or, where *weekly*, times of the week that begins on `_MONDAY`."""

    start: datetime
    end: datetime
    because: str
    weekly: bool


_MONDAY = datetime(2024, 1, 1)  # noqa: DTZ001  # Only its offsets are used.


def _windows(value: Any) -> tuple[FreezeWindow, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError
    return tuple(_window(window) for window in value)


def _window(window: Any) -> FreezeWindow:
    if not isinstance(window, dict) or not {"from", "to"} <= set(window) <= {"from", "to", "because"}:
        raise ValueError(f"{window!r} needs from and to, and may have because")
    (start, weekly), (end, also_weekly) = _time(window["from"]), _time(window["to"])
    if weekly != also_weekly or (end <= start and not weekly):
        raise ValueError(f"{window!r} must be both dates, the later last, or both weekly")
    if weekly and end <= start:
        end += timedelta(days=7)
    return FreezeWindow(start=start, end=end, because=str(window.get("because", "frozen")), weekly=weekly)


def _time(text: Any) -> tuple[datetime, bool]:
    """A local time, and whether it is one of every week."""
    weekly_time = _WEEKLY.fullmatch(str(text).lower())
    if weekly_time:
        return _MONDAY + timedelta(
            days=_DAYS.index(weekly_time[1]), hours=int(weekly_time[2]), minutes=int(weekly_time[3])
        ), True
    moment = datetime.fromisoformat(str(text))
    if moment.tzinfo is not None:
        raise ValueError(f"{text!r} has an offset: write the local time, and name the zone in timezone")
    return moment, False


def _zone(value: Any) -> str:
    try:
        return ZoneInfo(value).key
    except (KeyError, ValueError, TypeError, OSError) as unknown:
        raise ValueError("it is not in the time zone database") from unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFrozen:
    """*windows* in the local time of *timezone*."""

    windows: tuple[FreezeWindow, ...] = parsed_option(_windows, _FORM)
    timezone: str = parsed_option(_zone, "an IANA time zone like Europe/Berlin", "UTC")


@gate("at", NotFrozen)
def not_frozen(options: NotFrozen, at: datetime) -> GateFinding:
    """Is this a time at which models may move?"""
    if at.tzinfo is None:
        return failed(f"the moment {at.isoformat()} has no UTC offset, so no freeze can be ruled out")
    zone = ZoneInfo(options.timezone)
    for window in options.windows:
        for start, end in _spans(window, at, zone):
            if start <= at < end:
                return failed(f"frozen until {end.isoformat()}: {window.because}")
    return decided(True, f"no freeze at {at.astimezone(zone).isoformat()}")


def _spans(window: FreezeWindow, at: datetime, zone: tzinfo) -> Iterator[tuple[datetime, datetime]]:
    """The instants between which *window* freezes, those around *at* where it is weekly."""
    starts = [timedelta()]
    if window.weekly:
        local = at.astimezone(zone).replace(tzinfo=None)
        week = timedelta(days=(local - _MONDAY).days // 7 * 7)
        starts = [week - timedelta(days=7), week]
    for start in starts:
        yield _instant(window.start + start, zone, fold=0), _instant(window.end + start, zone, fold=1)


def _instant(local: datetime, zone: tzinfo, *, fold: int) -> datetime:
    """Compared as an instant: aware times of one zone would be compared by their local parts."""
    utc = ZoneInfo("UTC")
    return local.replace(tzinfo=zone, fold=fold).astimezone(utc)
