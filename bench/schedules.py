"""What one tick of 10,000 schedules costs when hardly anything is due; fails above 200 ms.

Beside loops over croniter and over APScheduler's triggers, which ask each schedule when it is due next.

All sides get the same expressions, parsed before the clock starts, and must find the same due times. Then whole ticks,
with their records in the hub of the local cloud (Azurite behind the emulated service), of schedules that are not due.
"""

import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from croniter import croniter

sys.path.insert(0, str(Path(__file__).parents[1]))

from activities.schedules.firing import fire_due
from shared import contracts as c
from shared.clients import Clients
from shared.domain.schedules.cron import first_due, read_cron
from shared.domain.schedules.due_times import Schedule, Span, Target, plan
from shared.settings import read_settings
from signalbox.launcher.cloud import LocalCloud

COUNT, ROUNDS, TICKS, LIMIT_S = 10_000, 5, 21, 0.2
PROJECT = Path(__file__).parents[1]
ZONES = ("UTC", "Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
START = datetime(2026, 6, 16, 9, 59, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def main() -> int:
    schedules = _schedules()
    for schedule in schedules:
        read_cron(schedule.cron)
    triggers = [CronTrigger.from_crontab(_days_named(entry.cron), timezone=entry.timezone) for entry in schedules]
    sides: dict[str, Callable[[datetime], set[str]]] = {
        "signalbox": lambda after: _signalbox(schedules, after),
        "croniter": lambda after: _croniter(schedules, after),
        "APScheduler": lambda after: _apscheduler(schedules, triggers, after),
    }
    seconds_by_side: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(ROUNDS):
        due_by_side = {
            name: _time(side, START + number * MINUTE, seconds_by_side[name]) for name, side in sides.items()
        }
        assert due_by_side["signalbox"] == due_by_side["croniter"] == due_by_side["APScheduler"], {
            k: len(v) for k, v in due_by_side.items()
        }
    slow = _tell({name: statistics.median(times) for name, times in seconds_by_side.items()})
    return _tell_ticks(_whole_ticks(schedules)) or slow


def _schedules() -> tuple[Schedule, ...]:
    chance = random.Random(1)
    forms = (
        lambda: f"{chance.randrange(60)} {chance.randrange(24)} * * *",
        lambda: f"{chance.randrange(60)} {chance.randrange(24)} * * {chance.randrange(1, 6)}",
        lambda: f"{chance.randrange(60)} {chance.randrange(24)} {chance.randrange(1, 28)} * *",
        lambda: f"*/{chance.randrange(5, 30)} * * * *",
    )
    template = Schedule(name="", cron="", target=Target.RETRAIN, of="risk")
    return tuple(
        replace(template, name=f"s{number}", cron=chance.choice(forms)(), timezone=chance.choice(ZONES))
        for number in range(COUNT)
    )


def _days_named(cron: str) -> str:
    """APScheduler counts weekdays from Monday."""
    *other_fields, weekday = cron.split()
    return " ".join(
        (*other_fields, weekday if weekday == "*" else ("sun", "mon", "tue", "wed", "thu", "fri")[int(weekday)])
    )


def _signalbox(schedules: tuple[Schedule, ...], after: datetime) -> set[str]:
    firings, _ = plan(schedules, {}, {}, Span(after=after, until=after + MINUTE))
    return {firing.schedule.name for firing in firings}


def _croniter(schedules: tuple[Schedule, ...], after: datetime) -> set[str]:
    names = set()
    for schedule in schedules:
        local = after.astimezone(ZoneInfo(schedule.timezone))
        if croniter(schedule.cron, local).get_next(datetime) <= after + MINUTE:
            names.add(schedule.name)
    return names


def _apscheduler(schedules: tuple[Schedule, ...], triggers: list[CronTrigger], after: datetime) -> set[str]:
    names = set()
    for schedule, trigger in zip(schedules, triggers, strict=True):
        due = trigger.get_next_fire_time(None, after)
        if due is not None and due <= after + MINUTE:
            names.add(schedule.name)
    return names


def _whole_ticks(schedules: tuple[Schedule, ...]) -> list[float]:
    """What the activity of the timer takes, a minute of its clock apart; nothing is due in any of them."""
    now = datetime.now(UTC)
    later = now + TICKS * MINUTE
    idle = tuple(
        schedule
        for schedule in schedules
        if (first_due(read_cron(schedule.cron), schedule.timezone, now) or later) >= later
    )
    many_schedules = tuple(replace(schedule, name=f"{schedule.name}-{copy}") for copy in range(2) for schedule in idle)[
        :COUNT
    ]
    assert len(many_schedules) == COUNT
    with tempfile.TemporaryDirectory() as folder:
        cloud = LocalCloud(PROJECT, Path(folder))
        try:
            cloud.start_services()
            os.environ.update(cloud.endpoints.environment() | {"SIGNALBOX_CONFIG": "signalbox.yaml"})
            clients = Clients(read_settings())
            vars(clients)["configuration"] = replace(clients.configuration, schedules=many_schedules)
            return [_one_tick(clients, now + number * MINUTE) for number in range(TICKS)][1:]  # The first sets it up.
        finally:
            cloud.stop()


def _one_tick(clients: Clients, at: datetime) -> float:
    clients.clock.now = lambda: at  # type: ignore[method-assign]
    start = time.perf_counter()
    result = asyncio.run(fire_due(None, clients, c.Sweep(key="bench")))  # type: ignore[arg-type]  # Nothing is started.
    seconds = time.perf_counter() - start
    assert result == c.Ticked(), result
    return seconds


def _tell_ticks(tick_seconds: list[float]) -> int:
    median = statistics.median(tick_seconds)
    print(f"{COUNT} schedules, a whole tick with its records in the local hub, nothing due: {len(tick_seconds)} ticks")
    extremes = f"shortest {min(tick_seconds) * 1000:.1f} ms, longest {max(tick_seconds) * 1000:.1f} ms"
    print(f"  median {median * 1000:.1f} ms, {extremes}")
    if median > LIMIT_S:
        print(f"above the limit of {LIMIT_S * 1000:.0f} ms")
    return int(median > LIMIT_S)


def _time(side: Callable[[datetime], set[str]], after: datetime, seconds: list[float]) -> set[str]:
    start = time.perf_counter()
    names = side(after)
    seconds.append(time.perf_counter() - start)
    return names


def _tell(medians: dict[str, float]) -> int:
    own = medians["signalbox"]
    print(f"{COUNT} schedules, one tick, median of {ROUNDS}")
    for name, median in medians.items():
        print(f"  {name:<12} {median * 1000:8.1f} ms   {median / own:6.1f}")
    if own > LIMIT_S:
        print(f"above the limit of {LIMIT_S * 1000:.0f} ms")
    return int(own > LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
