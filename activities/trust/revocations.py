"""Say once of each revoked key that it is revoked: in a statement, in the audit log and to the world."""

from activities.effects import once, stamp
from shared import contracts as c
from shared.clients import Clients
from shared.codec import encode
from shared.domain.promotion.audit import canonical_digest
from shared.domain.trust.keys import TrustedKey
from shared.domain.trust.statements import PredicateKind, Statement
from shared.records import paths
from shared.records.predicates import RevocationPredicate
from shared.records.statements import ForgedError, Statements


def sign_revocations(clients: Clients) -> None:
    """Sign what the deployed set of trusted keys revokes. Safe to repeat.

    Raises Refused where the deciding key is revoked itself and has no successor yet.
    """
    for key in clients.signing.revoked():
        _sign(clients, key)


def _sign(clients: Clients, key: TrustedKey) -> None:
    files = list(clients.statements.list(paths.revocations(key.keyid)))
    if any(believed(clients.statements, path, PredicateKind.REVOCATION) for path in files):
        return
    facts = {"key": key.keyid, "purpose": key.purpose.value, "because": key.revoked_because}
    log_key = f"keys/{key.keyid}/revoked"
    clients.audit.append(log_key, "key revoked", "signing-keys", "signalbox", facts, about=None)

    def act() -> c.Done:
        clients.announcer.announce(log_key, "Signalbox.Key.Revoked", f"keys/{key.keyid}", facts)
        return c.Done(at=stamp(clients))

    once(clients, log_key, c.Done, act)
    predicate = RevocationPredicate(
        key=key.keyid,
        purpose=key.purpose.value,
        jwk=dict(key.jwk),
        revoked_at=key.revoked_at,
        because=key.revoked_because,
    )
    statement = Statement(
        kind=PredicateKind.REVOCATION,
        subjects={key.keyid: canonical_digest(dict(key.jwk))},
        at=clients.clock.now(),
        predicate=encode(predicate),
    )
    # Files before it were planted, or signed with a key that was revoked later: they stay, and count for nothing.
    clients.statements.create(paths.revocation(key.keyid, len(files)), statement)


def believed(statements: Statements, path: str, kind: PredicateKind) -> bool:
    """Whether a trusted key has signed what lies at *path*, a statement of this *kind*."""
    try:
        return statements.read(path, kind) is not None
    except ForgedError:
        return False
