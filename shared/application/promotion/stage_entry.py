"""Whether a stage may be entered: the stage before it must have measured this very bundle, and signed that it did.

The proof is the exit receipt of a promotion that has arrived by the audit log, or of the one under way: no tag, no
place and no unsigned record of a promotion is believed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from shared import contracts as c
from shared.codec import decode
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.promotion.ladder import Ladder, Stage
from shared.domain.promotion.models import ModelVersion
from shared.domain.promotion.plans import Phase, Plan, StagePlan
from shared.domain.promotion.receipts import Receipt
from shared.ports import AuditLog, Ledger, Signing
from shared.records import paths
from shared.records.lists.rows import PROMOTIONS, listed
from shared.records.production.serving import hold_of
from shared.records.promotion import FATES, fate_of
from shared.records.statements import ForgedError, Statements, receipt_objection
from shared.records.store import RecordStore


@dataclass(frozen=True, slots=True)
class Receipts:
    """Where promotions and their receipts are recorded, what knows our own signature, and the audit log.

    What is looked at and is not believed joins *forgeries*.
    """

    store: RecordStore
    ledger: Ledger
    signing: Signing
    audit: AuditLog
    forgeries: list[ForgedError] = field(default_factory=list)


def unproven(receipts: Receipts, ladder: Ladder, plan: Plan, at: StagePlan, own: str = "") -> str:
    """Why *at* may not be entered, as a sentence; empty where it may. *own* is the promotion that asks.

    The first stage demands nothing of a stage before: it leads from where models are made, and measures them itself.
    """
    before = ladder.before(at.stage)
    if before is None:
        return ""
    if any(_proves(receipts, plan, before, name) for name in _candidates(receipts, plan, before, own)):
        return ""
    return (
        f"{at.stage.name}: stage {before.name} has not measured {plan.model} with {plan.digest}: there is no exit "
        f"receipt of it; register the version where it was made and promote it through {before.name}"
    )


def refuse_held(statements: Statements, model: ModelVersion) -> None:
    """Raise Refused for a version that a rollback has left: only a person's release brings it back."""
    if hold := hold_of(statements, model):
        raise Refused(
            f"{model} is held back by {hold.by} since {hold.at:%Y-%m-%d %H:%M}: {hold.reason}; "
            "release it with a reason before it is promoted again"
        )


def _candidates(receipts: Receipts, plan: Plan, before: Stage, own: str) -> Iterator[str]:
    """The promotion under way where it has passed the stage itself, and those of the version that have arrived."""
    if own and any(at.stage.name == before.name for at in plan.stages):
        yield own
        return
    store, prefix = receipts.store, identity.promotions_of(plan.model.name)
    fates = _fates(receipts.audit, plan.model)
    for name, row in listed(store.hub, store.container, f"{PROMOTIONS}{prefix}"):
        promotion = f"{prefix}{name}"
        same = (row.get("model"), row.get("version")) == (plan.model.name, plan.model.version)
        if same and fate_of(store, promotion) is c.Fate.PROMOTED:
            if fates.get(promotion) == c.Fate.PROMOTED.value:
                yield promotion
            else:
                fate = fates.get(promotion) or "not ended"
                reason = f"it says that the promotion has arrived; by the audit log it is {fate}"
                receipts.forgeries.append(ForgedError(paths.promotion(promotion), reason))


def _fates(audit: AuditLog, model: ModelVersion) -> dict[str, str]:
    """How the promotions of *model* have ended, by the audit log: the last word on each.

    Their records say it too, and are not signed: somebody could write that what was taken back has arrived.
    """
    logged_fates = dict[str, str]()
    for entry in audit.about(model.name):
        if entry.subject == str(model) and entry.kind in FATES and "promotion" in entry.facts:
            logged_fates[entry.facts["promotion"]] = entry.kind
    return logged_fates


def _proves(receipts: Receipts, plan: Plan, before: Stage, promotion: str) -> bool:
    key = identity.promotion_key(promotion, f"{before.name}/{Phase.EXIT.value}/receipt")
    raw = receipts.ledger.find(key)
    if raw is None:
        return False
    receipt = decode(Receipt, raw)
    if because := receipt_objection(receipts.signing, receipt):
        receipts.forgeries.append(ForgedError(f"{key}.json", because))
        return False
    bound = (receipt.promotion, receipt.model, receipt.digest, receipt.stage, receipt.phase)
    passed = (promotion, plan.model, plan.digest, before.name, Phase.EXIT)
    return bound == passed
