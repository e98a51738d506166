"""Rehearse the rollback before the traffic is switched for good: to the new version, back, and ask the one before.

What it finds is evidence for a later gate. A version before that does not answer as it did stops nothing here.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from activities.promotion.evidence import answer_problem
from activities.promotion.movers.deployments import deployment_of
from activities.promotion.movers.model import workspace_of
from activities.traffic_changes import record_change
from shared import contracts as c
from shared.application.promotion.planning import model_of_deployment
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.promotion.plans import Move
from shared.domain.rollout.rehearsals import Rehearsal
from shared.domain.rollout.serving import ChangeKind
from shared.domain.trust.statements import PredicateKind
from shared.ports import EndpointKind, EndpointSeen
from shared.records import paths
from shared.records.production.rehearsals import rehearsals_of, sign_rehearsal
from shared.records.production.serving import change_at


class RehearseRollback:
    """Implements `activities.promotion.movers.Mover`: the traffic is the same before and after."""

    def before(self, clients: Clients, order: c.MoveOrder) -> dict[str, Any]:
        return {"traffic": _online(clients, order).shares}

    def advance(self, clients: Clients, order: c.MoveOrder) -> str:
        """Each way is a signed change of traffic, so that a repeated call goes on where an earlier one stopped."""
        before = _signed(clients, order, f"{order.move.value}.before")
        if before is None:
            raise Refused(f"what served {order.stage} before its rehearsal is not signed")
        traffic = before["before"]["traffic"]
        forth, back = f"{order.key}/forth", f"{order.key}/back"
        waiting = _switch(clients, order, forth, {deployment_of(order): 100}, traffic)
        waiting = waiting or _switch(clients, order, back, traffic, traffic)
        if not waiting:
            _conclude(clients, order, forth, traffic)
        return waiting

    def undo(self, clients: Clients, order: c.MoveOrder, before: Mapping[str, Any]) -> str:
        """Only where all requests go to the new deployment: other traffic is not of a rehearsal."""
        online = _online(clients, order)
        if not online.settled:
            return f"the traffic of {online.name} to settle"
        if online.shares != {deployment_of(order): 100} or before["traffic"] == online.shares:
            return ""
        is_back = clients.endpoints.route(workspace_of(order), online.name, before["traffic"])
        return "" if is_back else f"the traffic of {online.name}"

    def missing(self, clients: Clients, order: c.MoveOrder) -> str:
        rehearsals = rehearsals_of(clients.statements, order.plan.model.name)
        is_known = any(rehearsal.cause == order.promotion.id for rehearsal in rehearsals)
        return "" if is_known else f"the rehearsal of {order.plan.model} has no signed record"


def _switch(
    clients: Clients, order: c.MoveOrder, key: str, target: Mapping[str, int], before: Mapping[str, int]
) -> str:
    """Give the endpoint the traffic *target*, and record it under *key*; what is still waited for."""
    place, online = workspace_of(order), _online(clients, order)
    if change_at(clients.statements, place.name, online.name, key) is not None:
        return ""
    ours = ({deployment_of(order): 100}, dict(before))
    if online.shares not in ours:
        raise Refused(f"the traffic of {online.name} is {online.shares} in its rehearsal: somebody else changed it")
    in_force = online.settled and (online.shares == target or clients.endpoints.route(place, online.name, dict(target)))
    if not in_force:
        return f"the traffic of {online.name} to be {dict(target) or 'none'}"
    record_change(clients, order, key, ChangeKind.REHEARSAL)
    return ""


def _conclude(clients: Clients, order: c.MoveOrder, forth: str, traffic: Mapping[str, int]) -> None:
    place, endpoint = workspace_of(order), order.at.stage.serving.online
    since = change_at(clients.statements, place.name, endpoint, forth)
    assert since is not None  # It was recorded before the way back began.
    deployment = max(sorted(traffic), key=lambda name: traffic[name], default="")
    restored_to = model_of_deployment(clients.endpoints, place, endpoint, deployment) if deployment else ""
    restored_to = restored_to.rpartition("/")[2]
    problem = answer_problem(clients, place, endpoint, deployment, restored_to) if deployment else ""
    now = clients.clock.now()
    rehearsal = Rehearsal(
        cause=order.promotion.id,
        environment=place.name,
        endpoint=endpoint,
        left=str(order.plan.model),
        digest=order.plan.digest,
        restored_to=restored_to,
        restored=not problem,
        because=problem or (f"{restored_to} answered as before" if deployment else "nothing served before"),
        seconds=(now - since.at).total_seconds(),
        at=now,
        deployed_s=_deployed_s(clients, order),
    )
    sign_rehearsal(clients.statements, rehearsal)


def _deployed_s(clients: Clients, order: c.MoveOrder) -> float | None:
    """How long this promotion's deployment took, from its own signed moves."""
    move = Move.DEPLOY_ONLINE.value
    begun, ended = _signed(clients, order, f"{move}.before"), _signed(clients, order, move)
    if begun is None or ended is None:
        return None
    return (datetime.fromisoformat(ended["at"]) - datetime.fromisoformat(begun["at"])).total_seconds()


def _signed(clients: Clients, order: c.MoveOrder, name: str) -> dict[str, Any] | None:
    """What a statement on a move of this stage says."""
    key = identity.promotion_key(order.promotion.id, f"{order.stage}/{name}")
    predicate = clients.statements.read(paths.statement_of(f"{key}.json"), PredicateKind.MOVE)
    return None if predicate is None else dict(predicate)


def _online(clients: Clients, order: c.MoveOrder) -> EndpointSeen:
    place, endpoint = workspace_of(order), order.at.stage.serving.online
    online = clients.endpoints.find(place, EndpointKind.ONLINE, endpoint)
    if online is None:
        raise Refused(f"endpoint {endpoint} is not in {place.name}; it was removed during the promotion")
    return online
