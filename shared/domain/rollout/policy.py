"""How the traffic of a production stage shifts: steps, looks, limits, and what happens afterwards.

Only rules that somebody configures are here; what a look at them finds is in `shared.domain.rollout.steps`.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise

from shared.domain.newer import NEWER
from shared.domain.rollout.known_good import KnownGoodRules
from shared.domain.statistics.sequential.odds_evidence import OddsTest
from shared.domain.statistics.sequential.rollout_evidence import ArmComparison, RolloutTest, RoutedUnit

ERRORS, SLOW, OUTPUTS = "errors", "slow", "outputs"
_WEEKS_APART = "against the week before"


class CountSource(StrEnum):
    """Where the counts of requests come from."""

    METRICS = "metrics"  # Azure Monitor's platform metrics of the endpoint: counts by status alone.
    TRAFFIC_LOG = "traffic_log"  # One row a request in Log Analytics: latencies too.
    COLLECTOR = "collector"  # What the data collector keeps: neither statuses nor latencies.


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
    """A look every *every_s* at the minutes in which every request has ended *lag_s* ago: younger ones may still be
    corrected. No request takes longer than *longest_s*; plans of earlier releases allow it no time of its own.

    Requests are counted in blocks of *block_s*, within which both versions meet the same incidents.
    """

    every_s: int = 300
    lag_s: int = 240
    block_s: int = 60
    counts: CountSource = CountSource.METRICS
    unit: RoutedUnit = RoutedUnit.REQUEST
    longest_s: int = field(default=0, metadata=NEWER)

    @property
    def due_s(self) -> int:
        """How old a block must be to be counted."""
        return self.longest_s + self.lag_s


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
class ComparedOutputs:
    """Collected outputs, by bins between rising *edges* or by *classes*; each bin is a comparison with a part of
    *weight*.

    *field* is the column of the outputs, empty where they are no records; *collection* is the data collector's. Its
    files come later than counts: only minutes older than *lag_s* are counted.
    """

    edges: tuple[float, ...] = ()
    classes: tuple[str, ...] = ()
    field: str = ""
    collection: str = "model_outputs"
    lag_s: int = 900
    worse: float = 3.0
    weight: float = 0.2

    @property
    def names(self) -> tuple[str, ...]:
        """The comparison of each bin, in the order of `shared.ports.OutputBins`; the last is of what is in none."""
        if self.classes:
            bins = [*self.classes, "any other"]
        else:
            below = [f"below {edge:g}" for edge in self.edges]
            bins = [*below, f"from {self.edges[-1]:g}"]
            bins[1:-1] = [f"{low:g} to {high:g}" for low, high in pairwise(self.edges)]
        return tuple(f"{OUTPUTS} {name}" for name in (*bins, "unread"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRules:
    """What the new version and the champion are compared in. *sick_above*: a share of errors no arm may have."""

    errors: ComparedMetric = field(default_factory=ComparedMetric)
    slow: SlowRequests | None = None
    sick_above: float = 0.2
    outputs: ComparedOutputs | None = field(default=None, metadata=NEWER)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedRequests:
    """*per_hour* requests are expected; of the champion's, the shares *errors* and *slow* are expected to be bad."""

    per_hour: float
    errors: float = 0.01
    slow: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """*percent* of live requests are copied to the new version for *for_s*, before it answers any itself."""

    percent: int
    for_s: int = 3600


class ReplaySource(StrEnum):
    """Where the inputs of a replay come from."""

    GOLDEN = "golden"  # The golden requests of the new version.
    HOLDOUT = "holdout"  # The rows of the model's hold-out, one a request.
    COLLECTOR = "collector"  # What the champion was sent in the day before the rollout, if it was collected.


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUp:
    """Where a step has fewer requests than it should have by now, inputs are sent to both versions by name: at most
    *per_look* in a look, and *most* in the whole rollout, each of them once."""

    replay: ReplaySource
    most: int = 3000
    per_look: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchShare:
    """The arrivals of the batch endpoint are shared as the traffic is; of each that the new version scores, *rows* at
    most are compared with the champion's.

    The output is the field number *field* (from 1, -1 the last) of the lines, between *delimiter*.
    """

    rows: int = 50
    field: int = -1
    delimiter: str = " "


class SoakReference(StrEnum):
    """What the version that has all traffic is compared with."""

    WEEK_BEFORE = "week_before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """All traffic for *for_s*, and *requests* counted, before the version is in production.

    With *compare* these requests are compared with those of the same hours a week before, whatever version answered
    then. Weeks differ, so odds of *tolerated* times those of then are none of its faults. This comparison has *part* of
    the evidence of the whole rollout.
    """

    for_s: int = 24 * 3600
    requests: int = 1000
    compare: SoakReference | None = field(default=None, metadata=NEWER)
    tolerated: float = field(default=1.5, metadata=NEWER)
    part: float = field(default=0.2, metadata=NEWER)


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutAlerts:
    """An alert of one of *rules* on what serves, within *within_s* of the switch, brings the version before back."""

    rules: tuple[str, ...] = ()
    within_s: int = 72 * 3600

    def has_rule(self, rule: str) -> bool:
        """Whether *rule* is one of them; Azure does not keep the case of a rule's name."""
        return rule.lower() in (configured.lower() for configured in self.rules)


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
    expect: ExpectedRequests | None = field(default=None, metadata=NEWER)
    top_up: TopUp | None = field(default=None, metadata=NEWER)
    batch: BatchShare | None = field(default=None, metadata=NEWER)

    @property
    def test(self) -> RolloutTest:
        """The statistical test that every look of the rollout is judged by."""
        beside = self._comparisons()
        apart = [self._weeks_apart(comparison) for comparison in beside] if self.soak.compare else []
        return RolloutTest(comparisons=(*beside, *apart), alpha=self.alpha, beta=self.beta, unit=self.look.unit)

    def _comparisons(self) -> list[ArmComparison]:
        errors, slow, outputs = self.compare.errors, self.compare.slow, self.compare.outputs
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
        if outputs is not None:
            # An answer that leaves one bin falls into another, so "more in this bin", of every bin, finds any change.
            # Outputs of no class, and those that nobody can read, are rare where all is well: such a bin could never be
            # cleared.
            rare = len(outputs.names) - (2 if outputs.classes else 1)
            weight, test = outputs.weight / len(outputs.names), OddsTest(margin=outputs.worse)
            comparisons += [
                ArmComparison(name=name, weight=weight, test=test, clears=place < rare)
                for place, name in enumerate(outputs.names)
            ]
        return comparisons

    def _weeks_apart(self, comparison: ArmComparison) -> ArmComparison:
        """*comparison* in the soak; the weights of all such make up the soak's part of the sum of all."""
        return replace(
            comparison,
            name=weeks_apart(comparison.name),
            # With W for the weights of all other comparisons, W * p / (1 - p) is the part p of their common sum, W / (1
            # - p).
            weight=comparison.weight * self.soak.part / (1 - self.soak.part),
            test=OddsTest(tolerated=self.soak.tolerated, margin=comparison.test.margin),
            sick_above=None,
            weeks_apart=True,
        )


def weeks_apart(name: str) -> str:
    """The comparison *name* in the soak."""
    return f"{name} {_WEEKS_APART}"
