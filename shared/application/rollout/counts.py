"""Counts of both arms, from what the ports have measured: requests, clients, outputs, and the week before.

Not here: which minutes are asked for (activities/rollout/counting.py), and what the counts say.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from shared.domain.rollout.policy import ERRORS, SLOW, ComparedOutputs, weeks_apart
from shared.domain.statistics.sequential.counts import (
    MinuteCounts,
    ShareCounts,
    UnitRequest,
    count_clients,
)
from shared.ports import ClientMinute, DeploymentMinute, OutputMinute
from shared.records.production.rollouts import FrozenCounts, LateRequests

_Minutes = dict[str, tuple[MinuteCounts, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """The deployments of a step: the *canary* has *weight* percent, and the *champion*, if there is one, the rest."""

    canary: str
    champion: str
    weight: int

    @property
    def is_compared(self) -> bool:
        return bool(self.champion) and 0 < self.weight < 100


def frozen_counts(minutes: Iterable[DeploymentMinute], arms: Arms) -> FrozenCounts:
    """The counts of both arms. What other deployments answered is nobody's: it only shows that the traffic is foreign.

    A minute that was measured for one arm only counts as without requests for the other: metrics leave zeros out. Parts
    of one minute are added up.
    """
    by_arm: dict[str, dict[int, DeploymentMinute]] = {arms.canary: {}, arms.champion: {}}
    for minute in minutes:
        if minute.deployment in by_arm:
            arm = by_arm[minute.deployment]
            arm[minute.minute] = _sum(arm.get(minute.minute), minute)
    canary, champion = by_arm[arms.canary], by_arm[arms.champion]
    measured = sorted(canary.keys() | champion.keys())
    errors = tuple(
        _counts(minute, canary.get(minute), champion.get(minute), lambda counted: counted.bad) for minute in measured
    )
    slow = tuple(
        _counts(minute, canary.get(minute), champion.get(minute), lambda counted: counted.slow or 0)
        for minute in measured
        if _has_latencies(canary.get(minute)) and _has_latencies(champion.get(minute))
    )
    return FrozenCounts(minutes={ERRORS: errors, **({SLOW: slow} if slow else {})}, shares=_shares(errors, arms))


def late_requests(counted: Iterable[MinuteCounts], again: Iterable[DeploymentMinute], arms: Arms) -> LateRequests:
    """The requests that blocks have now, when they are asked for *again*, beyond those that were *counted*."""
    earlier = {minute.minute: minute for minute in counted}
    late = LateRequests()
    for now in frozen_counts(again, arms).minutes[ERRORS]:
        then = earlier.get(now.minute)
        # A correction may also lower a count. What was counted too much is not what came late.
        canary = max(now.canary - (then.canary if then else 0), 0)
        champion = max(now.champion - (then.champion if then else 0), 0)
        late = late.plus(LateRequests(canary=canary, champion=champion))
    return late


def frozen_clients(
    minutes: Iterable[ClientMinute], arms: Arms, counted_clients: frozenset[str], counts_slow: bool
) -> FrozenCounts:
    """Clients instead of requests, once each in the whole rollout: *counted_clients* were counted by earlier looks."""
    rows = [minute for minute in minutes if minute.deployment in (arms.canary, arms.champion)]

    def counted(bad: Callable[[ClientMinute], bool]) -> tuple[tuple[MinuteCounts, ...], frozenset[str]]:
        requests = [
            UnitRequest(minute=row.minute, client=row.client, is_canary=row.deployment == arms.canary, is_bad=bad(row))
            for row in rows
        ]
        return count_clients(requests, counted_clients)

    errors, clients = counted(lambda row: row.bad > 0)
    slow = {SLOW: counted(lambda row: bool(row.slow))[0]} if counts_slow else {}
    return FrozenCounts(
        minutes={ERRORS: errors, **slow},
        shares=_shares(errors, arms),
        clients=tuple(sorted(clients - counted_clients)),
    )


def frozen_outputs(minutes: Iterable[OutputMinute], arms: Arms, outputs: ComparedOutputs) -> _Minutes:
    """The collected outputs of both arms: what falls into a bin is a bad unit of that bin's comparison."""
    by_arm: dict[str, dict[int, tuple[int, ...]]] = {arms.canary: {}, arms.champion: {}}
    for minute in minutes:
        if minute.deployment in by_arm:
            by_arm[minute.deployment][minute.minute] = (*minute.bins, minute.unread)
    canary, champion = by_arm[arms.canary], by_arm[arms.champion]
    nothing = (0,) * len(outputs.names)
    return {
        name: tuple(
            _bin_counts(minute, canary.get(minute, nothing), champion.get(minute, nothing), place)
            for minute in sorted(canary.keys() | champion.keys())
        )
        for place, name in enumerate(outputs.names)
    }


def counts_weeks_apart(
    minutes: Iterable[DeploymentMinute], before: Iterable[DeploymentMinute], canary: str, week: int
) -> _Minutes:
    """The canary's minutes beside those *before*, a *week* of minutes earlier, of whichever deployments answered then.

    A minute that was not measured in both weeks is left out: no data is not zero errors.
    """
    now = {minute.minute: minute for minute in minutes if minute.deployment == canary}
    then: dict[int, DeploymentMinute] = {}
    for minute in before:
        then[minute.minute + week] = _sum(then.get(minute.minute + week), minute)
    both = sorted(now.keys() & then.keys())
    errors = tuple(_counts(at, now[at], then[at], lambda counted: counted.bad) for at in both)
    slow = tuple(
        _counts(at, now[at], then[at], lambda counted: counted.slow or 0)
        for at in both
        if _has_latencies(now[at]) and _has_latencies(then[at])
    )
    return {weeks_apart(ERRORS): errors, **({weeks_apart(SLOW): slow} if slow else {})}


def outputs_weeks_apart(
    minutes: Iterable[OutputMinute],
    before: Iterable[OutputMinute],
    canary: str,
    week: int,
    outputs: ComparedOutputs,
) -> _Minutes:
    """As `counts_weeks_apart`, of collected outputs."""
    now = {minute.minute: (*minute.bins, minute.unread) for minute in minutes if minute.deployment == canary}
    then: dict[int, tuple[int, ...]] = {}
    for minute in before:
        earlier = then.get(minute.minute + week, (0,) * len(outputs.names))
        bins = (*minute.bins, minute.unread)
        then[minute.minute + week] = tuple(one + other for one, other in zip(earlier, bins, strict=True))
    return {
        weeks_apart(name): tuple(_bin_counts(at, now[at], then[at], place) for at in sorted(now.keys() & then.keys()))
        for place, name in enumerate(outputs.names)
    }


def units_of(counts: Mapping[str, tuple[MinuteCounts, ...]]) -> tuple[int, int]:
    """How many units of the canary *counts* have, and how many of them failed."""
    minutes = counts.get(ERRORS, ())
    return sum(minute.canary for minute in minutes), sum(minute.canary_bad for minute in minutes)


def _shares(errors: Iterable[MinuteCounts], arms: Arms) -> tuple[ShareCounts, ...]:
    return tuple(
        ShareCounts(minute=counts.minute, canary=counts.canary, champion=counts.champion, percent=arms.weight)
        for counts in errors
    )


def _sum(earlier: DeploymentMinute | None, minute: DeploymentMinute) -> DeploymentMinute:
    if earlier is None:
        return minute
    slow = None if earlier.slow is None or minute.slow is None else earlier.slow + minute.slow
    return replace(minute, requests=earlier.requests + minute.requests, bad=earlier.bad + minute.bad, slow=slow)


def _counts(
    minute: int,
    canary: DeploymentMinute | None,
    champion: DeploymentMinute | None,
    bad: Callable[[DeploymentMinute], int],
) -> MinuteCounts:
    return MinuteCounts(
        minute=minute,
        canary=canary.requests if canary else 0,
        champion=champion.requests if champion else 0,
        canary_bad=bad(canary) if canary else 0,
        champion_bad=bad(champion) if champion else 0,
    )


def _bin_counts(minute: int, canary: tuple[int, ...], champion: tuple[int, ...], place: int) -> MinuteCounts:
    return MinuteCounts(
        minute=minute,
        canary=sum(canary),
        champion=sum(champion),
        canary_bad=canary[place],
        champion_bad=champion[place],
    )


def _has_latencies(minute: DeploymentMinute | None) -> bool:
    return minute is None or minute.slow is not None
