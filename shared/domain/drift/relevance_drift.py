"""Whether columns tell as much about the target as they did: two relevances compared with the spread of both."""

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import NormalDist

from shared.domain.drift.relevance import FeatureRelevance, Relevance
from shared.domain.statistics.counts import benjamini_hochberg, told_p


class Change(StrEnum):
    CHANGED = "changed"
    KEPT = "kept"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class RelevanceChange:
    """Information in nats, *difference* is after less before, with the standard *error* of the difference."""

    name: str
    before: float
    after: float
    difference: float
    error: float
    p_value: float
    adjusted_p: float = 1.0
    change: Change = Change.KEPT
    because: str = ""


def compare_relevance(
    before: Relevance, after: Relevance, *, alpha: float = 0.01, least: float = 0.05
) -> tuple[RelevanceChange, ...]:
    """Every column that both know, the largest change first; *least* is the smallest difference, in nats, that counts.

    A column whose difference is too uncertain to exclude *least* is undecided. Raises ValueError where the two were
    not computed alike: other targets or numbers of bins cannot be compared.
    """
    if (before.target, before.bins) != (after.target, after.bins):
        raise ValueError(
            f"relevance for {before.target} in {before.bins} bins and for {after.target} in {after.bins} bins"
            " cannot be compared: compute both for the same target with the same bins"
        )
    known = {each.name: each for each in before.features}
    pairs = [(known[each.name], each) for each in after.features if each.name in known]
    found = [_difference(*pair) for pair in pairs]
    adjusted = benjamini_hochberg([each.p_value for each in found])
    critical = NormalDist().inv_cdf(1 - alpha / 2 / max(1, len(found)))
    judged = [_judged(each, p, alpha, least, critical) for each, p in zip(found, adjusted, strict=True)]
    return tuple(sorted(judged, key=lambda each: (-abs(each.difference), each.name)))


def _difference(before: FeatureRelevance, after: FeatureRelevance) -> RelevanceChange:
    difference, error = after.information - before.information, math.hypot(before.error, after.error)
    p_value = 2 * NormalDist().cdf(-abs(difference) / error) if error else float(difference == 0)
    return RelevanceChange(
        name=after.name,
        before=before.information,
        after=after.information,
        difference=difference,
        error=error,
        p_value=p_value,
    )


def _judged(each: RelevanceChange, adjusted: float, alpha: float, least: float, critical: float) -> RelevanceChange:
    changed = adjusted <= alpha and abs(each.difference) >= least
    excluded = abs(each.difference) + critical * each.error < least or adjusted <= alpha
    change = Change.CHANGED if changed else Change.KEPT if excluded else Change.UNDECIDED
    said = f"{each.before:.3f} to {each.after:.3f} nats, standard error {each.error:.3f}, {told_p(adjusted)}"
    return replace(each, adjusted_p=adjusted, change=change, because=said)
