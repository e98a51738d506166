"""What counts as drift, and what was found of one column."""

from dataclasses import dataclass
from enum import StrEnum

from shared.domain.statistics.shifts import Shift, ShiftRule


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRule(ShiftRule):
    """*alpha* bounds the rate of false alarms of one whole check over all columns, missing values among them.

    With *score_must_move* a check says `drifted` only where the outputs moved too.
    """

    score_must_move: bool = False


class DriftOutcome(StrEnum):
    """Of a check."""

    NONE = "none"
    DRIFTED = "drifted"
    INCONCLUSIVE = "inconclusive"


class Part(StrEnum):
    INPUT = "input"
    MISSING = "missing"  # Whether an input has a value at all.
    OUTPUT = "output"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift(Shift):
    """The shift of one column, and its part in what moved.

    *score_shift* is what the column's movement does to the mean output, by the reference's responses, in the output's
    unit; *share* is the column's part in everything that moved, from 0 to 1.
    """

    column: str
    part: Part
    score_shift: float | None = None
    share: float = 0.0
