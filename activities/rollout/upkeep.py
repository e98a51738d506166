"""Look after production between rollouts: retire what was kept warm long enough, and tell of traffic set by hand."""

import asyncio
import json

from activities.effects import Alarm, raise_alarm
from activities.rollout.rehearsals import end_rehearsal
from activities.sweep_parts import Parts
from activities.traffic_changes import observed
from shared import contracts as c
from shared.application.rollout.known_good import ServingRecords
from shared.application.rollout.upkeep import (
    EndpointState,
    ProductionEndpoint,
    due_retirements,
    endpoint_state,
    foreign_traffic,
    is_busy,
    is_shifting,
    production_endpoints,
    served_models,
)
from shared.clients import Clients
from shared.domain import identity
from shared.domain.rollout.serving import ChangeKind
from shared.durable.starting import Client, find_instance
from shared.ports import EndpointKind
from shared.records.production import paths
from shared.records.production.serving import sign_change
from shared.records.production.upkeep import (
    Retirement,
    end_turn,
    retirements_under_way,
    rollback_under_way,
    sign_retirement,
)


async def sweep_production(client: Client, clients: Clients, sweep: c.Sweep) -> c.Swept:
    """Record traffic that was changed by hand, and retire the deployments that are due."""
    del sweep  # Its key only makes the sweep an effect of its own.
    parts = Parts("production")
    for endpoint in production_endpoints(clients.configuration.ladder):
        with parts.part(f"the rollback of {endpoint.place}"):
            await _forget_ended_rollback(client, clients, endpoint)
        state: EndpointState | None = None
        with parts.part(f"the traffic of {endpoint.place}"):
            state = await asyncio.to_thread(_tell_foreign_traffic, clients, endpoint)
        with parts.part(f"deployments of {endpoint.place}"):
            await asyncio.to_thread(_retire_due, clients, endpoint, state)
    with parts.part("rehearsals"):
        await _end_rehearsals(client, clients)
    return await parts.conclude(clients, c.Swept())


async def _end_rehearsals(client: Client, clients: Clients) -> None:
    """A rehearsal that was ended from outside is put back here; what takes longer, by the next sweep."""
    stored = await asyncio.to_thread(lambda: list(clients.store.list(c.RehearsalRequest, paths.REHEARSALS_OPEN)))
    for request in (entry.record for entry in stored):
        instance = await find_instance(client, request.id)
        if instance is None or not instance.running:
            await end_rehearsal(client, clients, request)


async def _forget_ended_rollback(client: Client, clients: Clients, endpoint: ProductionEndpoint) -> None:
    """A rollback that was ended from outside closes nothing itself."""
    place = endpoint.workspace.name, endpoint.name
    rollback = await asyncio.to_thread(rollback_under_way, clients.store, *place)
    instance = await find_instance(client, rollback) if rollback else None
    if rollback and (instance is None or not instance.running):
        await asyncio.to_thread(end_turn, clients.store, *place, rollback)


def _tell_foreign_traffic(clients: Clients, endpoint: ProductionEndpoint) -> EndpointState | None:
    """Traffic that differs from the records is announced once, and is an interval of the history from now on.

    Returns the state where it is as it was recorded; None where it is not, or a rollout or a rollback changes it.
    """
    if _is_shifting(clients, endpoint):
        return None
    state = endpoint_state(_records(clients), endpoint)
    difference = foreign_traffic(state)
    if difference is None:
        return state
    _record_foreign_traffic(clients, endpoint, *difference, served_models(state.served))
    return None


def _record_foreign_traffic(
    clients: Clients,
    endpoint: ProductionEndpoint,
    recorded: dict[str, int],
    shares: dict[str, int],
    models_before: frozenset[str],
) -> None:
    change = observed(
        clients,
        endpoint.workspace,
        endpoint.name,
        ChangeKind.FOREIGN,
        cause="",
        by="unknown",
        because=f"changed by hand: it was {recorded}, and was found to be {shares}",
    )
    if change is None or _is_shifting(clients, endpoint):  # A rollout may have begun meanwhile: it is theirs.
        return
    # With the number of changes so far: the same hand may make the same change again after it was put right, and that
    # is another event.
    number = sum(1 for _ in clients.statements.list(paths.traffic_changes(endpoint.workspace.name, endpoint.name)))
    difference_name = identity.digest(json.dumps([recorded, shares], sort_keys=True), str(number))
    key = f"{paths.traffic_changes(endpoint.workspace.name, endpoint.name)}foreign/{difference_name}"
    # Those that had traffic too: their owners are told also where another hand has given all of it to something else.
    models = " ".join(sorted(models_before | set(filter(None, change.versions.values()))))
    alarm = Alarm(
        key=key,
        kind="traffic changed by hand",
        subject=models or endpoint.place,
        event="Signalbox.Traffic.ChangedByHand",
        about=f"environments/{endpoint.workspace.name}/endpoints/{endpoint.name}",
        facts={"endpoint": endpoint.place, "recorded": _written(recorded), "traffic": _written(shares)},
    )
    raise_alarm(clients, alarm)
    sign_change(clients.statements, key, change)


def _retire_due(clients: Clients, endpoint: ProductionEndpoint, state: EndpointState | None = None) -> None:
    """Retire what is due by *state*, which was read a moment ago; without it the endpoint is looked at here."""
    for retirement in retirements_under_way(clients.store, endpoint.workspace.name, endpoint.name):
        _retire(clients, endpoint, retirement)
    if is_busy(clients.store, endpoint):
        return
    now, records = clients.clock.now(), _records(clients)
    for warm in due_retirements(records, endpoint, state or endpoint_state(records, endpoint), now):
        if not _is_there(clients, endpoint, warm.deployment):
            continue
        retirement = Retirement(
            environment=endpoint.workspace.name,
            endpoint=endpoint.name,
            deployment=warm.deployment,
            model=warm.model,
            idle_since=warm.idle_since,
            at=now,
        )
        path = _open_path(retirement)
        clients.store.create(path, retirement)
        # A rollback says that it is under way before it looks for this record: one of both sees the other.
        if is_busy(clients.store, endpoint):
            clients.store.delete(path)
            return
        _retire(clients, endpoint, retirement)


def _retire(clients: Clients, endpoint: ProductionEndpoint, retirement: Retirement) -> None:
    """Remove the deployment; once it is gone, say so. The next sweep goes on where this one leaves it."""
    online = clients.endpoints.find(endpoint.workspace, EndpointKind.ONLINE, endpoint.name)
    if online is not None and (retirement.deployment in online.shares or not online.settled):
        clients.store.delete(_open_path(retirement))  # Somebody has given it traffic: it is in use again.
        return
    if _is_there(clients, endpoint, retirement.deployment):
        clients.endpoints.undeploy(endpoint.workspace, EndpointKind.ONLINE, endpoint.name, retirement.deployment)
    if _is_there(clients, endpoint, retirement.deployment):
        return
    facts = {"endpoint": endpoint.place, "deployment": retirement.deployment}
    facts |= {"idle_since": retirement.idle_since.isoformat()}
    alarm = Alarm(
        key=retirement.key,
        kind="deployment retired",
        subject=retirement.model,
        event="Signalbox.Deployment.Retired",
        about=f"environments/{endpoint.workspace.name}/endpoints/{endpoint.name}",
        facts=facts,
    )
    raise_alarm(clients, alarm)
    sign_retirement(clients.statements, retirement)
    clients.store.delete(_open_path(retirement))


def _is_shifting(clients: Clients, endpoint: ProductionEndpoint) -> bool:
    return is_shifting(_records(clients), clients.ledger, clients.store, endpoint)


def _records(clients: Clients) -> ServingRecords:
    return ServingRecords(clients.statements, clients.audit, clients.endpoints, clients.bundles)


def _is_there(clients: Clients, endpoint: ProductionEndpoint, deployment: str) -> bool:
    seen = clients.endpoints.deployment(endpoint.workspace, EndpointKind.ONLINE, endpoint.name, deployment)
    return seen is not None


def _open_path(retirement: Retirement) -> str:
    return paths.open_retirement(retirement.environment, retirement.endpoint, retirement.deployment)


def _written(traffic: dict[str, int]) -> str:
    return ", ".join(f"{name} {share} %" for name, share in sorted(traffic.items())) or "none"
