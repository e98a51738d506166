"""What fires after an outage: for any cron, zone, outage, jitter and policy exactly what the policy says, once."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.schedules.due_times import MOST, ON_TIME, CatchUp, Schedule, Target, decide, moment
from tests.unit.schedules.oracle import MORE, Fields, due, utc
from tests.unit.schedules.test_due_times import ZONES, cron_fields, windows


def a_schedule(cron: str, **rest: object) -> Schedule:
    return Schedule(name="s", cron=cron, target=Target.RETRAIN, of="risk", **rest)  # type: ignore[arg-type]


def expected(fields: Fields, schedule: Schedule, after: datetime, now: datetime) -> set[datetime]:
    """What the policy says, from every due minute, in the words of the documentation."""
    earliest = after - timedelta(seconds=schedule.jitter_s)
    pending = [each for each in due(fields, schedule.timezone, earliest, now) if after < moment(schedule, each) <= now]
    on_time = [each for each in pending if now - moment(schedule, each) <= ON_TIME]
    missed = [each for each in pending if each not in on_time]
    if schedule.catch_up is CatchUp.NONE:
        return {*on_time}
    if schedule.catch_up is CatchUp.LATEST:
        return {*on_time} or {*missed[-1:]}
    return {*on_time, *missed[-MOST:]}


@settings(max_examples=25 * MORE)
@given(
    cron_fields(),
    st.sampled_from(ZONES),
    windows(),
    st.sampled_from(CatchUp),
    st.sampled_from((0, 0, 30, 600, 7200)),
)
def test_what_fires_is_what_the_policy_says(
    fields: Fields, zone: str, window: tuple[datetime, datetime], catch_up: CatchUp, jitter_s: int
) -> None:
    after, now = window
    schedule = a_schedule(fields.text, timezone=zone, catch_up=catch_up, jitter_s=jitter_s)

    decision = decide(schedule, after, now)

    assert len(set(decision.fires)) == len(decision.fires)
    assert {*decision.fires} == expected(fields, schedule, after, now)


@settings(max_examples=10 * MORE)
@given(cron_fields(), st.sampled_from(ZONES), windows(), st.sampled_from((0, 45, 900)), st.data())
def test_ticks_on_time_fire_each_due_time_once_whatever_the_policy(
    fields: Fields, zone: str, window: tuple[datetime, datetime], jitter_s: int, data: st.DataObject
) -> None:
    after, until = window[0], window[0] + timedelta(hours=2)
    catch_up = data.draw(st.sampled_from(CatchUp))
    schedule = a_schedule(fields.text, timezone=zone, catch_up=catch_up, jitter_s=jitter_s)
    fired, tick = list[datetime](), after
    while tick < until:
        then = min(until, tick + timedelta(seconds=data.draw(st.integers(20, 290))))
        fired += decide(schedule, tick, then).fires
        tick = then

    wanted = due(fields, zone, after - timedelta(seconds=jitter_s), until)
    assert sorted(fired) == [each for each in wanted if after < moment(schedule, each) <= until]


HOURLY, NOW = "0 * * * *", utc("2026-06-15T12:03")
POLICIES = (  # Policy, now, the hours that fire, whether something was skipped.
    (CatchUp.NONE, "12:03", [12], True),
    (CatchUp.NONE, "12:30", [], True),
    (CatchUp.LATEST, "12:03", [12], True),
    (CatchUp.LATEST, "12:30", [12], True),
    (CatchUp.ALL, "12:30", [9, 10, 11, 12], False),
)


@pytest.mark.parametrize(("catch_up", "now", "hours", "skipped"), POLICIES)
def test_the_policies_after_an_outage_of_some_hours(
    catch_up: CatchUp, now: str, hours: list[int], skipped: bool
) -> None:
    decision = decide(a_schedule(HOURLY, catch_up=catch_up), utc("2026-06-15T08:30"), utc(f"2026-06-15T{now}"))

    assert [each.hour for each in decision.fires] == hours
    assert (decision.skipped_due is not None, bool(decision.because)) == (skipped, skipped)


def test_a_years_outage_of_a_schedule_of_every_minute_is_capped_and_says_so() -> None:
    decision = decide(a_schedule("* * * * *", catch_up=CatchUp.ALL), NOW - timedelta(days=365), NOW)

    assert len(decision.fires) == MOST + ON_TIME // timedelta(minutes=1) + 1
    assert decision.fires[-1] == NOW
    assert decision.because == f"more than {MOST} were missed; only the newest {MOST} are caught up"


def test_jitter_is_the_same_for_all_who_ask_and_differs_between_schedules() -> None:
    schedules = [a_schedule(HOURLY, jitter_s=600), a_schedule(HOURLY, jitter_s=600)]
    other = Schedule(name="t", cron=HOURLY, target=Target.RETRAIN, of="risk", jitter_s=600)
    due_at = utc("2026-06-15T12:00")

    one, same = (moment(each, due_at) for each in schedules)

    assert one == same != moment(other, due_at)
    assert due_at <= one < due_at + timedelta(seconds=600)
