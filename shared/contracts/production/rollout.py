"""A rollout's inputs and outputs across the Durable boundary: the watch over one step of the traffic, look by look."""

from dataclasses import dataclass

from shared.contracts.kinds import Activity, Effect, ExternalEvent, Orchestration
from shared.contracts.promotion import Promotion
from shared.domain.rollout.steps import StepDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutStep:
    """Step number *step* of a rollout, which got its traffic at *since* (ISO 8601); the last one is the soak.

    *looks* were taken before. *key* is that of the effects of this step.
    """

    key: str
    promotion: Promotion
    plan_digest: str
    stage: str
    step: int
    since: str
    looks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LookTaken:
    """What a look has decided, and *because* of what; the next one is due after *wait_s*.

    *evidence* is the digest of the step's record, which the receipt of the next step judges again; it is empty where
    the step goes on.
    """

    decision: StepDecision
    because: str
    wait_s: float = 0.0
    evidence: str = ""
    worse: bool = False  # The new version is to blame.


TAKE_LOOK = Activity("take_look", RolloutStep, LookTaken, Effect.WRITES)

WATCH_STEP = Orchestration("watch_step", RolloutStep, LookTaken)

ROLLOUT_ORDERED = ExternalEvent("rollout_ordered")
