"""Gates on what was observed: data test, API test, latency, agreement of outputs, rollback rehearsal, and cost."""

from dataclasses import dataclass

from shared.domain.counts import counted, least_needed
from shared.domain.gates.evidence import ApiTest, DataTest, Latency, ReleaseCost, Rollback
from shared.domain.gates.options import choice, number, whole_number
from shared.domain.gates.registry import gate
from shared.domain.gates.verdict import GateFinding, decided, failed, inconclusive
from shared.domain.metrics.agreement import Agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTestsPassed:
    """*min_rows* must have been tested."""

    min_rows: int = whole_number(1, least=1)


@gate("data_test", DataTestsPassed)
def data_tests_passed(options: DataTestsPassed, test: DataTest) -> GateFinding:
    """Did the data that trains or tests the model obey its contract?"""
    if test.outcome != "passed":
        reason = "; ".join(test.summary) or f"the report's outcome is {test.outcome!r}"
        return failed(f"the data test failed: {reason}", rows=test.rows)
    if test.rows < options.min_rows:
        reason = f"{counted(test.rows, 'row was', 'rows were')} tested, {least_needed(options.min_rows)}"
        return inconclusive(reason, rows=test.rows)
    return decided(True, f"{counted(test.rows, 'row obeys', 'rows obey')} the contract", rows=test.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiTestPassed:
    """*max_errors* is the share of requests that may be answered with anything but 2xx."""

    min_requests: int = whole_number(1, least=1)
    max_errors: float = number(0.0, least=0.0, most=1.0)


@gate("api_test", ApiTestPassed)
def api_test_passed(options: ApiTestPassed, test: ApiTest) -> GateFinding:
    """Does the deployment answer, with the status and the shape it promises?"""
    requests = sum(test.statuses.values())
    bad = {status: count for status, count in test.statuses.items() if not status.startswith("2") and count}
    figures = {"requests": float(requests), "errors": float(sum(bad.values()))}
    # Faults come before the minimum of requests: one wrong answer is a failure, however few requests there were.
    if test.schema_problems:
        return failed(f"answers have another shape: {'; '.join(test.schema_problems[:3])}", **figures)
    if requests and sum(bad.values()) > options.max_errors * requests:
        failures = ", ".join(f"{count} with {status}" for status, count in sorted(bad.items()))
        return failed(f"of {counted(requests, 'request')} were answered: {failures}", **figures)
    if requests < options.min_requests:
        return inconclusive(f"{counted(requests, 'request')}, {least_needed(options.min_requests)}", **figures)
    return decided(True, f"{counted(requests, 'request')}, {counted(sum(bad.values()), 'error')}", **figures)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenRequestsMatch:
    """*max_deviation*, where set, is stricter or laxer than the tolerance the test was run with, and replaces it."""

    min_requests: int = whole_number(1, least=1)
    max_deviation: float | None = number(None, least=0.0)


@gate("api_test", GoldenRequestsMatch)
def golden_requests_match(options: GoldenRequestsMatch, test: ApiTest) -> GateFinding:
    """Does the deployment answer the requests that travel with the model as the model did?"""
    golden = test.golden
    if golden is None:
        return failed("the golden requests were not sent")
    figures = {"requests": float(golden.requests), "deviating": float(golden.deviating), "largest": golden.largest}
    if golden.requests < options.min_requests:
        reason = f"{counted(golden.requests, 'golden request')}, {least_needed(options.min_requests)}"
        return inconclusive(reason, **figures)
    if golden.unlike:
        return failed(f"{golden.unlike} of {golden.requests} answers have another shape, or a NaN", **figures)
    limit = golden.tolerance if options.max_deviation is None else options.max_deviation
    # Deviations were counted by the tolerance of the test. With a limit of its own the gate judges the largest one
    # instead.
    within_limit = golden.largest <= limit and (golden.deviating == 0 or options.max_deviation is not None)
    sentence = f"{golden.deviating} of {golden.requests} answers deviate, the largest by {golden.largest:.6g}"
    return decided(within_limit, f"{sentence}; {limit:.6g} is allowed", **figures)


@dataclass(frozen=True, slots=True, kw_only=True)
class FastEnough:
    """Limits in milliseconds; those not set are not judged. *max_errors* is a share of the requests."""

    p95_ms: float = number(least=0.0)
    p50_ms: float | None = number(None, least=0.0)
    p99_ms: float | None = number(None, least=0.0)
    max_errors: float = number(0.0, least=0.0, most=1.0)
    min_requests: int = whole_number(20, least=1)


@gate("latency", FastEnough)
def fast_enough(options: FastEnough, latency: Latency) -> GateFinding:
    """Does the deployment answer in time, and without errors?"""
    latencies = {name: float(getattr(latency, name)) for name in ("p50_ms", "p95_ms", "p99_ms")}
    figures = {**latencies, "requests": float(latency.requests), "errors": float(latency.errors)}
    # Too few requests come first here: the percentile of a few requests is chance, in both directions.
    if latency.requests < options.min_requests:
        reason = f"{counted(latency.requests, 'request')}, {least_needed(options.min_requests)}"
        return inconclusive(reason, **figures)
    limits = {name: getattr(options, name) for name in latencies if getattr(options, name) is not None}
    late = [f"{name[:3]} {latencies[name]:.6g} ms, limit {limit:.6g}" for name, limit in limits.items()]
    if latency.errors > options.max_errors * latency.requests:
        return failed(f"{latency.errors} of {latency.requests} requests failed", **figures)
    return decided(all(latencies[name] <= limit for name, limit in limits.items()), "; ".join(late), **figures)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputsAgree:
    """*max_shift*, where set, bounds the shift of the mean output, to either side, in the output's unit.

    *first_model* says what becomes of a model that has no champion to agree with.
    """

    min_agreement: float = number(least=0.0, most=1.0)
    max_shift: float | None = number(None, least=0.0)
    min_rows: int = whole_number(100, least=1)
    first_model: str = choice("fail", among=("pass", "fail"))


@gate("agreement", OutputsAgree)
def outputs_agree(options: OutputsAgree, agreement: Agreement) -> GateFinding:
    """Do champion and challenger answer the same inputs alike?"""
    if agreement.alone:
        return decided(options.first_model == "pass", "there is no champion to agree with")
    figures = {"rows": float(agreement.rows), "agreement": agreement.agreement, "mean_shift": agreement.mean_shift}
    if agreement.rows < options.min_rows:
        return inconclusive(f"{counted(agreement.rows, 'row')}, {least_needed(options.min_rows)}", **figures)
    if agreement.agreement < options.min_agreement:
        return failed(f"{agreement.agreement:.2%} of the rows agree, wanted {options.min_agreement:.2%}", **figures)
    exceeds_shift = options.max_shift is not None and abs(agreement.mean_shift) > options.max_shift
    shift_text = f"the mean shifts by {agreement.mean_shift:.6g}"
    if exceeds_shift:
        return failed(f"{shift_text}, at most {options.max_shift:.6g} is allowed", **figures)
    return decided(True, f"{agreement.agreement:.2%} of {agreement.rows} rows agree, {shift_text}", **figures)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackRehearsed:
    """How long the way back may take, and how long ago it may have been tried."""

    max_seconds: float = number(300.0, least=0.0)
    max_age_days: float = number(30.0, least=0.0)


@gate("rollback", RollbackRehearsed)
def rollback_rehearsed(options: RollbackRehearsed, rehearsal: Rollback) -> GateFinding:
    """Did a rehearsal bring the previous version back, soon enough?"""
    if not rehearsal.restored:
        return failed("the previous version did not answer as before", seconds=rehearsal.seconds)
    if rehearsal.age_days > options.max_age_days:
        reason = f"rehearsed {rehearsal.age_days:.1f} days ago, at most {options.max_age_days:g} are allowed"
        return failed(reason, age_days=rehearsal.age_days)
    reason = f"restored after {rehearsal.seconds:.6g} s, limit {options.max_seconds:.6g} s"
    return decided(rehearsal.seconds <= options.max_seconds, reason, seconds=rehearsal.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLimit:
    """*amount*, in the currency of the configured prices: of this release, or with *days* of all releases to the same
    endpoint in so many days."""

    amount: float = number(least=0.0)
    days: int | None = whole_number(None, least=1)


@gate("cost", BudgetLimit)
def budget(options: BudgetLimit, cost: ReleaseCost) -> GateFinding:
    """Does the second fleet of the release cost no more than was set aside for it?"""
    if options.days is None:
        within, earlier = cost.most <= options.amount, ""
    elif cost.days != options.days:
        return failed(f"what was spent in {options.days} days was not measured", most=cost.most)
    else:
        within = cost.spent + cost.most <= options.amount
        earlier = f"; earlier releases have cost {cost.spent:.2f} in {cost.days} days"
    figures = {"least": cost.least, "most": cost.most, "spent": cost.spent}
    return decided(within, f"{cost.fleet}{earlier}; {options.amount:.2f} is allowed", **figures)
