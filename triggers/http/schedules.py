"""What the doors of schedules do; `triggers.http.routes` opens them. A pause is a record that the next tick reads."""

import asyncio
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from shared import contracts as c
from shared.clients import Clients
from shared.codec import decode, encode
from shared.domain import identity
from shared.domain.schedules.cron import first_due, read_cron
from shared.domain.schedules.due_times import PauseOrder, Schedule, moment
from shared.records import paths as records
from shared.records.schedules import firings_of, give_order, note, read_orders, read_timetable
from triggers.http import requests as asked
from triggers.http.door import Call
from triggers.http.idempotency import Starting
from triggers.http.problems import Problem
from triggers.http.responses import other as answers

_FIRINGS, _DAYS_BACK = 20, 31


async def list_schedules(call: Call, query: asked.ScheduleFilters) -> answers.SchedulePage:
    """By name; the next page begins after `after`."""
    return await asyncio.to_thread(_page, call.clients, query)


async def show_schedule(call: Call, schedule: str) -> answers.ScheduleShown:
    """One schedule, with what it did last."""
    found = _find(call.clients, schedule)
    return await asyncio.to_thread(_shown, call.clients, found)


async def pause_schedule(call: Call, schedule: str, body: asked.Order) -> answers.ScheduleOrdered:
    """Let it rest: the due times of its pause are not caught up."""
    return await _order(call, schedule, body.reason, pause=True)


async def resume_schedule(call: Call, schedule: str, body: asked.Order) -> answers.ScheduleOrdered:
    """It goes on with its next due time: those of the pause are forgotten."""
    return await _order(call, schedule, body.reason, pause=False)


async def run_schedule_now(call: Call, schedule: str, body: asked.Order) -> Starting:
    """What the schedule does when it is due, now, paused or not; its due times stay what they are."""
    found, due = _find(call.clients, schedule), call.clients.clock.now()
    key, name = records.firing(schedule, due), identity.firing_id(schedule, due)
    firing = c.ScheduleFiring(key=key, schedule=found, due=due, by=call.caller.name, reason=body.reason)
    await asyncio.to_thread(note, call.clients.store, due, [_noted(firing)])
    return Starting(orchestration=c.RUN_SCHEDULE, instance=name, payload=firing, resource=f"schedules/{schedule}")


async def _order(call: Call, schedule: str, reason: str, *, pause: bool) -> answers.ScheduleOrdered:
    _find(call.clients, schedule)

    def give() -> tuple[PauseOrder, bool]:
        order = PauseOrder(paused=pause, at=call.clients.clock.now(), by=call.caller.name, reason=reason)
        return give_order(call.clients.store, schedule, order)

    order, new = await asyncio.to_thread(give)
    return answers.ScheduleOrdered(schedule=schedule, recorded=new, **_standing(order))


def _page(clients: Clients, query: asked.ScheduleFilters) -> answers.SchedulePage:
    timetable, orders = read_timetable(clients.store), read_orders(clients.store)
    known = sorted(clients.configuration.schedules, key=lambda each: each.name)
    rest = [each for each in known if each.name > query.after]
    now = clients.clock.now()
    page = tuple(answers.ScheduleRow(**_row(each, orders.get(each.name), now)) for each in rest[: query.limit])
    seen = timetable.until.isoformat() if timetable else ""
    more = page[-1].schedule if len(rest) > len(page) else ""
    return answers.SchedulePage(total=len(known), seen_to_until=seen, schedules=page, next=more)


def _shown(clients: Clients, schedule: Schedule) -> answers.ScheduleShown:
    now = clients.clock.now()
    row = _row(schedule, read_orders(clients.store).get(schedule.name), now)
    return answers.ScheduleShown(**row, firings=_firings(clients, schedule.name, now))


def _firings(clients: Clients, schedule: str, now: datetime) -> tuple[answers.FiringRow, ...]:
    """What it did last, the newest first: at most a month back."""
    rows = list[answers.FiringRow]()
    for back in range(_DAYS_BACK):
        day = (now - timedelta(days=back)).date().isoformat()
        firings = islice(firings_of(clients.store, schedule, day), _FIRINGS - len(rows))
        rows += [decode(answers.FiringRow, encode(firing) | {"due": due}) for due, firing in firings]
        if len(rows) >= _FIRINGS:
            break
    return tuple(rows)


def _row(schedule: Schedule, order: PauseOrder | None, now: datetime) -> dict[str, Any]:
    due = first_due(read_cron(schedule.cron), schedule.timezone, now)
    return {
        "schedule": schedule.name,
        "does": schedule.target.value,
        "of": schedule.of,
        "input": schedule.input,
        "cron": schedule.cron,
        "timezone": schedule.timezone,
        "catch_up": schedule.catch_up.value,
        "jitter_s": schedule.jitter_s,
        "next": moment(schedule, due).isoformat() if due else "",
        **_standing(order),
    }


def _standing(order: PauseOrder | None) -> dict[str, Any]:
    if order is None:
        return {"paused": False, "since": "", "by": "", "reason": ""}
    return {"paused": order.paused, "since": order.at.isoformat(), "by": order.by, "reason": order.reason}


def _find(clients: Clients, name: str) -> Schedule:
    for schedule in clients.configuration.schedules:
        if schedule.name == name:
            return schedule
    raise Problem(404, "no such schedule", f"schedule {name!r} is not configured; `signalbox schedules list` names all")


def _noted(firing: c.ScheduleFiring) -> dict[str, str]:
    return {"schedule": firing.schedule.name, "order": "run", "by": firing.by, "reason": firing.reason}
