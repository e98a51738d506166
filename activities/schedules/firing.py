"""Fire what is due: every due time once, as its policy says, whatever dies or comes twice in between.

A due time's effect has its own key in the ledger; a refusal is a result too, and keeps no other schedule waiting.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from activities.effects import stamp
from activities.schedules.scheduled_scoring import score
from shared import contracts as c
from shared.application.retraining.causes import raise_cause
from shared.clients import Clients
from shared.codec import decode, encode
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.retraining.causes import Cause, CauseKind
from shared.domain.schedules.due_times import Firing, Skip, Span, Target, plan
from shared.durable.starting import Client
from shared.records import paths
from shared.records.schedules import (
    FiringClaim,
    Timetable,
    configured,
    known_since,
    note,
    read_orders,
    read_timetable,
    step,
    write_timetable,
)

_log = logging.getLogger(__name__)
_BATCH, _AT_ONCE = 200, 8  # Firings for each call, which stays far below the time a function may take.
_ODD = timedelta(minutes=10)


async def fire_due(client: Client, clients: Clients, sweep: c.Sweep) -> c.Ticked:
    """Fire a batch of what is due; its span is claimed before anything fires, and seen to when everything has."""
    del sweep  # Its key only makes the tick an effect of its own.
    work = await asyncio.to_thread(_next_work, clients)
    if work is None:
        return c.Ticked()
    batch = work.firings[:_BATCH]
    if not await asyncio.to_thread(_claim, clients, work):
        return c.Ticked(more=True)  # Another tick was faster: what it left is looked at again.
    await _fire_all(client, clients, batch)
    if len(batch) < len(work.firings):
        further = replace(work.timetable, claim=step(work.claim, batch[-1].place))
        await asyncio.to_thread(write_timetable, clients.store, replace(work.timetable, claim=work.claim), further)
        return c.Ticked(fired=len(batch), more=True)
    await asyncio.to_thread(_seen_to, clients, work)
    return c.Ticked(fired=len(batch), more=work.timetable.claim is not None)  # An older span: time has passed since.


async def fire_schedule(client: Client, clients: Clients, firing: c.ScheduleFiring) -> c.ScheduleFired:
    """The recorded result, or what is done now; each act finds its own earlier effect."""
    done = await asyncio.to_thread(clients.ledger.find, firing.key)
    if done is None:
        try:
            result = await _ACTS[firing.schedule.target](client, clients, firing)
        except Refused as refusal:
            result = c.ScheduleFired(at=stamp(clients), because=str(refusal)[:1000])
        except (ValueError, LookupError, TypeError, AttributeError) as fault:  # A bad record; the others are due too.
            _log.exception("schedule %s due %s", firing.schedule.name, firing.due)
            result = c.ScheduleFired(at=stamp(clients), because=f"{type(fault).__name__}: {fault}"[:1000])
        content = encode(result) | {"by": firing.by, "reason": firing.reason}  # As `RecordedFiring` reads it.
        done = await asyncio.to_thread(clients.ledger.record, firing.key, content)
    return decode(c.ScheduleFired, done)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """The firings of a span that are left, and the timetable as it was found."""

    timetable: Timetable
    claim: FiringClaim
    firings: tuple[Firing, ...]
    skips: tuple[Skip, ...]


def _next_work(clients: Clients) -> _Work | None:
    """A span that another tick began comes first, and is decided as of its own time."""
    now, schedules = clients.clock.now(), clients.configuration.schedules
    timetable = read_timetable(clients.store)
    if not schedules and (timetable is None or timetable.configured == configured(())):
        return None
    if timetable is None:
        known_since(clients.store, schedules, now)
        write_timetable(clients.store, None, Timetable(until=now, configured=configured(schedules)))
        return None
    # A clock that has gone back fires nothing until it has passed where it was: due times fired before would fire
    # again.
    if timetable.claim is None and now <= timetable.until:
        if timetable.until - now > _ODD:
            _log.error("schedules are seen to until %s, and it is %s: nothing is due", timetable.until, now)
        return None
    claim = timetable.claim or FiringClaim(until=now)
    is_changed = timetable.configured != configured(schedules)
    since = known_since(clients.store, schedules, now) if is_changed else {}
    span = Span(after=timetable.until, until=claim.until)
    firings, skips = plan(schedules, read_orders(clients.store), since, span)
    # The plan of a claimed span is made again as of its own time, so what a dead tick fired is recognised and skipped.
    firings_left = tuple(firing for firing in firings if not claim.has_fired(firing.place))
    return _Work(timetable=timetable, claim=claim, firings=firings_left, skips=tuple(skips))


def _claim(clients: Clients, work: _Work) -> bool:
    """Where something fires, say so first. False where another tick has written meanwhile."""
    if not work.firings or work.timetable.claim is not None:
        return True
    return write_timetable(clients.store, work.timetable, replace(work.timetable, claim=work.claim))


def _seen_to(clients: Clients, work: _Work) -> None:
    if work.skips:
        note(clients.store, clients.clock.now(), [_line(skip) for skip in work.skips])
    before = replace(work.timetable, claim=work.claim) if work.firings else work.timetable
    after = replace(work.timetable, until=work.claim.until, claim=None)
    if work.timetable.claim is None:  # A change since an older span began still has to be heard of by the next.
        after = replace(after, configured=configured(clients.configuration.schedules))
    write_timetable(clients.store, before, after)


async def _fire_all(client: Client, clients: Clients, firings: Sequence[Firing]) -> None:
    """All of them, a few at a time; the first fault is raised once all have been tried."""
    lanes = asyncio.Semaphore(_AT_ONCE)

    async def fire(firing: Firing) -> c.ScheduleFired:
        # By the due time and not by the tick: a tick that dies and the one that takes its span over give a due time the
        # same key.
        key = paths.firing(firing.schedule.name, firing.due)
        async with lanes:
            order = c.ScheduleFiring(key=key, schedule=firing.schedule, due=firing.due)
            firing_result = await fire_schedule(client, clients, order)
        _log.info(
            "schedule %s due %s: %s", firing.schedule.name, firing.due, firing_result.because or firing_result.what
        )
        return firing_result

    # One schedule that fails must not keep the others from firing, so faults are collected and raised at the end.
    results = await asyncio.gather(*(fire(firing) for firing in firings), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def _retrain(client: Client, clients: Clients, firing: c.ScheduleFiring) -> c.ScheduleFired:
    schedule, due = firing.schedule, firing.due.isoformat()
    reason = f"schedule {schedule.name} was due at {due}"
    cause = Cause(
        id=identity.cause_id(schedule.of, CauseKind.SCHEDULE, schedule.name, due, firing.by),
        model=schedule.of,
        kind=CauseKind.PERSON if firing.by else CauseKind.SCHEDULE,
        at=firing.due,
        because=firing.reason or reason,
        who=firing.by,
        facts={"schedule": schedule.name, "due": due},
    )
    await raise_cause(client, clients.store, clients.configuration, cause)
    summary = f"a cause to retrain {schedule.of} was recorded"
    return c.ScheduleFired(at=stamp(clients), what=summary, started=(identity.considering_id(schedule.of),))


_ACTS: dict[Target, Callable[[Client, Clients, c.ScheduleFiring], Awaitable[c.ScheduleFired]]] = {
    Target.RETRAIN: _retrain,
    Target.SCORE: score,
}


def _line(skip: Skip) -> dict[str, str]:
    return {
        "schedule": skip.schedule,
        "skipped_after": skip.after.isoformat(),
        "skipped_until": skip.newest.isoformat(),
        "because": skip.because,
    }
