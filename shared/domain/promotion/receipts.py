"""A receipt: the proof, signed by the app, that a stage may be touched. Activities that deploy or register demand it.

It binds the bundle's digest, the stage and its phase, the plan, the evidence, the gates' verdicts and the approvals.
"""

from base64 import b64encode
from dataclasses import asdict, dataclass, field
from datetime import datetime

from shared.domain.newer import NEWER
from shared.domain.promotion.models import ModelVersion
from shared.domain.promotion.plans import Phase
from shared.domain.trust.envelopes import STATEMENT_TYPE, Envelope, EnvelopeSignature
from shared.domain.trust.statements import PredicateKind, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """*verdicts* are `gate: outcome`, *approvals* `role: person`; *override* says who broke the glass, and why.

    *signature* is `KEYID:BASE64`: the signature of `statement_of` the receipt. It travels in orders, so it names the
    key and does not repeat the content. *step* is the step of a rollout that it opens, from 1 on; the exit receipt of
    the stage opens the first, or has -1 where it opens the copies that come before. *image* is the digest of the image
    that was built of the version's environment, where the service says it. *change* is the change request of ServiceNow
    that was approved for the evidence, where the stage asks for one.
    """

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
    step: int = field(default=0, metadata=NEWER)
    image: str = field(default="", metadata=NEWER)
    change: str = field(default="", metadata=NEWER)
    signature: str = ""


def statement_of(receipt: Receipt) -> Statement:
    """What the signature of *receipt* covers: everything else."""
    predicate = asdict(receipt)
    del predicate["signature"]
    for name in ("step", "image", "change"):
        if not predicate[name]:  # Receipts of earlier releases have none, and keep their signature.
            del predicate[name]
    return Statement(
        kind=PredicateKind.RECEIPT,
        subjects={str(receipt.model): receipt.digest},
        at=datetime.fromisoformat(receipt.issued),
        predicate={**predicate, "model": str(receipt.model), "phase": receipt.phase.value},
    )


def envelope_of(receipt: Receipt) -> Envelope:
    """The receipt as the envelope that was signed, for verification and for export."""
    keyid, _, signature = receipt.signature.partition(":")
    payload = b64encode(statement_of(receipt).payload()).decode()
    return Envelope(
        payloadType=STATEMENT_TYPE, payload=payload, signatures=(EnvelopeSignature(keyid=keyid, sig=signature),)
    )


def objection(
    receipt: Receipt,
    *,
    promotion: str,
    model: ModelVersion,
    digest: str,
    stage: str,
    phase: Phase,
    now: datetime,
    step: int = 0,
) -> str:
    """Why *receipt* does not open this stage; empty where it does. The signature is the caller's to check."""
    pairs = {
        "promotion": (receipt.promotion, promotion),
        "model": (str(receipt.model), str(model)),
        "digest": (receipt.digest, digest),
        "stage": (receipt.stage, stage),
        "phase": (receipt.phase.value, phase.value),
        "step": (str(receipt.step), str(step)),
    }
    for name, (actual, value) in pairs.items():
        if actual != value:
            return f"the receipt is for {name} {actual}, not for {value}"
    if now >= datetime.fromisoformat(receipt.expires):
        return f"the receipt expired at {receipt.expires}"
    return ""
