"""in-toto statements: who or what a predicate is about, by digest, and what it says.

Contract: https://github.com/in-toto/attestation (Statement v1). The predicate types are our own; docs/trust.md
describes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.domain.trust.envelopes import canonical_json
from shared.domain.trust.keys import Purpose

STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATES = "https://signalbox.dev/statements/"
_MODEL_SIGNING = "https://model_signing/signature/v1.0"  # Of sigstore's model-signing, not our own.


class PredicateKind(StrEnum):
    """What a statement says; each kind is signed with the key of one purpose."""

    DECISION = "decision"
    EVIDENCE = "evidence"
    EVIDENCE_PACK = "evidence-pack"
    PLAN = "plan"
    RECEIPT = "receipt"
    REGISTRY_STATE = "registry-state"
    SERVING_CHANGE = "serving-change"
    MOVE = "move"
    ROLLOUT_LOOK = "rollout-look"
    ROLLOUT_STEP = "rollout-step"
    ROLLOUT_ORDER = "rollout-order"
    TRAFFIC = "traffic"
    HOLD = "hold"
    WITHDRAWAL = "withdrawal"
    DELEGATION = "delegation"
    RETIREMENT = "retirement"
    REHEARSAL = "rehearsal"
    SERVING_ALERT = "serving-alert"
    DECISION_USE = "decision-use"
    PROMOTION_SET = "promotion-set"
    PROVENANCE = "provenance"
    BREAK_GLASS = "break-glass"
    ROLL_BACK = "roll-back"
    REVOCATION = "revocation"
    ENTRY_REVOCATION = "entry-revocation"
    LOG_FINDING = "log-finding"
    PROOF_PACK = "proof-pack"
    MODEL_SIGNATURE = "model-signature"

    @property
    def type_uri(self) -> str:
        return _MODEL_SIGNING if self is PredicateKind.MODEL_SIGNATURE else f"{_PREDICATES}{self.value}/v1"

    @property
    def purpose(self) -> Purpose:
        """Whose key signs it."""
        return _PURPOSES.get(self, Purpose.DECIDING)


_PURPOSES = {
    PredicateKind.DECISION: Purpose.DOOR,
    PredicateKind.EVIDENCE: Purpose.MEASURING,
    PredicateKind.EVIDENCE_PACK: Purpose.MEASURING,
    PredicateKind.ROLLOUT_LOOK: Purpose.MEASURING,
    PredicateKind.ROLLOUT_STEP: Purpose.MEASURING,
    PredicateKind.ROLLOUT_ORDER: Purpose.DOOR,
    PredicateKind.ENTRY_REVOCATION: Purpose.DOOR,
    PredicateKind.WITHDRAWAL: Purpose.DOOR,
    PredicateKind.DELEGATION: Purpose.DOOR,
    PredicateKind.REHEARSAL: Purpose.MEASURING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """*subjects* are `sha256:` digests by name; *at* (UTC) is when it was made."""

    kind: PredicateKind
    subjects: Mapping[str, str]
    at: datetime
    predicate: Mapping[str, Any]

    def payload(self) -> bytes:
        """The canonical JSON that is signed; *at* stands in the predicate."""
        return canonical_json(
            {
                "_type": STATEMENT,
                "subject": subject_list(self.subjects),
                "predicateType": self.kind.type_uri,
                "predicate": {**self.predicate, "at": self.at.isoformat()},
            }
        )


def subject_list(subjects: Mapping[str, str]) -> list[dict[str, Any]]:
    """*subjects*, digests by name, as in-toto writes them."""
    return [
        {"name": name, "digest": {"sha256": digest.removeprefix("sha256:")}}
        for name, digest in sorted(subjects.items())
    ]
