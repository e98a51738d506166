"""The record of a publication: opened by one execution, closed with its result, which is audited and announced."""

from dataclasses import replace

from activities.effects import once, stamp
from shared import contracts as c
from shared.application.datasets.versions import publication_entry
from shared.clients import Clients
from shared.domain.failures import Transient
from shared.domain.teams.ownership import Belonging
from shared.records.datasets import OpenPublication, PublicationRecord
from shared.records.datasets import paths as dataset_paths
from shared.records.store import Stored


def open_publication(clients: Clients, opening: c.DatasetOpening) -> c.DatasetOpened:
    """The record, created by the first execution; any other learns who was first."""
    request, store = opening.request, clients.store
    record = PublicationRecord(
        id=request.id,
        name=request.rules.name,
        version=request.version,
        opened=stamp(clients),
        execution=opening.execution,
        source=request.source,
        by=request.by,
    )
    path = dataset_paths.publication(request.id)
    store.create(dataset_paths.open_publication(request.id), OpenPublication(request=request))
    # The host may start a finished id again. The conditional create decides, and the execution's own id tells a retry
    # from a second run.
    if store.create(path, record):
        return c.DatasetOpened()
    first = store.get(PublicationRecord, path)
    if first is None:
        raise Transient(f"the record of {request.id} was removed while it was opened")
    if first.execution == opening.execution:
        return c.DatasetOpened()
    return c.DatasetOpened(already=True, because=f"{request.id} was opened at {first.opened}")


def close_publication(clients: Clients, closing: c.DatasetClosing) -> c.Done:
    """Write how it ended on its record, and tell the world. The audit log has a version's entry from its promotion."""

    def act() -> c.Done:
        request, result = closing.request, closing.result
        record = _closed(clients, closing)
        reference = f"{result.name}@{result.version}"
        facts = {
            "publication": result.id,
            "version": result.version,
            "outcome": result.outcome.value,
            "because": result.because[:1000],
            "registered": list(result.registered),
            "unregistered": list(result.unregistered),
        }
        if result.outcome is not c.PublicationOutcome.PUBLISHED or result.unregistered:
            kind = publication_entry(result.outcome)
            clients.audit.append(closing.key, kind, result.name, request.by, facts, Belonging.DATASET)
        data = {**facts, "dataset": result.name, "rows": result.rows, "owner": request.rules.owner, "by": request.by}
        kind = f"Signalbox.Dataset.{result.outcome.value.title().replace(' ', '')}"
        clients.announcer.announce(f"{result.id}-{result.outcome.value}", kind, f"datasets/{reference}", data)
        return c.Done(at=record.closed or "")

    done = once(clients, closing.key, c.Done, act)
    clients.store.delete(dataset_paths.open_publication(closing.request.id))
    return done


def _closed(clients: Clients, closing: c.DatasetClosing) -> PublicationRecord:
    """The record with its end: the first close decides, and a repeat reads it."""
    path, result = dataset_paths.publication(closing.request.id), closing.result
    entry: Stored[PublicationRecord] | None = clients.store.get_stored(PublicationRecord, path)
    if entry is None:
        raise Transient(f"the record of {closing.request.id} is not there")
    if entry.record.closed is not None:
        return entry.record
    record = replace(
        entry.record,
        closed=stamp(clients),
        outcome=result.outcome,
        because=result.because,
        registered=result.registered,
        unregistered=result.unregistered,
    )
    clients.store.update(entry, record)
    return record
