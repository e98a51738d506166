"""Where a promotion stands, from its records: the plan, what has been shown, who has decided, what is still unmet.

Activities judge by it, and the HTTP door explains by it: both read the same records in the same way.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from shared import contracts as c
from shared.codec import decode
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import Approval, ApprovalStanding, Judgement, judge_approvals
from shared.domain.promotion.audit import Entry
from shared.domain.promotion.ladder import BreakGlass
from shared.domain.promotion.models import ModelVersion
from shared.domain.promotion.people import Askers
from shared.domain.promotion.plans import Phase, StagePlan
from shared.domain.promotion.receipts import Receipt
from shared.ports import AuditLog, Ledger
from shared.records import paths
from shared.records.promotion import FATES, SignedDecision, decisions, origins_of
from shared.records.statements import ForgedError, Statements, receipt_objection
from shared.records.store import RecordStore

_ATTEMPTS = 1000


def pack_of(ledger: Ledger, promotion: str, stage: str, phase: Phase = Phase.ENTRY) -> c.EvidencePack | None:
    """What approvers of *stage* are shown, once it is written."""
    raw = ledger.find(identity.promotion_key(promotion, f"{stage}/{phase.value}/pack"))
    return None if raw is None else decode(c.EvidencePack, raw)


def next_attempt(store: RecordStore, model: ModelVersion, target: str, first: int = 1) -> int:
    """The number of the attempt after those that there are, from *first* on; its lock refuses one beside another."""
    for number in range(first, _ATTEMPTS):
        if not store.exists(paths.promotion(identity.promotion_id(model.name, model.version, target, number))):
            return number
    raise Refused(f"{model} has been promoted to {target} {_ATTEMPTS} times; register a new version")


def receipt_of(
    statements: Statements, ledger: Ledger, promotion: str, stage: str, phase: Phase = Phase.ENTRY
) -> Receipt | None:
    """The receipt that opens a phase of *stage*, None before it is issued. Raises ForgedError for one that is not ours,
    or was issued for something else."""
    key = identity.promotion_key(promotion, f"{stage}/{phase.value}/receipt")
    raw, path = ledger.find(key), f"{key}.json"
    if raw is None:
        return None
    try:
        receipt = decode(Receipt, raw)
        because = refuse_receipt(statements, receipt, promotion, stage, phase)
    except ValueError as error:
        raise ForgedError(path, f"it is no receipt ({error})") from error
    if because:
        raise ForgedError(path, because)
    return receipt


def refuse_receipt(statements: Statements, receipt: Receipt, promotion: str, stage: str, phase: Phase) -> str:
    """Why *receipt* is not the one of this phase, as a sentence; empty where the deciding key has issued it for it."""
    if (receipt.promotion, receipt.stage, receipt.phase) != (promotion, stage, phase):
        return f"it was issued for {receipt.promotion}, {receipt.stage} ({receipt.phase.value})"
    return receipt_objection(statements.signing, receipt)


def has_receipt(statements: Statements, ledger: Ledger, promotion: str, stage: str, phase: Phase = Phase.ENTRY) -> bool:
    """Whether the receipt of a phase was issued; a planted file is none."""
    try:
        return receipt_of(statements, ledger, promotion, stage, phase) is not None
    except ForgedError:
        return False


def asking(statements: Statements, ledger: Ledger, promotion: c.Promotion, plan: c.Plan) -> StagePlan | None:
    """The stage that waits for people now: its evidence is written, its receipt is not issued."""
    for at in plan.stages:
        waits = at.stage.approvals.roles and pack_of(ledger, promotion.id, at.stage.name)
        if waits and not has_receipt(statements, ledger, promotion.id, at.stage.name):
            return at
    return None


def question(request: c.Promotion, plan: c.Plan, digest: str, stage: str, evidence: str) -> c.StageOrder:
    """What people are asked on *stage*, for judging how they have answered; it orders nothing."""
    return c.StageOrder(
        key="",
        promotion=request,
        plan=plan,
        plan_digest=digest,
        stage=stage,
        phase=Phase.ENTRY,
        evidence=evidence,
    )


def question_now(
    statements: Statements, ledger: Ledger, request: c.Promotion, opening: c.PromotionOpened
) -> c.StageOrder | None:
    """What *request* asks people now, on the evidence that is written; None where it asks nobody."""
    at = asking(statements, ledger, request, opening.plan) if opening.plan else None
    pack = pack_of(ledger, request.id, at.stage.name) if at else None
    if opening.plan is None or at is None or pack is None:
        return None
    return question(request, opening.plan, opening.plan_digest, at.stage.name, pack.digest)


def judgement(
    statements: Statements,
    ledger: Ledger,
    order: c.StageOrder,
    now: datetime,
    records: Iterable[SignedDecision] | None = None,
) -> Judgement:
    """The recorded decisions on the order's stage, judged for the order's evidence as of *now*.

    *records* are those decisions, where the caller has read them already.
    """
    policy = order.at.stage.approvals
    if not policy.roles:
        return Judgement(standing=ApprovalStanding.APPROVED)
    if records is None:
        records = decisions(statements, order.promotion.id, order.stage)
    return judge_approvals(
        policy,
        [record.approval for record in records],
        order.evidence,
        askers_of(statements.store, order.promotion, order.plan.digest),
        asked_at(ledger, order, now),
        now,
    )


def break_glass(statements: Statements, glass: BreakGlass, order: c.StageOrder, now: datetime) -> str:
    """The override that lets failing gates pass: every role of the policy, unexpired; empty where there is none, and
    where the promotion was not asked to wait for one."""
    is_asked = order.promotion.break_glass and glass.policy.roles
    approvals = consents(statements, order.promotion.id, order.stage, order.phase) if is_asked else []
    if not approvals:
        return ""
    first = min(approval.at for approval in approvals)
    policy = replace(glass.policy, expire_after_s=glass.longest_s)
    askers = askers_of(statements.store, order.promotion, order.plan.digest)
    # Counted from the first consent: counted from the last one, an override could be kept alive by one new consent
    # after the other.
    if now >= first + timedelta(seconds=glass.longest_s):
        return ""
    judged = judge_approvals(policy, approvals, order.evidence, askers, first, now)
    if judged.standing is not ApprovalStanding.APPROVED:
        return ""
    return "; ".join(f"{approval.role}: {approval.name} because {approval.reason}" for approval in judged.approvals)


def askers_of(store: RecordStore, request: c.Promotion, digest: str) -> Askers:
    """Who asked for *request*, and for what made the bundle *digest* that it carries."""
    return request.askers.joined(origins_of(store, digest))


def logged_fate(audit: AuditLog, promotion: str, since: datetime) -> Entry | None:
    """The newest entry of the audit log that says how *promotion*, which was planned at *since*, has ended.

    The record of the promotion says it too, and anybody who may write records can change that. Raises Refused where
    the log is not whole.
    """
    ends = (entry for entry in audit.since(since) if entry.kind in FATES and entry.facts.get("promotion") == promotion)
    return next(ends, None)


def glass_stage(stage: str, phase: Phase) -> str:
    """Where decisions to break the glass for a phase are kept."""
    return f"{stage}-break-glass-{phase.value}"


def consents(statements: Statements, promotion: str, stage: str, phase: Phase) -> list[Approval]:
    """Who has agreed to break the glass for a phase, and has not taken it back."""
    return [
        approval for approval in decided(statements, promotion, glass_stage(stage, phase)) if not approval.withdrawn
    ]


def decided(statements: Statements, promotion: str, stage: str) -> list[Approval]:
    """Every decision on *stage*, as it was recorded with a verified identity."""
    return [decision.approval for decision in decisions(statements, promotion, stage)]


def asked_at(ledger: Ledger, order: c.StageOrder, now: datetime) -> datetime:
    """When the approvals were first looked for, which is *now* at the first look; recorded once for each evidence."""
    since = asked_since(ledger, order)
    if since is None:
        entry = ledger.record(_asked_key(order), {"at": now.isoformat()})
        since = datetime.fromisoformat(entry["at"])
    return since


def asked_since(ledger: Ledger, order: c.StageOrder) -> datetime | None:
    """When the approvals were first looked for; None where nobody has looked for them yet. It records nothing."""
    entry = ledger.find(_asked_key(order))
    return datetime.fromisoformat(entry["at"]) if entry else None


def _asked_key(order: c.StageOrder) -> str:
    evidence = order.evidence.removeprefix("sha256:")[:16]
    return identity.promotion_key(order.promotion.id, f"{order.stage}/{order.phase.value}/asked-{evidence}")
