"""What a release costs beyond the fleet that serves anyway: two fleets stand until the version before is retired.

Prices are configured: nothing here asks a price list. How many instances there are is asked in
`shared.application.rollout.costs`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.counts import counted
from shared.domain.rollout.policy import RolloutPolicy

INSTANCES, INSTANCES_BEFORE = "instances", "instances_before"  # In the record of what was there before a deployment.
_HOUR_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetCost:
    """*instances* of *sku* stand for *least_hours* where every step passes at once, and for *most_hours* where each
    takes as long as it may. A step that waits for a person takes longer.
    """

    sku: str
    instances: int
    per_hour: float
    least_hours: float
    most_hours: float

    @property
    def least(self) -> float:
        return self.instances * self.per_hour * self.least_hours

    @property
    def most(self) -> float:
        return self.instances * self.per_hour * self.most_hours

    def __str__(self) -> str:
        fleet = f"{counted(self.instances, 'more instance')} of {self.sku}"
        hours = f"{self.least_hours:.4g} to {self.most_hours:.4g} hours"
        return f"{fleet} for {hours}: {self.least:.2f} to {self.most:.2f} at {self.per_hour:g} an instance-hour"


def second_fleet(policy: RolloutPolicy, sku: str, instances: int, has_champion: bool) -> FleetCost | None:
    """The cost of the second fleet of a release by *policy*; None where no price of *sku* is configured.

    A first version stands alone: there is no second fleet.
    """
    per_hour = price_of(policy, sku)
    if per_hour is None:
        return None
    after_s = policy.soak.for_s + policy.keep_warm_s
    shifting = [step for step in policy.steps if step.weight < 100]
    least_s, most_s = (len(shifting) * each + after_s for each in (policy.each.at_least_s, policy.each.at_most_s))
    return FleetCost(
        sku=sku,
        instances=instances if has_champion else 0,
        per_hour=per_hour,
        least_hours=least_s / _HOUR_S,
        most_hours=most_s / _HOUR_S,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetUse:
    """Two fleets have stood *since* the new version was deployed, *until* one of them went, None while both stand.

    The new one has *instances*, that of the version before *instances_before*; *per_hour* is None without a price.
    """

    sku: str
    instances: int
    instances_before: int
    since: datetime
    until: datetime | None
    now: datetime
    per_hour: float | None

    @property
    def hours(self) -> float:
        return max(0.0, ((self.until or self.now) - self.since).total_seconds()) / _HOUR_S

    @property
    def second(self) -> float:
        """What the second fleet has cost, which is what the plan estimates. A first version has no second fleet."""
        return self._amount(self.instances if self.instances_before else 0)

    @property
    def both(self) -> float:
        """What both fleets have cost in this time."""
        return self._amount(self.instances + self.instances_before)

    def after(self, moment: datetime) -> "FleetUse":
        """Only what stood after *moment*."""
        return replace(self, since=min(max(self.since, moment), self.until or self.now))

    def __str__(self) -> str:
        fleets = f"{self.instances} instances beside {self.instances_before} of {self.sku} for {self.hours:.4g} hours"
        so_far = "" if self.until else " so far"
        if self.per_hour is None:
            return f"{fleets}{so_far}; no price of {self.sku} is configured (rollout.prices)"
        return f"{fleets}{so_far}: {self.second:.2f} for the second fleet, {self.both:.2f} for both"

    def _amount(self, instances: int) -> float:
        return instances * self.hours * (self.per_hour or 0.0)


def price_of(policy: RolloutPolicy, sku: str) -> float | None:
    """The configured price of an instance-hour of *sku*, None where there is none."""
    return next((price.per_hour for price in policy.prices if price.sku == sku), None)


def spent(uses: Iterable[FleetUse], since: datetime) -> float:
    """What the second fleets of *uses* have cost after *since*."""
    return sum(use.after(since).second for use in uses)
