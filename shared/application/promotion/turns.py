"""Whose turn it is where promotions share a model or an endpoint: a lock with its holder, and the queue before it.

Who waits is written down once, in the order in which they came, and stays until they have had their turn or have ended:
a promotion that waits is never refused for it.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from shared.ports import Blob
from shared.records import paths
from shared.records.promotion import LockHolder, QueuedPromotion, fate_of, is_open
from shared.records.store import RecordStore

_FIRST_LOOK_S, _GROWTH = 30.0, 1.25


def holder_of(store: RecordStore, lock: str) -> str:
    """The promotion that holds *lock*; empty where it is free, or held by one that has ended."""
    holder = store.get(LockHolder, paths.endpoint_lock(lock))
    return "" if holder is None or fate_of(store, holder.owner) else holder.owner


def queue_of(store: RecordStore, lock: str) -> list[QueuedPromotion]:
    """The promotions that wait for *lock*, the first one first; those that have ended are taken out."""
    # By time and then by name, so that two that came at the same moment have one order for all who look.
    return sorted(_alive(store, lock))


def join_queue(store: RecordStore, lock: str, promotion: str, now: datetime) -> QueuedPromotion:
    """*promotion*'s place in the queue for *lock*, which it keeps however often it asks."""
    path = paths.queued(lock, promotion)
    store.mark(path, {"since": now.isoformat()})
    place = store.find(path)
    since = place.metadata["since"] if place else now.isoformat()
    return QueuedPromotion(since=since, promotion=promotion)


def leave_queue(store: RecordStore, lock: str, promotion: str) -> None:
    """Safe to repeat."""
    store.delete(paths.queued(lock, promotion))


def look_again_s(place: QueuedPromotion, now: datetime) -> float:
    """When to look at the lock again, in seconds: ever more rarely, since each look is a replay.

    The promotion that gives a lock back wakes the next, and the timer does too.
    """
    waited = (now - datetime.fromisoformat(place.since)).total_seconds()
    # Each look comes at 2.25 times the waiting of the one before it: from 30 s on a week of waiting takes a dozen
    # looks.
    return max(_FIRST_LOOK_S, waited * _GROWTH)


def waited_for(store: RecordStore) -> list[str]:
    """The locks that have a queue."""
    return sorted({blob.path.removeprefix(paths.QUEUES).rpartition("/")[0] for blob in _queued(store, paths.QUEUES)})


def whose_turn(store: RecordStore, locks: Iterable[str]) -> Iterator[str]:
    """The first promotion in the queue of each of *locks* that is free."""
    for lock in locks:
        first = next(iter(queue_of(store, lock)), None)
        if first is not None and not holder_of(store, lock):
            yield first.promotion


def _alive(store: RecordStore, lock: str) -> Iterator[QueuedPromotion]:
    for blob in _queued(store, paths.queue(lock)):
        promotion = blob.path.rpartition("/")[2].removesuffix(".json")
        if is_open(store, promotion):
            yield QueuedPromotion(since=blob.metadata["since"], promotion=promotion)
        else:
            leave_queue(store, lock, promotion)


def _queued(store: RecordStore, folder: str) -> Iterator[Blob]:
    return store.blobs(folder)
