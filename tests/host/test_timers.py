"""Timer triggers and their schedules, on a clock that the test moves."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.host.clock import VirtualClock
from signalbox.host.errors import HostError
from signalbox.host.testing import LocalHost
from signalbox.host.triggers.ncrontab import parse_schedule

APP = Path(__file__).parent / "apps" / "doors"
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)  # A Thursday.


def arrived(host: LocalHost, kind: str) -> list[Any]:
    seen = host.host.functions["tick"].code.__globals__["seen"]
    return [entry for entry in seen if entry[0] == kind]


@pytest.fixture(autouse=True)
def nothing_seen(tmp_path: Path) -> None:
    host = LocalHost(APP, tmp_path / "unused")
    host.host.functions["tick"].code.__globals__["seen"].clear()


async def test_a_timer_fires_on_its_schedule(tmp_path: Path) -> None:
    async with LocalHost(APP, tmp_path, clock=VirtualClock(NEW_YEAR)) as host:
        await host.advance(timedelta(hours=1))
        assert len(arrived(host, "tick")) == 6
        assert arrived(host, "tick")[0] == ("tick", False, "2026-01-01T00:20:00.000000Z")


async def test_a_timer_can_run_at_start_and_at_intervals(tmp_path: Path) -> None:
    async with LocalHost(APP, tmp_path, clock=VirtualClock(NEW_YEAR)) as host:
        await host.settle()
        assert len(arrived(host, "daily")) == 1
        await host.advance(timedelta(days=2))
        assert len(arrived(host, "daily")) == 3


async def test_a_missed_occurrence_fires_late_once(tmp_path: Path) -> None:
    async with LocalHost(APP, tmp_path, clock=VirtualClock(NEW_YEAR)) as host:
        await host.settle()
        assert arrived(host, "tick") == []
    async with LocalHost(APP, tmp_path, clock=VirtualClock(NEW_YEAR + timedelta(hours=3))) as host:
        await host.settle()
        assert arrived(host, "tick") == [("tick", True, "2026-01-01T03:10:00.000000Z")]
        assert arrived(host, "unwatched") == []  # It has no monitor, so nobody knows that it missed something.
        await host.advance(timedelta(minutes=10))
        assert arrived(host, "unwatched") == [("unwatched", False)]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("0 0 2 * * *", datetime(2026, 1, 1, 2, tzinfo=UTC)),
        ("30 15 10 * * Mon-Fri", datetime(2026, 1, 1, 10, 15, 30, tzinfo=UTC)),
        ("0 0 0 * * 0", datetime(2026, 1, 4, tzinfo=UTC)),
        ("0 0 0 * * 7", datetime(2026, 1, 4, tzinfo=UTC)),
        ("0 0 0 1 feb *", datetime(2026, 2, 1, tzinfo=UTC)),
        ("0 0 0 29 2 *", datetime(2028, 2, 29, tzinfo=UTC)),
        ("*/20 * * * * *", datetime(2026, 1, 1, 0, 0, 20, tzinfo=UTC)),
        ("0 5/30 * * * *", datetime(2026, 1, 1, 0, 5, tzinfo=UTC)),
        ("0 0 9-17/4 * * *", datetime(2026, 1, 1, 9, tzinfo=UTC)),
        ("15 3 * * *", datetime(2026, 1, 1, 3, 15, tzinfo=UTC)),
        ("02:00:00", datetime(2026, 1, 1, 2, tzinfo=UTC)),
    ],
)
def test_schedules(schedule: str, expected: datetime) -> None:
    assert parse_schedule(schedule).after(NEW_YEAR) == expected


@pytest.mark.parametrize(
    "schedule", ["* * *", "60 * * * * *", "0 0 0 0 * *", "x * * * * *", "5-1 * * * * *", "*/0 * * * * *", "00:00:00"]
)
def test_bad_schedules_are_refused(schedule: str) -> None:
    with pytest.raises(HostError, match="schedule"):
        parse_schedule(schedule)


def test_a_day_that_never_comes_is_refused() -> None:
    with pytest.raises(HostError, match="never fires"):
        parse_schedule("0 0 0 31 2 *").after(NEW_YEAR)


@given(
    st.tuples(st.integers(0, 59), st.integers(0, 59), st.integers(0, 23), st.integers(1, 28), st.integers(1, 12)),
    st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_the_next_occurrence_matches_and_is_the_first(parts: tuple[int, ...], moment: datetime) -> None:
    second, minute, hour, day, month = parts
    found = parse_schedule(f"{second} {minute} {hour} {day} {month} *").after(moment)
    assert (found.second, found.minute, found.hour, found.day, found.month) == parts
    assert moment < found <= moment + timedelta(days=366)


async def test_a_timer_that_fires_within_a_minute_has_no_monitor(tmp_path: Path) -> None:
    app, seen = func.FunctionApp(), list[Any]()

    @app.timer_trigger(arg_name="timer", schedule="*/30 * * * * *")
    def frequent(timer: func.TimerRequest) -> None:
        seen.append((timer.past_due, timer.schedule_status))

    async with LocalHost(app, tmp_path, clock=VirtualClock(NEW_YEAR)) as host:
        await host.settle()
    async with LocalHost(app, tmp_path, clock=VirtualClock(NEW_YEAR + timedelta(hours=3))) as host:
        await host.settle()
        assert seen == []
        await host.advance(timedelta(minutes=1))
    assert seen == [(False, {}), (False, {})]
