"""Which versions are known to be good: derived from what served and how it ended, never from a tag."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.rollout.rehearsals import Rehearsal, newest_rehearsal
from shared.domain.rollout.serving import ChangeKind, ServedInterval

_BAD_ENDS = (ChangeKind.UNDO, ChangeKind.ROLLBACK)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownGoodRules:
    """A version is known good after it had *share* percent for *served_s* at a stretch.

    It must have been rehearsed within *rehearsed_within_s*, unless it is still deployed. The doctor looks whether the
    *keep* newest are whole.
    """

    served_s: int = 24 * 3600
    share: int = 100
    rehearsed_within_s: int = 30 * 86400
    keep: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FiredAlert:
    """An alert of *rule* about *deployment* (lower case), or about the whole endpoint where that is empty.

    It was in force until *resolved_at*, or still at *seen_at*; None where nobody has said so.
    """

    rule: str
    fired_at: datetime
    deployment: str = ""
    resolved_at: datetime | None = None
    seen_at: datetime | None = None

    @property
    def ended_at(self) -> datetime:
        """The first moment at which time without an alert may begin."""
        return max(self.fired_at, self.resolved_at or self.fired_at, self.seen_at or self.fired_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodCondition:
    """One condition of being known good; *because* says what was found. *firm*: no override reaches it."""

    name: str
    met: bool
    because: str
    firm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodCandidate:
    """A version that has served, the newest first, with every condition.

    *warm*: it is deployed. *rehearsed* is the newest rehearsal of a switch that it had a part in, and *recovered* the
    newest one that brought it back from the registry.
    """

    model: str
    deployment: str
    last_served: datetime
    conditions: tuple[GoodCondition, ...]
    warm: bool = False
    rehearsed: Rehearsal | None = None
    recovered: Rehearsal | None = None

    @property
    def estimate_s(self) -> float | None:
        """How long a rollback to it may take, by its last rehearsals; None where nobody has tried.

        Where only its way from the registry was tried, the switch of the traffic is not in it.
        """
        if self.warm:
            return self.rehearsed.seconds if self.rehearsed else None
        deployed, switched = self.recovered or self.rehearsed, self.rehearsed or self.recovered
        if deployed is None or switched is None or deployed.deployed_s is None:
            return None
        return deployed.deployed_s + switched.seconds

    @property
    def tried(self) -> Rehearsal | None:
        """The newest rehearsal that it had a part in, of either kind."""
        return newest_rehearsal(filter(None, (self.rehearsed, self.recovered)))

    @property
    def is_good(self) -> bool:
        return all(condition.met for condition in self.conditions)

    def unmet(self, override: bool = False) -> tuple[GoodCondition, ...]:
        """What keeps it from being gone back to; with *override* only what no override reaches."""
        return tuple(
            condition for condition in self.conditions if not condition.met and (condition.firm or not override)
        )


def versions_served(served: Iterable[ServedInterval]) -> tuple[str, ...]:
    """Every version that had all or most of the traffic once, the one that had it last first."""
    last: dict[str, datetime] = {}
    for interval in served:
        if interval.model and interval.share > 50:
            last[interval.model] = max(interval.since, last.get(interval.model, interval.since))
    return tuple(sorted(last, key=lambda model: last[model], reverse=True))


def _in_round_figures(seconds: float) -> timedelta:
    """Rounded down to hours, or to minutes below an hour: it is read on a page that is asked again and again."""
    unit = 3600 if seconds >= 3600 else 60 if seconds >= 60 else 1
    return timedelta(seconds=seconds // unit * unit)


def served_long_enough(
    served: Sequence[ServedInterval],
    model: str,
    rules: KnownGoodRules,
    now: datetime,
    alerts: Iterable[FiredAlert] = (),
) -> GoodCondition:
    """Whether *model* had the share for the time, at a stretch, after the last of *alerts* that fired on it."""
    last = max(alerts_on(served, model, rules, alerts), key=lambda alert: alert.ended_at, default=None)
    stretches = [
        interval.seconds(now) if last is None else _seconds_after(last.ended_at, interval, now)
        for interval in served
        if _counts(interval, model, rules)
    ]
    longest = max(stretches, default=0.0)
    since = f" since alert {last.rule}, which fired at {last.fired_at:%Y-%m-%d %H:%M} UTC" if last else ""
    text = f"it had at least {rules.share} % for {_in_round_figures(longest)}{since}"
    return GoodCondition(
        name="served", met=longest >= rules.served_s, because=f"{text}; asked is {timedelta(seconds=rules.served_s)}"
    )


def alerts_on(
    served: Sequence[ServedInterval], model: str, rules: KnownGoodRules, alerts: Iterable[FiredAlert]
) -> tuple[FiredAlert, ...]:
    """Those of *alerts* that fired on *model* while it served, whatever was done about them."""
    own = [interval for interval in served if interval.model == model]
    return tuple(alert for alert in alerts if any(_fired_on(alert, interval, rules) for interval in own))


def _fired_on(alert: FiredAlert, interval: ServedInterval, rules: KnownGoodRules) -> bool:
    if alert.fired_at < interval.since or (interval.until is not None and alert.fired_at >= interval.until):
        return False
    if alert.deployment:
        return alert.deployment == interval.deployment.lower()
    # An alert on the whole endpoint during a rollout may be about either version.
    return interval.share >= rules.share


def _seconds_after(moment: datetime, interval: ServedInterval, now: datetime) -> float:
    return ((interval.until or now) - max(interval.since, moment)).total_seconds()


def ended_well(served: Sequence[ServedInterval], model: str) -> GoodCondition:
    """Whether *model* was not put back when it last lost its traffic, whatever share of it that was."""
    # Where a rollout beside it was put back, the champion went on: its last interval began as that undo came.
    own = [interval for interval in served if interval.model == model]
    last = max(own, key=lambda interval: (interval.until is None, interval.since), default=None)
    if last is None or last.ended not in _BAD_ENDS:
        return GoodCondition(name="ended well", met=True, because="it was not put back")
    return GoodCondition(
        name="ended well", met=False, because=f"its last time ended at {last.until:%Y-%m-%d %H:%M} by {last.ended}"
    )


def _counts(interval: ServedInterval, model: str, rules: KnownGoodRules) -> bool:
    return interval.model == model and interval.share >= rules.share
