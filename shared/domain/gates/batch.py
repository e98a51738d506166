"""The gate `batch_rows_answered`: whether the batch deployment gives each row of a file its prediction.

How the rows were scored is in `activities.promotion.trials`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.counts import counted, least_needed
from shared.domain.gates.evidence import BatchTrial
from shared.domain.gates.options import choice, flag, number, read_options, whole_number
from shared.domain.gates.registry import gate
from shared.domain.gates.verdict import GateFinding, decided, failed, inconclusive
from shared.domain.promotion.gate_specs import BATCH_GATE, GateSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRowsAnswered:
    """The first *rows* rows of the hold-out are scored, and *min_rows* must be. They are matched with what comes back
    by the contract's keys, or are counted: `lines`.

    With *compare* the online deployment is asked about the same rows, and must answer within *tolerance*. The
    prediction is *field* of a line, from 1; 0 is the field that agrees best.
    """

    rows: int = whole_number(100, least=1)
    min_rows: int = whole_number(1, least=1)
    match: str = choice("keys", among=("keys", "lines"))
    compare: bool = flag(True)
    tolerance: float = number(1e-6, least=0.0)
    field: int = whole_number(0)


def options_of_trial(gates: Iterable[GateSpec]) -> BatchRowsAnswered | None:
    """How *gates* want the batch deployment tried; None where none of them asks for it, or it cannot be read."""
    spec = next((spec for spec in gates if spec.gate == BATCH_GATE), None)
    return read_options(BatchRowsAnswered, spec.options)[0] if spec else None


@gate("batch", BatchRowsAnswered)
def batch_rows_answered(options: BatchRowsAnswered, trial: BatchTrial) -> GateFinding:
    """Does the batch deployment give each row its prediction, the one that the online deployment gives?"""
    figures = {"rows": float(trial.rows), "answered": float(trial.answered), "deviating": float(trial.deviating)}
    if trial.failed:
        return failed(trial.finding, **figures)
    if trial.deviating:
        difference = f"batch and online answer {trial.deviating} of {trial.compared} rows otherwise: {trial.example}"
        return failed(f"{difference}; {trial.tolerance:g} is allowed", **figures)
    if trial.rows < options.min_rows:
        scored = counted(trial.rows, "row was", "rows were")
        return inconclusive(f"{scored} scored, {least_needed(options.min_rows)}", **figures)
    alike = f", and {trial.compared} are what the online deployment answers" if trial.compared else ""
    return decided(True, f"{trial.finding}{alike}", **figures)
