"""What has come to train a model: looked at as it lies there, never counted by events; enough of it is a cause."""

import asyncio
from collections import deque
from contextlib import suppress

from activities.effects import stamp
from activities.retraining.training_files import TrainingFile, rows_of, waiting_files
from activities.retraining.training_sets import arrival_of
from shared import contracts as c
from shared.application.retraining.causes import raise_cause
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.retraining.arrived import Arrived, reason_for_run
from shared.domain.retraining.causes import Cause, CauseKind
from shared.domain.retraining.rules import TrainingRoute
from shared.durable.starting import Client
from shared.ports import Blob
from shared.records import paths
from shared.records.retraining import TrainingLineage, book_of, open_causes


async def look_at_training_data(client: Client, clients: Clients, wake: c.RetrainingWake) -> c.Done:
    """Record a cause for each route that has enough, and have it considered."""
    causes = await asyncio.to_thread(_causes, clients, wake.model)
    if causes:
        await raise_cause(client, clients.store, clients.configuration, *causes)
    return c.Done(at=stamp(clients))


def _causes(clients: Clients, model: str) -> list[Cause]:
    rules = clients.configuration.retrained(model)
    routes = [route for route in rules.data if route.rows or route.files or route.age_s]
    if not routes or any(cause.kind is CauseKind.DATA for cause in open_causes(clients.store, model)):
        return []
    used_arrivals = _used(clients, model)
    causes = (_cause(clients, model, route, used_arrivals) for route in routes)
    return [cause for cause in causes if cause is not None]


def _cause(clients: Clients, model: str, route: TrainingRoute, used_arrivals: set[str]) -> Cause | None:
    now = clients.clock.now()
    files = {arrival_of(clients, blob): blob for blob in waiting_files(clients, route)}
    # What lies in the hub is compared with the last lineage. Counting events instead would miscount lost and repeated
    # ones.
    fresh = {arrival: blob for arrival, blob in files.items() if arrival not in used_arrivals}
    if not fresh:
        return None
    arrivals = Arrived(
        files=len(fresh),
        rows=_rows(clients, model, route, fresh) if route.rows else 0,
        oldest_s=max((now - blob.modified).total_seconds() for blob in fresh.values()),
    )
    because = reason_for_run(arrivals, route)
    if not because:
        return None
    facts = {"route": route.name, "files": str(arrivals.files), "rows": str(arrivals.rows or "not counted")}
    name = identity.cause_id(model, CauseKind.DATA.value, route.name, *sorted(fresh))
    return Cause(id=name, model=model, kind=CauseKind.DATA, at=now, because=because, facts=facts)


def _used(clients: Clients, model: str) -> set[str]:
    """The arrivals that the last run which judged a challenger was trained on."""
    path = book_of(clients.store, model).used
    lineage = clients.store.get(TrainingLineage, path) if path else None
    return {file.id for file in lineage.members} if lineage else set()


def _rows(clients: Clients, model: str, route: TrainingRoute, fresh: dict[str, Blob]) -> int:
    """Each file is counted once: what was counted is remembered, as a cache that anybody may lose."""
    path = paths.counted_rows(model)
    counted_before = clients.store.get(dict[str, int], path) or {}
    missing = {name: blob for name, blob in fresh.items() if name not in counted_before}
    counts = {name: _count(clients, route, blob) for name, blob in missing.items()}
    rows_of_file = counted_before | counts
    if counts:
        clients.store.overwrite(path, {name: rows for name, rows in rows_of_file.items() if name in fresh})
    return sum(rows_of_file[name] for name in fresh)


def _count(clients: Clients, route: TrainingRoute, blob: Blob) -> int:
    """Of a file that cannot be read, as far as it can: a run says what is wrong with it, and no other file waits."""
    member = TrainingFile(blob=blob)
    with suppress(Refused):
        deque(rows_of(clients, route, member, ()), maxlen=0)
    return member.rows
