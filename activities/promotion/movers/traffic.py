"""Give the environment's requests to the new deployment; the one before stays, and undoing gives them back."""

from collections.abc import Mapping
from typing import Any

from activities.promotion.movers.deployments import deployment_of
from activities.promotion.movers.model import workspace_of
from shared import contracts as c
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.ports import EndpointKind


class SwitchTraffic:
    """Implements `activities.promotion.movers.Mover` for both endpoints of a stage."""

    def before(self, clients: Clients, order: c.MoveOrder) -> dict[str, Any]:
        place, serving = workspace_of(order), order.at.stage.serving
        online = clients.endpoints.find(place, EndpointKind.ONLINE, serving.online)
        batch = clients.endpoints.find(place, EndpointKind.BATCH, serving.batch) if serving.batch else None
        if online is None:
            raise Refused(f"endpoint {serving.online} is not in {place.name}; it was removed during the promotion")
        return {"traffic": dict(online.traffic), "default": batch.default if batch else ""}

    def advance(self, clients: Clients, order: c.MoveOrder) -> str:
        deployment = deployment_of(order)
        return self._route(clients, order, {deployment: 100}) or choose_default(clients, order, deployment)

    def undo(self, clients: Clients, order: c.MoveOrder, before: Mapping[str, Any]) -> str:
        """Only where the requests still go to this deployment: what somebody has changed since is theirs."""
        place, serving, deployment = workspace_of(order), order.at.stage.serving, deployment_of(order)
        online = clients.endpoints.find(place, EndpointKind.ONLINE, serving.online)
        if online is not None and not online.settled:
            return f"traffic of {serving.online} to settle"  # A switch that has begun may still come into force.
        if online is not None and online.traffic.get(deployment):
            waiting = self._route(clients, order, before["traffic"])
            if waiting:
                return waiting
        return restore_default(clients, order, before["default"])

    def _route(self, clients: Clients, order: c.MoveOrder, traffic: Mapping[str, int]) -> str:
        online = order.at.stage.serving.online
        return "" if clients.endpoints.route(workspace_of(order), online, traffic) else f"traffic of {online}"

    def missing(self, clients: Clients, order: c.MoveOrder) -> str:
        place, serving, deployment = workspace_of(order), order.at.stage.serving, deployment_of(order)
        online = clients.endpoints.find(place, EndpointKind.ONLINE, serving.online)
        batch = clients.endpoints.find(place, EndpointKind.BATCH, serving.batch) if serving.batch else None
        if online is None or online.traffic.get(deployment) != 100:
            return f"{serving.online} does not give all requests to {deployment}"
        if serving.batch and (batch is None or batch.default != deployment):
            return f"the default of {serving.batch} is not {deployment}"
        return ""


def choose_default(clients: Clients, order: c.MoveOrder, default: str) -> str:
    """Make *default* the deployment of the batch endpoint, if there is one; what is still waited for."""
    batch = order.at.stage.serving.batch
    chosen = not batch or clients.endpoints.choose(workspace_of(order), batch, default)
    return "" if chosen else f"default deployment of {batch}"


def restore_default(clients: Clients, order: c.MoveOrder, default: str) -> str:
    """Put *default* back where the batch endpoint's is the order's own deployment: another one is somebody else's."""
    name = order.at.stage.serving.batch
    batch = clients.endpoints.find(workspace_of(order), EndpointKind.BATCH, name) if name else None
    if batch is not None and not batch.settled:
        return f"default deployment of {name} to settle"
    return choose_default(clients, order, default) if batch and batch.default == deployment_of(order) else ""
