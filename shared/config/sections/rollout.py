"""`ladder.STAGE.rollout`: how traffic shifts to a new version in production, and what would bring it back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import pairwise
from math import isfinite
from typing import Annotated, Any

from pydantic import Field

from shared.config.fields import Amount, Character, DifferentTexts, Number, Rule, Seconds, Text, ZeroOrMoreSeconds
from shared.config.reading import FilePlace, built
from shared.domain.promotion.ladder import Serving
from shared.domain.rollout.estimates.forecast import impossibilities
from shared.domain.rollout.known_good import KnownGoodRules
from shared.domain.rollout.policy import (
    BatchShare,
    ComparedMetric,
    ComparedOutputs,
    ComparisonRules,
    CountSource,
    ExpectedRequests,
    InstancePrice,
    LookRule,
    Mirror,
    ReplaySource,
    RolloutAlerts,
    RolloutPolicy,
    SlowRequests,
    Soak,
    SoakReference,
    StepLimits,
    TopUp,
    TrafficStep,
    WhenInconclusive,
)
from shared.domain.statistics.sequential.rollout_evidence import RoutedUnit
from shared.validation.rules import Whole

_Percent = Annotated[int, Whole(least=1, most=100)]
_MirrorPercent = Annotated[int, Whole(least=1, most=50)]  # Azure ML copies half of the requests at most.
_Risk = Annotated[float, Number(most=0.5, between=True, example=0.01)]
_Odds = Annotated[float, Number(least=1, most=100, between=True, example=3)]
_SharePart = Annotated[float, Number(most=1, between=True, example=0.2)]
_Milliseconds = Annotated[float, Number(least=1)]
_MOST_BINS = 20
_Requests = Annotated[int, Whole(least=0, most=10**9)]
# Azure ML ends no request before them: https://learn.microsoft.com/azure/machine-learning/how-to-manage-quotas
_LONGEST_S, _LONGEST_ON_KUBERNETES_S = 180, 300


@dataclass(frozen=True, slots=True, kw_only=True)
class _WrittenSteps(Rule):
    """`[5, 25, {to: 50, cleared: true}, 100]`."""

    expected: str = "a list of percentages that rise to 100, like [5, 25, {to: 50, cleared: true}, 100]"

    def read(self, value: Any) -> tuple[TrafficStep, ...]:
        if not isinstance(value, list | tuple) or not value:
            raise ValueError(self.expected)
        steps = tuple(self._step(item) for item in value)
        weights = [step.weight for step in steps]
        if weights[-1] != 100 or any(later <= weight for weight, later in pairwise(weights)):
            raise ValueError(self.expected)
        return steps

    def _step(self, item: Any) -> TrafficStep:
        weight, cleared = item, False
        if isinstance(item, Mapping):
            if item.keys() - {"to", "cleared"}:
                raise ValueError(self.expected)
            weight, cleared = item.get("to"), item.get("cleared", False)
        if type(weight) is not int or not 1 <= weight <= 100 or type(cleared) is not bool:
            raise ValueError(self.expected)
        return TrafficStep(weight=weight, cleared=cleared)

    def schema(self) -> dict[str, Any]:
        percent = {"type": "integer", "minimum": 1, "maximum": 100}
        step = {
            "type": "object",
            "properties": {"to": percent, "cleared": {"type": ["boolean", "null"]}},
            "required": ["to"],
            "additionalProperties": False,
        }
        return {"type": "array", "items": {"anyOf": [percent, step]}, "minItems": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class _RisingNumbers(Rule):
    """`[0, 50, 100.5]`."""

    expected: str = "a list of one to 20 numbers that rise, like [50, 100, 200]"

    def read(self, value: Any) -> tuple[float, ...]:
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= _MOST_BINS:
            raise ValueError(self.expected)
        if any(type(number) not in (int, float) or not isfinite(number) for number in value):
            raise ValueError(self.expected)
        if any(later <= number for number, later in pairwise(value)):
            raise ValueError(self.expected)
        return tuple(float(number) for number in value)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": _MOST_BINS}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLimitsSection:
    """How long each step lasts."""

    at_least: Seconds | None = None
    at_most: Seconds | None = None
    requests: _Requests | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookSection:
    """When a look is taken, and where its counts come from."""

    every: Seconds | None = None
    lag: ZeroOrMoreSeconds | None = None
    longest: ZeroOrMoreSeconds | None = None
    block: Seconds | None = None
    counts: CountSource | None = None
    unit: RoutedUnit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RisksSection:
    """How often a healthy version may be aborted (*abort*), and a worse one be cleared (*clear*)."""

    abort: _Risk | None = None
    clear: _Risk | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedMetricSection:
    """The margin in the odds of a bad request, and the weight in the test."""

    worse: _Odds | None = None
    weight: Annotated[float, Number()] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowRequestsSection:
    """What counts as slow."""

    over_ms: _Milliseconds
    worse: _Odds | None = None
    weight: Annotated[float, Number()] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedOutputsSection:
    """The bins, or the classes, that collected outputs are counted in."""

    edges: Annotated[tuple[float, ...] | None, _RisingNumbers()] = None
    classes: DifferentTexts | None = None
    field: Text | None = None
    collection: Text | None = None
    lag: ZeroOrMoreSeconds | None = None
    worse: _Odds | None = None
    weight: Annotated[float, Number()] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonSection:
    """What is compared with the champion."""

    errors: ComparedMetricSection = field(default_factory=ComparedMetricSection)
    slow: SlowRequestsSection | None = None
    outputs: ComparedOutputsSection | None = None
    sick_above: _SharePart | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectationSection:
    """The traffic that is expected: what it is too little for is refused, and a plan says what is found by when."""

    per_hour: Annotated[float, Number(least=1, most=10**9, example=6000)]
    errors: _SharePart | None = None
    slow: _SharePart | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorSection:
    """Copies of live requests before the first step."""

    percent: _MirrorPercent
    duration: Annotated[Seconds | None, Field(alias="for")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUpSection:
    """The inputs that both versions are sent where there are too few requests."""

    replay: ReplaySource
    most: Annotated[int, Whole(least=1, most=100_000)] | None = None
    per_look: Annotated[int, Whole(least=1, most=1000)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchShareSection:
    """Arrivals of the batch endpoint that the new version scores, and where their output stands."""

    rows: Annotated[int, Whole(least=1, most=1000)] | None = None
    field: Annotated[int, Whole(least=1, most=1000)] | None = None
    delimiter: Annotated[str, Character()] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakSection:
    """All traffic, before the version is in production."""

    duration: Annotated[Seconds | None, Field(alias="for")] = None
    requests: _Requests | None = None
    compare: SoakReference | None = None
    tolerated: _Odds | None = None
    part: _SharePart | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutAlertsSection:
    """The alert rules that bring the version before back."""

    rules: DifferentTexts
    within: Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownGoodSection:
    """When a version counts as known to be good."""

    served: Seconds | None = None
    share: _Percent | None = None
    rehearsed_within: Seconds | None = None
    keep: Annotated[int, Whole(least=1, most=100)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutSection:
    """How traffic shifts to a new version."""

    steps: Annotated[tuple[TrafficStep, ...], _WrittenSteps()]
    each: StepLimitsSection = field(default_factory=StepLimitsSection)
    look: LookSection = field(default_factory=LookSection)
    risks: RisksSection = field(default_factory=RisksSection)
    compare: ComparisonSection = field(default_factory=ComparisonSection)
    mirror: MirrorSection | None = None
    inconclusive: WhenInconclusive | None = None
    soak: SoakSection = field(default_factory=SoakSection)
    keep_warm: Seconds | None = None
    alerts: RolloutAlertsSection | None = None
    known_good: KnownGoodSection = field(default_factory=KnownGoodSection)
    prices: dict[str, Amount] = field(default_factory=dict)
    expect: ExpectationSection | None = None
    top_up: TopUpSection | None = None
    batch: BatchShareSection | None = None


def rollout_of(section: RolloutSection | None, serving: Serving, place: FilePlace) -> RolloutPolicy | None:
    """The policy of *section*, None where the stage switches all traffic at once."""
    if section is None:
        return None
    policy = RolloutPolicy(
        steps=section.steps,
        each=built(StepLimits, section.each),
        look=_look(section.look, serving),
        compare=_comparison(section.compare),
        known_good=built(KnownGoodRules, section.known_good),
        soak=built(Soak, section.soak, **_lasting(section.soak.duration)),
        **_chosen(
            alpha=section.risks.abort,
            beta=section.risks.clear,
            inconclusive=section.inconclusive,
            keep_warm_s=section.keep_warm,
            mirror=_mirror(section.mirror),
            alerts=built(RolloutAlerts, section.alerts) if section.alerts else None,
            prices=tuple(InstancePrice(sku=sku, per_hour=price) for sku, price in section.prices.items()),
            expect=built(ExpectedRequests, section.expect) if section.expect else None,
            top_up=built(TopUp, section.top_up) if section.top_up else None,
            batch=built(BatchShare, section.batch) if section.batch else None,
        ),
    )
    _refuse_impossible(policy, serving, place)
    return policy


def _refuse_impossible(policy: RolloutPolicy, serving: Serving, place: FilePlace) -> None:
    """What no rollout could do is said when it is configured, not in the middle of one."""
    if policy.each.at_most_s < policy.each.at_least_s:
        problem = f"is {policy.each.at_most_s} s, less than at_least ({policy.each.at_least_s} s)"
        place.inside("each").fail("at_most", problem, "give a longer time")
    if policy.each.at_most_s <= policy.look.due_s:
        figures = f"is {policy.look.lag_s} s after a request of {policy.look.longest_s} s"
        problem = f"{figures}, and a step lasts {policy.each.at_most_s} s at most"
        place.inside("look").fail("lag", problem, "let a step last longer than its figures are late")
    if policy.mirror and serving.kubernetes:
        place.fail("mirror", "is set for endpoints on Kubernetes, which copy no requests", "remove it")
    if policy.compare.slow and policy.look.counts is not CountSource.TRAFFIC_LOG:
        source = policy.look.counts.value
        remedy = "set look.counts to traffic_log: nothing else has the latency of a single request"
        place.inside("compare").fail("slow", f"cannot be counted from {source}", remedy)
    if serving.kubernetes and policy.look.counts is CountSource.METRICS:
        remedy = "use collector, or traffic_log: endpoints on Kubernetes have no platform metrics"
        place.inside("look").fail("counts", "is 'metrics'", remedy)
    if policy.look.block_s != 60 and policy.look.counts is CountSource.METRICS:
        place.inside("look").fail("block", f"is {policy.look.block_s} s", "use 1m: metrics are counted by the minute")
    if policy.look.unit is RoutedUnit.CONNECTION and policy.look.counts is not CountSource.TRAFFIC_LOG:
        place.inside("look").fail("unit", "is 'connection'", "set counts to traffic_log: nothing else names who called")
    _refuse_batch(policy, serving, place)
    if policy.keep_warm_s < policy.soak.for_s:
        problem = f"is {policy.keep_warm_s} s, less than the soak ({policy.soak.for_s} s)"
        place.fail("keep_warm", problem, "keep the version before at least as long as the new one soaks")
    for impossibility in impossibilities(policy):
        *sections, name = impossibility.field
        _inside(place, sections).fail(name, impossibility.problem, impossibility.remedy)


def _refuse_batch(policy: RolloutPolicy, serving: Serving, place: FilePlace) -> None:
    if policy.batch is None:
        return
    if not serving.batch:
        place.fail("batch", "is set, and the stage has no batch endpoint", "give serve.batch, or remove it")
    if policy.steps and policy.steps[0].weight == 100:
        place.fail("batch", "is set, and the first step has all traffic", "add a step of less, or remove it")


def _inside(place: FilePlace, sections: Sequence[str]) -> FilePlace:
    return reduce(FilePlace.inside, sections, place)


def _comparison(section: ComparisonSection) -> ComparisonRules:
    slow = built(SlowRequests, section.slow) if section.slow else None
    outputs = built(ComparedOutputs, section.outputs) if section.outputs else None
    errors = built(ComparedMetric, section.errors)
    return built(ComparisonRules, section, errors=errors, slow=slow, outputs=outputs)


def _look(section: LookSection, serving: Serving) -> LookRule:
    longest_s = _LONGEST_ON_KUBERNETES_S if serving.kubernetes else _LONGEST_S
    return built(LookRule, section, longest_s=longest_s if section.longest is None else section.longest)


def _mirror(section: MirrorSection | None) -> Mirror | None:
    return Mirror(percent=section.percent, **_lasting(section.duration)) if section else None


def _lasting(duration: int | None) -> dict[str, int]:
    return {} if duration is None else {"for_s": duration}


def _chosen(**values: Any) -> dict[str, Any]:
    """Without those that were left out: they keep the policy's own default."""
    return {name: value for name, value in values.items() if value is not None}
