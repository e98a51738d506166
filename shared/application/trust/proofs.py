"""The proof of one promotion: every statement that it rests on, and that the audit log has its decisions and receipts.

A verifier that does not have the product reads it; it judges by keys that it has from elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.codec import decode
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.promotion.plans import Phase, Plan
from shared.domain.promotion.receipts import Receipt, envelope_of
from shared.domain.trust.envelopes import Envelope
from shared.domain.trust.statements import PredicateKind
from shared.domain.trust.tree_heads import EntryProof
from shared.ports import AuditLog, Ledger
from shared.records import paths
from shared.records.statements import ForgedError, Statements

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
    """Everything that is signed about *promotion*. Raises ForgedError for a file that is no envelope at all."""
    signed = {**dict(_statements(statements, promotion)), **dict(_receipts(ledger, promotion, plan))}
    signed |= dict(_revocations(statements))
    log = [audit.prove(entry.number) for entry in audit.about(plan.model.name) if _is_evidence(entry.facts, promotion)]
    if not log:
        raise Refused(f"the audit log has no receipt of {promotion} yet: nothing can be proven")
    # A promotion of an earlier release has no provenance, and its proof does not promise any.
    brought = any(path in signed for path in (paths.provenance(promotion, at.stage.name) for at in plan.stages))
    return PromotionProof(
        format=_FORMAT if brought else _WITHOUT_PROVENANCE, promotion=promotion, statements=signed, log=tuple(log)
    )


def _statements(statements: Statements, promotion: str) -> Iterator[tuple[str, Envelope]]:
    for path in statements.list(f"{paths.PROMOTIONS}{promotion}/"):
        if path.endswith(".dsse.json") or "/decisions/" in path:
            stored = statements.stored(path)
            if stored is not None:
                yield path, stored.record


def _revocations(statements: Statements) -> Iterator[tuple[str, Envelope]]:
    """Those that are believed: one that a revoked key has signed proves nothing."""
    for path in statements.list(paths.revocations()):
        try:
            stored = statements.stored(path)
            if stored is not None and statements.predicate(stored, PredicateKind.REVOCATION):
                yield path, stored.record
        except ForgedError:
            continue


def _receipts(ledger: Ledger, promotion: str, plan: Plan) -> Iterator[tuple[str, Envelope]]:
    for at in plan.stages:
        for phase in Phase:
            key = identity.promotion_key(promotion, f"{at.stage.name}/{phase.value}/receipt")
            content = ledger.find(key)
            if content is not None:
                yield f"{key}.json", envelope_of(decode(Receipt, content))


def _is_evidence(facts: dict[str, object], promotion: str) -> bool:
    """Whether an entry tells of a receipt or a decision: all that the proof needs of the log."""
    return facts.get("promotion") == promotion and ("signature" in facts or "role" in facts)
