"""Times as ISO 8601 writes them, as the service does: days, hours, minutes and seconds, no months and no years."""

import re

FOREVER = "P10675199DT2H48M5.4775807S"  # .NET's longest TimeSpan.
FOREVER_S = 922337203685.0
_PATTERN = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_UNITS = (86400, 3600, 60, 1)


def seconds_of(text: str) -> float:
    """Raises ValueError where *text* is no duration."""
    match = _PATTERN.fullmatch(text)
    if match is None or not any(match.groups()):
        raise ValueError(f"'{text}' is no duration")
    return sum(float(part) * unit for part, unit in zip(match.groups(), _UNITS, strict=True) if part)


def duration_of(seconds: float | None) -> str:
    """As the service writes it; None is for ever."""
    if seconds is None or seconds >= FOREVER_S:
        return FOREVER
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    parts = [f"{amount:g}{unit}" for amount, unit in ((hours, "H"), (minutes, "M"), (left, "S")) if amount]
    date = f"{days:g}D" if days else ""
    time = "T" + "".join(parts) if parts else ""
    return f"P{date}{time}" if date or time else "PT0S"


def span_of(seconds: float) -> str:
    """As .NET prints a TimeSpan in the service's sentences: 25.00:00:00."""
    days, rest = divmod(int(seconds), 86400)
    clock = f"{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"
    return f"{days}.{clock}" if days else clock
