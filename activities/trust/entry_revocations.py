"""Revoke an entry of the central registry: in the log, in the registry and to the world, and say where it serves."""

from collections.abc import Iterator
from dataclasses import replace

from activities.effects import once
from activities.promotion.forgeries import telling_forgeries
from shared import contracts as c
from shared.application.trust.served_entries import defaults_served_by, stages_served_by, uncovered
from shared.clients import Clients
from shared.codec import UndecodableError, decode
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.promotion.ladder import Registry, Stage
from shared.domain.promotion.models import STATE, EntryState, ModelVersion
from shared.domain.trust.statements import PredicateKind
from shared.records import paths
from shared.records.predicates import EntryRevocationPredicate, EntryStatement
from shared.records.registry import ENTRY_STATEMENT, REVOKED, entry_statement, history_of, revocation_key, sign_entry
from shared.records.statements import ForgedError


def revoke_entry(clients: Clients, order: c.RevocationOrder) -> c.EntryRevoked:
    """Revoke it, and say which rollbacks are due. Safe to repeat: the first revocation stands.

    Raises Refused where no person is signed to have asked for it, and where the registry has no such entry.
    """
    return once(clients, order.key, c.EntryRevoked, lambda: _revoke(clients, order.revocation))


def _revoke(clients: Clients, revocation: c.EntryRevocation) -> c.EntryRevoked:
    model, predicate = revocation.model, _signed_wish(clients, revocation.model)
    entry = entry_statement(clients.statements, history_of(clients.audit, model), model, [])
    if entry is None or not entry.state:
        raise Refused(f"{model} has no signed entry in the central registry: there is nothing to revoke")
    facts = {"reason": predicate.reason, "oid": predicate.oid, "tenant": predicate.tenant, "bundle": entry.bundle}
    # The log comes first: from this entry on no receipt is issued, whatever happens to the rest.
    clients.audit.append(revocation_key(model), REVOKED, str(model), predicate.by, facts)
    _mark(clients, revocation, entry)
    data = {"model": str(model), "by": predicate.by, "reason": predicate.reason}
    clients.announcer.announce(revocation.id, "Signalbox.Registry.Revoked", f"models/{model}", data)
    ladder = clients.configuration.ladder
    serving = stages_served_by(clients.endpoints, ladder, model)
    rollbacks = tuple(_rollback(revocation, predicate, stage) for stage in serving if stage.rollout is not None)
    because = tuple(uncovered(serving, model))
    batch_defaults = tuple(defaults_served_by(clients.endpoints, ladder, model))
    due = {rollback.stage for rollback in rollbacks}
    because += tuple(batch.because for batch in batch_defaults if batch.stage not in due)
    following = tuple(batch for batch in batch_defaults if batch.stage in due)
    return c.EntryRevoked(rollbacks=rollbacks, because=because, batch_defaults=following)


def _signed_wish(clients: Clients, model: ModelVersion) -> EntryRevocationPredicate:
    """What the door has signed. An order without it comes from somebody who can write the task hub."""
    path = paths.entry_revocation(model.name, model.version)
    with telling_forgeries(clients, str(model)):
        predicate = clients.statements.read(path, PredicateKind.ENTRY_REVOCATION)
        if predicate is None:
            raise Refused(f"nobody is signed to have revoked {model}; ask for it with `signalbox revoke`")
        try:
            wish = decode(EntryRevocationPredicate, predicate)
        except UndecodableError as error:
            raise ForgedError(path, f"it is signed, and revokes nothing ({error!r})") from error
        if wish.model != str(model):
            raise ForgedError(path, f"it revokes {wish.model}")
    return wish


def _mark(clients: Clients, revocation: c.EntryRevocation, entry: EntryStatement) -> None:
    """The entry's tag, and the statement on it, say that it is revoked."""
    registry = next(_registries(clients), None)
    if registry is not None and clients.models.find(registry, entry.model) is not None:
        clients.models.tag(registry, entry.model, {STATE: EntryState.REVOKED.value})
    statement = replace(entry, state=EntryState.REVOKED.value, promotion=revocation.id, at=clients.clock.now())
    path = sign_entry(clients.statements, f"{revocation.id}-revoked", statement)
    facts = {"revocation": revocation.id, ENTRY_STATEMENT: path}
    clients.audit.append(f"{path}/stated", "entry restated", str(entry.model), "signalbox", facts)


def _rollback(revocation: c.EntryRevocation, wish: EntryRevocationPredicate, stage: Stage) -> c.RollbackRequest:
    """The same for each repetition of one revocation, so that it is started once."""
    return c.RollbackRequest(
        id=identity.rollback_id(revocation.model.name, stage.name, revocation.id),
        name=revocation.model.name,
        stage=stage.name,
        by=wish.by,
        oid=wish.oid,
        reason=f"{revocation.model} was revoked: {wish.reason}",
    )


def _registries(clients: Clients) -> Iterator[Registry]:
    return (stage.registry for stage in clients.configuration.ladder.stages if stage.registry is not None)
