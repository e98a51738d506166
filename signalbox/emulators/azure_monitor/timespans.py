"""Moments, durations and intervals of ISO 8601, as Azure Monitor writes and reads them.

It stands alone, because the metrics, the log and the alerts all need it.
"""

import re
from datetime import UTC, datetime, timedelta

_DURATION = re.compile(
    r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)


def moment(text: str) -> float:
    """Epoch seconds of a moment of ISO 8601, in UTC unless it says otherwise. Raises ValueError."""
    # Kusto has seven digits of a second, and Python's parser takes six.
    parsed = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.strip()))
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def duration(text: str) -> float:
    """The seconds of a duration such as `PT5M`. Raises ValueError."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise ValueError(f"{text!r} is no duration; write PT5M, PT1H or P1D")
    return timedelta(**{name: float(value) for name, value in match.groupdict().items() if value}).total_seconds()


def interval(text: str, now: float) -> tuple[float, float]:
    """The beginning and the end of `BEGIN/END`, `BEGIN/DURATION`, `DURATION/END` or `DURATION` before *now*.

    Raises ValueError.
    """
    first, _, second = text.partition("/")
    if not second:
        return now - duration(first), now
    if first.startswith("P"):
        end = moment(second)
        return end - duration(first), end
    begin = moment(first)
    return begin, begin + duration(second) if second.startswith("P") else moment(second)


def iso(seconds: float) -> str:
    """As Azure writes a moment: `2026-01-02T03:04:00Z`, with a fraction where there is one."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "")
    return f"{text}Z"
