"""Look after what serves production between rollouts: alerts that nobody pushed. What is found is acted on once."""

import asyncio

from activities.sweep_parts import Parts
from shared import contracts as c
from shared.application.rollout.alerts import SWEEP, WatchedEndpoint, act_on_alert, watched_endpoints
from shared.clients import Clients
from shared.domain.rollout.serving_alerts import ServingAlert
from shared.durable.starting import Client
from shared.ports import FiringAlert, ServedEndpoint


async def sweep_alerts(client: Client, clients: Clients, sweep: c.Sweep) -> c.Swept:
    """Act on every alert in force of a configured rule, as if it had been pushed."""
    del sweep  # Its key only makes the sweep an effect of its own.
    parts, started = Parts("alerts"), 0
    for watched in watched_endpoints(clients.configuration.ladder):
        with parts.part(f"alerts of {watched.workspace.name}/{watched.name}"):
            for alert in await asyncio.to_thread(_firing, clients, watched):
                record = await act_on_alert(client, clients, watched, alert, SWEEP)
                started += bool(record.rollback)
    return await parts.conclude(clients, c.Swept(started=started))


def _firing(clients: Clients, watched: WatchedEndpoint) -> list[ServingAlert]:
    served = ServedEndpoint(workspace=watched.workspace, endpoint=watched.name)
    return [_as_pushed(alert) for alert in clients.alerts.firing(served) if watched.has_rule(alert.rule)]


def _as_pushed(alert: FiringAlert) -> ServingAlert:
    return ServingAlert(
        id=alert.id,
        rule=alert.rule,
        fired_at=alert.since,
        deployment=alert.deployment.lower(),
        window_start=alert.window_start,
        description=alert.description,
    )
