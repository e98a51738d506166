"""What the release of a plan costs, by the fleet that serves now and by configured prices.

It stands alone since the plan shows it and the gate `budget` judges it. It is an estimate: Azure's bill decides.
"""

from collections.abc import Iterator

from shared.domain.gates.evidence import ReleaseCost
from shared.domain.promotion.plans import Plan, StagePlan
from shared.domain.rollout.costs import FleetCost, second_fleet
from shared.ports import EndpointKind, Endpoints


def fleet_cost(endpoints: Endpoints, at: StagePlan) -> FleetCost | None:
    """The second fleet of the stage, as large as the one that serves; None where no price of it is configured."""
    stage, champion = at.stage, at.champion.deployment
    if stage.rollout is None or stage.environment is None:
        return None
    serving = stage.serving
    current = champion and endpoints.deployment(stage.environment, EndpointKind.ONLINE, serving.online, champion)
    instances = max(serving.instances, current.instances if current else 0)
    return second_fleet(stage.rollout, serving.instance_type, instances, bool(champion))


def release_cost(endpoints: Endpoints, at: StagePlan) -> ReleaseCost | None:
    """What the gate `budget` judges."""
    cost = fleet_cost(endpoints, at)
    return None if cost is None else ReleaseCost(least=cost.least, most=cost.most, fleet=str(cost))


def costs_of_plan(endpoints: Endpoints, plan: Plan) -> Iterator[str]:
    """A sentence for each stage that shifts traffic."""
    for at in plan.stages:
        if at.stage.rollout is not None:
            cost = fleet_cost(endpoints, at)
            unknown = f"no price of {at.stage.serving.instance_type} is configured (rollout.prices)"
            yield f"{at.stage.name}: {unknown if cost is None else cost}"
