"""How the traffic of a production stage shifts: steps, looks, limits, and what happens afterwards.

Only rules that somebody configures are here; what a look at them finds is in `shared.domain.rollout.steps`.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from shared.domain.newer import NEWER
from shared.domain.rollout.known_good import KnownGoodRules
from shared.domain.statistics.sequential.odds_evidence import OddsTest
from shared.domain.statistics.sequential.rollout_evidence import ArmComparison, RolloutTest, RoutedUnit

ERRORS, SLOW = "errors", "slow"


class CountSource(StrEnum):
    """Where the counts of requests come from."""

    METRICS = "metrics"  # Azure Monitor's platform metrics of the endpoint: counts by status alone.
    TRAFFIC_LOG = "traffic_log"  # One row a request in Log Analytics: latencies too.


class WhenInconclusive(StrEnum):
    """What becomes of a step that has neither cleared nor aborted at its end. It never advances by itself."""

    PAUSE = "pause"
    ABORT = "abort"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficStep:
    """*weight* percent of the traffic; with *cleared* the step before must have cleared, not only passed its time."""

    weight: int
    cleared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLimits:
    """A step lasts *at_least_s*, and until *requests* of the new version were counted, but not over *at_most_s*."""

    at_least_s: int = 900
    at_most_s: int = 6 * 3600
    requests: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRule:
    """A look every *every_s* at the minutes that are older than *lag_s*: younger ones may still be corrected.

    Requests are counted in blocks of *block_s*, within which both versions meet the same incidents.
    """

    every_s: int = 300
    lag_s: int = 240
    block_s: int = 60
    counts: CountSource = CountSource.METRICS
    unit: RoutedUnit = RoutedUnit.REQUEST


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedMetric:
    """The odds of a bad request: *worse* times the champion's is the margin to clear, *weight* its part of the test."""

    worse: float = 3.0
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowRequests:
    """A request is slow above *over_ms*, which is fixed before the rollout; needs the traffic log."""

    over_ms: float
    worse: float = 2.0
    weight: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRules:
    """What the new version and the champion are compared in. *sick_above*: a share of errors no arm may have."""

    errors: ComparedMetric = field(default_factory=ComparedMetric)
    slow: SlowRequests | None = None
    sick_above: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """*percent* of live requests are copied to the new version for *for_s*, before it answers any itself."""

    percent: int
    for_s: int = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """All traffic for *for_s*, and *requests* counted, before the version is in production."""

    for_s: int = 24 * 3600
    requests: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutAlerts:
    """An alert of one of *rules* on what serves, within *within_s* of the switch, brings the version before back."""

    rules: tuple[str, ...] = ()
    within_s: int = 72 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class InstancePrice:
    """What an instance of *sku* costs for an hour."""

    sku: str
    per_hour: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutPolicy:
    """*alpha* bounds the false aborts of a whole rollout, *beta* the false clearances of a step.

    The version before is kept for *keep_warm_s* after the soak.
    """

    steps: tuple[TrafficStep, ...]
    each: StepLimits = field(default_factory=StepLimits)
    look: LookRule = field(default_factory=LookRule)
    alpha: float = 0.01
    beta: float = 0.05
    compare: ComparisonRules = field(default_factory=ComparisonRules)
    mirror: Mirror | None = None
    inconclusive: WhenInconclusive = WhenInconclusive.PAUSE
    soak: Soak = field(default_factory=Soak)
    keep_warm_s: int = 72 * 3600
    alerts: RolloutAlerts = field(default_factory=RolloutAlerts)
    known_good: KnownGoodRules = field(default_factory=KnownGoodRules)
    prices: tuple[InstancePrice, ...] = field(default=(), metadata=NEWER)

    @property
    def test(self) -> RolloutTest:
        """The statistical test that every look of the rollout is judged by."""
        errors, slow = self.compare.errors, self.compare.slow
        comparisons = [
            ArmComparison(
                name=ERRORS,
                weight=errors.weight,
                test=OddsTest(margin=errors.worse),
                sick_above=self.compare.sick_above,
            )
        ]
        if slow is not None:
            comparisons.append(ArmComparison(name=SLOW, weight=slow.weight, test=OddsTest(margin=slow.worse)))
        return RolloutTest(comparisons=tuple(comparisons), alpha=self.alpha, beta=self.beta, unit=self.look.unit)
