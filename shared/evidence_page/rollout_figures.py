"""What the page of a rollout's step shows, as one typed value; its digest is what a receipt judges.

Not here: drawing, and where the figures are kept.
"""

from dataclasses import dataclass

from shared.domain.statistics.sequential.rollout_evidence import RoutedUnit
from shared.domain.statistics.sequential.verdicts import RolloutJudgement, RolloutVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLook:
    """One look of a step: when, the weight that was set, the units of this look, the evidence so far, the verdict.

    *worse* and *better* are logs of e-values; *better* is that of the comparison which has least of those that must
    be cleared.
    """

    at: str
    percent: int
    canary: int
    champion: int
    worse: float
    better: float
    verdict: RolloutVerdict


def look_of(at: str, percent: int, units: tuple[int, int], judgement: RolloutJudgement) -> StepLook:
    """The line of a look that was judged at *at*; *units* are those of the canary and the champion in it."""
    canary, champion = units
    return StepLook(
        at=at,
        percent=percent,
        canary=canary,
        champion=champion,
        worse=judgement.worse,
        better=min(comparison.better for comparison in judgement.comparisons if comparison.must_clear),
        verdict=judgement.verdict,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleRequest:
    """A request that was bad, for people to look into: *identity* finds it in the traffic log."""

    at: str
    arm: str
    identity: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFigures:
    """Step *number* of *steps* of a rollout of *canary* beside *champion* on an endpoint, after all its *looks*.

    *judgement* is of the whole rollout so far. Times are ISO texts in UTC.
    """

    rollout: str
    endpoint: str
    canary: str
    champion: str
    number: int
    steps: int
    percent: int
    since: str
    written: str
    unit: RoutedUnit
    confidence: float
    judgement: RolloutJudgement
    looks: tuple[StepLook, ...]
    examples: tuple[ExampleRequest, ...] = ()
