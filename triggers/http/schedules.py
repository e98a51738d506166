"""Schedules over HTTP: list, show, pause, resume, run one now. A pause is a record that the next tick reads."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from operator import attrgetter
from typing import Annotated, Any

from shared import contracts as c
from shared.clients import Clients
from shared.codec import decode, encode
from shared.domain import identity
from shared.domain.schedules.cron import first_due, read_cron
from shared.domain.schedules.due_times import PauseOrder, Schedule, moment
from shared.records import paths as records
from shared.records.schedules import firings_of, give_order, note, read_orders, read_timetable
from shared.validation.rules import OptionalName, Text, Whole
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.bodies import Order
from triggers.http.exchange.idempotency import RequestedStart
from triggers.http.exchange.pages import PAGE, order_of, rows_behind
from triggers.http.exchange.problems import Problem

_FIRINGS, _DAYS_BACK = 20, 31


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleFilters:
    """*after*: the name that the page before ended with. *sort* is a column, with `-` before it the greatest first; by
    name where it is empty."""

    sort: Annotated[str, Text(shortest=0, longest=20, pattern=r"(-?(schedule|does|next|paused))?")] = ""
    after: OptionalName = ""
    limit: Annotated[int, Whole(least=1, most=PAGE)] = PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """*does* something *of* a model or a route; *next* is empty where it is never due again; *since* to *reason* tell
    the last order."""

    schedule: str
    does: str
    of: str
    input: str
    cron: str
    timezone: str
    catch_up: str
    jitter_s: int
    next: str
    paused: bool = False
    since: str = ""
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePage:
    """Everything that was due up to *seen_to_until* has been seen to; *next* is the `after` of the next page."""

    total: int
    seen_to_until: str
    schedules: tuple[ScheduleRow, ...]
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringRow:
    """*what* was done and *started*, or *because* of what nothing; *by* and *reason* where somebody wanted it."""

    due: str
    at: str = ""
    what: str = ""
    started: tuple[str, ...] = ()
    because: str = ""
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleShown(ScheduleRow):
    """The newest firing first."""

    firings: tuple[FiringRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleOrdered:
    """*recorded* is false where it stood so already."""

    schedule: str
    paused: bool
    since: str
    by: str
    reason: str
    recorded: bool


def pause_schedule(request: ApiRequest, schedule: str, body: Order) -> ScheduleOrdered:
    """Let the schedule rest: the due times of its pause are not caught up."""
    return _order(request, schedule, body.reason, pause=True)


def resume_schedule(request: ApiRequest, schedule: str, body: Order) -> ScheduleOrdered:
    """Let the schedule go on with its next due time: those of the pause are forgotten."""
    return _order(request, schedule, body.reason, pause=False)


async def run_schedule_now(request: ApiRequest, schedule: str, body: Order) -> RequestedStart:
    """What the schedule does when it is due, now, paused or not; its due times stay what they are."""
    schedule_entry, due = _find(request.clients, schedule), request.clients.clock.now()
    key, name = records.firing(schedule, due), identity.firing_id(schedule, due)
    firing = c.ScheduleFiring(key=key, schedule=schedule_entry, due=due, by=request.caller.name, reason=body.reason)
    await asyncio.to_thread(note, request.clients.store, due, [_log_line(firing)])
    return RequestedStart(orchestration=c.RUN_SCHEDULE, instance=name, payload=firing, resource=f"schedules/{schedule}")


def _order(request: ApiRequest, schedule: str, reason: str, *, pause: bool) -> ScheduleOrdered:
    _find(request.clients, schedule)
    order = PauseOrder(paused=pause, at=request.clients.clock.now(), by=request.caller.name, reason=reason)
    order, was_recorded = give_order(request.clients.store, schedule, order)
    return ScheduleOrdered(schedule=schedule, recorded=was_recorded, **_standing(order))


def list_schedules(request: ApiRequest, query: ScheduleFilters) -> SchedulePage:
    """By name, or as `sort` says; the next page begins after `after`."""
    clients, order = request.clients, order_of(query.sort or "schedule")
    timetable, orders, now = read_timetable(clients.store), read_orders(clients.store), clients.clock.now()
    rows = [ScheduleRow(**_row(item, orders.get(item.name), now)) for item in clients.configuration.schedules]
    rows.sort(key=lambda row: (_sortable(row, order.column), row.schedule), reverse=order.down)
    if query.sort:
        rows_after = rows_behind(rows, attrgetter("schedule"), query.after)
    else:  # A name tells where it would stand by name, also where its schedule is not configured any more.
        rows_after = [row for row in rows if row.schedule > query.after]
    page = tuple(rows_after[: query.limit])
    until = timetable.until.isoformat() if timetable else ""
    next_name = page[-1].schedule if len(rows_after) > len(page) else ""
    return SchedulePage(total=len(rows), seen_to_until=until, schedules=page, next=next_name)


def _sortable(row: ScheduleRow, column: str) -> str:
    """What is never due again, or rests, comes behind everything that is due."""
    if column == "next":
        return row.next if row.next and not row.paused else "~"
    return str(getattr(row, column))


def show_schedule(request: ApiRequest, schedule: str) -> ScheduleShown:
    """One schedule, with what it did last."""
    clients, now = request.clients, request.clients.clock.now()
    row = _row(_find(clients, schedule), read_orders(clients.store).get(schedule), now)
    return ScheduleShown(**row, firings=_firings(clients, schedule, now))


def _firings(clients: Clients, schedule: str, now: datetime) -> tuple[FiringRow, ...]:
    """The latest firings, the newest first, of at most a month."""
    rows = list[FiringRow]()
    for back in range(_DAYS_BACK):
        day = (now - timedelta(days=back)).date().isoformat()
        firings = islice(firings_of(clients.store, schedule, day), _FIRINGS - len(rows))
        rows += [decode(FiringRow, encode(firing) | {"due": due}) for due, firing in firings]
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


def _log_line(firing: c.ScheduleFiring) -> dict[str, str]:
    return {"schedule": firing.schedule.name, "order": "run", "by": firing.by, "reason": firing.reason}
