"""Whose turn it is where promotions share a model or an endpoint: a lock with its holder, and the queue before it.

Who waits is written down once, in the order in which they came, and stays until they have had their turn or have ended:
a promotion that waits is never refused for it.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from shared.application.promotion.standing import Records, fate_of
from shared.ports import Blob
from shared.records import paths as records

_FIRST_LOOK_S, _GROWTH = 30.0, 1.25


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class QueuedPromotion:
    """A promotion in a queue, since when (ISO 8601)."""

    since: str
    promotion: str


def holder_of(made: Records, lock: str) -> str:
    """The promotion that holds *lock*; empty where it is free, or held by one that has ended."""
    raw = made.hub.read(made.configuration.hub.state, records.endpoint_lock(lock))
    owner = str(json.loads(raw).get("owner", "")) if raw else ""
    return "" if not owner or fate_of(made, owner) else owner


def queue_of(made: Records, lock: str) -> list[QueuedPromotion]:
    """The promotions that wait for *lock*, the first one first; those that have ended are taken out."""
    return sorted(_alive(made, lock))


def join_queue(made: Records, lock: str, promotion: str) -> QueuedPromotion:
    """*promotion*'s place in the queue for *lock*, which it keeps however often it asks."""
    state, path = made.configuration.hub.state, records.queued(lock, promotion)
    made.hub.create(state, path, b"", {"since": made.clock.now().isoformat()})
    there = made.hub.find(state, path)
    since = there.metadata["since"] if there else made.clock.now().isoformat()
    return QueuedPromotion(since=since, promotion=promotion)


def leave_queue(made: Records, lock: str, promotion: str) -> None:
    """Safe to repeat."""
    made.hub.delete(made.configuration.hub.state, records.queued(lock, promotion))


def look_again_s(made: Records, place: QueuedPromotion) -> float:
    """When to look at the lock again, in seconds: ever more rarely, since each look is a replay.

    Whoever gives a lock back wakes the next, and the timer does too.
    """
    waited = (made.clock.now() - datetime.fromisoformat(place.since)).total_seconds()
    return max(_FIRST_LOOK_S, waited * _GROWTH)


def waited_for(made: Records) -> list[str]:
    """The locks that have a queue."""
    return sorted({blob.path.removeprefix(records.QUEUES).rpartition("/")[0] for blob in _queued(made, records.QUEUES)})


def whose_turn(made: Records, locks: Iterable[str]) -> Iterator[str]:
    """The first promotion in the queue of each of *locks* that is free."""
    for lock in locks:
        first = next(iter(queue_of(made, lock)), None)
        if first is not None and not holder_of(made, lock):
            yield first.promotion


def _alive(made: Records, lock: str) -> Iterator[QueuedPromotion]:
    for blob in _queued(made, records.queue(lock)):
        promotion = blob.path.rpartition("/")[2].removesuffix(".json")
        if fate_of(made, promotion) == "":
            yield QueuedPromotion(since=blob.metadata["since"], promotion=promotion)
        else:
            leave_queue(made, lock, promotion)


def _queued(made: Records, folder: str) -> Iterator[Blob]:
    return made.hub.list(made.configuration.hub.state, folder)
