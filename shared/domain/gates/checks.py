"""Gates over tests of the deployed challenger: data, API, golden requests, latency, agreement with the champion."""

import math
from dataclasses import dataclass

from shared.domain.gates.evidence import Evidence
from shared.domain.gates.verdict import Finding, failed, is_number, passed, require


@dataclass(frozen=True, slots=True, kw_only=True)
class NoOptions:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenOptions:
    """*tolerance*: the largest absolute difference of any number in an answer."""

    tolerance: float = 1e-6

    def __post_init__(self) -> None:
        require("tolerance", is_number(self.tolerance) and self.tolerance >= 0, self.tolerance, "a number from 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyOptions:
    p95_ms: float = 500.0
    min_requests: int = 20

    def __post_init__(self) -> None:
        require("p95_ms", is_number(self.p95_ms) and self.p95_ms > 0, self.p95_ms, "a number above 0")
        fits = type(self.min_requests) is int and self.min_requests >= 1
        require("min_requests", fits, self.min_requests, "a whole number from 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementOptions:
    """*tolerance* in the outputs' units; *max_shift*: the largest absolute mean shift, overall and of any slice."""

    tolerance: float = 0.0
    min_agreement: float = 0.0
    max_shift: float | None = None

    def __post_init__(self) -> None:
        require("tolerance", is_number(self.tolerance) and self.tolerance >= 0, self.tolerance, "a number from 0")
        share = is_number(self.min_agreement) and 0 <= self.min_agreement <= 1
        require("min_agreement", share, self.min_agreement, "a share from 0 to 1")
        fits = self.max_shift is None or (is_number(self.max_shift) and self.max_shift >= 0)
        require("max_shift", fits, self.max_shift, "a number from 0")


def data_tests_passed(options: NoOptions, evidence: Evidence) -> Finding:
    """The hold-out data keeps the model's data contract."""
    del options
    test = evidence.data_test
    if test is None:
        return failed("no data test was recorded")
    if test.outcome != "passed" or test.rows == 0:
        return failed(f"the data test {test.outcome}: {'; '.join(test.summary[:3]) or 'no rows'}")
    return passed(f"{test.rows} rows keep the contract", rows=test.rows)


def api_test_passed(options: NoOptions, evidence: Evidence) -> Finding:
    """Every request was answered with 200 and with as many predictions as it asked for."""
    del options
    test = evidence.api_test
    if test is None or test.requests == 0:
        return failed("no API test was recorded")
    if test.failures or test.problems:
        return failed(f"{test.failures} of {test.requests} requests failed: {'; '.join(test.problems[:3])}")
    return passed(f"{test.requests} requests were answered", requests=test.requests)


def golden_requests_match(options: GoldenOptions, evidence: Evidence) -> Finding:
    """Answers to the bundle's golden requests are those that were recorded with it."""
    test = evidence.golden
    if test is None or test.requests == 0:
        return failed("no golden requests were recorded")
    if test.unlike:
        return failed(f"answers of another shape: {'; '.join(test.unlike[:3])}")
    off = [each for each in test.deviations if not each <= options.tolerance]
    largest = max(test.deviations, default=math.nan)
    if off or len(test.deviations) != test.requests:
        return failed(f"{len(off)} of {test.requests} answers deviate, by up to {largest:.4g}", largest=largest)
    return passed(f"{test.requests} answers match within {options.tolerance:g}", largest=largest)


def fast_enough(options: LatencyOptions, evidence: Evidence) -> Finding:
    found = evidence.latency
    if found is None or not math.isfinite(found.p95_ms):
        return failed("latency was not measured")
    if found.requests < options.min_requests:
        return failed(f"{found.requests} requests were timed; at least {options.min_requests} are wanted")
    said = f"p95 {found.p95_ms:.0f} ms over {found.requests} requests; at most {options.p95_ms:.0f} ms is wanted"
    return passed(said, p95_ms=found.p95_ms) if found.p95_ms <= options.p95_ms else failed(said, p95_ms=found.p95_ms)


def outputs_agree(options: AgreementOptions, evidence: Evidence) -> Finding:
    """The challenger's outputs are like the champion's on the same inputs; a first model has nothing to agree with."""
    evaluation, found = evidence.evaluation, evidence.agreement
    if evaluation is not None and not evaluation.champion:
        return passed("there is no champion to agree with")
    if found is None or not math.isfinite(found.agree):
        return failed("the outputs were not compared")
    if found.tolerance > options.tolerance:
        return failed(f"agreement was measured within {found.tolerance:g}, the gate asks for {options.tolerance:g}")
    shifts = {"all rows": found.mean_shift, **found.slices}
    where, shift = max(shifts.items(), key=lambda each: abs(each[1]))
    said = f"{found.agree:.1%} agree within {found.tolerance:g}; the largest mean shift is {shift:.4g} ({where})"
    too_far = options.max_shift is not None and not abs(shift) <= options.max_shift
    if found.agree < options.min_agreement or too_far:
        return failed(said, agree=found.agree, shift=shift)
    return passed(said, agree=found.agree, shift=shift)
