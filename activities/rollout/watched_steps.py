"""The step of a rollout that a look is about: its plan and rules, its arms, and the looks that were taken before.

Not here: what a look counts (`counting`), decides (`looks`) and leaves behind (`step_records`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from shared import contracts as c
from shared.application.promotion.stage_training import carried
from shared.application.promotion.stored_plans import signed_plan
from shared.application.rollout.counts import Arms
from shared.application.rollout.looks import arms_of, is_compared, policy_of
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.promotion.plans import Phase, Plan, StagePlan
from shared.domain.rollout.policy import RolloutPolicy
from shared.domain.statistics.sequential.rollout_evidence import RolloutEvidence
from shared.ports import ServedEndpoint
from shared.records.production.rollouts import RecordedLook, StepRecord, look_at, step_at
from shared.records.statements import Statements


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedStep:
    """*order* is what the orchestration watches; *plan* is the signed one, and *at* its part for the stage."""

    order: c.RolloutStep
    plan: Plan
    at: StagePlan
    policy: RolloutPolicy
    arms: Arms
    served: ServedEndpoint

    @property
    def subject(self) -> tuple[str, str]:
        """The model and the digest of its bundle, of which records speak."""
        return str(self.plan.model), self.plan.digest

    @property
    def since(self) -> datetime:
        return datetime.fromisoformat(self.order.since)

    @property
    def soaks(self) -> bool:
        return self.order.step >= len(self.at.weights)

    @property
    def is_compared(self) -> bool:
        return is_compared(self.policy, self.arms, self.soaks)

    def look(self, statements: Statements, number: int) -> RecordedLook | None:
        """Look number *number* at this step, None where it was not taken."""
        order = self.order
        return look_at(statements, order.promotion.id, order.stage, order.step, number)

    def looks_before(self, statements: Statements) -> Iterator[RecordedLook]:
        """All looks at this step before the one that is ordered. Raises Refused where one is gone."""
        return (self._look_that_was_taken(statements, number) for number in range(self.order.looks))

    def look_before(self, statements: Statements) -> RecordedLook | None:
        """The last of them, None where the ordered one is the first."""
        return self._look_that_was_taken(statements, self.order.looks - 1) if self.order.looks else None

    def steps_before(self, statements: Statements) -> Iterator[StepRecord]:
        """The records of the steps before, the first one first. Raises Refused where one is gone."""
        return (self._step_that_ended(statements, number) for number in range(self.order.step))

    def shifting_since(self, statements: Statements) -> datetime:
        """When the first step of the rollout had its traffic."""
        first = next(self.steps_before(statements), None)
        return first.since if first else self.since

    def step_before(self, statements: Statements) -> StepRecord | None:
        """The record of the step before, None for the first step."""
        return self._step_that_ended(statements, self.order.step - 1) if self.order.step > 0 else None

    def evidence_before(self, statements: Statements) -> RolloutEvidence:
        """The evidence of all steps before."""
        record = self.step_before(statements)
        return record.after if record else RolloutEvidence()

    def record(self, statements: Statements) -> StepRecord | None:
        """How this step ended, None before it has."""
        return step_at(statements, self.order.promotion.id, self.order.stage, self.order.step)

    def _look_that_was_taken(self, statements: Statements, number: int) -> RecordedLook:
        look = self.look(statements, number)
        if look is None:
            # Refused and not begun anew: evidence without the look that was removed could let a worse version go on.
            raise Refused(f"look {number} at step {self.order.step} of {self.order.stage} {_GONE}")
        return look

    def _step_that_ended(self, statements: Statements, number: int) -> StepRecord:
        record = step_at(statements, self.order.promotion.id, self.order.stage, number)
        if record is None:
            raise Refused(f"the record of step {number} of {self.order.stage} {_GONE}")
        return record


_GONE = "is gone; restore it from a backup"


def watched_step(clients: Clients, order: c.RolloutStep) -> WatchedStep:
    """What *order* is about, by the signed plan. Raises Refused where there is no such plan, or nothing to watch."""
    plan = signed_plan(clients.statements, clients.ledger, order.promotion.id, order.plan_digest)
    stage_order = c.StageOrder(
        key=order.key,
        promotion=order.promotion,
        plan=plan,
        plan_digest=order.plan_digest,
        stage=order.stage,
        phase=Phase.EXIT,
    )
    carried_order = carried(clients.statements, stage_order)
    plan, at = carried_order.plan, carried_order.at
    return WatchedStep(
        order=order,
        plan=plan,
        at=at,
        policy=policy_of(at),
        arms=arms_of(at, identity.deployment_name(plan.model.version, plan.digest), order.step),
        served=ServedEndpoint(workspace=at.stage.workspace, endpoint=at.stage.serving.online),
    )
