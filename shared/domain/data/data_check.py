"""Judge what was measured against the data contract and the reference profile: pure, and says every reason.

A reason holds no value of the data, because it stands in the run, its logs, notices and announcements. The
values lie in the findings of the report, for people with the permission `see_data` (`data_samples`).
"""

import difflib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from shared.domain.counts import counted, least_needed
from shared.domain.data.data_contract import DataContract, Distribution
from shared.domain.data.data_measures import Breach, Example, Measurements, Tally
from shared.domain.data.reference_profile import ReferenceProfile
from shared.domain.statistics.shifts import Movement, Shift, ShiftRule, shifts_of

_WHOLE_FILE = ("readable", "column", "extra", "rule")
# Rules whose examples are reasons in our own words. What a rule of the project says when it fails may repeat its row.
OWN_WORDS = ("readable", "column", "extra")
_SAID = {  # Of one value, and of several.
    "shape": ("is no row of the table", "are no row of the table"),
    "type": ("is not of the column's type", "are not of the column's type"),
    "null": ("has no value", "have no value"),
    "min": ("is below the minimum", "are below the minimum"),
    "max": ("is above the maximum", "are above the maximum"),
    "allowed": ("is not an allowed value", "are not an allowed value"),
    "pattern": ("does not match the pattern", "do not match the pattern"),
    "key": ("repeats a key", "repeat a key"),
}
_SAID_OF_FILE = {
    "readable": "cannot be read",
    "column": "is missing",
    "extra": "is not in the contract",
    "rule": "could not be asked",
}
_OWN_RULE = ("breaks this rule of the project", "break this rule of the project")
_OUTCOMES = {Movement.MOVED: "fail", Movement.STEADY: "pass", Movement.UNDECIDED: "inconclusive"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A column against its reference; *outcome* is pass, fail or inconclusive, *because* says why."""

    column: str
    test: str
    outcome: str
    because: str
    statistic: float | None = None
    p_value: float | None = None
    adjusted_p: float | None = None
    psi: float | None = None
    effect: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """*outcome* is passed or failed; *findings* are what failed it, *summary* a sentence for each, then other reasons.

    *sources* are the digests of the files whose own rules judged, by their names.
    """

    outcome: str
    rows: int
    rows_per_file: dict[str, int]
    summary: tuple[str, ...]
    findings: tuple[Breach, ...]
    tolerated: tuple[Breach, ...]
    distribution: tuple[Comparison, ...]
    sources: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; a report without own rules has no word of them."""
        document = asdict(self)
        return document if self.sources else {name: value for name, value in document.items() if name != "sources"}


def judge_data(measurements: Measurements, contract: DataContract, reference: ReferenceProfile | None) -> CheckReport:
    """The report on *measurements*. A missing measurement never passes."""
    findings = [
        breach for breach in measurements.breaches if not _tolerated(breach, measurements.rows, contract.tolerance)
    ]
    comparisons = compare(measurements, contract.distribution, reference) if contract.distribution and reference else ()
    extras = [breach.column for breach in findings if breach.rule == "extra"]
    summary = [sentence_of(breach, extras) for breach in findings]
    if measurements.rows < contract.min_rows:
        summary.append(f"min_rows: {counted(measurements.rows, 'row')}, {least_needed(contract.min_rows)}")
    summary += [_difference(comparison) for comparison in comparisons if _fails(comparison, contract.distribution)]
    return CheckReport(
        outcome="failed" if summary else "passed",
        rows=measurements.rows,
        rows_per_file=dict(measurements.rows_per_file),
        summary=tuple(summary),
        findings=tuple(findings),
        tolerated=tuple(breach for breach in measurements.breaches if breach not in findings),
        distribution=tuple(comparisons),
        sources=dict(measurements.sources),
    )


def compare(measurements: Measurements, rule: Distribution, reference: ReferenceProfile) -> tuple[Comparison, ...]:
    """The rule's columns, or all profiled ones, against the reference, judged together."""
    counts = {
        name: profile.beside(measurements.tallies.get(name, Tally()))
        for name, profile in reference.columns.items()
        if not rule.columns or name in rule.columns
    }
    shifts = shifts_of(
        counts.values(), ShiftRule(alpha=rule.alpha, effect=rule.effect, minimum_rows=rule.minimum_sample)
    )
    return tuple(_comparison(name, shift, rule) for name, shift in zip(counts, shifts, strict=True))


def _comparison(name: str, shift: Shift, rule: Distribution) -> Comparison:
    outcome, reason = _OUTCOMES[shift.movement], shift.because
    if outcome == "fail" and rule.psi_limit is not None and (shift.psi or 0.0) < rule.psi_limit:
        outcome, reason = "pass", f"{reason}, below the limit of {rule.psi_limit:g}"
    return Comparison(
        column=name,
        test=shift.test,
        outcome=outcome,
        because=reason,
        statistic=shift.statistic,
        p_value=shift.p_value,
        adjusted_p=shift.adjusted_p,
        psi=shift.psi,
        effect=shift.effect,
    )


def _fails(comparison: Comparison, rule: Distribution | None) -> bool:
    strict = rule is not None and rule.inconclusive == "fail"
    return comparison.outcome == "fail" or (strict and comparison.outcome == "inconclusive")


def _difference(comparison: Comparison) -> str:
    verdict = (
        "is distributed differently from the reference" if comparison.outcome == "fail" else "could not be compared"
    )
    return f"distribution: column {comparison.column} {verdict} ({comparison.test}: {comparison.because})"


def _tolerated(breach: Breach, rows: int, tolerance: float) -> bool:
    return breach.rule not in _WHOLE_FILE and breach.count <= tolerance * rows


def sentence_of(breach: Breach, extras: Sequence[str] = ()) -> str:
    """What *breach* is, and where, without a value. A missing column may be one of *extras* under a wrong name."""
    places = "; ".join(map(partial(_place, breach.rule), breach.examples[:3]))
    if breach.rule in _WHOLE_FILE:
        guesses = difflib.get_close_matches(breach.column, extras, 1) if breach.rule == "column" else []
        guess = f"; did you mean {guesses[0]}, which the file has?" if guesses else ""
        # The names of two rules say already that it is a column.
        subject = breach.column if breach.rule in ("column", "extra") else f"{breach.column or 'file'}:"
        return f"{breach.rule}: {subject} {_SAID_OF_FILE[breach.rule]} ({places}){guess}"
    subject = f"column {breach.column}" if breach.column else "rows"
    said = _SAID.get(breach.rule, _OWN_RULE)[breach.count != 1]
    count = counted(breach.count, "value") if breach.column else str(breach.count)
    return f"{breach.rule}: {subject}: {count} {said} ({places})"


def _place(rule: str, example: Example) -> str:
    """Where *example* is. Of a file as a whole its text is a reason in our own words, and no value."""
    place = f"{example.file} row {example.row}" if example.row else example.file
    return f"{place}: {example.value}" if rule in OWN_WORDS else place
