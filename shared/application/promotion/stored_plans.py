"""The plan of a promotion, read from the record of its opening; and what activities and orchestrations make of it.

Every reading is one blob, and nothing is kept between two: a record that was changed or restored meanwhile must show.
"""

from dataclasses import fields, replace
from datetime import datetime

from shared import contracts as c
from shared.codec import decode, encode
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.promotion.audit import canonical_digest
from shared.domain.promotion.outlines import outline_of
from shared.domain.trust.statements import PredicateKind, Statement
from shared.ports import Ledger
from shared.records import paths
from shared.records.predicates import PlannedStage, PlanPredicate
from shared.records.statements import ForgedError, Statements


def unverified_opening(ledger: Ledger, promotion: str) -> c.PromotionOpened | None:
    """The promotion's opening as it is stored, None before it was opened. Nothing of it is checked: it is for showing
    where a promotion stands, and `believed_opening` for acting on it."""
    raw = ledger.find(_key(promotion))
    return None if raw is None else decode(c.PromotionOpened, raw)


def believed_opening(statements: Statements, ledger: Ledger, promotion: str) -> c.PromotionOpened | None:
    """As `unverified_opening`, where the deciding key has signed the plan.

    Raises ForgedError where it has not, and where the record of a promotion with a signed plan is gone.
    """
    opening = unverified_opening(ledger, promotion)
    if opening is None:
        for path in statements.list(paths.plans(promotion)):
            reason = f"the plan in {path} was opened by it, and it was removed; restore it from a backup"
            raise ForgedError(f"{_key(promotion)}.json", reason)
        return None
    if opening.plan is None:
        return opening
    return replace(opening, plan=signed_plan(statements, ledger, promotion, opening.plan_digest))


def admission_of(opening: c.PromotionOpened) -> c.PromotionAdmission:
    """*opening*, whose plan was checked, without the plan itself, for an orchestration and its history."""
    plan = opening.plan
    return c.PromotionAdmission(
        outline=outline_of(plan) if plan else None,
        plan_digest=opening.plan_digest,
        fate=opening.fate,
        because=opening.because,
        # The record's own list is not signed; an empty one is of a release that locked the endpoints.
        locks=tuple(plan.locks()) if plan and opening.locks else (),
        confirms=True,
    )


def restoring_of(statements: Statements, ledger: Ledger, promotion: c.Promotion, because: str = "") -> c.Restoring:
    """What undoes *promotion*, of which nothing was moved where it was never opened. Raises ForgedError as
    `believed_opening` does, and where *promotion* is another request than the one that was planned."""
    opening = believed_opening(statements, ledger, promotion.id)
    plan = opening.plan if opening else None
    if opening is None or plan is None:
        return c.Restoring(promotion=promotion, because=because)
    if (promotion.model, promotion.target) != (plan.model, plan.target):
        reason = (
            f"it is a promotion of {promotion.model} to {promotion.target}, planned was {plan.model} to {plan.target}"
        )
        raise ForgedError(paths.open_promotion(promotion.id), reason)
    return c.Restoring(
        promotion=promotion,
        outline=outline_of(plan),
        plan_digest=opening.plan_digest,
        because=because,
        locks=opening.held,
    )


def stage_order(statements: Statements, ledger: Ledger, step: c.StageStep) -> c.StageOrder:
    """*step* with its plan. Raises Refused as `signed_plan` does."""
    plan = signed_plan(statements, ledger, step.promotion.id, step.plan_digest)
    return c.StageOrder(plan=plan, **{field.name: getattr(step, field.name) for field in fields(c.StageStep)})


def move_order(statements: Statements, ledger: Ledger, step: c.MoveStep) -> c.MoveOrder:
    """*step* with its plan, which it names from now on. Raises Refused as `signed_plan` does.

    An order of the first version names no plan of its own, and its receipt does; an undo of that version has neither.
    """
    named = step.plan_digest or (step.receipt.plan if step.receipt else "")
    plan, digest = _stored_plan(ledger, step.promotion.id, named)
    signed_at(statements, step.promotion.id, digest)
    values = {field.name: getattr(step, field.name) for field in fields(c.MoveStep)}
    return c.MoveOrder(plan=plan, **{**values, "plan_digest": digest})


def signed_plan(statements: Statements, ledger: Ledger, promotion: str, digest: str) -> c.Plan:
    """As `read_plan`, of a plan that the deciding key has signed. Raises ForgedError where it has not."""
    plan = read_plan(ledger, promotion, digest)
    signed_at(statements, promotion, digest)
    return plan


def signed_at(statements: Statements, promotion: str, digest: str) -> datetime:
    """When the deciding key has said that *digest* is the plan of *promotion*: nothing was done for it before.

    Raises ForgedError where it has not said so.
    """
    path = paths.plan_statement(promotion, digest)
    predicate = statements.read(path, PredicateKind.PLAN)
    if predicate is None:
        raise ForgedError(f"{_key(promotion)}.json", f"no statement of the deciding key is in {path}; promote anew")
    return datetime.fromisoformat(predicate["at"])


def sign_plan(statements: Statements, request: c.Promotion, plan: c.Plan, digest: str, at: datetime) -> None:
    """Say with the deciding key that *plan* is the plan of *request*. Safe to repeat."""
    predicate = PlanPredicate(
        promotion=request.id,
        model=str(plan.model),
        plan=digest,
        bundle=plan.digest,
        target=plan.target,
        requested_by=request.requested_by,
        stages=tuple(
            PlannedStage(stage=at.stage.name, approvers=tuple(role.name for role in at.stage.approvals.roles))
            for at in plan.stages
        ),
    )
    subjects = {str(plan.model): plan.digest, f"plan of {request.id}": digest}
    statement = Statement(kind=PredicateKind.PLAN, subjects=subjects, at=at, predicate=encode(predicate))
    statements.create(paths.plan_statement(request.id, digest), statement)


def read_plan(ledger: Ledger, promotion: str, digest: str) -> c.Plan:
    """The stored plan of *promotion*, where it is the one that *digest* names.

    An empty *digest* comes from undos of the first version alone, and means the plan that was opened. Raises
    ForgedError for another plan and for one whose content does not have its digest, and Refused where there is none.
    """
    return _stored_plan(ledger, promotion, digest)[0]


def _stored_plan(ledger: Ledger, promotion: str, digest: str) -> tuple[c.Plan, str]:
    """As `read_plan`, with the digest of the plan."""
    raw, path = ledger.find(_key(promotion)) or {}, f"{_key(promotion)}.json"
    if not raw.get("plan"):
        raise Refused(f"{promotion} has no plan in {path}; restore that record from a backup, or promote anew")
    if digest not in ("", raw["plan_digest"]):
        reason = f"{promotion} is ordered by plan {digest}, and its plan is {raw['plan_digest']}; promote anew"
        raise ForgedError(path, reason)
    # Over the JSON as it is stored, not over the decoded plan: a later release knows fields that this plan never had.
    content = canonical_digest(raw["plan"])
    if content != raw["plan_digest"]:
        raise ForgedError(
            path,
            f"the plan in {path} was changed: it has digest {content}, planned was {raw['plan_digest']}; "
            "restore that record from a backup, or promote anew",
        )
    return decode(c.Plan, raw["plan"]), content


def _key(promotion: str) -> str:
    return identity.promotion_key(promotion, "opened")
