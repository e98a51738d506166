"""Judge what was measured against the data contract and the reference profile: pure, and says every reason."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from shared.domain.data.data_contract import DataContract, Distribution
from shared.domain.data.data_measures import Breach, Measurements, Tally
from shared.domain.data.reference_profile import ColumnProfile, ReferenceProfile
from shared.domain.statistics import counts as statistics

_WHOLE_FILE = ("readable", "column", "extra")
_SAID = {
    "readable": "cannot be read",
    "shape": "are no row of the table",
    "column": "is missing",
    "extra": "is not in the contract",
    "type": "are not of the column's type",
    "null": "have no value",
    "min": "are below the minimum",
    "max": "are above the maximum",
    "allowed": "are not an allowed value",
    "pattern": "do not match the pattern",
    "key": "repeat a key",
}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """*outcome* is passed or failed; *findings* are what failed it, *summary* the same as sentences."""

    outcome: str
    rows: int
    rows_per_file: dict[str, int]
    summary: tuple[str, ...]
    findings: tuple[Breach, ...]
    tolerated: tuple[Breach, ...]
    distribution: tuple[Comparison, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def judge(measurements: Measurements, contract: DataContract, reference: ReferenceProfile | None) -> CheckReport:
    """The report on *measurements*. A missing measurement never passes."""
    findings = [
        breach for breach in measurements.breaches if not _tolerated(breach, measurements.rows, contract.tolerance)
    ]
    compared = compare(measurements, contract.distribution, reference) if contract.distribution and reference else ()
    summary = [_sentence(breach) for breach in findings]
    if measurements.rows < contract.min_rows:
        summary.append(f"min_rows: {measurements.rows} rows, at least {contract.min_rows} are needed")
    summary += [_difference(comparison) for comparison in compared if _fails(comparison, contract.distribution)]
    return CheckReport(
        outcome="failed" if summary else "passed",
        rows=measurements.rows,
        rows_per_file=dict(measurements.rows_per_file),
        summary=tuple(summary),
        findings=tuple(findings),
        tolerated=tuple(breach for breach in measurements.breaches if breach not in findings),
        distribution=tuple(compared),
    )


def compare(measurements: Measurements, rule: Distribution, reference: ReferenceProfile) -> tuple[Comparison, ...]:
    """The rule's columns, or all profiled ones, against the reference, the p-values adjusted together
    (Benjamini-Hochberg)."""
    tested = [
        _test(name, profile, measurements.tallies.get(name), rule)
        for name, profile in reference.columns.items()
        if not rule.columns or name in rule.columns
    ]
    p_values = [comparison.p_value for comparison in tested if comparison.p_value is not None]
    adjusted = iter(statistics.benjamini_hochberg(p_values))
    return tuple(
        comparison if comparison.p_value is None else _decided(comparison, next(adjusted), rule)
        for comparison in tested
    )


def _test(name: str, profile: ColumnProfile, tally: Tally | None, rule: Distribution) -> Comparison:
    numeric = profile.kind == "numeric"
    test = "Kolmogorov-Smirnov" if numeric else "chi-squared"
    values = tally.total if tally else 0
    if tally is None or values < rule.minimum_sample:
        because = f"{values} values are below the minimum of {rule.minimum_sample}"
        return Comparison(column=name, test=test, outcome="inconclusive", because=because)
    first, second = _aligned(profile, tally)
    result = statistics.kolmogorov_smirnov(first, second) if numeric else statistics.homogeneity(first, second)
    psi = statistics.population_stability(first, second, ordered=numeric)
    return Comparison(
        column=name, test=test, outcome="", because="", statistic=result.statistic, p_value=result.p_value, psi=psi
    )


def _aligned(profile: ColumnProfile, tally: Tally) -> tuple[Sequence[int], Sequence[int]]:
    if profile.kind == "numeric":
        return profile.cells, tally.cells
    names = sorted({*profile.counts, *tally.counts})
    return [profile.counts.get(name, 0) for name in names], [tally.counts.get(name, 0) for name in names]


def _decided(comparison: Comparison, adjusted: float, rule: Distribution) -> Comparison:
    differs = adjusted <= rule.alpha and (rule.psi_limit is None or (comparison.psi or 0.0) >= rule.psi_limit)
    reason = f"adjusted p = {adjusted:.2g}, alpha = {rule.alpha:g}, PSI = {comparison.psi:.3f}"
    return Comparison(
        column=comparison.column,
        test=comparison.test,
        outcome="fail" if differs else "pass",
        because=reason,
        statistic=comparison.statistic,
        p_value=comparison.p_value,
        adjusted_p=adjusted,
        psi=comparison.psi,
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


def _sentence(breach: Breach) -> str:
    subject = f"column {breach.column}" if breach.column else "rows"
    if breach.rule == "readable":
        subject = "file"
    examples = "; ".join(
        f"{example.file} row {example.row}: {example.value}" if example.row else f"{example.file}: {example.value}"
        for example in breach.examples[:3]
    )
    count = "" if breach.rule in _WHOLE_FILE else f"{breach.count} values " if breach.column else f"{breach.count} "
    return f"{breach.rule}: {subject}: {count}{_SAID[breach.rule]} ({examples})"
