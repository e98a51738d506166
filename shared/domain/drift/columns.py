"""Every column of a window against the reference, by the data check's own tests, judged as one family."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import NormalDist

from shared.domain.data.data_measures import Tally
from shared.domain.data.reference_profile import ColumnProfile
from shared.domain.drift.reference import ModelReference
from shared.domain.drift.rule import ColumnDrift, DriftRule, Movement, Part
from shared.domain.drift.window import Counted, as_counted
from shared.domain.statistics import counts as statistics

_NEVER = 10**9  # More rows than anybody would wait for.
_FOLDED = math.sqrt(2 / math.pi)  # The mean of the absolute value of a standard normal.


def compare_columns(reference: ModelReference, window: Counted, rule: DriftRule) -> tuple[ColumnDrift, ...]:
    """Inputs, missing values and outputs, their p-values adjusted together (Benjamini-Hochberg)."""
    columns = list(_test_columns(reference, window, rule))
    family = [column.p_value for column in columns if column.p_value is not None]
    q_values = iter(statistics.benjamini_hochberg(family))
    cells = dict(_cells(reference, window))
    return tuple(
        column
        if column.p_value is None
        else _judge(column, next(q_values), rule, *cells[column.part, column.column], len(family))
        for column in columns
    )


def _cells(
    reference: ModelReference, window: Counted
) -> Iterator[tuple[tuple[Part, str], tuple[Sequence[int], Sequence[int]]]]:
    """Counts in the same cells of the reference and the window, for everything that is compared."""
    reference_counts = as_counted(reference)
    for name, profile in reference.inputs.columns.items():
        tally = window.inputs.get(name, Tally())
        yield (Part.INPUT, name), _align(profile, tally)
        if window.rows:
            yield (
                (Part.MISSING, name),
                (_presence(reference_counts.rows, profile.total), _presence(window.rows, tally.total)),
            )
    for name, profile in reference.outputs.items():
        yield (Part.OUTPUT, name), _align(profile, window.outputs.get(name, Tally()))


def _presence(rows: int, values: int) -> tuple[int, int]:
    return min(values, rows), max(0, rows - values)


def _align(profile: ColumnProfile, tally: Tally) -> tuple[Sequence[int], Sequence[int]]:
    if profile.kind == "numeric":
        return profile.cells, tally.cells or (0,) * len(profile.cells)
    names = sorted({*profile.counts, *tally.counts})
    return [profile.counts.get(name, 0) for name in names], [tally.counts.get(name, 0) for name in names]


def _test_columns(reference: ModelReference, window: Counted, rule: DriftRule) -> Iterator[ColumnDrift]:
    for (part, name), (first, second) in _cells(reference, window):
        if part is Part.MISSING and not first[1] and not second[1]:
            continue  # No value was ever missing, so there is no test, and the family of p-values stays smaller.
        numeric = part is not Part.MISSING and _profile(reference, part, name).kind == "numeric"
        yield _test(name, part, first, second, numeric, rule)


def _profile(reference: ModelReference, part: Part, name: str) -> ColumnProfile:
    return (reference.outputs if part is Part.OUTPUT else reference.inputs.columns)[name]


def _test(
    name: str, part: Part, first: Sequence[int], second: Sequence[int], numeric: bool, rule: DriftRule
) -> ColumnDrift:
    test, values = "Kolmogorov-Smirnov" if numeric else "chi-squared", sum(second)
    bare = ColumnDrift(column=name, part=part, test=test, rows=values, movement=Movement.UNDECIDED, because="")
    if values < rule.minimum_rows:
        reason = f"{values} values are below the minimum of {rule.minimum_rows}"
        return replace(bare, because=reason, needed=rule.minimum_rows)
    if not sum(first):
        return replace(bare, because="the reference has no value of it: make the reference again")
    result = statistics.kolmogorov_smirnov(first, second) if numeric else statistics.homogeneity(first, second)
    return replace(
        bare,
        statistic=result.statistic,
        p_value=result.p_value,
        effect=result.statistic if numeric else corrected_variation(first, second),
        psi=statistics.population_stability(first, second, ordered=numeric),
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
    from scipy.special import ndtr

    n, m = sum(first), sum(second)
    total = 0.0
    for a, b in zip(first, second, strict=True):
        difference, common_share = abs(a / n - b / m), (a + b) / (n + m)
        error = math.sqrt(common_share * (1 - common_share) * (1 / n + 1 / m))
        z = difference / error if error else 0.0
        correction = _FOLDED * math.exp(-z * z / 2) - 2 * z * float(ndtr(-z))
        scale = min(1.0, 2 * common_share / (_FOLDED * error or 1)) * (1 + math.sqrt(2))
        total += difference - scale * correction * error
    return min(1.0, max(0.0, total / 2))


def _judge(
    column: ColumnDrift, q_value: float, rule: DriftRule, first: Sequence[int], second: Sequence[int], family: int
) -> ColumnDrift:
    effect = column.effect or 0.0
    numeric = column.test == "Kolmogorov-Smirnov"
    largest = upper_bound(effect if numeric else total_variation(first, second), sum(first), sum(second), rule.power)
    row_count = rows_needed(sum(first), rule, family, None if numeric else _pooled_shares(first, second))
    if q_value <= rule.alpha and effect >= rule.effect:
        movement = Movement.MOVED
    elif largest < rule.effect:
        movement = Movement.STEADY
    else:
        movement = Movement.UNDECIDED
    distance, p = f"distance {effect:.3f} (at least {rule.effect:g} counts)", statistics.told_p(q_value)
    reason = f"{distance}, below {min(1.0, largest):.3f} with probability {rule.power:g}, {p}, PSI = {column.psi:.3f}"
    if row_count is not None and movement is Movement.UNDECIDED:
        # The formula gives the rows that decide with probability *power*. These rows may be there and have not decided,
        # and a report must not ask for fewer rows than it was given.
        row_count = max(row_count, column.rows + 1)
    return replace(column, adjusted_p=q_value, movement=movement, because=reason, needed=row_count)


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
    reference_rows: int, rule: DriftRule, family: int = 1, shares: Sequence[float] | None = None
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


def _rows_to_find(rule: DriftRule, alpha: float, shares: Sequence[float] | None) -> float:
    """n m / (n + m) from which a distance of *rule.effect* is significant at *alpha* with *rule.power*.

    Numbers: a bound by the distance at one point, whose variance is at most 1/4. Categories: the noncentral
    chi-squared, whose noncentrality is at least four times the squared total variation.
    """
    from scipy.special import chdtri, chndtrinc, kolmogi, ndtri

    if shares is None:
        return float(((kolmogi(alpha) + ndtri(rule.power) / 2) / rule.effect) ** 2)
    freedom = max(1, len(shares) - 1)
    noncentrality = float(chndtrinc(float(chdtri(freedom, alpha)), freedom, 1 - rule.power))
    return noncentrality / (4 * rule.effect**2)


def _rows_to_exclude(rule: DriftRule, shares: Sequence[float] | None) -> float:
    """n m / (n + m) from which `upper_bound` lies below *rule.effect* with *rule.power* where nothing moved."""
    from scipy.special import kolmogi, ndtri

    margin = float(ndtri(rule.power)) / 2
    if shares is None:
        return float(((kolmogi(1 - rule.power) + margin) / rule.effect) ** 2)
    mean = sum(_FOLDED * math.sqrt(share * (1 - share)) for share in shares) / 2
    return float(((mean + 2 * margin) / rule.effect) ** 2)  # Its deviation is at most half a unit, as the margin's is.
