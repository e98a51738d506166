"""Take back what is left of sets that were ended from outside: the host ends a set's orchestration, not its members'.

A set is on the list from before its start until a sweep has seen that it ended, and that nothing is left half done.
"""

import asyncio
from datetime import timedelta

from activities.sweep_parts import Parts
from shared import contracts as c
from shared.application.promotion.starts import start_restore
from shared.application.promotion.stored_plans import restoring_of
from shared.clients import Clients
from shared.durable.starting import Client, Start, find_instance
from shared.records import paths
from shared.records.promotion import fate_of, is_open

_GRACE = timedelta(seconds=60)  # Between the list and the start.


async def sweep_sets(client: Client, clients: Clients, parts: Parts) -> int:
    """How many promotions are taken back now: of each set one, the last first."""
    count = 0
    for promotion_set in await asyncio.to_thread(_open, clients, parts):
        with parts.part(f"set {promotion_set.id}"):
            count += await _take_back(client, clients, promotion_set)
    return count


async def _take_back(client: Client, clients: Clients, promotion_set: c.PromotionSet) -> bool:
    """Whether a promotion of the set is taken back now."""
    instance = await find_instance(client, promotion_set.id)
    if instance is not None and instance.running:
        return False
    restoring = None
    if instance is None or instance.status != "Completed":
        if await _under_way(client, clients, promotion_set):
            return False
        restoring = await asyncio.to_thread(_to_take_back, clients, promotion_set)
    if restoring is None:
        await asyncio.to_thread(clients.store.delete, paths.open_set(promotion_set.id))
        return False
    return await start_restore(client, restoring) is Start.STARTED


def _open(clients: Clients, parts: Parts) -> list[c.PromotionSet]:
    store, sets = clients.store, list[c.PromotionSet]()
    for blob in store.blobs(paths.OPEN_SETS):
        with parts.part(f"record {store.container}/{blob.path}"):
            promotion_set = store.get(c.PromotionSet, blob.path)
            if promotion_set is not None and clients.clock.now() - blob.modified > _GRACE:
                sets.append(promotion_set)
    return sets


async def _under_way(client: Client, clients: Clients, promotion_set: c.PromotionSet) -> bool:
    for promotion in promotion_set.promotions:
        instance = await find_instance(client, promotion.id)
        if instance is not None and instance.running:
            return True
    for promotion in promotion_set.promotions:
        if await asyncio.to_thread(is_open, clients.store, promotion.id):
            return True
    return False


def _to_take_back(clients: Clients, promotion_set: c.PromotionSet) -> c.Restoring | None:
    """The last of an atomic set that has arrived, where another has not."""
    store, promoted = clients.store, c.Fate.PROMOTED
    arrivals = [promotion for promotion in promotion_set.promotions if fate_of(store, promotion.id) is promoted]
    if not promotion_set.atomic or len(arrivals) in (0, len(promotion_set.promotions)):
        return None
    because = f"{promotion_set.id} was ended from outside before all of it had arrived, so this one was taken back"
    return restoring_of(clients.ledger, arrivals[-1], because)
