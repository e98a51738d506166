"""The JSON Schema of signed statements, for other tools: `python -m shared.operations.statement_schema` prints it.

It is made of `shared.records.predicates`. It says the shape of what is inside an envelope; what a statement proves is
for `signalbox-verify` to say.
"""

import json
from typing import Any

from shared.domain.promotion.receipts import Receipt
from shared.domain.trust.statements import STATEMENT, PredicateKind
from shared.records import predicates
from shared.records.production import alerts, rehearsals, rollouts, serving, upkeep
from shared.validation.schemas import schema_of

_CLASSES: dict[PredicateKind, tuple[type, ...]] = {
    PredicateKind.DECISION: (predicates.DecisionPredicate,),
    PredicateKind.EVIDENCE: (predicates.EvidencePredicate,),
    PredicateKind.EVIDENCE_PACK: (predicates.EvidencePackPredicate,),
    PredicateKind.PLAN: (predicates.PlanPredicate,),
    PredicateKind.RECEIPT: (Receipt,),
    PredicateKind.REGISTRY_STATE: (predicates.EntryPredicate, predicates.EntryMovePredicate),
    PredicateKind.SERVING_CHANGE: (predicates.MovePredicate,),
    PredicateKind.MOVE: (predicates.MovePredicate, predicates.BeforeMovePredicate, predicates.TrainedPredicate),
    PredicateKind.WITHDRAWAL: (predicates.WithdrawalPredicate,),
    PredicateKind.DELEGATION: (predicates.DelegationPredicate,),
    PredicateKind.DECISION_USE: (predicates.DecisionUsePredicate,),
    PredicateKind.PROMOTION_SET: (predicates.PromotionSetPredicate,),
    PredicateKind.PROVENANCE: (predicates.ProvenancePredicate,),
    PredicateKind.BREAK_GLASS: (predicates.BreakGlassPredicate,),
    PredicateKind.ROLL_BACK: (predicates.RollBackPredicate,),
    PredicateKind.REVOCATION: (predicates.RevocationPredicate,),
    PredicateKind.ENTRY_REVOCATION: (predicates.EntryRevocationPredicate,),
    PredicateKind.LOG_FINDING: (predicates.LogFindingPredicate,),
    PredicateKind.PROOF_PACK: (predicates.ProofPackPredicate,),
    PredicateKind.MODEL_SIGNATURE: (predicates.ModelSignaturePredicate,),
    PredicateKind.ROLLOUT_LOOK: (rollouts.LookPredicate,),
    PredicateKind.ROLLOUT_STEP: (rollouts.StepPredicate,),
    PredicateKind.ROLLOUT_ORDER: (rollouts.RolloutOrderPredicate,),
    PredicateKind.TRAFFIC: (serving.TrafficPredicate,),
    PredicateKind.HOLD: (serving.HoldPredicate,),
    PredicateKind.RETIREMENT: (upkeep.RetirementPredicate,),
    PredicateKind.REHEARSAL: (rehearsals.RehearsalPredicate,),
    PredicateKind.SERVING_ALERT: (alerts.AlertPredicate,),
}
_TEXT = {"type": "string"}
_SUBJECT = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "digest": {
            "type": "object",
            "properties": {"sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"}},
            "required": ["sha256"],
            "additionalProperties": False,
        },
    },
    "required": ["name", "digest"],
    "additionalProperties": False,
}


def statement_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12, of a statement of any kind."""
    definitions = dict[str, Any]()
    kinds = [_kind(kind, definitions) for kind in PredicateKind]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Signed statement",
        "oneOf": kinds,
        "$defs": definitions,
    }


def _kind(kind: PredicateKind, definitions: dict[str, Any]) -> dict[str, Any]:
    members = [_predicate(predicate, definitions) for predicate in _CLASSES[kind]]
    return {
        "title": kind.value,
        "description": f"Signed with the key for {kind.purpose.value}.",
        "type": "object",
        "properties": {
            "_type": {"const": STATEMENT},
            "predicateType": {"const": kind.type_uri},
            "subject": {"type": "array", "items": _SUBJECT},
            "predicate": members[0] if len(members) == 1 else {"oneOf": members},
        },
        "required": ["_type", "predicateType", "subject", "predicate"],
        "additionalProperties": False,
    }


def _predicate(members: type, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of *members* with what all predicates have; the types inside it are added to *definitions*."""
    schema = schema_of(members)
    definitions |= schema.pop("$defs", {})
    properties = schema["properties"]
    if members is Receipt:  # It names its model in one text, and is kept by its key and not by a path.
        del properties["signature"]
        properties["model"] = _TEXT
        common = {"at": _TEXT}
    else:
        common = {"at": _TEXT, "path": _TEXT}
    return schema | {"properties": properties | common, "required": sorted({*schema["required"], *common})}


if __name__ == "__main__":
    print(json.dumps(statement_schema(), indent=2))
