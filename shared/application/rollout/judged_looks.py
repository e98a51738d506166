"""The looks at a rollout for people to read: what each has counted, and what all evidence said then.

Nothing is decided here. Each look's evidence is judged again by the plan's own test, which gives what it gave then.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from shared.application.rollout.looks import arms_of, is_compared, policy_of
from shared.domain.promotion.plans import StagePlan
from shared.domain.rollout.policy import ERRORS
from shared.domain.rollout.steps import SHADOW
from shared.domain.statistics.sequential.counts import MinuteCounts
from shared.domain.statistics.sequential.verdicts import RolloutJudgement, judge_rollout
from shared.records.production import paths
from shared.records.production.rollouts import RecordedLook, RolloutStanding, newest_looks
from shared.records.statements import Statements


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedLook:
    """A look at a step in which the new version had *weight* percent; *judgement* is None where nothing is compared."""

    look: RecordedLook
    weight: int
    judgement: RolloutJudgement | None

    @property
    def minutes(self) -> tuple[MinuteCounts, ...]:
        """The requests that it has counted, and those that failed."""
        return self.look.counts.minutes.get(ERRORS, ())


def judged_looks(
    statements: Statements, standing: RolloutStanding, at: StagePlan, most: int
) -> tuple[tuple[JudgedLook, ...], int]:
    """The last *most* looks of all steps in their order, and how many came before them. Raises ForgedError."""
    taken = list(_looks(statements, standing, most))
    looks = tuple(_judged(at, standing.deployment, look) for look in reversed(taken))
    earlier = sum(_count(statements, standing, step) for step in range(SHADOW, standing.step + 1)) - len(looks)
    return looks, earlier


def _looks(statements: Statements, standing: RolloutStanding, most: int) -> Iterator[RecordedLook]:
    """The newest first."""
    steps = range(standing.step, SHADOW - 1, -1)
    looks = (look for step in steps for look in newest_looks(statements, standing.promotion, standing.stage, step))
    return islice(looks, most)


def _count(statements: Statements, standing: RolloutStanding, step: int) -> int:
    return sum(1 for _ in statements.list(paths.rollout_looks(standing.promotion, standing.stage, step)))


def _judged(at: StagePlan, canary: str, look: RecordedLook) -> JudgedLook:
    policy, soaks = policy_of(at), look.step >= len(at.weights)
    arms = arms_of(at, canary, look.step)
    judgement = judge_rollout(look.evidence, policy.test, soaks) if is_compared(policy, arms, soaks) else None
    return JudgedLook(look=look, weight=arms.weight, judgement=judgement)
