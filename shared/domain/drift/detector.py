"""Has the model's world moved? A verdict on one window of inputs and outputs, with what moved and what it does.

It reads nothing and waits for nothing. Too few rows are inconclusive, never none, and the verdict says how many decide.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import NormalDist
from typing import Any

from shared.domain.counts import counted
from shared.domain.drift.attribution import score_shift, shares
from shared.domain.drift.columns import compare_columns
from shared.domain.drift.reference import ModelReference, Moments
from shared.domain.drift.rule import ColumnDrift, DriftOutcome, DriftRule, Part
from shared.domain.drift.window import Counted
from shared.domain.statistics.shifts import Movement


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreDrift:
    """Whether the model's outputs moved: *observed*, from *low* to *high*, is the shift of their mean.

    *expected* is what the inputs that moved would do to it, by the reference's responses, added up as if the inputs
    were independent; in the output's unit. None where it is not known. *foreseen*: by relevance, without outputs.
    """

    movement: Movement
    because: str
    observed: float | None = None
    low: float | None = None
    high: float | None = None
    expected: float | None = None
    foreseen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftVerdict:
    """*needed* rows would decide an inconclusive check, None where none would; *by* says what the shares are of."""

    outcome: DriftOutcome
    because: str
    rows: int
    reference_rows: int
    score: ScoreDrift
    columns: tuple[ColumnDrift, ...]
    by: str
    needed: int | None = None

    @property
    def moved(self) -> tuple[ColumnDrift, ...]:
        """What moved, the largest share first."""
        moved_columns = [column for column in self.columns if column.movement is Movement.MOVED]
        return tuple(sorted(moved_columns, key=lambda column: (-column.share, -(column.effect or 0), column.column)))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def detect(reference: ModelReference, window: Counted, rule: DriftRule) -> DriftVerdict:
    """The verdict on *window*; the share of false `drifted` where nothing moved is at most *rule.alpha*."""
    columns = compare_columns(reference, window, rule)
    columns = tuple(replace(column, score_shift=score_shift(reference, window, column)) for column in columns)
    by, part = shares(reference, columns)
    columns = tuple(replace(column, share=part.get((column.part, column.column), 0.0)) for column in columns)
    score = _score(reference, window, columns)
    outcome, because, row_count = _conclude(columns, score, rule)
    return DriftVerdict(
        outcome=outcome,
        because=because,
        rows=window.rows,
        reference_rows=reference.inputs.rows,
        score=score,
        columns=columns,
        by=by,
        needed=row_count,
    )


def _score(reference: ModelReference, window: Counted, columns: Sequence[ColumnDrift]) -> ScoreDrift:
    shifting_columns = [column for column in columns if column.score_shift is not None]
    shifts = [column.score_shift or 0.0 for column in shifting_columns if column.movement is Movement.MOVED]
    expected_shift = sum(shifts) if shifting_columns else None
    outputs = [column for column in columns if column.part is Part.OUTPUT]
    if any(column.rows for column in outputs):
        return replace(_score_by_outputs(reference, window, outputs), expected=expected_shift)
    return replace(_score_by_relevance(reference, columns), expected=expected_shift)


def _score_by_outputs(reference: ModelReference, window: Counted, outputs: Sequence[ColumnDrift]) -> ScoreDrift:
    reasons = "; ".join(f"{column.column}: {column.because}" for column in outputs)
    movement = _worst(outputs)
    for name, before in reference.moments.items():
        after = window.moments.get(name)
        if after and after.rows:
            estimate, reach = after.mean - before.mean, _reach(before, after)
            return ScoreDrift(
                movement=movement, because=reasons, observed=estimate, low=estimate - reach, high=estimate + reach
            )
    return ScoreDrift(movement=movement, because=reasons)


def _reach(before: Moments, after: Moments) -> float:
    """Half of the 95 % interval of the difference of the means."""
    error = (before.deviation**2 / max(1, before.rows) + after.deviation**2 / after.rows) ** 0.5
    return NormalDist().inv_cdf(0.975) * float(error)


def _score_by_relevance(reference: ModelReference, columns: Sequence[ColumnDrift]) -> ScoreDrift:
    """Without outputs: whether what moved is what tells something about the target.

    Relevance is measured column by column. A model may use two columns together of which neither tells anything by
    itself (their exclusive or), so what is not relevant is not proven to be harmless: the score is then unknown.
    """
    if reference.relevance is None:
        reason = "there are no outputs to compare, and the reference does not say which inputs are relevant"
        return ScoreDrift(movement=Movement.UNKNOWN, because=reason, foreseen=True)
    moved_columns = [column for column in columns if column.movement is Movement.MOVED]
    relevant = [column for column in moved_columns if column.column in reference.relevance.selected]
    if moved_columns and not relevant:
        reason = f"there are no outputs to compare; {_names(moved_columns)} may matter together with other inputs"
        return ScoreDrift(movement=Movement.UNKNOWN, because=reason, foreseen=True)
    reason = f"there are no outputs to compare; of the relevant inputs {_names(relevant) or 'none'} moved"
    return ScoreDrift(movement=_worst(columns), because=reason, foreseen=True)


def _worst(columns: Sequence[ColumnDrift]) -> Movement:
    movements = {column.movement for column in columns}
    return next(
        (movement for movement in (Movement.MOVED, Movement.UNDECIDED) if movement in movements), Movement.STEADY
    )


def _drift_reason(columns: Sequence[ColumnDrift], score: ScoreDrift) -> str:
    moved_columns = [column for column in columns if column.movement is Movement.MOVED]
    inputs = [column for column in moved_columns if column.part is not Part.OUTPUT]
    if not inputs or score.movement is not Movement.MOVED:
        return f"{_names(moved_columns)} moved"
    return f"{_names(inputs)} moved, and so {'would' if score.foreseen else 'did'} the score"


def _conclude(
    columns: Sequence[ColumnDrift], score: ScoreDrift, rule: DriftRule
) -> tuple[DriftOutcome, str, int | None]:
    moved_names = _names(column for column in columns if column.movement is Movement.MOVED)
    if moved_names and (not rule.score_must_move or score.movement is Movement.MOVED):
        return DriftOutcome.DRIFTED, _drift_reason(columns, score), None
    if moved_names and score.movement is Movement.STEADY:
        verb = "would not" if score.foreseen else "did not"
        return DriftOutcome.NONE, f"{moved_names} moved, and the score {verb}", None
    undecided_columns = [column for column in columns if column.movement is Movement.UNDECIDED]
    if moved_names and score.movement is Movement.UNKNOWN:
        return (
            DriftOutcome.INCONCLUSIVE,
            f"{moved_names} moved, and whether the score would is not known: {score.because}",
            None,
        )
    if moved_names:  # The score must move, and may have.
        decisive = [column for column in undecided_columns if column.part is Part.OUTPUT] or undecided_columns
        return (
            DriftOutcome.INCONCLUSIVE,
            f"{moved_names} moved, and the score may have: {_decides(decisive)}",
            _rows_to_decide(decisive),
        )
    if not undecided_columns:
        return DriftOutcome.NONE, f"no column is {rule.effect:g} or more away from the reference", None
    sentence = f"{_names(undecided_columns)} could have moved by {rule.effect:g}"
    return DriftOutcome.INCONCLUSIVE, f"{sentence}: {_decides(undecided_columns)}", _rows_to_decide(undecided_columns)


def _decides(undecided_columns: Sequence[ColumnDrift]) -> str:
    row_count = _rows_to_decide(undecided_columns)
    if not row_count:
        return "the reference has too few rows for any window to decide"
    return f"about {counted(row_count, 'row')} would decide"


def _rows_to_decide(undecided_columns: Sequence[ColumnDrift]) -> int | None:
    row_numbers = [column.needed for column in undecided_columns]
    return None if None in row_numbers else max(number for number in row_numbers if number is not None)


def _names(columns: Any) -> str:
    names = [
        f"{column.column} (missing values)" if column.part is Part.MISSING else column.column for column in columns
    ]
    return ", ".join(names)
