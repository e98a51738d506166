"""What a rollout is expected to take and to find, worked out from the traffic that its endpoint is expected to have.

It speaks for the plan of a promotion, and against a configuration that no such traffic can satisfy. Not here: counts.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shared.domain.rollout.policy import ERRORS, SLOW, ExpectedRequests, RolloutPolicy
from shared.domain.statistics.sequential.planning import (
    ExpectedDuration,
    ExpectedTraffic,
    until_abort,
    until_cleared,
)
from shared.domain.statistics.sequential.rollout_evidence import ArmComparison

SHOWN_ODDS = (2.0, 5.0, 10.0)  # Of a request that fails: what the plan says of worse versions.
_HOUR_S, WEEK_S = 3600, 7 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Impossibility:
    """What no rollout under a policy can do: the *field* of the configuration, the arithmetic, and the remedy."""

    field: tuple[str, ...]
    problem: str
    remedy: str


def impossibilities(policy: RolloutPolicy) -> Iterator[Impossibility]:
    """Everything that contradicts itself in *policy*, by its times alone and by the traffic that it expects."""
    yield from _by_time(policy)
    contradictions = list(_contradictions(policy))
    yield from contradictions
    if policy.expect is not None and not contradictions:  # Else there is no test to expect anything of.
        yield from _too_few_requests(policy, policy.expect)
        if policy.top_up is None:  # A replay decides where traffic alone does not.
            yield from _never_found(policy, policy.expect)
            yield from _never_cleared(policy, policy.expect)


def expectations(policy: RolloutPolicy, weights: tuple[int, ...]) -> tuple[str, ...]:
    """How long a rollout through *weights* lasts, and when which difference would be found, a sentence each."""
    at_least = len(weights) * policy.each.at_least_s + policy.soak.for_s
    at_most = len(weights) * policy.each.at_most_s + policy.soak.for_s
    sentences = [
        f"the rollout lasts {_time(at_least / _HOUR_S)} at least, and {_time(at_most / _HOUR_S)} until every step has "
        "decided or waits for a person; pauses add to it"
    ]
    expect = policy.expect
    if expect is None:
        return (*sentences, "no traffic is expected (`rollout.expect`), so nobody knows what would be found by when")
    sentences += [_step_sentence(policy, expect, weight) for weight in weights if weight < 100]
    return tuple(sentences)


def _by_time(policy: RolloutPolicy) -> Iterator[Impossibility]:
    each, look, soak = policy.each, policy.look, policy.soak
    first_counts_s = look.every_s + look.due_s + look.block_s
    if each.at_most_s < first_counts_s:
        yield Impossibility(
            field=("each", "at_most"),
            problem=f"is {each.at_most_s} s, and no look counts anything before {first_counts_s} s have passed "
            f"(every {look.every_s} s, {look.due_s} s late, in blocks of {look.block_s} s)",
            remedy="let a step last longer, or look more often",
        )
    if soak.for_s < first_counts_s:
        yield Impossibility(
            field=("soak", "for"),
            problem=f"is {soak.for_s} s, and no look counts anything before {first_counts_s} s have passed",
            remedy="soak longer, or look more often",
        )
    if policy.alerts.rules and policy.keep_warm_s < policy.alerts.within_s:
        yield Impossibility(
            field=("keep_warm",),
            problem=f"is {policy.keep_warm_s} s, and an alert brings the version before back for "
            f"{policy.alerts.within_s} s (alerts.within)",
            remedy="keep it as long as an alert may call for it",
        )


def _contradictions(policy: RolloutPolicy) -> Iterator[Impossibility]:
    """What no test can be made of."""
    compare, soak, outputs = policy.compare, policy.soak, policy.compare.outputs
    if outputs is not None and bool(outputs.edges) == bool(outputs.classes):
        problem = "has both edges and classes" if outputs.edges else "has neither edges nor classes"
        yield Impossibility(
            field=("compare", "outputs"),
            problem=problem,
            remedy="give edges for outputs that are numbers, else classes",
        )
    parts = (("errors", compare.errors), ("slow", compare.slow), ("outputs", outputs))
    for name, part in parts:
        if soak.compare and part is not None and part.worse <= soak.tolerated:
            yield Impossibility(
                field=("compare", name, "worse"),
                problem=f"is {part.worse:g}, and the soak tolerates odds of {soak.tolerated:g} (soak.tolerated)",
                remedy="tolerate less in the soak, or allow a larger margin",
            )
    if soak.compare and WEEK_S % policy.look.block_s:
        yield Impossibility(
            field=("look", "block"),
            problem=f"is {policy.look.block_s} s, and a week has no whole number of such blocks",
            remedy="use 1m, or do not compare the soak with the week before",
        )


def _too_few_requests(policy: RolloutPolicy, expect: ExpectedRequests) -> Iterator[Impossibility]:
    weight, each, soak = policy.steps[0].weight, policy.each, policy.soak
    in_step = expect.per_hour * weight / 100 * each.at_most_s / _HOUR_S
    if weight < 100 and in_step < each.requests and policy.top_up is None:
        yield Impossibility(
            field=("each", "requests"),
            problem=f"is {each.requests}, and {weight} % of {expect.per_hour:g} requests an hour are {in_step:.0f} in "
            f"{_time(each.at_most_s / _HOUR_S)}",
            remedy="ask for fewer, begin with a larger weight, or let a step last longer",
        )
    in_soak = expect.per_hour * (soak.for_s + each.at_most_s) / _HOUR_S
    if in_soak < soak.requests:
        yield Impossibility(
            field=("soak", "requests"),
            problem=f"is {soak.requests}, and {expect.per_hour:g} requests an hour are {in_soak:.0f} in "
            f"{_time((soak.for_s + each.at_most_s) / _HOUR_S)}",
            remedy="ask for fewer, or soak longer",
        )


def _never_found(policy: RolloutPolicy, expect: ExpectedRequests) -> Iterator[Impossibility]:
    """Comparisons whose margin would reach all traffic unseen more often than not."""
    for comparison in _expected_comparisons(policy):
        margin = comparison.test.margin
        durations = {
            weight: _until_abort(policy, expect, comparison, weight, margin) for weight in _shared_weights(policy)
        }
        if durations and (part := _part(policy, durations.values())) < 1:
            slowest = ", ".join(f"{_time(duration.hours)} at {weight} %" for weight, duration in durations.items())
            yield Impossibility(
                field=("compare", comparison.name, "worse"),
                problem=f"is {margin:g}, and half of such versions are found after {slowest}; with "
                f"{_time(policy.each.at_most_s / _HOUR_S)} at most for each step that is {part:.0%} of the evidence "
                f"which an alpha of {policy.alpha:g} needs",
                remedy="let steps last longer, begin with larger weights, or look for larger differences",
            )


def _never_cleared(policy: RolloutPolicy, expect: ExpectedRequests) -> Iterator[Impossibility]:
    """The first step that may only begin once all before it were cleared, where that comes too late more often than
    not."""
    for number, step in enumerate(policy.steps):
        if not (step.cleared and number):
            continue
        weights = [before.weight for before in policy.steps[:number]]
        for comparison in _expected_comparisons(policy):
            durations = [
                until_cleared(_traffic(policy, expect, comparison, weight), comparison.test, policy.beta)
                for weight in weights
            ]
            if (part := _part(policy, durations)) < 1:
                yield Impossibility(
                    field=("steps",),
                    problem=f"must be cleared before {step.weight} %, and half of the versions that are equal in "
                    f"{comparison.name} are cleared after {_time(durations[-1].hours)} at {weights[-1]} %; the steps "
                    f"before it give {part:.0%} of that evidence, with {_time(policy.each.at_most_s / _HOUR_S)} at "
                    "most for each",
                    remedy="leave out `cleared`, let steps last longer, or allow a larger margin (`worse`)",
                )
        return  # Later steps have more evidence than this one.


def _part(policy: RolloutPolicy, durations: Iterable[ExpectedDuration]) -> float:
    """How much of the evidence the steps give together that half of the decisions need: it grows evenly in each."""
    hours = policy.each.at_most_s / _HOUR_S
    return sum(hours / duration.hours for duration in durations)


def _step_sentence(policy: RolloutPolicy, expect: ExpectedRequests, weight: int) -> str:
    errors = policy.test.comparisons[0]
    hourly = expect.per_hour * weight / 100
    odds_texts = [
        f"{odds:g} times the odds of an error after {_range(_until_abort(policy, expect, errors, weight, odds))}"
        for odds in SHOWN_ODDS
        if odds > errors.test.tolerated
    ]
    cleared = until_cleared(_traffic(policy, expect, errors, weight), errors.test, policy.beta)
    least = max(policy.each.at_least_s / _HOUR_S, policy.each.requests / hourly)
    return (
        f"{weight} %: {hourly:g} requests an hour, {_time(least)} at least; aborted with {', with '.join(odds_texts)}; "
        f"an equal version is cleared in errors after {_range(cleared)}"
    )


def _range(duration: ExpectedDuration) -> str:
    return f"{_time(duration.hours)} (nine of ten: {_time(duration.slow_hours)})"


def _expected_comparisons(policy: RolloutPolicy) -> list[ArmComparison]:
    """Those whose share of bad units is expected."""
    return [comparison for comparison in policy.test.comparisons if comparison.name in (ERRORS, SLOW)]


def _shared_weights(policy: RolloutPolicy) -> list[int]:
    return [step.weight for step in policy.steps if step.weight < 100]


def _until_abort(
    policy: RolloutPolicy, expect: ExpectedRequests, comparison: ArmComparison, weight: int, odds: float
) -> ExpectedDuration:
    weights = sum(part.weight for part in policy.test.comparisons)
    traffic = _traffic(policy, expect, comparison, weight)
    return until_abort(traffic, comparison.test, policy.alpha, odds, comparison.weight / weights)


def _traffic(
    policy: RolloutPolicy, expect: ExpectedRequests, comparison: ArmComparison, weight: int
) -> ExpectedTraffic:
    return ExpectedTraffic(
        bad_rate=expect.slow if comparison.name == SLOW else expect.errors,
        percent=weight,
        per_hour=expect.per_hour,
        look_minutes=policy.look.every_s / 60,
    )


def _time(hours: float) -> str:
    if math.isinf(hours):
        return "for ever"
    return f"{hours * 60:.0f} min" if hours < 2 else f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"
