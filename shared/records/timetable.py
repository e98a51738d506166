"""How far all schedules have been seen to, and who has paused which: three small records, however many schedules.

A tick claims the span that it is about to fire before it fires anything, so that a tick that dies is taken up where it
was, by the same decision; what is written over what somebody else wrote is refused.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from shared.codec import decode, encode
from shared.domain import identity
from shared.domain.failures import Transient
from shared.domain.schedules.due_times import PauseOrder, Schedule
from shared.records import paths as records
from shared.records.access import DatedRecords
from shared.records.line_logs import append_line

_TRIES = 10
_LINES_AT_ONCE = 1000  # A block of an append blob is small, and so is a part of the log.


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringClaim:
    """A span that is being fired, up to *until*; everything up to the place of *done* has fired."""

    until: datetime
    done_at: datetime | None = None
    done_name: str = ""
    done_due: datetime | None = None

    def has_fired(self, place: tuple[datetime, str, datetime]) -> bool:
        return (
            self.done_at is not None
            and self.done_due is not None
            and place
            <= (
                self.done_at,
                self.done_name,
                self.done_due,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """*until*: everything up to then has been seen to; *configured* is the digest of the schedules it was seen with."""

    until: datetime
    configured: str
    claim: FiringClaim | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Since when a schedule is what it is."""

    mark: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Book:
    known: dict[str, _Known] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Orders:
    orders: dict[str, PauseOrder] = field(default_factory=dict)


def read_timetable(made: DatedRecords) -> Timetable | None:
    """None before the first tick."""
    raw = _read(made, records.SCHEDULE_CLOCK)[1]
    return None if raw is None else decode(Timetable, raw)


def write_timetable(made: DatedRecords, before: Timetable | None, after: Timetable) -> bool:
    """False where it is not *before* any more: another tick has written since."""
    etag, raw = _read(made, records.SCHEDULE_CLOCK)
    if raw != encode(before):
        return False
    return _write(made, records.SCHEDULE_CLOCK, encode(after), etag)


def configured(schedules: tuple[Schedule, ...]) -> str:
    """A digest of what every schedule is."""
    return identity.digest(*(f"{schedule.name}|{schedule.mark}" for schedule in schedules))


def known_since(made: DatedRecords, schedules: tuple[Schedule, ...], now: datetime) -> dict[str, datetime]:
    """Since when each schedule is what it is; what is new or has changed counts from *now*. Safe to repeat."""
    etag, raw = _read(made, records.SCHEDULES_KNOWN)
    before = decode(_Book, raw or {}).known
    known = {each.name: _Known(mark=each.mark, since=now) for each in schedules}
    known = {
        name: before[name] if name in before and before[name].mark == each.mark else each
        for name, each in known.items()
    }
    if known != before and not _write(made, records.SCHEDULES_KNOWN, encode(_Book(known=known)), etag):
        raise Transient(f"{records.SCHEDULES_KNOWN} was changed by another tick")
    return {name: each.since for name, each in known.items()}


def read_orders(made: DatedRecords) -> dict[str, PauseOrder]:
    """The last order about each schedule that ever had one, by its name."""
    return decode(_Orders, _read(made, records.SCHEDULE_ORDERS)[1] or {}).orders


def give_order(made: DatedRecords, schedule: str, *, pause: bool, by: str, reason: str) -> tuple[PauseOrder, bool]:
    """Pause *schedule*, or let it go on; returns the order that holds, and whether it is new. Raises Transient."""
    for _ in range(_TRIES):
        etag, raw = _read(made, records.SCHEDULE_ORDERS)
        orders = decode(_Orders, raw or {}).orders
        held = orders.get(schedule)
        if (held is not None and held.paused) == pause:
            return held or PauseOrder(paused=False, at=made.clock.now(), by=by, reason=reason), False
        order = PauseOrder(paused=pause, at=made.clock.now(), by=by, reason=reason)
        if _write(made, records.SCHEDULE_ORDERS, encode(_Orders(orders=orders | {schedule: order})), etag):
            note(made, [{"schedule": schedule, "order": "pause" if pause else "resume", "by": by, "reason": reason}])
            return order, True
    raise Transient(f"{records.SCHEDULE_ORDERS} is being changed by others; try again")


def note(made: DatedRecords, lines: list[Mapping[str, str]]) -> None:
    """Write *lines* to the schedules' log of the day, each with the time."""
    now = made.clock.now()
    stamped = [json.dumps({"at": now.isoformat(timespec="milliseconds"), **line}, sort_keys=True) for line in lines]
    path = records.schedule_log(now.date().isoformat())
    for start in range(0, len(stamped), _LINES_AT_ONCE):
        part = "\n".join(stamped[start : start + _LINES_AT_ONCE])
        append_line(made.hub, made.configuration.hub.state, path, part.encode())


def step(claim: FiringClaim, place: tuple[datetime, str, datetime]) -> FiringClaim:
    """*claim* once everything up to *place* has fired."""
    return replace(claim, done_at=place[0], done_name=place[1], done_due=place[2])


def _read(made: DatedRecords, path: str) -> tuple[str, Any]:
    """The eTag and the content of a record; empty and None where there is none."""
    state = made.configuration.hub.state
    there = made.hub.find(state, path)
    if there is None:
        return "", None
    raw = made.hub.read(state, path)
    return there.etag, None if raw is None else json.loads(raw)


def _write(made: DatedRecords, path: str, content: Any, etag: str) -> bool:
    state, data = made.configuration.hub.state, json.dumps(content).encode()
    return made.hub.replace(state, path, data, etag) if etag else made.hub.create(state, path, data)
