"""Where a promotion stands, from its records: the plan, what has been shown, who has decided, what is still unmet.

Activities judge by it, and the HTTP door explains by it: both read the same records in the same way.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from shared import contracts as c
from shared.codec import decode, encode
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import Approval, ApprovalStanding, Judgement, judge_approvals
from shared.domain.promotion.models import ModelVersion
from shared.domain.promotion.people import Askers
from shared.domain.promotion.plans import Phase, StagePlan
from shared.ports import Blob, Ledger
from shared.records import paths as records
from shared.records.access import DatedRecords

_ATTEMPTS = 1000


class Records(DatedRecords, Protocol):
    """What a promotion's standing is read from."""

    @property
    def ledger(self) -> Ledger: ...


def opened(made: Records, promotion: str) -> c.PromotionOpened | None:
    """The promotion's plan, once it has one."""
    raw = made.ledger.find(identity.promotion_key(promotion, "opened"))
    return None if raw is None else decode(c.PromotionOpened, raw)


def fate_of(made: Records, promotion: str) -> str | None:
    """How it ended, empty while it is open; None where it was never opened."""
    raw = made.hub.read(made.configuration.hub.state, records.promotion(promotion))
    return None if raw is None else str(json.loads(raw).get("fate", ""))


def pack_of(made: Records, promotion: str, stage: str, phase: Phase = Phase.ENTRY) -> c.EvidencePack | None:
    """What approvers of *stage* are shown, once it is written."""
    raw = made.ledger.find(identity.promotion_key(promotion, f"{stage}/{phase.value}/pack"))
    return None if raw is None else decode(c.EvidencePack, raw)


def next_attempt(made: Records, model: ModelVersion, target: str, first: int = 1) -> int:
    """The number of the attempt after those that there are, from *first* on; its lock refuses one beside another."""
    state = made.configuration.hub.state
    for number in range(first, _ATTEMPTS):
        path = records.promotion(identity.promotion_id(model.name, model.version, target, number))
        if made.hub.find(state, path) is None:
            return number
    raise Refused(f"{model} has been promoted to {target} {_ATTEMPTS} times; register a new version")


def has_receipt(made: Records, promotion: str, stage: str, phase: Phase = Phase.ENTRY) -> bool:
    return made.ledger.find(identity.promotion_key(promotion, f"{stage}/{phase.value}/receipt")) is not None


def asking(made: Records, promotion: c.Promotion, plan: c.Plan) -> StagePlan | None:
    """The stage that waits for people now: its evidence is written, its receipt is not issued."""
    for at in plan.stages:
        waits = at.stage.approvals.roles and pack_of(made, promotion.id, at.stage.name)
        if waits and not has_receipt(made, promotion.id, at.stage.name):
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


def judgement(made: Records, order: c.StageOrder) -> Judgement:
    """The recorded decisions on the order's stage, judged for the order's evidence at this moment."""
    policy = order.at.stage.approvals
    if not policy.roles:
        return Judgement(standing=ApprovalStanding.APPROVED)
    return judge_approvals(
        policy,
        decided(made, order.promotion.id, order.stage),
        order.evidence,
        askers_of(made, order.promotion, order.plan.digest),
        asked_at(made, order),
        made.clock.now(),
    )


def break_glass(made: Records, order: c.StageOrder) -> str:
    """The override that lets failing gates pass: every role of the policy, unexpired; empty where there is none."""
    glass = made.configuration.ladder.break_glass
    given = consents(made, order.promotion.id, order.stage, order.phase) if glass.policy.roles else []
    if not given:
        return ""
    first = min(each.at for each in given)
    policy = replace(glass.policy, expire_after_s=glass.longest_s)
    askers = askers_of(made, order.promotion, order.plan.digest)
    if made.clock.now() >= first + timedelta(seconds=glass.longest_s):
        return ""
    found = judge_approvals(policy, given, order.evidence, askers, first, made.clock.now())
    if found.standing is not ApprovalStanding.APPROVED:
        return ""
    return "; ".join(f"{each.role}: {each.name} because {each.reason}" for each in found.approvals)


def askers_of(made: DatedRecords, request: c.Promotion, digest: str) -> Askers:
    """Who asked for *request*, and for what made the bundle *digest* that it carries."""
    state = made.configuration.hub.state
    raws = (made.hub.read(state, blob.path) for blob in made.hub.list(state, records.origins(digest)))
    return request.askers.joined(decode(Askers, json.loads(raw)) for raw in raws if raw is not None)


def record_origin(made: DatedRecords, digest: str, name: str, askers: Askers) -> None:
    """Remember who asked for what has made the bundle *digest*: they may not approve it. Safe to repeat."""
    content = json.dumps(encode(askers)).encode()
    made.hub.create(made.configuration.hub.state, records.origin(digest, name), content)


def glass_stage(stage: str, phase: Phase) -> str:
    """Where decisions to break the glass for a phase are kept."""
    return f"{stage}-break-glass-{phase.value}"


def consents(made: Records, promotion: str, stage: str, phase: Phase) -> list[Approval]:
    """Who has agreed to break the glass for a phase, and has not taken it back."""
    return [each for each in decided(made, promotion, glass_stage(stage, phase)) if not each.withdrawn]


def decided(made: Records, promotion: str, stage: str) -> list[Approval]:
    """Every decision on *stage*, as recorded by the HTTP door with a verified identity."""
    return [approval for _, approval in decisions(made, promotion, stage)]


def decisions(made: Records, promotion: str, stage: str) -> Iterator[tuple[Blob, Approval]]:
    """Every decision on *stage* with its record, as it was before it was read."""
    state = made.configuration.hub.state
    for blob in made.hub.list(state, records.decisions(promotion, stage)):
        raw = made.hub.read(state, blob.path)
        if raw is not None:
            yield blob, decode(Approval, json.loads(raw))


def asked_at(made: Records, order: c.StageOrder) -> datetime:
    """When the approvals were first looked for; recorded once for each evidence."""
    key = _asked_key(order)
    there = made.ledger.find(key) or made.ledger.record(key, {"at": made.clock.now().isoformat()})
    return datetime.fromisoformat(there["at"])


def asked_since(made: Records, order: c.StageOrder) -> datetime | None:
    """The same for whoever only reads: None where nobody has looked for them yet."""
    there = made.ledger.find(_asked_key(order))
    return datetime.fromisoformat(there["at"]) if there else None


def _asked_key(order: c.StageOrder) -> str:
    shown = order.evidence.removeprefix("sha256:")[:16]
    return identity.promotion_key(order.promotion.id, f"{order.stage}/{order.phase.value}/asked-{shown}")
