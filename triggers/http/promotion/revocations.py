"""Revoke a version over HTTP: the person who asks is verified and signed here, and production is brought back."""

import asyncio
from dataclasses import dataclass

from shared import contracts as c
from shared.clients import Clients
from shared.codec import encode
from shared.domain import identity
from shared.domain.promotion.approvals import Person
from shared.domain.promotion.models import ModelVersion, exact_model
from shared.domain.trust.statements import PredicateKind, Statement
from shared.records import paths
from shared.records.predicates import EntryRevocationPredicate
from shared.records.registry import entry_statement, history_of
from shared.validation.rules import Name, Sentence
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.idempotency import RequestedStart
from triggers.http.exchange.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationAsked:
    """*version* of the model, which is revoked for good."""

    version: Name
    reason: Sentence


async def revoke_version(request: ApiRequest, model: str, body: RevocationAsked) -> RequestedStart:
    """Revoke `version` of *model*: it is promoted and deployed no more, and production leaves it."""
    version = exact_model(f"{model}:{body.version}")
    person = await request.person()
    if person is None:
        raise Problem(403, "not allowed", "a version is revoked by a person: send the token of one")
    await asyncio.to_thread(_sign, request.clients, version, person, body.reason)
    revocation = c.EntryRevocation(id=identity.revocation_id(version.name, version.version), model=version)
    return RequestedStart(orchestration=c.REVOKE, instance=revocation.id, payload=revocation)


def _sign(clients: Clients, model: ModelVersion, person: Person, reason: str) -> None:
    """Say with the door key who revokes *model*. The first revocation stands."""
    entry = entry_statement(clients.statements, history_of(clients.audit, model), model, [])
    if entry is None or not entry.state:
        missing = f"{model} has no signed entry in the central registry: nothing to revoke"
        remedy = "where it serves without one, promote another version there"
        raise Problem(404, "no such entry", f"{missing}; {remedy}")
    predicate = EntryRevocationPredicate(
        model=str(model), bundle=entry.bundle, by=person.name, oid=person.oid, tenant=person.tenant, reason=reason
    )
    statement = Statement(
        kind=PredicateKind.ENTRY_REVOCATION,
        subjects={str(model): entry.bundle},
        at=clients.clock.now(),
        predicate=encode(predicate),
    )
    clients.statements.create(paths.entry_revocation(model.name, model.version), statement)
