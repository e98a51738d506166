"""Take back what is left of sets that were ended from outside: the host ends a set's orchestration, not its members'.

A set is on the list from before its start until a sweep has seen that it ended, and that nothing is left half done. The
list only names it: what belongs to a set is signed, and what has arrived is in the audit log.
"""

import asyncio
from datetime import datetime, timedelta

from activities.promotion.forgeries import tell_forgeries, telling_forgeries
from activities.sweep_parts import Parts
from shared import contracts as c
from shared.application.promotion.standing import logged_fate
from shared.application.promotion.starts import start_restore
from shared.application.promotion.stored_plans import restoring_of
from shared.clients import Clients
from shared.codec import UndecodableError, encode
from shared.durable.starting import Client, Start, find_instance
from shared.records import paths
from shared.records.promotion import is_open, signed_set
from shared.records.statements import ForgedError

_GRACE = timedelta(seconds=60)  # Between the list and the start.


async def sweep_sets(client: Client, clients: Clients, parts: Parts) -> int:
    """How many promotions are taken back now: of each set one, the last first."""
    count = 0
    for name in await asyncio.to_thread(_open, clients):
        with parts.part(f"set {name}"):
            count += await _take_back(client, clients, name)
    return count


async def _take_back(client: Client, clients: Clients, name: str) -> bool:
    """Whether a promotion of the set is taken back now."""
    instance = await find_instance(client, name)
    if instance is not None and instance.running:
        return False
    restoring = None
    if instance is None or instance.status != "Completed":
        promotion_set, signed = await asyncio.to_thread(_signed, clients, name)
        if await _under_way(client, clients, promotion_set):
            return False
        restoring = await asyncio.to_thread(_to_take_back, clients, promotion_set, signed)
    if restoring is None:
        await asyncio.to_thread(clients.store.delete, paths.open_set(name))
        return False
    return await start_restore(client, restoring) is Start.STARTED


def _open(clients: Clients) -> list[str]:
    """The names of the sets on the list, but for those that may not have started yet."""
    return [
        blob.path.removeprefix(paths.OPEN_SETS).removesuffix(".json")
        for blob in clients.store.blobs(paths.OPEN_SETS)
        if blob.age(clients.clock.now()) > _GRACE
    ]


def _signed(clients: Clients, name: str) -> tuple[c.PromotionSet, datetime]:
    with telling_forgeries(clients, name):
        promotion_set, signed_at = signed_set(clients.statements, name)
    path = paths.open_set(name)
    try:
        is_copy = clients.store.document(path) in (None, encode(promotion_set))
    except UndecodableError:
        is_copy = False
    if not is_copy:  # The list only names the set; what it says more of it is not believed.
        tell_forgeries(clients, name, [ForgedError(path, f"it is not the set of {paths.set_statement(name)}")])
    return promotion_set, signed_at


async def _under_way(client: Client, clients: Clients, promotion_set: c.PromotionSet) -> bool:
    for promotion in promotion_set.promotions:
        instance = await find_instance(client, promotion.id)
        if instance is not None and instance.running:
            return True
    for promotion in promotion_set.promotions:
        # Two looks, at the host and at the record: an instance that was ended from outside does not run, and its
        # promotion is open until the sweep has put it back.
        if await asyncio.to_thread(is_open, clients.store, promotion.id):
            return True
    return False


def _to_take_back(clients: Clients, promotion_set: c.PromotionSet, signed: datetime) -> c.Restoring | None:
    """The last of an atomic set that has arrived, where another has not."""
    arrivals = [promotion for promotion in promotion_set.promotions if _has_arrived(clients, promotion.id, signed)]
    if not promotion_set.atomic or len(arrivals) in (0, len(promotion_set.promotions)):
        return None
    because = f"{promotion_set.id} was ended from outside before all of it had arrived, so this one was taken back"
    with telling_forgeries(clients, arrivals[-1].id):
        return restoring_of(clients.statements, clients.ledger, arrivals[-1], because)


def _has_arrived(clients: Clients, promotion: str, since: datetime) -> bool:
    end = logged_fate(clients.audit, promotion, since)
    return end is not None and end.kind == c.Fate.PROMOTED
