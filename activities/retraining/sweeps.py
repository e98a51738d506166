"""Find what no event brought: causes nobody considers, data nobody announced, runs that were ended from outside.

Promotions that follow a run are started here too, by the ids that a flag or an event would give them.
"""

import asyncio

from activities.effects import once, stamp
from activities.retraining.runs import wake_retraining
from activities.sweep_parts import Parts
from shared import contracts as c
from shared.application.promotion.starts import start_promotion
from shared.clients import Clients
from shared.domain import identity
from shared.durable.starting import FAILED, Client, Start, find_instance, start_once
from shared.records import paths
from shared.records.promotion import find_promotion
from shared.records.retraining import book_of, claimed_run, open_causes
from shared.records.store import RecordStore


async def sweep_retraining(client: Client, clients: Clients, sweep: c.Sweep) -> c.Swept:
    parts, starts, orphans = Parts("retraining"), 0, 0
    for rules in clients.configuration.retraining:
        with parts.part(f"the running training of {rules.model}"):
            running = (await asyncio.to_thread(book_of, clients.store, rules.model)).running
            if running:
                is_started, is_cancelled = await _look_after(client, clients, running)
                starts, orphans = starts + is_started, orphans + is_cancelled
        with parts.part(f"the causes to retrain {rules.model}"):
            reasons: list[object] = [*rules.data, *await asyncio.to_thread(open_causes, clients.store, rules.model)]
            if reasons:
                await wake_retraining(client, clients, c.RetrainingWake(key=sweep.key, model=rules.model))
    return await parts.conclude(clients, c.Swept(started=starts, adrift=orphans))


async def begin_promotion(client: Client, clients: Clients, start: c.PromotionStart) -> c.Done:
    """Joined where a flag was faster. Once: a promotion that has ended is not begun again by a repeat of this."""
    await start_promotion(client, clients, start.promotion)
    return await asyncio.to_thread(once, clients, start.key, c.Done, lambda: c.Done(at=stamp(clients)))


def look_at_promotion(clients: Clients, watch: c.PromotionWatch) -> c.PromotionSeen:
    record = find_promotion(clients.store, watch.promotion)
    if record is None or record.fate is None:
        return c.PromotionSeen()
    return c.PromotionSeen(fate=record.fate, because="; ".join(record.because or ())[:1000])


async def _look_after(client: Client, clients: Clients, run: str) -> tuple[bool, bool]:
    """Whether a run that nobody had started was started, and whether one that was ended from outside is put right."""
    instance = await find_instance(client, run)
    if instance is not None and instance.running:
        return False, False
    request = await asyncio.to_thread(claimed_run, clients.store, run)
    is_opened = await asyncio.to_thread(RecordStore(clients.hub, request.hub.state).exists, paths.retraining(run))
    # Without a record it has done nothing yet, so it is started again. With one it may have asked for a pipeline's run,
    # which must be cancelled.
    if not is_opened and (instance is None or instance.status == FAILED):
        return await start_once(client, c.RETRAIN, run, request, again=True) is Start.STARTED, False
    name = identity.adrift_id(run)
    return False, await start_once(client, c.CANCEL_TRAINING_ADRIFT, name, request, again=True) is Start.STARTED
