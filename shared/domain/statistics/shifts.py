"""The one detector of shifted distributions: counts of the same cells of a reference and of newer rows, compared.

The `distribution` rule of a data contract and the check for drift both use it. What a shift means is theirs to say.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from statistics import NormalDist

from shared.domain.counts import counted
from shared.domain.statistics import counts as statistics
from shared.domain.statistics.distributions import (
    chi_squared_exceeded,
    kolmogorov_exceeded,
    noncentrality_below,
    normal_below,
)

_NEVER = 10**9  # Rows that nobody will wait for.
_FOLDED = math.sqrt(2 / math.pi)  # The mean of the absolute value of a standard normal.


class Movement(StrEnum):
    """Of a column, or of a model's score."""

    MOVED = "moved"
    STEADY = "steady"
    UNDECIDED = "undecided"
    UNKNOWN = "unknown"  # Of the score, where nothing is known of it.


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftRule:
    """*alpha* bounds the false discovery rate over all columns that are compared together.

    *effect*, from 0 to 1, is the smallest distance between distributions that counts: Kolmogorov-Smirnov's for numbers,
    the total variation for categories. A column is steady only where a distance of *effect* would have been found with
    a probability of *power*.
    """

    alpha: float = 0.01
    effect: float = 0.2
    minimum_rows: int = 100
    power: float = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """A column's counts in the same cells of the *reference* and of the newer *sample*; *ordered* cells are numbers."""

    reference: Sequence[int]
    sample: Sequence[int]
    ordered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """What the comparison of one column showed: *effect* as in ShiftRule, *because* in words.

    *needed* rows would decide, None where no number would: the reference is too small.
    """

    test: str
    rows: int
    movement: Movement
    because: str
    effect: float | None = None
    statistic: float | None = None
    p_value: float | None = None
    adjusted_p: float | None = None
    psi: float | None = None
    needed: int | None = None


def shifts_of(columns: Iterable[Counts], rule: ShiftRule) -> tuple[Shift, ...]:
    """The shift of each of *columns*, their p-values adjusted together (Benjamini-Hochberg)."""
    tests = [(column, _test(column, rule)) for column in columns]
    family = [shift.p_value for _, shift in tests if shift.p_value is not None]
    adjusted_values = iter(statistics.benjamini_hochberg(family))
    return tuple(
        shift if shift.p_value is None else _judged(column, shift, next(adjusted_values), rule, len(family))
        for column, shift in tests
    )


def _test(column: Counts, rule: ShiftRule) -> Shift:
    first, second = column.reference, column.sample
    test, values = "Kolmogorov-Smirnov" if column.ordered else "chi-squared", sum(second)
    blank = Shift(test=test, rows=values, movement=Movement.UNDECIDED, because="")
    if values < rule.minimum_rows:
        reason = f"{counted(values, 'value is', 'values are')} below the minimum of {rule.minimum_rows}"
        return replace(blank, because=reason, needed=rule.minimum_rows)
    if not sum(first):
        return replace(blank, because="the reference has no value of it: make the reference again")
    if not values:
        return replace(blank, because="there is no value of it")
    result = statistics.kolmogorov_smirnov(first, second) if column.ordered else statistics.homogeneity(first, second)
    return replace(
        blank,
        statistic=result.statistic,
        p_value=result.p_value,
        effect=result.statistic if column.ordered else corrected_variation(first, second),
        psi=statistics.population_stability(first, second, ordered=column.ordered),
    )


def total_variation(first: Sequence[int], second: Sequence[int]) -> float:
    """Half the sum of the differences of shares: from 0 to 1. Chance alone makes it larger than it is."""
    n, m = sum(first), sum(second)
    return sum(abs(a / n - b / m) for a, b in zip(first, second, strict=True)) / 2


def corrected_variation(first: Sequence[int], second: Sequence[int]) -> float:
    """The total variation, less what chance adds to it: 0 on average where nothing moved, 1 where all did.

    Two samples of one distribution differ in every category, and the total variation adds these differences up: with
    90 categories and 200 rows it is 0.23 on average. What chance adds to a difference d of standard error s is the mean
    of a folded normal less d, which soon vanishes as d / s grows. That mean is taken at the observed d, and 1 + sqrt(2)
    times, since its average over the d of a category that did not move is too small by that factor.
    """
    n, m = sum(first), sum(second)
    total = 0.0
    for a, b in zip(first, second, strict=True):
        difference, share = abs(a / n - b / m), (a + b) / (n + m)
        error = math.sqrt(share * (1 - share) * (1 / n + 1 / m))
        z = difference / error if error else 0.0
        chance = _FOLDED * math.exp(-z * z / 2) - 2 * z * normal_below(-z)
        total += difference - min(1.0, 2 * share / (_FOLDED * error or 1)) * (1 + math.sqrt(2)) * chance * error
    return min(1.0, max(0.0, total / 2))


def _judged(column: Counts, shift: Shift, adjusted_p: float, rule: ShiftRule, family: int) -> Shift:
    first, second = column.reference, column.sample
    effect = shift.effect or 0.0
    distance = effect if column.ordered else total_variation(first, second)
    largest = upper_bound(distance, sum(first), sum(second), rule.power)
    decisive_rows = rows_needed(sum(first), rule, family, None if column.ordered else _pooled_shares(first, second))
    if adjusted_p <= rule.alpha and effect >= rule.effect:
        movement = Movement.MOVED
    elif largest < rule.effect:
        movement = Movement.STEADY
    else:
        movement = Movement.UNDECIDED
    size, p = f"distance {effect:.3f} (at least {rule.effect:g} counts)", statistics.told_p(adjusted_p)
    reason = f"{size}, below {min(1.0, largest):.3f} with probability {rule.power:g}, {p}, PSI = {shift.psi:.3f}"
    if decisive_rows is not None and movement is Movement.UNDECIDED:
        decisive_rows = max(decisive_rows, shift.rows + 1)  # As many rows as would mostly decide have not decided here.
    return replace(shift, adjusted_p=adjusted_p, movement=movement, because=reason, needed=decisive_rows)


def _pooled_shares(first: Sequence[int], second: Sequence[int]) -> tuple[float, ...]:
    total = sum(first) + sum(second)
    return tuple((a + b) / total for a, b in zip(first, second, strict=True))


def upper_bound(distance: float, n: int, m: int, confidence: float) -> float:
    """What the true distance lies below with at least *confidence*, after *distance* was observed.

    Both distances are the largest difference of the two probabilities of some set of values (all below a point; any
    set of categories). The observed one is at least the difference at the set where the true one is reached, and that
    difference has a variance of at most (1/n + 1/m) / 4.
    """
    return distance + NormalDist().inv_cdf(confidence) / 2 * math.sqrt(1 / n + 1 / m)


def rows_needed(
    reference_rows: int, rule: ShiftRule, family: int = 1, shares: tuple[float, ...] | None = None
) -> int | None:
    """The rows from which a window mostly decides: with probability *rule.power* each way.

    A distance of *rule.effect* in one of *family* columns is found, and where nothing moved, the upper bound of the
    distance lies below *rule.effect*. *shares* are those of the categories, None for numbers. None where no window is
    large enough beside so few *reference_rows*.
    """
    window_rows = max(_rows_to_find(rule, rule.alpha / max(1, family), shares), _rows_to_exclude(rule, shares))
    if reference_rows <= window_rows:
        return None
    rows = max(rule.minimum_rows, math.ceil(1 / (1 / window_rows - 1 / reference_rows)))
    return rows if rows < _NEVER else None


# The columns of a check, and one check after the other, ask for the same roots, each of which takes a search.
@lru_cache(maxsize=256)
def _rows_to_find(rule: ShiftRule, alpha: float, shares: tuple[float, ...] | None) -> float:
    """n m / (n + m) from which a distance of *rule.effect* is significant at *alpha* with *rule.power*.

    Numbers: a bound by the distance at one point, whose variance is at most 1/4. Categories: the noncentral
    chi-squared, whose noncentrality is at least four times the squared total variation.
    """
    if shares is None:
        return ((kolmogorov_exceeded(alpha) + NormalDist().inv_cdf(rule.power) / 2) / rule.effect) ** 2
    freedom = max(1, len(shares) - 1)
    noncentrality = noncentrality_below(freedom, chi_squared_exceeded(freedom, alpha), 1 - rule.power)
    return noncentrality / (4 * rule.effect**2)


@lru_cache(maxsize=256)
def _rows_to_exclude(rule: ShiftRule, shares: tuple[float, ...] | None) -> float:
    """n m / (n + m) from which `upper_bound` lies below *rule.effect* with *rule.power* where nothing moved."""
    margin = NormalDist().inv_cdf(rule.power) / 2
    if shares is None:
        return ((kolmogorov_exceeded(1 - rule.power) + margin) / rule.effect) ** 2
    mean = sum(_FOLDED * math.sqrt(share * (1 - share)) for share in shares) / 2
    return ((mean + 2 * margin) / rule.effect) ** 2  # Its deviation is at most half a unit, as the margin's is.
