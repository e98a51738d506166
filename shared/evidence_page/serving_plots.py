"""The chart of what served an endpoint: a row for each version, a bar for each stretch, as thick as its share.

It stands alone: it draws a history of the years, and the other plots what was measured once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.evidence_page.charts import BAD, GOOD, GRID, INK, Axis, Chart, row_axis

_HOURS = (0.25, 0.5, 1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 720, 1440, 2160, 4320, 8760, 17520)
_STEPS = tuple(timedelta(hours=hours) for hours in _HOURS)
_TICKS, _LONG_TICKS = 5, 3  # Dates are long, those with a year the most, and a narrow chart has little room.
_MONTH = timedelta(days=30)
_MOST_ROWS = 12
_THINNEST, _THICKEST = 3.0, 13.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedStretch:
    """*name* had *share* percent from *since* until *until*, None where it still has; *put_back*: it ended for bad."""

    name: str
    share: int
    since: datetime
    until: datetime | None
    put_back: bool


def serving_plot(stretches: Sequence[ServedStretch], now: datetime) -> Chart | None:
    """The versions that served last, the newest on top; None where nothing has served."""
    if not stretches:
        return None
    begun: dict[str, datetime] = {}
    for stretch in stretches:
        begun[stretch.name] = min(stretch.since, begun.get(stretch.name, stretch.since))
    names = sorted(begun, key=lambda name: begun[name], reverse=True)[:_MOST_ROWS]
    shown = [stretch for stretch in stretches if stretch.name in names]
    axis = _time_axis(min(stretch.since for stretch in shown), now)
    chart = Chart(title="What served, and when", x=axis, y=row_axis(names), height=70 + 30 * len(names))
    for text, colour in (("serves now", GOOD), ("was followed by another", INK), ("was put back", BAD)):
        chart.name(text, colour)
    for number in range(len(names)):
        chart.line([(axis.low, -number), (axis.high, -number)], GRID, 1.0, cap="butt")
    for stretch in shown:
        row, end = -float(names.index(stretch.name)), stretch.until or now
        colour = GOOD if stretch.until is None else BAD if stretch.put_back else INK
        width = _THINNEST + (_THICKEST - _THINNEST) * stretch.share / 100
        chart.line([(stretch.since.timestamp(), row), (end.timestamp(), row)], colour, width, cap="butt")
        if stretch.until is None:  # What has just begun has no length yet; and the dot says it without colour.
            chart.dots([(end.timestamp(), row)], colour, 6.0)
    return chart


def _time_axis(first: datetime, last: datetime) -> Axis:
    """Times as seconds since 1970, with ticks at round ones in UTC."""
    length = max(last - first, timedelta(minutes=15))
    low, high = (first - length / 50).timestamp(), (first + length * 1.02).timestamp()
    step = next((step for step in _STEPS if length / step <= (_TICKS if step < _MONTH else _LONG_TICKS)), length)
    seconds = step.total_seconds()
    begin = -(-low // seconds) * seconds
    moments = [begin + number * seconds for number in range(_TICKS + 2) if begin + number * seconds <= high]
    ticks = tuple((moment, _named(datetime.fromtimestamp(moment, UTC), step)) for moment in moments)
    name = f"{first.astimezone(UTC):%Y-%m-%d %H:%M} to {last.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return Axis(low=low, high=high, ticks=ticks, name=name)


def _named(moment: datetime, step: timedelta) -> str:
    """*moment* as no other tick is called: midnight is a day, and a day of a long history has its year."""
    if step >= _MONTH:
        return f"{moment:%-d %b %Y}"
    is_time = step < timedelta(days=1) and (moment.hour or moment.minute)
    return f"{moment:%H:%M}" if is_time else f"{moment:%-d %b}"
