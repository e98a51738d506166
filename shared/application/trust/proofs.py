"""The proof of one promotion: every statement that it rests on, and that the audit log has its decisions and receipts.

A verifier that does not have the product reads it; it judges by keys that it has from elsewhere.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from shared.application.promotion.standing import receipt_of
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.promotion.plans import Phase, Plan
from shared.domain.promotion.receipts import envelope_of
from shared.domain.trust.envelopes import Envelope
from shared.domain.trust.statements import PredicateKind
from shared.domain.trust.tree_heads import EntryProof
from shared.ports import AuditLog, Ledger
from shared.records import paths
from shared.records.statements import ForgedError, Statements
from shared.records.store import Stored, read_json

_FORMAT, _WITHOUT_PROVENANCE = "signalbox-proof/v2", "signalbox-proof/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionProof:
    """*statements* by their paths in the state container; *log* has one proof for each entry on the promotion."""

    format: str
    promotion: str
    statements: dict[str, Envelope]
    log: tuple[EntryProof, ...]


def promotion_proof(
    statements: Statements, ledger: Ledger, audit: AuditLog, promotion: str, plan: Plan
) -> PromotionProof:
    """Everything that is signed about *promotion*; a file that no key of ours has signed for its path is left out.

    What a revoked key has signed is in it, so that the verifier says that it is revoked, and not that it is missing.
    """
    own = (f"{paths.PROMOTIONS}{promotion}/", paths.registry_statements(plan.model.name, plan.model.version))
    signed = {path: envelope for folder in own for path, envelope in _statements(statements, folder, promotion)}
    signed |= dict(_receipts(statements, ledger, promotion, plan))
    signed |= dict(_revocations(statements))
    signed |= dict(_entry_revocation(statements, plan))
    log = [audit.prove(entry.number) for entry in audit.about(plan.model.name) if _is_evidence(entry.facts, promotion)]
    if not log:
        raise Refused(f"the audit log has no receipt of {promotion} yet: nothing can be proven")
    # A promotion of an earlier release has no provenance, and its proof does not promise any.
    brought = any(path in signed for path in (paths.provenance(promotion, at.stage.name) for at in plan.stages))
    return PromotionProof(
        format=_FORMAT if brought else _WITHOUT_PROVENANCE, promotion=promotion, statements=signed, log=tuple(log)
    )


def _statements(statements: Statements, folder: str, promotion: str) -> Iterator[tuple[str, Envelope]]:
    """What is signed in *folder*; the registry's folders have the statements of other promotions too."""
    for path in statements.list(folder):
        if not path.endswith(".dsse.json") and "/decisions/" not in path:
            continue
        with suppress(ForgedError):
            stored = statements.find_envelope(path)
            predicate = _signed(statements, stored) if stored else {}
            if stored and predicate.get("entry", predicate).get("promotion") == promotion:
                yield path, stored.record


def _signed(statements: Statements, stored: Stored[Envelope]) -> dict[str, Any]:
    """The predicate of what is believed, or was signed with a key that is revoked. Raises ForgedError."""
    try:
        return statements.verified_of_any_kind(stored)
    except ForgedError as forgery:
        if forgery.because not in {key.revocation for key in statements.signing.revoked()}:
            raise
        return dict(read_json(stored.record.content)["predicate"])


def _revocations(statements: Statements) -> Iterator[tuple[str, Envelope]]:
    """Those that are believed: one that a revoked key has signed proves nothing."""
    for path in statements.list(paths.revocations()):
        try:
            stored = statements.find_envelope(path)
            if stored is not None and statements.predicate(stored, PredicateKind.REVOCATION):
                yield path, stored.record
        except ForgedError:
            continue


def _entry_revocation(statements: Statements, plan: Plan) -> Iterator[tuple[str, Envelope]]:
    """What a person has signed to revoke the version, where it is believed."""
    path = paths.entry_revocation(plan.model.name, plan.model.version)
    with suppress(ForgedError):
        stored = statements.find_envelope(path)
        if stored is not None and statements.predicate(stored, PredicateKind.ENTRY_REVOCATION):
            yield path, stored.record


def _receipts(statements: Statements, ledger: Ledger, promotion: str, plan: Plan) -> Iterator[tuple[str, Envelope]]:
    for at in plan.stages:
        for phase in Phase:
            with suppress(ForgedError):
                receipt = receipt_of(statements, ledger, promotion, at.stage.name, phase)
                if receipt is not None:
                    key = identity.promotion_key(promotion, f"{at.stage.name}/{phase.value}/receipt")
                    yield f"{key}.json", envelope_of(receipt)


def _is_evidence(facts: dict[str, object], promotion: str) -> bool:
    """Whether an entry tells of a receipt or a decision: all that the proof needs of the log."""
    return facts.get("promotion") == promotion and ("signature" in facts or "role" in facts)
