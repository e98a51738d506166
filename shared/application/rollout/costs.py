"""What the release of a plan costs by configured prices, and what it has cost by the records of its own moves.

The plan and the promotion show it, and the gate `budget` judges it. Azure's bill decides.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from shared.application.promotion.stored_plans import unverified_opening
from shared.application.rollout.clients import ServingClients
from shared.domain import identity
from shared.domain.gates.evidence import ReleaseCost
from shared.domain.promotion.plans import Move, Plan, StagePlan
from shared.domain.rollout.estimates.costs import (
    INSTANCES,
    INSTANCES_BEFORE,
    FleetCost,
    FleetUse,
    price_of,
    second_fleet,
    spent,
)
from shared.domain.rollout.policy import RolloutPolicy
from shared.domain.trust.statements import PredicateKind
from shared.ports import EndpointKind, Endpoints
from shared.records import paths
from shared.records.production import paths as production_paths
from shared.records.production.rollouts import RolloutStanding
from shared.records.production.upkeep import retired_at
from shared.records.statements import Statements


def fleet_cost(endpoints: Endpoints, at: StagePlan) -> FleetCost | None:
    """The second fleet of the stage, as large as the one that serves; None where no price of it is configured."""
    stage, champion = at.stage, at.champion.deployment
    if stage.rollout is None or stage.environment is None:
        return None
    serving = stage.serving
    current = champion and endpoints.deployment(stage.environment, EndpointKind.ONLINE, serving.online, champion)
    instances = max(serving.instances, current.instances if current else 0)
    return second_fleet(stage.rollout, serving.instance_type, instances, bool(champion))


def release_cost(clients: ServingClients, at: StagePlan, days: int | None) -> ReleaseCost | None:
    """What the gate `budget` judges: with *days* also what earlier releases have cost. None without a price."""
    cost = fleet_cost(clients.endpoints, at)
    if cost is None:
        return None
    now = clients.clock.now()
    earlier = spent(_earlier_uses(clients, at, now), now - timedelta(days=days)) if days else 0.0
    return ReleaseCost(least=cost.least, most=cost.most, fleet=str(cost), spent=earlier, days=days or 0)


def fleet_use(statements: Statements, promotion: str, plan: Plan, at: StagePlan, now: datetime) -> FleetUse | None:
    """The time in which both fleets of a release have stood; None where nothing was deployed for it.

    It begins with the deployment, which Azure bills from then on, and ends with the first of both to go: the new one
    by an undo, or either of them once it was kept warm long enough.
    """
    stage, key = at.stage, identity.promotion_key(promotion, f"{at.stage.name}/{Move.DEPLOY_ONLINE.value}")
    begun = _move(statements, f"{key}.before")
    if begun is None or stage.rollout is None or INSTANCES not in begun["before"]:
        return None
    since, undone = datetime.fromisoformat(begun["at"]), _move(statements, f"{key}.undone")
    ends = [datetime.fromisoformat(undone["at"])] if undone else []
    for name in (identity.deployment_name(plan.model.version, plan.digest), at.champion.deployment):
        ends += retired_at(statements, stage.workspace.name, stage.serving.online, name) if name else []
    return FleetUse(
        sku=stage.serving.instance_type,
        instances=begun["before"][INSTANCES],
        instances_before=begun["before"][INSTANCES_BEFORE],
        since=since,
        # An end before *since* is of an earlier deployment of the same name: versions come back under the name that
        # they had.
        until=min((end for end in ends if end >= since), default=None),
        now=now,
        per_hour=price_of(stage.rollout, stage.serving.instance_type),
    )


def costs_of_release(clients: ServingClients, promotion: str) -> tuple[str, ...]:
    """What the fleets of a promotion were estimated to cost, and what they have cost; nothing where none shifts."""
    sentences = list[str]()
    for policy, use in _uses_of(clients, promotion, clients.clock.now()):
        estimate = second_fleet(policy, use.sku, use.instances, bool(use.instances_before))
        sentences += [f"estimate: {estimate}"] if estimate else []
        sentences.append(f"actual: {use}")
    return tuple(sentences)


def _uses_of(clients: ServingClients, promotion: str, now: datetime) -> Iterator[tuple[RolloutPolicy, FleetUse]]:
    """Of each stage of the promotion that shifts traffic."""
    opening = unverified_opening(clients.ledger, promotion)
    plan = opening.plan if opening else None
    for at in plan.stages if plan else ():
        use = fleet_use(clients.statements, promotion, plan, at, now) if plan and at.stage.rollout else None
        if use is not None and at.stage.rollout is not None:
            yield at.stage.rollout, use


def _move(statements: Statements, key: str) -> dict[str, Any] | None:
    return statements.read(paths.statement_of(f"{key}.json"), PredicateKind.MOVE)


def _earlier_uses(clients: ServingClients, at: StagePlan, now: datetime) -> Iterator[FleetUse]:
    """Those of every release to the same endpoint that has shifted traffic."""
    place = at.stage.workspace.name, at.stage.serving.online
    for stored in clients.store.list(RolloutStanding, production_paths.ROLLOUTS):
        if (stored.record.environment, stored.record.endpoint) == place:
            yield from (use for _, use in _uses_of(clients, stored.record.promotion, now))


def costs_of_plan(endpoints: Endpoints, plan: Plan) -> Iterator[str]:
    """A sentence for each stage that shifts traffic."""
    for at in plan.stages:
        if at.stage.rollout is not None:
            cost = fleet_cost(endpoints, at)
            unknown = f"no price of {at.stage.serving.instance_type} is configured (rollout.prices)"
            yield f"{at.stage.name}: {unknown if cost is None else cost}"
