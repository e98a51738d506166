"""Look after the publications and the imports that are open. Durable Functions carries on after a host that died;
nothing does where an orchestration was terminated or purged from outside, or where the store of the host was lost.
"""

import asyncio
from dataclasses import replace

from activities.datasets.imports import close_import, landed_files
from activities.inference.sweeps import GRACE
from activities.sweep_parts import Parts
from shared import contracts as c
from shared.clients import Clients
from shared.domain import identity
from shared.durable.starting import Client, Start, find_instance, start_once
from shared.records.datasets import OpenPublication, PublicationRecord, find_version
from shared.records.datasets import paths as dataset_paths
from shared.records.datasets.imports import OpenImport, find_import
from shared.records.lists.folding import fold_list
from shared.records.lists.rows import IMPORTS
from shared.records.store import Stored

_IMPORT_GONE = "its orchestration was ended from outside, when {} of {} fetched files had landed; import them again"
_GONE = "its orchestration was ended from outside; publish the folder again"


async def sweep_publications(client: Client, clients: Clients, sweep: c.Sweep) -> c.Swept:
    del sweep  # Its key only makes the sweep an effect of its own.
    parts, starts, orphans = Parts("publications"), 0, 0
    for stored in await asyncio.to_thread(_open_publications, clients, parts):
        with parts.part(f"publication {stored.record.request.id}"):
            is_started, is_concluded = await _look_after(client, clients, stored.record.request)
            starts, orphans = starts + is_started, orphans + is_concluded
    for stored_import in await asyncio.to_thread(_open_imports, clients, parts):
        with parts.part(f"import {stored_import.record.request.id}"):
            orphans += await _close_orphan(client, clients, stored_import.record.request)
    with parts.part("the index of imports"):
        await asyncio.to_thread(fold_list, clients.hub, clients.store.container, IMPORTS, clients.clock.now())
    return await parts.conclude(clients, c.Swept(started=starts, adrift=orphans))


def _open_imports(clients: Clients, parts: Parts) -> list[Stored[OpenImport]]:
    now = clients.clock.now()
    return parts.records(clients.store, OpenImport, dataset_paths.OPEN_IMPORTS, lambda blob: blob.age(now) >= GRACE)


async def _close_orphan(client: Client, clients: Clients, request: c.SourceImport) -> bool:
    """Close an import whose orchestration is gone, by what lies in the hub; whether it was open."""
    instance = await find_instance(client, request.id)
    if instance is not None and instance.running:
        return False
    return await asyncio.to_thread(_closed_by_what_landed, clients, request)


def _closed_by_what_landed(clients: Clients, request: c.SourceImport) -> bool:
    """Its files stay where they lie, because runs may have begun with them. Those that lie there are those that have
    landed: no run removes a file of an open import."""
    record = find_import(clients.store, request.id)
    if record is None:
        clients.store.delete(dataset_paths.open_import(request.id))  # It never began, and may be asked for again.
        return False
    files, count = landed_files(clients, request)
    is_whole = 0 < count == len(files)
    outcome = c.ImportOutcome.IMPORTED if is_whole else c.ImportOutcome.FAILED
    because = "" if is_whole else _IMPORT_GONE.format(len(files), count)
    result = c.ImportResult(id=request.id, route=request.route, outcome=outcome, because=because, files=files)
    key = identity.adrift_id(identity.import_key(request.id, "closed"))
    close_import(clients, c.ImportClosing(key=key, request=request, result=result))
    return record.outcome is None


def _open_publications(clients: Clients, parts: Parts) -> list[Stored[OpenPublication]]:
    """Those that were opened a while ago."""
    now, folder = clients.clock.now(), dataset_paths.OPEN_PUBLICATIONS
    return parts.records(clients.store, OpenPublication, folder, lambda blob: blob.age(now) >= GRACE)


async def _look_after(client: Client, clients: Clients, request: c.DatasetPublication) -> tuple[bool, bool]:
    """Whether a publication that had not begun was started, and whether the end of another was."""
    instance = await find_instance(client, request.id)
    if instance is not None and instance.running:
        return False, False
    path = dataset_paths.publication(request.id)
    record = await asyncio.to_thread(clients.store.get, PublicationRecord, path)
    if record is None:
        return await start_once(client, c.PUBLISH_DATASET, request.id, request, again=True) is Start.STARTED, False
    orphan = await asyncio.to_thread(_orphan, clients, request, record)
    if orphan is None:
        await asyncio.to_thread(clients.store.delete, dataset_paths.open_publication(request.id))
        return False, False
    name = identity.adrift_id(request.id)
    return False, await start_once(client, c.CONCLUDE_PUBLICATION, name, orphan, again=True) is Start.STARTED


def _orphan(clients: Clients, request: c.DatasetPublication, record: PublicationRecord) -> c.OrphanedPublication | None:
    """What is left to be done; None where it was closed and told of."""
    if record.outcome is not None:
        is_told = clients.ledger.find(identity.publication_key(request.id, "closed")) is not None
        return None if is_told else _ended(request, record, record.outcome)
    manifest = find_version(clients.store, request.rules.name, request.version)
    if manifest is not None and manifest.publication == request.id:
        return c.OrphanedPublication(request=request)
    return _ended(request, replace(record, because=_GONE), c.PublicationOutcome.FAILED)


def _ended(
    request: c.DatasetPublication, record: PublicationRecord, outcome: c.PublicationOutcome
) -> c.OrphanedPublication:
    """With the *outcome*, and what else *record* says of the end."""
    result = c.PublicationResult(
        id=request.id,
        name=request.rules.name,
        version=request.version,
        outcome=outcome,
        because=record.because or "",
        registered=record.registered or (),
        unregistered=record.unregistered or (),
    )
    return c.OrphanedPublication(request=request, result=result)
