"""Write down how a move changed the traffic of an endpoint, as it was read back: the history of what served.

It stands alone because every move of traffic records it, and the sweep that notices another hand's change does too.
"""

from shared import contracts as c
from shared.application.promotion.planning import model_of_deployment
from shared.clients import Clients
from shared.domain.inference.routes import Workspace
from shared.domain.rollout.serving import ChangeKind, TrafficChange
from shared.ports import EndpointKind
from shared.records.production.serving import sign_change


def record_change(clients: Clients, order: c.MoveOrder, key: str, kind: ChangeKind) -> None:
    """The traffic of the order's online endpoint from now on. Safe to repeat: the first record of *key* stands."""
    environment, endpoint = order.at.stage.environment, order.at.stage.serving.online
    if environment is None or not endpoint:
        return
    because = order.because if kind is ChangeKind.UNDO else order.promotion.reason
    by = order.promotion.requested_by or "the flag on the model"
    sign_observed(clients, key, environment, endpoint, kind, cause=order.promotion.id, by=by, because=because)


def sign_observed(
    clients: Clients,
    key: str,
    environment: Workspace,
    endpoint: str,
    kind: ChangeKind,
    *,
    cause: str,
    by: str,
    because: str,
) -> None:
    """Sign the traffic of *endpoint* as it is now under *key*; nothing where there is no endpoint. Safe to repeat."""
    change = observed(clients, environment, endpoint, kind, cause=cause, by=by, because=because)
    if change is not None:
        sign_change(clients.statements, key, change)


def observed(
    clients: Clients, environment: Workspace, endpoint: str, kind: ChangeKind, *, cause: str, by: str, because: str
) -> TrafficChange | None:
    """The traffic of *endpoint* as it is now, with the model of each deployment; None where there is no endpoint."""
    online = clients.endpoints.find(environment, EndpointKind.ONLINE, endpoint)
    if online is None:
        return None
    traffic = online.shares
    return TrafficChange(
        kind=kind,
        environment=environment.name,
        endpoint=endpoint,
        at=clients.clock.now(),
        traffic=traffic,
        versions={name: _version(clients, environment, endpoint, name) for name in traffic},
        cause=cause,
        by=by,
        because=because,
    )


def _version(clients: Clients, environment: Workspace, endpoint: str, deployment: str) -> str:
    return model_of_deployment(clients.endpoints, environment, endpoint, deployment).rpartition("/")[2]
