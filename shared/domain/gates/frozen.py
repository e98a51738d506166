"""Freeze windows: times in which nothing is promoted, such as the close of a quarter or every weekend."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.domain.gates.evidence import Evidence
from shared.domain.gates.verdict import Finding, failed, passed, require

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """*windows*: texts `2026-12-20T00:00 .. 2027-01-04T06:00` or `fri 18:00 .. mon 06:00`, in *timezone* (IANA)."""

    windows: tuple[str, ...] | list[str] = ()
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        require("timezone", _is_zone(self.timezone), self.timezone, "an IANA name such as Europe/Paris")
        require("windows", isinstance(self.windows, list | tuple), self.windows, "a list of texts")
        for window in self.windows:
            wanted = "START .. END with 2026-12-20T00:00 or fri 18:00"
            require("windows", isinstance(window, str) and _readable(window), window, wanted)


def not_frozen(options: Options, evidence: Evidence) -> Finding:
    """The assessment's own moment lies in no window."""
    if not evidence.at:
        return failed("the moment of the assessment was not recorded")
    local = datetime.fromisoformat(evidence.at).astimezone(ZoneInfo(options.timezone)).replace(tzinfo=None)
    for window in options.windows:
        if _covers(window, local):
            return failed(f"{local:%Y-%m-%d %H:%M} {options.timezone} lies in the freeze {window}")
    return passed(f"{local:%Y-%m-%d %H:%M} {options.timezone} lies in no freeze")


def _readable(window: str) -> bool:
    return _covers(window, datetime(2026, 1, 1)) is not None  # noqa: DTZ001 - Local, like the windows themselves.


def _covers(window: str, local: datetime) -> bool | None:
    """Whether *window* covers the *local* time; None where it cannot be read."""
    first, found, last = (part.strip() for part in window.partition(".."))
    if not found:
        return None
    try:
        if first[:3].lower() in _DAYS:
            return _weekly(first, last, local)
        return datetime.fromisoformat(first) <= local < datetime.fromisoformat(last)
    except (ValueError, TypeError):
        return None


def _weekly(first: str, last: str, local: datetime) -> bool:
    start, end = _minute(first), _minute(last)
    now = local.weekday() * 1440 + local.hour * 60 + local.minute
    return start <= now < end if start <= end else now >= start or now < end


def _minute(text: str) -> int:
    """Minutes since Monday 00:00."""
    day, _, clock = text.lower().partition(" ")
    at = datetime.strptime(clock, "%H:%M")  # noqa: DTZ007 - A time of the week has no zone of its own.
    return _DAYS.index(day) * 1440 + int(timedelta(hours=at.hour, minutes=at.minute).total_seconds() // 60)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError):
        return False
    return True
