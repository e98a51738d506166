"""Records of schedules: how far all of them have been seen to, who has paused which, and what each did when it was due.

These are three small records, however many schedules there are. A tick claims the span that it is about to fire before
it fires anything, so that another tick takes up one that dies, by the same decision; who writes over what somebody else
wrote is refused.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.contracts import ScheduleFired
from shared.domain import identity
from shared.domain.failures import Transient
from shared.domain.schedules.due_times import PauseOrder, Schedule
from shared.records import paths
from shared.records.line_logs import append_line
from shared.records.store import LostRace, RecordStore

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
class RecordedFiring(ScheduleFired):
    """What a schedule did when it was due; *by* and *reason* where somebody wanted it then."""

    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _KnownSchedule:
    """Since when a schedule is what it is."""

    mark: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSchedules:
    known: dict[str, _KnownSchedule] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _PauseOrders:
    orders: dict[str, PauseOrder] = field(default_factory=dict)


def read_timetable(store: RecordStore) -> Timetable | None:
    """None before the first tick."""
    return store.get(Timetable, paths.SCHEDULE_CLOCK)


def write_timetable(store: RecordStore, before: Timetable | None, after: Timetable) -> bool:
    """False where it is not *before* any more: another tick has written since."""
    entry = store.get_stored(Timetable, paths.SCHEDULE_CLOCK)
    if (None if entry is None else entry.record) != before:
        return False
    try:
        store.save(paths.SCHEDULE_CLOCK, after, entry)
    except LostRace:
        return False
    return True


def configured(schedules: tuple[Schedule, ...]) -> str:
    """A digest of what every schedule is."""
    return identity.digest(*(f"{schedule.name}|{schedule.mark}" for schedule in schedules))


def known_since(store: RecordStore, schedules: tuple[Schedule, ...], now: datetime) -> dict[str, datetime]:
    """Since when each schedule is what it is; what is new or has changed counts from *now*. Safe to repeat.

    Raises LostRace where another tick has written it meanwhile.
    """
    entry = store.get_stored(KnownSchedules, paths.SCHEDULES_KNOWN)
    before = {} if entry is None else entry.record.known
    current = {schedule.name: _KnownSchedule(mark=schedule.mark, since=now) for schedule in schedules}
    current = {
        name: before[name] if name in before and before[name].mark == schedule.mark else schedule
        for name, schedule in current.items()
    }
    if current != before:
        store.save(paths.SCHEDULES_KNOWN, KnownSchedules(known=current), entry)
    return {name: schedule.since for name, schedule in current.items()}


def read_orders(store: RecordStore) -> dict[str, PauseOrder]:
    """The last order about each schedule that ever had one, by its name."""
    record = store.get(_PauseOrders, paths.SCHEDULE_ORDERS)
    return {} if record is None else record.orders


def give_order(store: RecordStore, schedule: str, order: PauseOrder) -> tuple[PauseOrder, bool]:
    """Pause *schedule*, or let it go on; returns the order that holds, and whether it is new. Raises Transient."""
    for _ in range(_TRIES):
        entry = store.get_stored(_PauseOrders, paths.SCHEDULE_ORDERS)
        orders = {} if entry is None else entry.record.orders
        standing = orders.get(schedule)
        if (standing is not None and standing.paused) == order.paused:
            return standing or order, False
        try:
            store.save(paths.SCHEDULE_ORDERS, _PauseOrders(orders=orders | {schedule: order}), entry)
        except LostRace:
            continue
        kind = "pause" if order.paused else "resume"
        note(store, order.at, [{"schedule": schedule, "order": kind, "by": order.by, "reason": order.reason}])
        return order, True
    raise Transient(f"{paths.SCHEDULE_ORDERS} is being changed by others; try again")


def note(store: RecordStore, now: datetime, lines: Sequence[Mapping[str, str]]) -> None:
    """Write *lines* to the schedules' log of the day, each with the time *now*."""
    rows = [json.dumps({"at": now.isoformat(timespec="milliseconds"), **line}, sort_keys=True) for line in lines]
    path = paths.schedule_log(now.date().isoformat())
    for start in range(0, len(rows), _LINES_AT_ONCE):
        part = "\n".join(rows[start : start + _LINES_AT_ONCE])
        append_line(store.hub, store.container, path, part.encode())


def firings_of(store: RecordStore, schedule: str, day: str) -> Iterator[tuple[str, RecordedFiring]]:
    """What *schedule* did about the due times of *day* (UTC), the newest first, each with its due time."""
    for path in sorted((blob.path for blob in store.blobs(paths.fired(schedule, day))), reverse=True):
        firing = store.get(RecordedFiring, path)
        if firing is not None:
            yield path.rpartition("/")[2].removesuffix(".json"), firing


def step(claim: FiringClaim, place: tuple[datetime, str, datetime]) -> FiringClaim:
    """*claim* once everything up to *place* has fired."""
    return replace(claim, done_at=place[0], done_name=place[1], done_due=place[2])
