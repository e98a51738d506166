"""Find what no event brings: flags set by tag, and promotions whose orchestration was ended from outside."""

import asyncio
from collections.abc import Iterable

from activities.devops.sweeps import sweep_devops
from activities.promotion.forgeries import telling_forgeries
from activities.promotion.promotion_sets import sweep_sets
from activities.promotion.promotions import finish_promotion
from activities.sweep_parts import Parts
from activities.trust.revocations import sign_revocations
from shared import contracts as c
from shared.application.promotion.flags import asked_by_version, sources
from shared.application.promotion.standing import logged_fate
from shared.application.promotion.starts import start_promotion, start_restore
from shared.application.promotion.stored_plans import restoring_of, signed_at
from shared.application.promotion.superseding import superseded_by
from shared.application.promotion.turns import waited_for, whose_turn
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.domain.promotion.models import HELD
from shared.durable.starting import Client, Start, find_instance, wake
from shared.ports import Blob, RegisteredModel
from shared.records import paths
from shared.records.lists.folding import fold_list
from shared.records.lists.rows import PROMOTIONS
from shared.records.promotion import is_open


async def sweep_flags(client: Client, clients: Clients, sweep: c.Sweep) -> c.Swept:
    """Start the promotion of every flagged version, by the id that its event would have given it."""
    del sweep  # Its key only makes the sweep an effect of its own.
    parts, count = Parts("flags"), 0
    for request in (await asyncio.to_thread(_flagged, clients, parts)).values():
        with parts.part(f"promotion {request.id}"):
            count += await start_promotion(client, clients, request) is Start.STARTED
    return await parts.conclude(clients, c.Swept(started=count))


async def sweep_promotions(client: Client, clients: Clients, sweep: c.Sweep) -> c.Swept:
    """Restore what a promotion left that was terminated, purged or failed beyond its own care; and what follows it."""
    del sweep
    parts, count = Parts("promotions"), 0
    open_blobs = await asyncio.to_thread(list, clients.store.blobs(paths.OPEN_PROMOTIONS))
    for promotion in await asyncio.to_thread(_open, clients, parts, open_blobs):
        with parts.part(f"promotion {promotion.id}"):
            instance = await find_instance(client, promotion.id)
            if instance is None or not instance.running:
                restoring = await asyncio.to_thread(_to_restore, clients, promotion)
                count += restoring is not None and await start_restore(client, restoring) is Start.STARTED
    with parts.part("sets of promotions"):
        count += await sweep_sets(client, clients, parts)
    await _wake_waiting(client, clients, parts, open_blobs)
    with parts.part("the index of promotions"):
        await asyncio.to_thread(fold_list, clients.hub, clients.store.container, PROMOTIONS, clients.clock.now())
    with parts.part("Azure DevOps"):
        count += await sweep_devops(client, clients, parts)
    with parts.part("revoked keys"):
        await asyncio.to_thread(sign_revocations, clients)
    if clients.tree_heads is not None:
        with parts.part("publication of the audit log's head"):
            await asyncio.to_thread(clients.audit.publish)
    return await parts.conclude(clients, c.Swept(adrift=count))


async def _wake_waiting(client: Client, clients: Clients, parts: Parts, open_blobs: Iterable[Blob]) -> None:
    """Wake the promotions whose turn has come, and those that were replaced while they waited for people."""
    for lock in await asyncio.to_thread(waited_for, clients.store):
        with parts.part(f"the queue for {lock}"):
            for promotion in await asyncio.to_thread(list, whose_turn(clients.store, [lock])):
                await wake(client, promotion, c.TURN_COME)
    for promotion in await asyncio.to_thread(_replaced, clients, parts, open_blobs):
        with parts.part(f"promotion {promotion}"):
            await wake(client, promotion, c.DECISION_GIVEN)


def _replaced(clients: Clients, parts: Parts, open_blobs: Iterable[Blob]) -> list[str]:
    """Those of the promotions on the list that another one has replaced."""
    promotions = list[str]()
    for blob in open_blobs:
        promotion = blob.path.removeprefix(paths.OPEN_PROMOTIONS).removesuffix(".json")
        with parts.part(f"promotion {promotion}"):
            if superseded_by(clients.store, promotion):
                promotions.append(promotion)
    return promotions


def _flagged(clients: Clients, parts: Parts) -> dict[str, c.Promotion | c.PromotionSet]:
    """What is asked for by the flags of all versions, by its id."""
    configuration, requests = clients.configuration, dict[str, c.Promotion | c.PromotionSet]()
    for source, place in sources(configuration).items():
        for model in configuration.ladder.models:
            with parts.part(f"model {model.name} in {source}"):
                for version in clients.models.versions(place, model.name):
                    with parts.part(f"model {version.model} in {source}"):
                        request = _asked(clients, source, version)
                        if request is not None:
                            requests[request.id] = request
    return requests


def _asked(clients: Clients, source: str, version: RegisteredModel) -> c.Promotion | c.PromotionSet | None:
    """What the flag of *version* asks for; a flag that cannot be followed is answered by a tag that says why."""
    try:
        return asked_by_version(clients, source, version)
    except Refused as refusal:
        reason = str(refusal)[:256]
        # Written only where it changes: in a registry each write of a tag raises an event, by which the flag would be
        # looked at and the tag be written again.
        if version.tags.get(HELD) != reason:
            clients.models.tag(clients.configuration.origin(source), version.model, {HELD: reason})
        return None


def _open(clients: Clients, parts: Parts, open_blobs: Iterable[Blob]) -> list[c.Promotion]:
    """The promotions on the list: they may have been opened, and were not closed."""
    store, promotions = clients.store, list[c.Promotion]()
    for blob in open_blobs:
        with parts.part(f"record {store.container}/{blob.path}"):
            promotion = store.get(c.Promotion, blob.path)
            if promotion is not None:
                promotions.append(promotion)
    return promotions


def _to_restore(clients: Clients, promotion: c.Promotion) -> c.Restoring | None:
    """What undoes *promotion*, None where it has ended. It may have closed since it was listed, or was ended before it
    was opened, or when its fate was written."""
    if not is_open(clients.store, promotion.id):
        clients.store.delete(paths.open_promotion(promotion.id))
        return None
    with telling_forgeries(clients, promotion.id):
        restoring = restoring_of(clients.statements, clients.ledger, promotion)
    if restoring.outline is None:
        return restoring
    planned = signed_at(clients.statements, promotion.id, restoring.plan_digest)
    end = logged_fate(clients.audit, promotion.id, planned)
    if end is None or end.kind != c.Fate.PROMOTED:
        return restoring
    # The record says that it is open, and the log that it has arrived: it was ended while it was closed, or somebody
    # has removed its fate. Neither takes back what people have approved.
    finish_promotion(clients, promotion, restoring.outline, end)
    return None
