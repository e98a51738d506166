"""What `better_than_champion` can tell on a hold-out before anything is measured: chances from counts alone.

Gains are in standard deviations of the differences between both models, of rows or groups: nothing else is known yet.
The normal distribution stands for each interval, so the chances are about right, not exact.
"""

import math
from dataclasses import dataclass, field
from statistics import NormalDist

from shared.domain.counts import counted, least_needed
from shared.domain.gates.champion import BetterThanChampion
from shared.domain.gates.evidence import Evaluation
from shared.domain.statistics.key_sketch import KeySketch
from shared.domain.statistics.looks import Look

GAINS = (0.1, 0.2, 0.5)
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldoutFacts:
    """The *rows* of a hold-out, its *groups* (0 where none are named) and the rows, or groups, of each of *slices*.

    *digest* names the version, *keys* are its rows. Where no group is named, *hints* are sentences about columns that
    look like one.
    """

    digest: str
    rows: int
    groups: int = 0
    slices: dict[str, int] = field(default_factory=dict)
    hints: tuple[str, ...] = ()
    keys: KeySketch = field(default_factory=KeySketch, compare=False)


def odds_of(options: BetterThanChampion, facts: HoldoutFacts, look: Look) -> tuple[str, ...]:
    """What to expect of the gate, a sentence each."""
    evaluation = Evaluation(digest=facts.digest, rows=facts.rows, look=look)
    unit, units = ("groups", facts.groups) if facts.groups else ("rows", facts.rows)
    confidence = options.overall_confidence(evaluation)
    chances = ", ".join(f"{chance_to_pass(options, facts, evaluation, gain):.0%}" for gain in GAINS)
    gains = ", ".join(f"{gain:g}" for gain in GAINS)
    sentences = [
        f"{options.metric}: look {look.number} of this version of the hold-out in its year ({look.expected} are"
        f" expected), so at confidence {confidence:.4g}: at most {(1 - confidence) / 2:.2%} of equal challengers pass",
        f"{options.metric}: on {units} {unit} a challenger that is better by {gains} standard deviations of the"
        f" {unit}' differences passes with a chance of about {chances}",
    ]
    return (*sentences, *_slice_odds(options, facts, evaluation), *_shortfalls(options, facts), *facts.hints)


def chance_to_pass(options: BetterThanChampion, facts: HoldoutFacts, evaluation: Evaluation, gain: float) -> float:
    """That a challenger that is better everywhere by *gain* standard deviations passes, slices included."""
    if _shortfalls(options, facts):
        return 0.0
    overall = _above(gain, facts.groups or facts.rows, options.overall_confidence(evaluation))
    if options.slice_rule == "proven":
        # As if the slices were independent of each other and of the whole.
        return overall * math.prod(
            _above(gain, size, options.slice_confidence(evaluation)) for size in _sizes(options, facts)
        )
    # By symmetry, `_above(-gain)` is the chance that a slice is shown to be worse. The sum is an upper bound of the
    # chance that one of them is.
    slice_failures = sum(_above(-gain, size, options.slice_confidence(evaluation)) for size in _sizes(options, facts))
    return max(0.0, overall - slice_failures)


def _above(gain: float, units: int, confidence: float) -> float:
    """The chance that the lower end of an interval lies above 0."""
    return _NORMAL.cdf(gain * math.sqrt(units) - _NORMAL.inv_cdf((1 + confidence) / 2))


def _sizes(options: BetterThanChampion, facts: HoldoutFacts) -> list[int]:
    return [facts.slices.get(name, 0) for name in options.slices]


def _slice_odds(options: BetterThanChampion, facts: HoldoutFacts, evaluation: Evaluation) -> list[str]:
    """How often the slices together hold back an equal challenger (with no loss allowed), by their rule."""
    if not options.slices:
        return []
    confidence, slice_count = options.slice_confidence(evaluation), len(options.slices)
    if options.slice_rule == "no_harm":
        odds = f"in at most {min(1.0, slice_count * (1 - confidence) / 2):.1%}"
    else:
        pass_odds = math.prod(_above(0.0, size, confidence) for size in _sizes(options, facts))
        odds = f"in about {1 - pass_odds:.1%} unless max_slice_loss leaves room"
    return [
        f"{options.metric}: {slice_count} slices ({options.slice_rule}) together hold back an equal challenger {odds}"
    ]


def _shortfalls(options: BetterThanChampion, facts: HoldoutFacts) -> list[str]:
    """The reasons why the gate can only be inconclusive on this hold-out."""
    unit, least = ("group", options.min_groups) if facts.groups else ("row", options.min_rows)
    reasons = []
    if facts.rows < options.least_rows:
        reasons.append(f"{counted(facts.rows, 'row')}, {least_needed(options.least_rows)}")
    if 0 < facts.groups < options.min_groups:
        reasons.append(f"{counted(facts.groups, 'group')}, {least_needed(options.min_groups)}")
    for name, size in zip(options.slices, _sizes(options, facts), strict=True):
        if not size:
            reasons.append(f"slice {name} has no row")
        elif size < least:
            reasons.append(f"slice {name} has {counted(size, unit)}, {least_needed(least)}")
    return [f"{options.metric}: {reason}; until then the gate is inconclusive" for reason in reasons]
