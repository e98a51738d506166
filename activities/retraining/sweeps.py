"""Find what no event brought: causes nobody considers, data nobody announced, runs that were ended from outside.

Promotions that follow a run are started here too, by the ids that a flag or an event would give them.
"""

import asyncio
import json

from activities.effects import once, stamp
from activities.retraining.claims import claimed
from activities.retraining.runs import wake_retraining
from activities.sweep_parts import Parts
from shared import contracts as c
from shared.application.promotion.starts import start_promotion
from shared.application.retraining.retraining_records import open_causes, read_book
from shared.clients import Clients
from shared.domain import identity
from shared.durable.starting import FAILED, Client, Start, find_instance, start_once
from shared.records import paths as records


async def sweep_retraining(client: Client, clients: Clients, sweep: c.Sweep) -> c.Swept:
    parts, started, adrift = Parts("retraining"), 0, 0
    for rules in clients.configuration.retraining:
        with parts.part(f"the running training of {rules.model}"):
            running = (await asyncio.to_thread(read_book, clients, rules.model))[0].running
            if running:
                begun, lost = await _look_after(client, clients, running)
                started, adrift = started + begun, adrift + lost
        with parts.part(f"the causes to retrain {rules.model}"):
            asked: list[object] = [*rules.data, *await asyncio.to_thread(open_causes, clients, rules.model)]
            if asked:
                await wake_retraining(client, clients, c.RetrainingWake(key=sweep.key, model=rules.model))
    return await parts.conclude(clients, c.Swept(started=started, adrift=adrift))


async def begin_promotion(client: Client, clients: Clients, start: c.PromotionStart) -> c.Done:
    """Joined where a flag was faster. Once: a promotion that has ended is not begun again by a repeat of this."""
    await start_promotion(client, clients, start.promotion)
    return await asyncio.to_thread(once, clients, start.key, c.Done, lambda: c.Done(at=stamp(clients)))


def look_at_promotion(clients: Clients, watch: c.PromotionWatch) -> c.PromotionSeen:
    raw = clients.hub.read(clients.configuration.hub.state, records.promotion(watch.promotion))
    record = json.loads(raw) if raw else {}
    if not record.get("fate"):
        return c.PromotionSeen()
    return c.PromotionSeen(fate=c.Fate(record["fate"]), because="; ".join(record.get("because", ()))[:1000])


async def _look_after(client: Client, clients: Clients, run: str) -> tuple[bool, bool]:
    """Whether a run that nobody had started was started, and whether one that was ended from outside is put right."""
    instance = await find_instance(client, run)
    if instance is not None and instance.running:
        return False, False
    request = await asyncio.to_thread(claimed, clients, run)
    opened = await asyncio.to_thread(clients.hub.find, request.hub.state, records.retraining(run))
    if opened is None and (instance is None or instance.status == FAILED):
        return await start_once(client, c.RETRAIN, run, request, again=True) is Start.STARTED, False
    name = identity.adrift_id(run)
    return False, await start_once(client, c.CANCEL_TRAINING_ADRIFT, name, request, again=True) is Start.STARTED
