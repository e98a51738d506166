"""Find what no event brings: flags set by tag, and promotions whose orchestration was ended from outside."""

import asyncio
import json
from collections.abc import Iterator

from activities.devops_sweeps import sweep_devops
from activities.promotion_sets import sweep_sets
from shared import contracts as c
from shared.clients import Clients
from shared.codec import decode
from shared.domain import identity, records
from shared.domain.failures import Refused
from shared.domain.promotion.models import HELD
from shared.durable import Client, Start, find_instance, start_once, wake
from shared.flags import sources, wanted
from shared.standing import fate_of, opened
from shared.starting_flags import start_flagged
from shared.superseding import superseded_by
from shared.turns import waited_for, whose_turn


async def sweep_flags(client: Client, clients: Clients, sweep: c.Sweep) -> c.Swept:
    """Start the promotion of every flagged version, by the id that its event would have given it."""
    del sweep  # Its key only makes the sweep an effect of its own.
    started = 0
    for asked in await asyncio.to_thread(lambda: {each.id: each for each in _flagged(clients)}.values()):
        started += await start_flagged(client, clients, asked) is Start.STARTED
    return c.Swept(started=started)


async def sweep_promotions(client: Client, clients: Clients, sweep: c.Sweep) -> c.Swept:
    """Restore what a promotion left that was terminated, purged or failed beyond its own care; and what follows it."""
    del sweep
    adrift = 0
    for restoring in await asyncio.to_thread(lambda: list(_open(clients))):
        instance = await find_instance(client, restoring.promotion.id)
        gone = instance is None or not instance.running
        if gone and await asyncio.to_thread(_still_open, clients, restoring.promotion.id):
            name = identity.restore_id(restoring.promotion.id)
            adrift += await start_once(client, c.RESTORE, name, restoring, again=True) is Start.STARTED
    adrift += await sweep_sets(client, clients)
    await _wake_waiting(client, clients)
    return c.Swept(adrift=adrift + await sweep_devops(client, clients))


async def _wake_waiting(client: Client, clients: Clients) -> None:
    """Whoever's turn has come, and whoever was replaced while they waited for people."""
    for promotion in await asyncio.to_thread(lambda: list(whose_turn(clients, waited_for(clients)))):
        await wake(client, promotion, c.TURN_COME)
    for promotion in await asyncio.to_thread(lambda: list(_replaced(clients))):
        await wake(client, promotion, c.DECISION_GIVEN)


def _replaced(clients: Clients) -> Iterator[str]:
    for blob in clients.hub.list(clients.configuration.hub.state, records.OPEN_PROMOTIONS):
        promotion = blob.path.removeprefix(records.OPEN_PROMOTIONS).removesuffix(".json")
        if superseded_by(clients, promotion):
            yield promotion


def _flagged(clients: Clients) -> Iterator[c.Promotion | c.PromotionSet]:
    configuration = clients.configuration
    for source in sources(configuration):
        for model in configuration.ladder.models:
            for version in clients.models.versions(source, model.name):
                try:
                    asked = wanted(clients.models, configuration, source, version)
                except Refused as refusal:
                    said = str(refusal)[:256]
                    if version.tags.get(HELD) != said:
                        clients.models.tag(source, version.model, {HELD: said})
                    continue
                if asked is not None:
                    yield asked


def _open(clients: Clients) -> Iterator[c.Restoring]:
    """Promotions that may have been opened and were not closed."""
    state = clients.configuration.hub.state
    for blob in clients.hub.list(state, records.OPEN_PROMOTIONS):
        raw = clients.hub.read(state, blob.path)
        if raw is not None:
            promotion = decode(c.Promotion, json.loads(raw))
            found = opened(clients, promotion.id)
            plan, locks = (found.plan, found.held) if found else (None, ())
            yield c.Restoring(promotion=promotion, plan=plan, locks=locks)


def _still_open(clients: Clients, promotion: str) -> bool:
    """It may have closed since it was listed, or was ended before it was opened, or when its fate was written."""
    still = fate_of(clients, promotion) == ""
    if not still:
        clients.hub.delete(clients.configuration.hub.state, records.open_promotion(promotion))
    return still
