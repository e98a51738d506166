"""Every column of a window against the reference, judged as one family by `shared.domain.statistics.shifts`."""

from collections.abc import Iterator
from dataclasses import asdict

from shared.domain.data.data_measures import Tally
from shared.domain.drift.reference import ModelReference
from shared.domain.drift.rule import ColumnDrift, DriftRule, Part
from shared.domain.drift.window import Counted, as_counted
from shared.domain.statistics.shifts import Counts, shifts_of


def compare_columns(reference: ModelReference, window: Counted, rule: DriftRule) -> tuple[ColumnDrift, ...]:
    """Inputs, missing values and outputs, judged together."""
    counts = dict(_counts(reference, window))
    shifts = zip(counts, shifts_of(counts.values(), rule), strict=True)
    return tuple(ColumnDrift(column=name, part=part, **asdict(shift)) for (part, name), shift in shifts)


def _counts(reference: ModelReference, window: Counted) -> Iterator[tuple[tuple[Part, str], Counts]]:
    """Counts in the same cells of the reference and the window, for everything that is compared."""
    reference_rows = as_counted(reference).rows
    for name, profile in reference.inputs.columns.items():
        tally = window.inputs.get(name, Tally())
        yield (Part.INPUT, name), profile.beside(tally)
        before, after = _presence(reference_rows, profile.total), _presence(window.rows, tally.total)
        if window.rows and (before[1] or after[1]):  # Nothing was ever missing: no test, and no place in the family.
            yield (Part.MISSING, name), Counts(reference=before, sample=after, ordered=False)
    for name, profile in reference.outputs.items():
        yield (Part.OUTPUT, name), profile.beside(window.outputs.get(name, Tally()))


def _presence(rows: int, values: int) -> tuple[int, int]:
    return min(values, rows), max(0, rows - values)
