"""Give a share of an endpoint's requests to the new version, step by step; undoing gives all of them back at once."""

from collections.abc import Mapping
from typing import Any

from activities.promotion.movers.deployments import deployment_of
from activities.promotion.movers.mirror import online_endpoint, planned_mirror, refuse_foreign_mirror
from activities.promotion.movers.model import workspace_of
from activities.promotion.movers.traffic import choose_default, restore_default
from shared import contracts as c
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.domain.rollout.traffic import is_ours, shares
from shared.ports import EndpointKind, EndpointSeen


class ShiftTraffic:
    """Implements `activities.promotion.movers.Mover` for a stage with a rollout; the batch default follows at 100 %.

    There is no precondition in a PUT of Azure ML. So traffic is only changed where it is what this rollout has set.
    """

    def before(self, clients: Clients, order: c.MoveOrder) -> dict[str, Any]:
        online = online_endpoint(clients, order)
        champion = order.at.champion.deployment
        traffic = online.shares
        if traffic != ({champion: 100} if champion else {}):
            planned = f"all of it for {champion}" if champion else "none"
            raise Refused(f"the traffic of {online.name} is {traffic or 'none'}, planned was {planned}; plan again")
        batch = _batch(clients, order)
        return {"traffic": traffic, "default": batch.default if batch else ""}

    def advance(self, clients: Clients, order: c.MoveOrder) -> str:
        weight, deployment = order.at.weights[order.step], deployment_of(order)
        target = shares(deployment, weight, order.at.champion.deployment)
        refuse_foreign_mirror(online_endpoint(clients, order), order)
        waiting = self._shift(clients, order, target)
        return waiting or (choose_default(clients, order, deployment) if weight == 100 else "")

    def undo(self, clients: Clients, order: c.MoveOrder, before: Mapping[str, Any]) -> str:
        """To the traffic before the rollout, and not to that of the step before.

        Raises Refused where the traffic is somebody else's by now; the default of the batch endpoint is put back first.
        """
        try:
            waiting = self._shift(clients, order, before["traffic"])
        except Refused:
            waiting = restore_default(clients, order, before["default"])
            if not waiting:
                raise
            return waiting
        return waiting or restore_default(clients, order, before["default"])

    def missing(self, clients: Clients, order: c.MoveOrder) -> str:
        online, batch, deployment = online_endpoint(clients, order), _batch(clients, order), deployment_of(order)
        if online.traffic.get(deployment) != 100:
            return f"{online.name} does not give all requests to {deployment}"
        if order.at.stage.serving.batch and (batch is None or batch.default != deployment):
            return f"the default of {order.at.stage.serving.batch} is not {deployment}"
        return ""

    def _shift(self, clients: Clients, order: c.MoveOrder, target: Mapping[str, int]) -> str:
        """Ask for *target* unless it is there; what is still waited for. Refused where the traffic is another's."""
        online = online_endpoint(clients, order)
        traffic = online.shares
        champion, weights = order.at.champion.deployment, order.at.weights
        if not is_ours(traffic, deployment_of(order), champion, weights):
            raise Refused(
                f"the traffic of {online.name} is {traffic}, which this rollout has not set: somebody else changed it"
            )
        # A deployment never has live and mirrored requests: the copies end in the request that gives the first share.
        copies = online.mirror and online.mirror == planned_mirror(order)
        in_force = online.settled and (
            (traffic == target and not copies)
            or clients.endpoints.route(workspace_of(order), online.name, target, {} if copies else None)
        )
        return "" if in_force else f"the traffic of {online.name} to be {dict(target) or 'none'}"


def _batch(clients: Clients, order: c.MoveOrder) -> EndpointSeen | None:
    batch = order.at.stage.serving.batch
    return clients.endpoints.find(workspace_of(order), EndpointKind.BATCH, batch) if batch else None
