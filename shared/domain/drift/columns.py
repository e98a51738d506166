"""Every column of a window against the reference, by the data check's own tests, judged as one family."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from shared.domain import statistics
from shared.domain.data_measures import Tally
from shared.domain.drift.reference import ModelReference
from shared.domain.drift.rule import ColumnDrift, DriftRule, Movement, Part
from shared.domain.drift.window import Counted, as_counted
from shared.domain.reference_profile import ColumnProfile

_NEVER = 10**9  # Rows that nobody will wait for.


def compare_columns(reference: ModelReference, window: Counted, rule: DriftRule) -> tuple[ColumnDrift, ...]:
    """Inputs, missing values and outputs, their p-values adjusted together (Benjamini-Hochberg)."""
    found = list(_tested(reference, window, rule))
    family = [each.p_value for each in found if each.p_value is not None]
    adjusted = iter(statistics.benjamini_hochberg(family))
    cells = dict(_cells(reference, window))
    return tuple(
        each
        if each.p_value is None
        else _judged(each, next(adjusted), rule, *_sizes(*cells[each.part, each.column]), len(family))
        for each in found
    )


def _cells(
    reference: ModelReference, window: Counted
) -> Iterator[tuple[tuple[Part, str], tuple[Sequence[int], Sequence[int]]]]:
    """Counts in the same cells of the reference and the window, for everything that is compared."""
    known = as_counted(reference)
    for name, profile in reference.inputs.columns.items():
        tally = window.inputs.get(name, Tally())
        yield (Part.INPUT, name), _aligned(profile, tally)
        if window.rows:
            yield (Part.MISSING, name), (_presence(known.rows, profile.total), _presence(window.rows, tally.total))
    for name, profile in reference.outputs.items():
        yield (Part.OUTPUT, name), _aligned(profile, window.outputs.get(name, Tally()))


def _presence(rows: int, values: int) -> tuple[int, int]:
    return min(values, rows), max(0, rows - values)


def _aligned(profile: ColumnProfile, tally: Tally) -> tuple[Sequence[int], Sequence[int]]:
    if profile.kind == "numeric":
        return profile.cells, tally.cells or (0,) * len(profile.cells)
    names = sorted({*profile.counts, *tally.counts})
    return [profile.counts.get(name, 0) for name in names], [tally.counts.get(name, 0) for name in names]


def _sizes(first: Sequence[int], second: Sequence[int]) -> tuple[int, int, int]:
    return sum(first), sum(second), len(first)


def _tested(reference: ModelReference, window: Counted, rule: DriftRule) -> Iterator[ColumnDrift]:
    for (part, name), (first, second) in _cells(reference, window):
        if part is Part.MISSING and not first[1] and not second[1]:
            continue  # Nothing was ever missing: no test, and no place in the family.
        numeric = part is not Part.MISSING and _profile(reference, part, name).kind == "numeric"
        yield _test(name, part, first, second, numeric, rule)


def _profile(reference: ModelReference, part: Part, name: str) -> ColumnProfile:
    return (reference.outputs if part is Part.OUTPUT else reference.inputs.columns)[name]


def _test(
    name: str, part: Part, first: Sequence[int], second: Sequence[int], numeric: bool, rule: DriftRule
) -> ColumnDrift:
    test, seen = "Kolmogorov-Smirnov" if numeric else "chi-squared", sum(second)
    bare = ColumnDrift(column=name, part=part, test=test, rows=seen, movement=Movement.UNDECIDED, because="")
    if seen < rule.minimum_rows:
        said = f"{seen} values are below the minimum of {rule.minimum_rows}"
        return replace(bare, because=said, needed=rule.minimum_rows)
    if not sum(first):
        return replace(bare, because="the reference has no value of it: make the reference again")
    tested = statistics.kolmogorov_smirnov(first, second) if numeric else statistics.chi_squared(first, second)
    if tested is None:
        return replace(bare, movement=Movement.STEADY, because="fewer than two categories are frequent enough")
    return replace(
        bare,
        statistic=tested.statistic,
        p_value=tested.p_value,
        effect=tested.statistic if numeric else total_variation(first, second),
        psi=statistics.population_stability(first, second, ordered=numeric),
    )


def total_variation(first: Sequence[int], second: Sequence[int]) -> float:
    """Half the sum of the differences of shares: from 0 to 1."""
    n, m = sum(first), sum(second)
    return sum(abs(a / n - b / m) for a, b in zip(first, second, strict=True)) / 2


def _judged(
    each: ColumnDrift, adjusted: float, rule: DriftRule, reference_rows: int, rows: int, cells: int, family: int
) -> ColumnDrift:
    effect, differs = each.effect or 0.0, adjusted <= rule.alpha
    numeric = each.test == "Kolmogorov-Smirnov"
    needed = rows_needed(reference_rows, rule, family, None if numeric else cells)
    if differs and effect >= rule.effect:
        movement = Movement.MOVED
    elif differs or (needed is not None and rows >= needed):
        movement = Movement.STEADY
    else:
        movement = Movement.UNDECIDED
    apart, p = f"distance {effect:.3f} (at least {rule.effect:g} counts)", statistics.told_p(adjusted)
    said = f"{apart}, {p}, PSI = {each.psi:.3f}"
    return replace(each, adjusted_p=adjusted, movement=movement, because=said, needed=needed)


def rows_needed(reference_rows: int, rule: DriftRule, family: int = 1, cells: int | None = None) -> int | None:
    """The rows from which a distance of *rule.effect* in one of *family* columns is found with *rule.power*.

    Numbers, where *cells* is None: a bound by the distance at one point, whose variance is at most 1/4. Categories in
    *cells*: the noncentral chi-squared, whose noncentrality is at least four times the squared total variation. None
    where no window is large enough beside so few *reference_rows*.
    """
    wanted = _pooled_rows(rule, rule.alpha / max(1, family), cells)
    if reference_rows <= wanted:
        return None
    rows = max(rule.minimum_rows, math.ceil(1 / (1 / wanted - 1 / reference_rows)))
    return rows if rows < _NEVER else None


def reference_needed(rule: DriftRule, family: int = 1, cells: int | None = None) -> int:
    """The rows that a reference must have so that a window of as many decides."""
    return math.ceil(2 * _pooled_rows(rule, rule.alpha / max(1, family), cells))


def _pooled_rows(rule: DriftRule, alpha: float, cells: int | None) -> float:
    """n m / (n + m) from which *rule.effect* is found."""
    from scipy.special import chdtri, chndtrinc, kolmogi, ndtri

    if cells is None:
        return float(((kolmogi(alpha) + ndtri(rule.power) / 2) / rule.effect) ** 2)
    freedom = max(1, cells - 1)
    noncentrality = float(chndtrinc(float(chdtri(freedom, alpha)), freedom, 1 - rule.power))
    return noncentrality / (4 * rule.effect**2)
