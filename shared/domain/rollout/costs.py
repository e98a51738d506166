"""What a release costs beyond the fleet that serves anyway: two fleets stand until the version before is retired.

Prices are configured: nothing here asks a price list. How many instances there are is asked in
`shared.application.rollout.costs`.
"""

from dataclasses import dataclass

from shared.domain.rollout.policy import RolloutPolicy

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
        fleet = f"{self.instances} more instance{'s' if self.instances != 1 else ''} of {self.sku}"
        hours = f"{self.least_hours:.4g} to {self.most_hours:.4g} hours"
        return f"{fleet} for {hours}: {self.least:.2f} to {self.most:.2f} at {self.per_hour:g} an instance-hour"


def second_fleet(policy: RolloutPolicy, sku: str, instances: int, has_champion: bool) -> FleetCost | None:
    """The cost of the second fleet of a release by *policy*; None where no price of *sku* is configured.

    A first version stands alone: there is no second fleet.
    """
    per_hour = next((price.per_hour for price in policy.prices if price.sku == sku), None)
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
