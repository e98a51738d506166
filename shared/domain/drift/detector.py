"""Has the model's world moved? A verdict on one window of inputs and outputs, with what moved and what it does.

It reads nothing and waits for nothing. Too few rows are inconclusive, never none, and the verdict says how many decide.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import NormalDist
from typing import Any

from shared.domain.drift.attribution import score_shift, shares
from shared.domain.drift.columns import compare_columns
from shared.domain.drift.reference import ModelReference, Moments
from shared.domain.drift.rule import ColumnDrift, DriftOutcome, DriftRule, Movement, Part
from shared.domain.drift.window import Counted


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
        found = [each for each in self.columns if each.movement is Movement.MOVED]
        return tuple(sorted(found, key=lambda each: (-each.share, -(each.effect or 0), each.column)))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def detect(reference: ModelReference, window: Counted, rule: DriftRule) -> DriftVerdict:
    """The verdict on *window*; the share of false `drifted` where nothing moved is at most *rule.alpha*."""
    columns = compare_columns(reference, window, rule)
    columns = tuple(replace(each, score_shift=score_shift(reference, window, each)) for each in columns)
    by, part = shares(reference, columns)
    columns = tuple(replace(each, share=part.get((each.part, each.column), 0.0)) for each in columns)
    score = _score(reference, window, columns)
    outcome, because, needed = _concluded(columns, score, rule)
    return DriftVerdict(
        outcome=outcome,
        because=because,
        rows=window.rows,
        reference_rows=reference.inputs.rows,
        score=score,
        columns=columns,
        by=by,
        needed=needed,
    )


def _score(reference: ModelReference, window: Counted, columns: Sequence[ColumnDrift]) -> ScoreDrift:
    known = [each for each in columns if each.score_shift is not None]
    moved = [each.score_shift or 0.0 for each in known if each.movement is Movement.MOVED]
    expected = sum(moved) if known else None
    outputs = [each for each in columns if each.part is Part.OUTPUT]
    if any(each.rows for each in outputs):
        return replace(_observed(reference, window, outputs), expected=expected)
    return replace(_foreseen(reference, columns), expected=expected)


def _observed(reference: ModelReference, window: Counted, outputs: Sequence[ColumnDrift]) -> ScoreDrift:
    said = "; ".join(f"{each.column}: {each.because}" for each in outputs)
    movement = _worst(outputs)
    for name, before in reference.moments.items():
        after = window.moments.get(name)
        if after and after.rows:
            estimate, reach = after.mean - before.mean, _reach(before, after)
            return ScoreDrift(
                movement=movement, because=said, observed=estimate, low=estimate - reach, high=estimate + reach
            )
    return ScoreDrift(movement=movement, because=said)


def _reach(before: Moments, after: Moments) -> float:
    """Half of the 95 % interval of the difference of the means."""
    error = (before.deviation**2 / max(1, before.rows) + after.deviation**2 / after.rows) ** 0.5
    return NormalDist().inv_cdf(0.975) * float(error)


def _foreseen(reference: ModelReference, columns: Sequence[ColumnDrift]) -> ScoreDrift:
    """Without outputs: whether what moved is what tells something about the target.

    Relevance is measured column by column. A model may use two columns together of which neither tells anything by
    itself (their exclusive or), so what is not relevant is not proven to be harmless: the score is then unknown.
    """
    if reference.relevance is None:
        reason = "there are no outputs to compare, and the reference does not say which inputs are relevant"
        return ScoreDrift(movement=Movement.UNKNOWN, because=reason, foreseen=True)
    moved = [column for column in columns if column.movement is Movement.MOVED]
    relevant = [column for column in moved if column.column in reference.relevance.selected]
    if moved and not relevant:
        reason = f"there are no outputs to compare; {_names(moved)} may matter together with other inputs"
        return ScoreDrift(movement=Movement.UNKNOWN, because=reason, foreseen=True)
    reason = f"there are no outputs to compare; of the relevant inputs {_names(relevant) or 'none'} moved"
    return ScoreDrift(movement=_worst(columns), because=reason, foreseen=True)


def _worst(columns: Sequence[ColumnDrift]) -> Movement:
    found = {each.movement for each in columns}
    return next((each for each in (Movement.MOVED, Movement.UNDECIDED) if each in found), Movement.STEADY)


def _drifted(columns: Sequence[ColumnDrift], score: ScoreDrift) -> str:
    moved = [each for each in columns if each.movement is Movement.MOVED]
    inputs = [each for each in moved if each.part is not Part.OUTPUT]
    if not inputs or score.movement is not Movement.MOVED:
        return f"{_names(moved)} moved"
    return f"{_names(inputs)} moved, and so {'would' if score.foreseen else 'did'} the score"


def _concluded(
    columns: Sequence[ColumnDrift], score: ScoreDrift, rule: DriftRule
) -> tuple[DriftOutcome, str, int | None]:
    moved = _names(each for each in columns if each.movement is Movement.MOVED)
    if moved and (not rule.score_must_move or score.movement is Movement.MOVED):
        return DriftOutcome.DRIFTED, _drifted(columns, score), None
    if moved and score.movement is Movement.STEADY:
        told = "would not" if score.foreseen else "did not"
        return DriftOutcome.NONE, f"{moved} moved, and the score {told}", None
    undecided = [each for each in columns if each.movement is Movement.UNDECIDED]
    if moved and score.movement is Movement.UNKNOWN:
        return (
            DriftOutcome.INCONCLUSIVE,
            f"{moved} moved, and whether the score would is not known: {score.because}",
            None,
        )
    if moved:  # The score must move, and may have.
        asked = [each for each in undecided if each.part is Part.OUTPUT] or undecided
        return DriftOutcome.INCONCLUSIVE, f"{moved} moved, and the score may have: {_decides(asked)}", _needed(asked)
    if not undecided:
        return DriftOutcome.NONE, f"no column is {rule.effect:g} or more away from the reference", None
    said = f"{_names(undecided)} could have moved by {rule.effect:g}"
    return DriftOutcome.INCONCLUSIVE, f"{said}: {_decides(undecided)}", _needed(undecided)


def _decides(undecided: Sequence[ColumnDrift]) -> str:
    needed = _needed(undecided)
    return f"about {needed} rows would decide" if needed else "the reference has too few rows for any window to decide"


def _needed(undecided: Sequence[ColumnDrift]) -> int | None:
    wanted = [each.needed for each in undecided]
    return None if None in wanted else max(each for each in wanted if each is not None)


def _names(columns: Any) -> str:
    said = [f"{each.column} (missing values)" if each.part is Part.MISSING else each.column for each in columns]
    return ", ".join(said)
