"""A receipt: the proof, signed by the app, that a stage may be touched. Activities that deploy or register demand it.

It binds the bundle's digest, the stage and its phase, the plan, the evidence, the gates' verdicts and the approvals.
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime

from shared.domain.promotion.audit import canonical_digest
from shared.domain.promotion.models import ModelVersion
from shared.domain.promotion.plans import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """*verdicts* are `gate: outcome`, *approvals* `role: person`; *override* says who broke the glass, and why."""

    promotion: str
    model: ModelVersion
    digest: str
    stage: str
    phase: Phase
    plan: str
    evidence: str
    verdicts: tuple[str, ...]
    approvals: tuple[str, ...]
    issued: str
    expires: str
    override: str = ""
    signature: str = ""


def signed_content(receipt: Receipt) -> bytes:
    """What the signature covers: everything else."""
    return canonical_digest(asdict(replace(receipt, signature=""))).encode()


def objection(
    receipt: Receipt, *, promotion: str, model: ModelVersion, digest: str, stage: str, phase: Phase, now: datetime
) -> str:
    """Why *receipt* does not open this stage; empty where it does. The signature is the caller's to check."""
    bound = {
        "promotion": (receipt.promotion, promotion),
        "model": (str(receipt.model), str(model)),
        "digest": (receipt.digest, digest),
        "stage": (receipt.stage, stage),
        "phase": (receipt.phase.value, phase.value),
    }
    for name, (actual, expected) in bound.items():
        if actual != expected:
            return f"the receipt is for {name} {actual}, not for {expected}"
    if now >= datetime.fromisoformat(receipt.expires):
        return f"the receipt expired at {receipt.expires}"
    return ""
