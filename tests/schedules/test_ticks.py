"""Each due time fires as its policy says, once: through outages, deaths, two ticks at once and clocks going back."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from activities.schedules.firing import fire_due
from shared import contracts as c
from shared.domain.schedules.due_times import decide
from tests.fakes.ports import FakeClients
from tests.schedules.conftest import CONFIGURATION, NOON, SchedulesApp, TroubledHub, a_schedule
from tests.unit.schedules.oracle import MORE, utc

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


async def test_due_times_fire_once_each_and_are_causes(app: SchedulesApp) -> None:
    await app.ticks(NOON + timedelta(minutes=65))

    assert app.fired("hourly") == ["28T13:00"]
    assert app.fired("often") == [f"28T12:{minute:02d}" for minute in range(7, 60, 7)] + ["28T13:00"]
    assert set(app.causes().values()) == {1}
    assert len(app.causes()) == 1 + 9


async def test_what_was_missed_is_caught_up_as_the_policy_says_and_the_rest_is_said(app: SchedulesApp) -> None:
    await app.tick(NOON + timedelta(days=2, minutes=3))

    assert app.fired("hourly") == ["30T12:00"]
    assert app.fired("nightly") == ["30T00:30"]  # Half past two in Paris; on the 29th that time did not exist.
    assert len(app.fired("often")) == 101
    said = {line["schedule"]: line["because"] for line in app.log()}
    assert said["hourly"] == "missed by more than 5 minutes, and catch_up is none"
    assert said["often"] == "more than 100 were missed; only the newest 100 are caught up"


async def test_a_clock_that_goes_back_fires_nothing_twice_and_goes_on_where_it_was(app: SchedulesApp) -> None:
    await app.ticks(NOON + HOUR)
    await app.tick(NOON + timedelta(minutes=20))
    await app.ticks(NOON + HOUR + timedelta(minutes=1))

    assert app.fired("hourly") == ["28T13:00"]
    assert set(app.causes().values()) == {1}
    assert app.timetable().until == NOON + HOUR + MINUTE


async def test_a_new_or_changed_schedule_does_not_catch_up_what_it_never_missed(app: SchedulesApp) -> None:
    changed = replace(CONFIGURATION.schedules[2], cron="*/9 * * * *")
    fresh = a_schedule("fresh", "*/2 * * * *", catch_up="all")
    vars(app.clients)["configuration"] = replace(
        CONFIGURATION, schedules=(*CONFIGURATION.schedules[:2], changed, fresh)
    )

    await app.tick(NOON + timedelta(hours=6))
    await app.ticks(NOON + timedelta(hours=6, minutes=9))

    assert app.fired("hourly") == ["28T18:00"]
    assert app.fired("often") == ["28T18:09"]
    assert app.fired("fresh") == [f"28T18:0{minute}" for minute in (2, 4, 6, 8)]


async def test_what_was_not_configured_is_not_caught_up_even_where_nothing_was(app: SchedulesApp) -> None:
    vars(app.clients)["configuration"] = replace(CONFIGURATION, schedules=())
    await app.ticks(NOON + timedelta(minutes=2))
    await app.tick(NOON + timedelta(hours=5))
    vars(app.clients)["configuration"] = CONFIGURATION

    await app.tick(NOON + timedelta(hours=6, seconds=30))
    await app.tick(NOON + timedelta(hours=6, minutes=7, seconds=30))

    assert app.fired("often") == ["28T18:07"]


async def test_what_was_changed_while_a_tick_was_half_way_does_not_catch_up_what_it_never_missed(
    app: SchedulesApp,
) -> None:
    app.troubled.fail_in, app.now = 12, NOON + HOUR
    await app.host.start("keep_schedules", "first", {"key": "first"})
    await app.host.settle()
    await app.host.terminate("first", "the host was replaced")
    assert app.timetable().claim is not None
    changed = replace(CONFIGURATION.schedules[2], cron="*/9 * * * *")
    vars(app.clients)["configuration"] = replace(CONFIGURATION, schedules=(*CONFIGURATION.schedules[:2], changed))

    await app.tick(NOON + timedelta(hours=6))
    await app.ticks(NOON + timedelta(hours=6, minutes=9))

    assert [due for due in app.fired("often") if due > "28T13:00"] == ["28T18:09"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_fault_at_any_call_of_a_tick_changes_nothing_but_the_time_it_takes(
    app: SchedulesApp, after: bool
) -> None:
    app.troubled.after = after
    calls = range(int(after), 36, 3) if MORE == 1 else range(60)  # A tick that fires two schedules has about thirty.
    for hour, number in enumerate(calls):
        app.land(f"landing/waiting/s1/{number}.csv")
        app.troubled.fail_in = number
        await app.tick(NOON + hour * HOUR + timedelta(minutes=15, seconds=30))
        assert app.troubled.fail_in is None
    await app.host.advance(MINUTE, timeout=60)

    assert len(app.fired("scoring")) == len(calls)
    assert len(app.fired("often")) > len(calls)
    assert set(app.causes().values()) == {1}
    assert len(app.jobs.created) == len(calls)
    assert set(app.jobs.created.values()) == {1}


async def test_a_tick_that_was_ended_half_way_is_finished_by_the_next_as_of_its_own_time(app: SchedulesApp) -> None:
    app.troubled.fail_in, app.now = 12, NOON + HOUR
    await app.host.start("keep_schedules", "first", {"key": "first"})
    await app.host.settle()
    await app.host.terminate("first", "the host was replaced")
    assert app.timetable().claim is not None

    await app.tick(NOON + timedelta(hours=9, minutes=30))

    assert app.fired("hourly") == ["28T13:00"]  # On time when it was claimed; those that were missed are not fired.
    assert set(app.causes().values()) == {1}
    assert (app.timetable().until, app.timetable().claim) == (NOON + timedelta(hours=9, minutes=30), None)


async def test_any_sequence_of_ticks_is_as_its_spans_say(app: SchedulesApp) -> None:
    chance, seen, wanted = random.Random(11), NOON, dict[str, set[str]]()
    schedules = CONFIGURATION.schedules[:3]
    for _ in range(16 * MORE):
        gap = chance.choice((60, 60, 200, 290, 900, 3000, 40_000, -600))
        now = app.now + timedelta(seconds=gap)
        app.troubled.fail_in = chance.choice((None, None, 3, 9, 17))
        if now > seen:
            for schedule in schedules:
                due = decide(schedule, seen, now).fires
                wanted.setdefault(schedule.name, set()).update(each.strftime("%dT%H:%M") for each in due)
        seen, app.now = max(seen, now), now
        if chance.random() < 0.5:
            await app.host.start("keep_schedules", None, {"key": "another"})
        await app.tick()

    await app.host.advance(MINUTE, timeout=60)
    assert {name: {*app.fired(name)} for name in wanted} == wanted
    assert set(app.causes().values()) == {1}


@pytest.mark.parametrize("count", [10, 10_000])
async def test_a_tick_asks_the_hub_as_much_for_ten_thousand_schedules_as_for_ten(count: int) -> None:
    schedules = tuple(a_schedule(f"s{number}", f"{number % 60} {number % 9} * * *") for number in range(count))
    now = utc("2026-06-15T12:00")
    made = FakeClients(replace(CONFIGURATION, schedules=schedules), lambda: now)
    hub = TroubledHub(lambda: now)
    vars(made).update(hub=hub)
    for minute in range(3):
        made.clock.now = lambda minute=minute: now + minute * MINUTE
        before = hub.calls
        assert await fire_due(None, made, c.Sweep(key="k")) == c.Ticked()  # type: ignore[arg-type]  # Nothing starts.

    assert hub.calls - before == 5
