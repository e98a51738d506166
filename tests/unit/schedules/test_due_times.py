"""Due times, against an oracle that looks at every minute, and by tables for days on which clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.domain.schedules.cron import due_times, first_due, read_cron
from tests.unit.schedules.oracle import MORE, Fields, due, utc

ZONES = (
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Casablanca",
    "America/St_Johns",
)
CHANGES = (  # Moments at or near which one of the zones above sets its clock.
    "2026-03-29T01:00",
    "2026-10-25T01:00",
    "2026-03-08T07:00",
    "2026-11-01T06:00",
    "2026-04-04T15:00",
    "2026-10-03T15:30",
    "2011-12-30T10:00",
    "2026-02-15T02:00",
    "2026-06-15T12:00",
)


@st.composite
def a_field(draw: st.DrawFn, low: int, high: int) -> tuple[str, frozenset[int]]:
    kind = draw(st.sampled_from(("any", "step", "list", "range")))
    if kind == "any":
        return "*", frozenset(range(low, high + 1))
    if kind == "step":
        step = draw(st.integers(1, high - low + 1))
        return f"*/{step}", frozenset(range(low, high + 1, step))
    if kind == "range":
        first, last = sorted((draw(st.integers(low, high)), draw(st.integers(low, high))))
        return f"{first}-{last}", frozenset(range(first, last + 1))
    values = draw(st.lists(st.integers(low, high), min_size=1, max_size=3))
    return ",".join(map(str, values)), frozenset(values)


@st.composite
def cron_fields(draw: st.DrawFn) -> Fields:
    bounds = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
    minutes, hours, days, months, weekdays = (draw(a_field(*bound)) for bound in bounds)
    if draw(st.booleans()):  # Otherwise hardly any expression is due near the moment.
        days, months, weekdays = ("*", frozenset(range(1, 32))), ("*", frozenset(range(1, 13))), weekdays
    texts, values = zip(minutes, hours, days, months, weekdays, strict=True)
    fields = Fields(texts, *values)
    try:
        read_cron(fields.text)
    except ValueError:  # Such as the 30th of February.
        assume(False)
    return fields


@st.composite
def windows(draw: st.DrawFn) -> tuple[datetime, datetime]:
    around = utc(draw(st.sampled_from(CHANGES)))
    after = around + timedelta(seconds=draw(st.integers(-26 * 3600, 3 * 3600)))
    return after, after + timedelta(seconds=draw(st.sampled_from((60, 300, 3600, 86_400, 2 * 86_400))))


@settings(max_examples=25 * MORE)
@given(cron_fields(), st.sampled_from(ZONES), windows())
def test_every_due_minute_is_found_and_no_other(fields: Fields, zone: str, window: tuple[datetime, datetime]) -> None:
    after, until = window

    found = list(due_times(read_cron(fields.text), zone, after, until))

    assert found[::-1] == due(fields, zone, after, until)


@settings(max_examples=8 * MORE)
@given(cron_fields(), st.sampled_from(ZONES), windows(), st.floats(0, 1))
def test_two_windows_have_what_the_whole_has(
    fields: Fields, zone: str, window: tuple[datetime, datetime], where: float
) -> None:
    after, until = window
    cron, middle = read_cron(fields.text), after + (until - after) * where

    parts = [*due_times(cron, zone, middle, until), *due_times(cron, zone, after, middle)]

    assert parts == list(due_times(cron, zone, after, until))


TABLE = (  # Zone, expression, the local day, and the local times (with their offset) at which it is due on that day.
    ("Europe/Paris", "30 2 * * *", "2026-03-29", "03:00+0200"),
    ("Europe/Paris", "15,45 2 * * *", "2026-03-29", "03:00+0200"),
    ("Europe/Paris", "0 3 * * *", "2026-03-29", "03:00+0200"),
    ("Europe/Paris", "30 2 * * *", "2026-10-25", "02:30+0200"),
    ("Europe/Paris", "0 1-4 * * *", "2026-10-25", "01:00+0200 02:00+0200 03:00+0100 04:00+0100"),
    ("Europe/Paris", "*/30 1-2 * * *", "2026-03-29", "01:00+0100 01:30+0100"),
    ("Europe/Paris", "*/30 2 * * *", "2026-10-25", "02:00+0200 02:30+0200 02:00+0100 02:30+0100"),
    ("America/New_York", "30 2 * * *", "2026-03-08", "03:00-0400"),
    ("America/New_York", "30 1 * * *", "2026-11-01", "01:30-0400"),
    ("America/New_York", "0 */1 1 11 *", "2026-11-01", None),
    ("Australia/Lord_Howe", "15 2 * * *", "2026-10-04", "02:30+1100"),
    ("Australia/Lord_Howe", "45 1 * * *", "2026-04-05", "01:45+1100"),
    ("Australia/Lord_Howe", "*/20 2 * * *", "2026-04-05", "02:00+1030 02:20+1030 02:40+1030"),
    ("Australia/Lord_Howe", "*/20 3 * * *", "2026-10-04", "03:00+1100 03:20+1100 03:40+1100"),
    ("Asia/Kathmandu", "0 6 * * *", "2026-03-29", "06:00+0545"),
    ("Pacific/Apia", "0 12 * * *", "2011-12-31", "00:00+1400 12:00+1400"),
)


@pytest.mark.parametrize(("zone", "text", "day", "wanted"), TABLE)
def test_days_on_which_clocks_change(zone: str, text: str, day: str, wanted: str | None) -> None:
    clock = ZoneInfo(zone)
    start = datetime.fromisoformat(day).replace(tzinfo=clock).astimezone(UTC)
    end = datetime.fromisoformat(f"{day}T23:59").replace(tzinfo=clock)

    found = list(due_times(read_cron(text), zone, start - timedelta(microseconds=1), end))[::-1]

    said = " ".join(each.astimezone(clock).strftime("%H:%M%z") for each in found)
    if wanted is None:  # Hourly, through a day of twenty-five hours.
        assert len(found) == 25
    else:
        assert said == wanted


def test_the_first_due_time_is_the_first_however_far() -> None:
    now = utc("2026-06-15T12:00")

    assert first_due(read_cron("* * * * *"), "UTC", now) == utc("2026-06-15T12:01")
    assert first_due(read_cron("0 0 29 2 *"), "UTC", now) == utc("2028-02-29T00:00")
    assert first_due(read_cron("0 0 * 2 MON#5"), "UTC", now) == utc("2044-02-29T00:00")


@pytest.mark.parametrize("text", ["", "* * * *", "0 0 * * * *", "61 * * * *", "0 0 30 2 *", "@daily", "x 0 * * *"])
def test_what_is_no_cron_or_never_fires_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"fields|bad|fits"):
        read_cron(text)
