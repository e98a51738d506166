"""Count what a look is the first to see: blocks that are final, wholly within the step, and of no earlier look.

A block is `look.block_s` long and has a number: its start since 1970 in blocks. Outputs are counted by minutes.

Not here: how the ports' figures become counts (shared/application/rollout/counts.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import ceil

from activities.rollout.watched_steps import WatchedStep
from shared.application.rollout.counts import (
    counts_weeks_apart,
    frozen_clients,
    frozen_counts,
    frozen_outputs,
    late_requests,
    outputs_weeks_apart,
)
from shared.clients import Clients
from shared.domain.rollout.estimates.forecast import WEEK_S
from shared.domain.rollout.policy import ERRORS, ComparedOutputs, CountSource
from shared.domain.statistics.sequential.rollout_evidence import RoutedUnit
from shared.ports import DeploymentMinute, OutputBins, OutputMinute
from shared.records.production.rollouts import FrozenCounts, LateRequests, RecordedLook

_MINUTE_S = 60
_PAYLOADS = ("request", "response")  # Of the data collector, which counts requests by both.
# A look waits for files of the collector until a block is older than so many times the lag. What has not come by then
# never will: an instance that has died writes no more.
_LAGS = 3
_AWAITED = {
    CountSource.METRICS: "Azure Monitor has no figures of them",
    CountSource.TRAFFIC_LOG: "the traffic log has no rows of them",
    CountSource.COLLECTOR: "the data collector has not written past them on every instance",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedLook:
    """The new *counts*; blocks were judged up to *through*, and minutes of collected outputs up to *outputs_through*.

    Where it *is_unmeasured*, blocks were asked for and none was measured. *first* is the first block that was asked
    for; *awaited* says which are due and not counted, and *late* how many requests came too late for the look before.
    """

    counts: FrozenCounts
    through: int
    outputs_through: int
    is_unmeasured: bool
    first: int
    awaited: str
    late: LateRequests


def count_look(clients: Clients, watched: WatchedStep, earlier: RecordedLook | None, now: datetime) -> CountedLook:
    """What was measured since *earlier*, the look before. Raises Transient while a service does not answer."""
    look, outputs = watched.policy.look, watched.policy.compare.outputs
    first, due = _span(watched, earlier.through if earlier else None, now, look.lag_s, look.block_s)
    last = due
    if look.counts is CountSource.COLLECTOR:
        last = _collected(clients, watched, _PAYLOADS, (first, due), now, look.lag_s, look.block_s)
    counts = FrozenCounts() if last < first else _requests(clients, watched, first, last)
    is_unmeasured = not counts.minutes.get(ERRORS)
    awaited = _awaited(watched, first if is_unmeasured else last + 1, due)
    if due < first:  # Nothing new is due: what the look before has found stands.
        is_unmeasured = earlier is not None and earlier.unmeasured
    outputs_through = earlier.outputs_through if earlier else -1
    if outputs is not None and watched.is_compared:
        judged = outputs_through if outputs_through >= 0 else None
        first_output, due_output = _span(watched, judged, now, outputs.lag_s, _MINUTE_S)
        span = (first_output, due_output)
        last_output = _collected(clients, watched, (outputs.collection,), span, now, outputs.lag_s, _MINUTE_S)
        if last_output >= first_output:
            counts = _with_outputs(clients, watched, outputs, counts, (first_output, last_output))
        outputs_through = max(first_output - 1, last_output)
    return CountedLook(
        counts=counts,
        through=max(first - 1, last),
        outputs_through=outputs_through,
        is_unmeasured=is_unmeasured,
        first=first,
        awaited=awaited,
        late=_late(clients, watched, earlier),
    )


def _awaited(watched: WatchedStep, first: int, due: int) -> str:
    """Since when requests are due that nobody has counted, and why; empty where the last that are *due* are counted."""
    if first > due:
        return ""
    look = watched.policy.look
    since = datetime.fromtimestamp(first * look.block_s, UTC)
    return f"requests since {since:%Y-%m-%d %H:%M} UTC are due and not counted: {_AWAITED[look.counts]}"


def _late(clients: Clients, watched: WatchedStep, earlier: RecordedLook | None) -> LateRequests:
    """Requests of the blocks of the previous look that were logged after it had counted them.

    Every block is asked for once more, by the next look. The counts stay as they are: they were judged.
    """
    # Of clients only the digests are kept: a second request of one is no late unit.
    is_by_client = watched.policy.look.unit is RoutedUnit.CONNECTION
    if earlier is None or earlier.first < 0 or earlier.through < earlier.first or is_by_client:
        return LateRequests()
    again = _counted_blocks(clients, watched, earlier.first, earlier.through)
    return late_requests(earlier.counts.minutes.get(ERRORS, ()), again, watched.arms)


def _collected(
    clients: Clients,
    watched: WatchedStep,
    collections: tuple[str, ...],
    span: tuple[int, int],
    now: datetime,
    lag_s: int,
    block_s: int,
) -> int:
    """The last of the blocks of *span* (first, last) of which the collector has kept all, or which are overdue.

    Counts of requests and of outputs both wait by it.
    """
    # A request whose answer is not there yet would count as bad, and a request of an instance that writes late would
    # not count at all: the arms would differ by what their collectors do.
    first, last = span
    if last < first:
        return last
    arms = watched.arms
    serving = [
        name for name, share in ((arms.canary, arms.weight), (arms.champion, 100 - arms.weight)) if name and share
    ]
    through = clients.output_figures.collected_through(watched.served, serving, collections, span, block_s)
    overdue = _due(watched, now, _LAGS * lag_s, block_s)
    return max(through, min(overdue, last))


def _due(watched: WatchedStep, now: datetime, lag_s: int, block_s: int) -> int:
    """The last block whose requests have all ended *lag_s* ago or earlier."""
    # A request belongs to the block in which it began, and is logged when it ends: a block whose last request may still
    # be under way would be frozen without it.
    age = timedelta(seconds=watched.policy.look.longest_s + lag_s)
    return int((now - age).timestamp()) // block_s - 1


def _span(watched: WatchedStep, judged: int | None, now: datetime, lag_s: int, block_s: int) -> tuple[int, int]:
    """The first and the last block that are new and final; none where the last is before the first.

    The first block that had the step's traffic from its beginning to its end is the first to be counted.
    """
    # Rounded up: the block in which the traffic changed has requests of two weights, and a table over both would
    # compare unlike things (Simpson).
    first = ceil(watched.since.timestamp() / block_s) if judged is None else judged + 1
    return first, _due(watched, now, lag_s, block_s)


def _requests(clients: Clients, watched: WatchedStep, first: int, last: int) -> FrozenCounts:
    policy, arms = watched.policy, watched.arms
    slow = policy.compare.slow
    if policy.look.unit is RoutedUnit.CONNECTION and arms.is_compared:
        rows = clients.traffic_log.clients(watched.served, first, last, slow.over_ms if slow else None)
        return frozen_clients(rows, arms, _counted_clients(clients, watched), slow is not None)
    minutes = list(_counted_blocks(clients, watched, first, last))
    counts = frozen_counts(minutes, arms)
    if watched.soaks and watched.is_compared:
        week = WEEK_S // policy.look.block_s
        # The soak has no other arm: the minutes of the week before stand for it, which have the same hour and weekday.
        before = _counted_blocks(clients, watched, first - week, last - week)
        apart = counts_weeks_apart(minutes, before, arms.canary, week)
        counts = replace(counts, minutes=counts.minutes | apart)
    return counts


def _counted_blocks(clients: Clients, watched: WatchedStep, first: int, last: int) -> Iterator[DeploymentMinute]:
    look, slow = watched.policy.look, watched.policy.compare.slow
    figures = clients.traffic_figures(look.counts)
    return figures.minutes(watched.served, first, last, slow.over_ms if slow else None, look.block_s)


def _counted_clients(clients: Clients, watched: WatchedStep) -> frozenset[str]:
    """The clients that earlier looks of the rollout have counted: each counts once, in its first minute."""
    statements = clients.statements
    steps = [part for record in watched.steps_before(statements) for part in (record.counts, record.last)]
    looks = [look.counts for look in watched.looks_before(statements)]
    return frozenset(client for counts in (*steps, *looks) for client in counts.clients)


def _with_outputs(
    clients: Clients, watched: WatchedStep, outputs: ComparedOutputs, counts: FrozenCounts, span: tuple[int, int]
) -> FrozenCounts:
    arms = watched.arms
    minutes = _outputs(clients, watched, outputs, *span)
    if watched.soaks:
        week = WEEK_S // _MINUTE_S
        before = _outputs(clients, watched, outputs, span[0] - week, span[1] - week)
        return replace(
            counts, minutes=counts.minutes | outputs_weeks_apart(minutes, before, arms.canary, week, outputs)
        )
    return replace(counts, minutes=counts.minutes | frozen_outputs(minutes, arms, outputs))


def _outputs(
    clients: Clients, watched: WatchedStep, outputs: ComparedOutputs, first: int, last: int
) -> Iterator[OutputMinute]:
    # The rows of one request depend on each other, and all are on one arm: only the first of each line is a unit.
    bins = OutputBins(
        edges=outputs.edges,
        classes=outputs.classes,
        field=outputs.field,
        collection=outputs.collection,
        first_only=True,
    )
    return clients.output_figures.outputs(watched.served, first, last, bins)
