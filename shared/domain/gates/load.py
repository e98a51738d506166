"""The gate `load`: whether a deployment answers in time at the rate at which production is asked.

How it was asked is in `activities.rollout.load`.
"""

from dataclasses import dataclass

from shared.domain.counts import counted, least_needed
from shared.domain.gates.evidence import LoadTest
from shared.domain.gates.options import choice, number, whole_number
from shared.domain.gates.registry import gate
from shared.domain.gates.verdict import GateFinding, decided, failed, inconclusive
from shared.domain.rollout.estimates.load import LONGEST_S, MOST_PER_SECOND
from shared.domain.rollout.policy import ReplaySource

_OWN_DELAY = 0.2  # Of the limit of p95: where the sender itself is later, it has measured itself.


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadLimits:
    """For *seconds* requests arrive at *times* the rate of production's busiest minutes, or *per_second* where set.

    Their inputs are *requests*. Latencies are in milliseconds, from the moment at which a request should have been sent
    to its answer. *max_errors* is a share of the requests, *min_throughput* one of the rate at which they arrive.
    """

    p95_ms: float = number(least=0.0)
    p50_ms: float | None = number(None, least=0.0)
    p99_ms: float | None = number(None, least=0.0)
    max_errors: float = number(0.0, least=0.0, most=1.0)
    min_throughput: float = number(0.95, least=0.0, most=1.0)
    min_requests: int = whole_number(100, least=1)
    seconds: float = number(60.0, least=1.0, most=LONGEST_S)
    times: float = number(1.0, least=0.1, most=10.0)
    per_second: float | None = number(None, least=0.1, most=MOST_PER_SECOND)
    requests: str = choice(ReplaySource.GOLDEN.value, among=tuple(source.value for source in ReplaySource))


@gate("load", LoadLimits)
def load(options: LoadLimits, test: LoadTest) -> GateFinding:
    """Does the deployment answer in time under the load of production?"""
    if test.peak_per_second > MOST_PER_SECOND:
        most = f"at most {MOST_PER_SECOND:g} are sent"
        return inconclusive(f"{test.peak_per_second:.4g} requests a second are needed, {most}; {test.profile}")
    if not test.requests:
        return failed(f"nothing was sent: {test.profile}")
    figures = _figures(test)
    if test.errors > options.max_errors * test.requests:
        failures = ", ".join(f"{count} with {status}" for status, count in sorted(test.statuses.items()) if count)
        return failed(f"of {counted(test.requests, 'request')} were answered: {failures}", **figures)
    limits = {name: getattr(options, name) for name in ("p50_ms", "p95_ms", "p99_ms")}
    late = [
        f"{name[:3]} {figures[name]:.6g} ms, limit {limit:.6g}" for name, limit in limits.items() if limit is not None
    ]
    throughput = f"{test.throughput:.4g} answers a second of {test.per_second:.4g} requests"
    if undecided := _undecided(options, test):
        return inconclusive(undecided, **figures)
    in_time = all(figures[name] <= limit for name, limit in limits.items() if limit is not None)
    keeps_up = test.throughput >= options.min_throughput * test.per_second
    return decided(in_time and keeps_up, f"{'; '.join(late)}; {throughput}; {test.profile}", **figures)


def _undecided(options: LoadLimits, test: LoadTest) -> str:
    """Why the figures say nothing of the deployment; empty where they do."""
    if test.requests < options.min_requests:
        return f"{counted(test.requests, 'request was', 'requests were')} sent, {least_needed(options.min_requests)}"
    if test.own_delay_ms > _OWN_DELAY * options.p95_ms:
        return f"the sender itself was {test.own_delay_ms:.4g} ms late, so its figures are not the deployment's"
    return ""


def _figures(test: LoadTest) -> dict[str, float]:
    return {
        "requests": float(test.requests),
        "errors": float(test.errors),
        "p50_ms": test.p50_ms,
        "p95_ms": test.p95_ms,
        "p99_ms": test.p99_ms,
        "per_second": test.per_second,
        "throughput": test.throughput,
    }
