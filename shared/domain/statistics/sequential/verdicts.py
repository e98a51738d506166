"""The verdict of a look at a rollout, with the figures that led to it and a sentence.

Not here: what follows from a verdict. Nothing follows from `inconclusive` or `no data` by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

from shared.domain.statistics.sequential.counts import MinuteCounts
from shared.domain.statistics.sequential.likelihoods import binomial_terms
from shared.domain.statistics.sequential.odds_evidence import DIGITS, WORSE_BY, OddsEvidence, OddsInterval, log_e_values
from shared.domain.statistics.sequential.portable import log_sum_exp, portable_exp, portable_log
from shared.domain.statistics.sequential.rollout_evidence import (
    ArmComparison,
    ComparisonEvidence,
    RolloutEvidence,
    RolloutTest,
)

_SICK_ALPHA = 0.01
# Before so many pairs of minutes clusters would not have shown, and the evidence must suffice even if bad units came
# so many at a time.
WATCHED_PAIRS, DOUBT = 5, 8
_LEAST, _MOST = 0.001, 1e9  # Beyond these an e-value is shown as "less than" and "more than".


class RolloutVerdict(StrEnum):
    CLEARED = "cleared"
    ABORT = "abort"
    INCONCLUSIVE = "inconclusive"
    BOTH_SICK = "both sick"
    FOREIGN = "foreign"  # The traffic is not what was set.
    NO_DATA = "no data"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonFigures:
    """Of one comparison so far: the arms' counts, the odds ratio, and logs of e-values.

    *worse* is the evidence for a worse canary, *better* that it is not worse by the margin. *pairs* inputs were
    replayed. *sick_arms* had too many bad units in this look. *must_clear*: without it nothing is cleared now.
    """

    name: str
    weight: float
    tolerated: float
    margin: float
    canary: int
    champion: int
    canary_bad: int
    champion_bad: int
    pairs: int
    odds_ratio: OddsInterval
    worse: float
    better: float
    sick_arms: tuple[str, ...] = ()
    must_clear: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutJudgement:
    """*verdict*, *because* in a sentence, and the figures. Every log of an e-value stands beside the one that decides.

    *worse* is the log of the weighted mean of all comparisons' e-values. *share_ratio* are the odds of the canary's
    share to those asked for; *misrouted* is the evidence that it is too far from 1, and *clustered* that units are not
    routed one by one. Where *is_clustered*, only the replay counts in every *worse* and *better*; until the routing
    *is_watched* long enough to tell, the traffic counts an eighth.
    """

    verdict: RolloutVerdict
    because: str
    comparisons: tuple[ComparisonFigures, ...]
    worse: float
    abort_at: float
    clear_at: float
    share_ratio: OddsInterval
    misrouted: float
    misrouted_at: float
    clustered: float
    clustered_at: float
    is_clustered: bool
    is_watched: bool


def judge_rollout(evidence: RolloutEvidence, test: RolloutTest, soaks: bool = False) -> RolloutJudgement:
    """What *evidence* says now; the same evidence gives the same judgement on every machine.

    Where the canary *soaks*, it has all traffic and is compared with the week before; no shares can be foreign then.
    All evidence counts for an abort at any time: the weighted mean is one e-value of the whole rollout.

    What is wrong with the traffic comes first, because the comparison rests on its routing. An abort comes before
    missing data and sick arms: it rests on minutes that were counted, in which both arms met the same incidents.
    """
    spread = evidence.spread
    shares, clustered_at = evidence.shares, _threshold(test.spread_alpha)
    # Clients that stay on one arm all day show in no minute's spread, but in a share that is not the weight.
    clustered = _weighted([(1.0, spread.clustered(narrow=not test.in_turn)), (1.0, shares.apart())])
    is_clustered, is_watched = clustered >= clustered_at, spread.pairs >= WATCHED_PAIRS
    figures = tuple(
        replace(
            _figures(comparison, evidence.of(comparison), test, (is_clustered, is_watched)),
            must_clear=comparison.clears and comparison.weeks_apart == soaks,
        )
        for comparison in test.comparisons
    )
    misrouted = _weighted([(1.0, shares.worse(test.share_test)), (1.0, shares.better(test.share_test))])
    return _concluded(
        RolloutJudgement(
            verdict=RolloutVerdict.INCONCLUSIVE,
            because="",
            comparisons=figures,
            worse=_weighted([(part.weight, part.worse) for part in figures]),
            abort_at=_threshold(test.alpha),
            clear_at=_threshold(test.beta),
            share_ratio=shares.interval(test.confidence),
            misrouted=misrouted,
            misrouted_at=_threshold(test.share_alpha),
            clustered=clustered,
            clustered_at=clustered_at,
            is_clustered=is_clustered,
            is_watched=is_watched,
        ),
        evidence,
        test,
        soaks,
    )


def _threshold(rate: float) -> float:
    return round(float(portable_log(1 / rate)), DIGITS)


def _weighted(parts: list[tuple[float, float]]) -> float:
    """The log of the weighted mean of e-values whose logs are the second of each part: an e-value again."""
    total = sum(weight for weight, _ in parts)
    return round(float(log_sum_exp([float(portable_log(weight / total)) + log for weight, log in parts])), DIGITS)


def _figures(
    comparison: ArmComparison, evidence: ComparisonEvidence, test: RolloutTest, routing: tuple[bool, bool]
) -> ComparisonFigures:
    totals, (is_clustered, is_watched) = evidence.traffic, routing
    # Counts of two weeks never count in full: bad requests that come in bursts aborted a third of healthy versions in
    # simulations (docs/rollout.md).
    routing = is_clustered, is_watched and not comparison.weeks_apart
    deciding = evidence.replay if is_clustered else totals.joined(evidence.replay)
    return ComparisonFigures(
        name=comparison.name,
        weight=comparison.weight,
        tolerated=comparison.test.tolerated,
        margin=comparison.test.margin,
        canary=totals.canary,
        champion=totals.champion,
        canary_bad=totals.canary_bad,
        champion_bad=totals.champion_bad,
        pairs=evidence.replay.pairs,
        odds_ratio=deciding.interval(test.confidence),
        worse=_counted(evidence, partial(OddsEvidence.worse, test=comparison.test), routing),
        better=_counted(evidence, partial(OddsEvidence.better, test=comparison.test), routing),
        sick_arms=_sick_arms(comparison.sick_above, evidence.latest),
    )


def _counted(evidence: ComparisonEvidence, log_e: Callable[[OddsEvidence], float], routing: tuple[bool, bool]) -> float:
    """The log of the e-value by all evidence that counts, if the routing *is_clustered* and *is_watched*."""
    is_clustered, is_watched = routing
    if is_clustered:
        return log_e(evidence.replay)
    if is_watched:
        return log_e(evidence.traffic.joined(evidence.replay))
    # An e-value to the power 1/8 is one (Jensen), and so is the mean of two.
    doubted = round(log_e(evidence.traffic) / DOUBT, DIGITS)
    return _weighted([(1.0, doubted), (1.0, log_e(evidence.replay))]) if evidence.replay.pairs else doubted


def _sick_arms(limit: float | None, latest: MinuteCounts | None) -> tuple[str, ...]:
    """The arms whose share of bad units in one look is above *limit*, by an e-value of that look alone.

    It is about now: an incident after a day of good service is an incident.
    """
    if limit is None or latest is None:
        return ()
    counts = {
        "canary": (latest.canary_bad, latest.canary),
        "champion": (latest.champion_bad, latest.champion),
    }
    return tuple(arm for arm, (bad, units) in counts.items() if is_sick(bad, units, limit))


def is_sick(bad: int, units: int, limit: float) -> bool:
    """Whether *bad* of *units* show a share above *limit*, by an e-value: one failure of one request shows none."""
    odds = (1.0, *WORSE_BY)
    terms = binomial_terms(bad, units, limit, odds)
    return float(log_e_values(terms.hits, terms.moments, odds)) >= _threshold(_SICK_ALPHA)


def _concluded(
    figures: RolloutJudgement, evidence: RolloutEvidence, test: RolloutTest, soaks: bool
) -> RolloutJudgement:
    verdict, because = _verdict(figures, evidence, test, soaks)
    return replace(figures, verdict=verdict, because=because)


def _verdict(
    figures: RolloutJudgement, evidence: RolloutEvidence, test: RolloutTest, soaks: bool
) -> tuple[RolloutVerdict, str]:
    silent = _silent_comparisons(evidence, test, soaks)
    both_sick = [comparison.name for comparison in figures.comparisons if len(comparison.sick_arms) == 2]
    deciding = [comparison for comparison in figures.comparisons if comparison.must_clear]
    undecided = [comparison for comparison in deciding if comparison.better < figures.clear_at]
    if figures.misrouted >= figures.misrouted_at and not soaks:
        return RolloutVerdict.FOREIGN, _foreign(figures, evidence)
    if figures.worse >= figures.abort_at:
        return RolloutVerdict.ABORT, _abort(figures)
    # After the abort, which rests on minutes that were counted, and before the clearing, which would rest on missing
    # ones.
    if silent:
        return RolloutVerdict.NO_DATA, f"In this look no {test.unit} of both arms was counted for {_listed(silent)}."
    if both_sick and not soaks:
        return RolloutVerdict.BOTH_SICK, f"Both arms have more bad {test.unit}s than the limit of {_listed(both_sick)}."
    if undecided:
        return RolloutVerdict.INCONCLUSIVE, _inconclusive(figures, undecided, test, soaks)
    return RolloutVerdict.CLEARED, "The canary is not worse by the margin: " + "; ".join(
        f"{comparison.name}: {_counts(comparison)}, and the odds ratio is below {comparison.margin:g}"
        for comparison in deciding
    ) + "."


def _silent_comparisons(evidence: RolloutEvidence, test: RolloutTest, soaks: bool) -> list[str]:
    """Those for which this look has neither units of both arms nor replayed inputs: no data is not zero errors."""
    return [
        comparison.name
        for comparison in test.compared(soaks)
        if not (part := evidence.of(comparison)).latest_pairs
        and not (part.latest and part.latest.canary and part.latest.champion)
    ]


def _foreign(figures: RolloutJudgement, evidence: RolloutEvidence) -> str:
    share, ratio = evidence.shares, figures.share_ratio
    return (
        f"The traffic is not what was set: the canary had {share.canary} and the champion {share.champion} units, and "
        f"the odds of the canary's share are {_ratio(ratio)} times those of its weight."
    )


def _abort(figures: RolloutJudgement) -> str:
    worst = max(figures.comparisons, key=lambda comparison: comparison.worse)
    source = "The replay alone shows that the canary" if figures.is_clustered else "The canary"
    return (
        f"{source} is worse in {worst.name}: {_counts(worst)}, odds ratio {_ratio(worst.odds_ratio)}. "
        f"The evidence of all comparisons is {evidence_text(figures.worse)}; {evidence_text(figures.abort_at)} aborts."
    )


def _inconclusive(figures: RolloutJudgement, undecided: list[ComparisonFigures], test: RolloutTest, soaks: bool) -> str:
    state = "; ".join(
        f"{comparison.name}: {_counts(comparison)}, odds ratio {_ratio(comparison.odds_ratio)}, "
        f"evidence {evidence_text(comparison.better)} of the {evidence_text(figures.clear_at)} that clear it"
        for comparison in undecided
    )
    if figures.is_clustered:
        return (
            f"{test.unit.capitalize()}s are not routed one by one: the canary's share is, or varies, as chance does "
            f"not explain (evidence {evidence_text(figures.clustered)}). Only a replay counts then: {state}."
        )
    reason = "The counts do not decide yet."
    if soaks:
        reason = "Counts of two weeks were dealt out by nobody, so they count an eighth, and do not decide yet."
    elif not figures.is_watched:
        reason = "Until the routing has been watched, traffic counts an eighth."
    return f"{reason} {state[0].upper()}{state[1:]}."


def _counts(figures: ComparisonFigures) -> str:
    replayed = f" and {figures.pairs} replayed inputs" if figures.pairs else ""
    return (
        f"{figures.canary_bad} of {figures.canary} bad at the canary, "
        f"{figures.champion_bad} of {figures.champion} at the champion{replayed}"
    )


def _ratio(interval: OddsInterval) -> str:
    if interval.estimate is None:
        return "unknown"
    ends = f"above {interval.low:.3g}" if interval.high is None else f"{interval.low:.3g} to {interval.high:.3g}"
    return f"{interval.estimate:.3g} ({ends})"


def evidence_text(log: float) -> str:
    """An e-value, of its logarithm, as people read it."""
    value = float(f"{float(portable_exp(log)):.3g}")
    if value > _MOST:
        return f"more than {_MOST:,.0f}"
    if value < _LEAST:
        return f"less than {_LEAST}"
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"


def _listed(names: list[str]) -> str:
    return " and ".join(names)
