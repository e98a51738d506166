"""What counts as drift, and what was found of one column."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRule:
    """*alpha* bounds the rate of false alarms of one whole check over all columns.

    *effect*, from 0 to 1, is the smallest distance between distributions that counts: Kolmogorov-Smirnov's for numbers,
    the total variation for categories and for missing values. A check that finds nothing says `none` only where it
    would have found a distance of *effect* with a probability of *power*.
    """

    alpha: float = 0.01
    effect: float = 0.2
    minimum_rows: int = 100
    power: float = 0.8
    score_must_move: bool = False


class DriftOutcome(StrEnum):
    """Of a check."""

    NONE = "none"
    DRIFTED = "drifted"
    INCONCLUSIVE = "inconclusive"


class Movement(StrEnum):
    """Of a column, or of the score."""

    MOVED = "moved"
    STEADY = "steady"
    UNDECIDED = "undecided"
    UNKNOWN = "unknown"  # Of the score, where nothing is known of it.


class Part(StrEnum):
    INPUT = "input"
    MISSING = "missing"  # Whether an input has a value at all.
    OUTPUT = "output"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """*effect* as in DriftRule; *needed* rows would decide, None where no number would: the reference is too small.

    *score_shift* is what the column's movement does to the mean output, by the reference's responses, in the output's
    unit; *share* is the column's part in everything that moved, from 0 to 1.
    """

    column: str
    part: Part
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
    score_shift: float | None = None
    share: float = 0.0
