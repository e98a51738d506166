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
    before_by_name = {feature.name: feature for feature in before.features}
    pairs = [(before_by_name[feature.name], feature) for feature in after.features if feature.name in before_by_name]
    changes = [_difference(*pair) for pair in pairs]
    q_values = benjamini_hochberg([change.p_value for change in changes])
    critical = NormalDist().inv_cdf(1 - alpha / 2 / max(1, len(changes)))
    judged_changes = [_judge(change, p, alpha, least, critical) for change, p in zip(changes, q_values, strict=True)]
    return tuple(sorted(judged_changes, key=lambda change: (-abs(change.difference), change.name)))


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


def _judge(candidate: RelevanceChange, q_value: float, alpha: float, least: float, critical: float) -> RelevanceChange:
    is_change = q_value <= alpha and abs(candidate.difference) >= least
    is_excluded = abs(candidate.difference) + critical * candidate.error < least or q_value <= alpha
    change = Change.CHANGED if is_change else Change.KEPT if is_excluded else Change.UNDECIDED
    movement = f"{candidate.before:.3f} to {candidate.after:.3f} nats"
    reason = f"{movement}, standard error {candidate.error:.3f}, {told_p(q_value)}"
    return replace(candidate, adjusted_p=q_value, change=change, because=reason)
