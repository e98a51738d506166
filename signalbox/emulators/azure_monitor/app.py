"""Assembles the Azure Monitor emulator: what lies in Resource Manager, the query API, and the control doors."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from signalbox.emulators.azure_ml.doors import refusal_middleware
from signalbox.emulators.azure_ml.estate import Estate
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.azure_monitor.access import Claims, Gatehouse, Roles
from signalbox.emulators.azure_monitor.alerts.alarms import Alarms
from signalbox.emulators.azure_monitor.alerts.doors import ActionGroups, AlertDoors
from signalbox.emulators.azure_monitor.alerts.webhooks import Webhooks
from signalbox.emulators.azure_monitor.diagnostics import DiagnosticDoors
from signalbox.emulators.azure_monitor.faults import Publication, PublicationDoor
from signalbox.emulators.azure_monitor.logs.doors import LogDoors
from signalbox.emulators.azure_monitor.measures import Measures, RequestSource
from signalbox.emulators.azure_monitor.metrics import MetricDoors

_STEP_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureMonitorOptions:
    """*requests*: what the online endpoints have answered. *claims* gives a living token's claims for one of several
    audiences; *roles* are assignments. *addresses*: where the emulator answers. *log_workspaces*: ARM ids by GUID.
    *clock* gives epoch seconds, the same as the endpoints' clock; waits between tries are shortened by *time_scale*."""

    state: Path
    estate: Estate
    requests: RequestSource
    claims: Claims
    roles: Roles
    addresses: tuple[str, ...] = ()
    log_workspaces: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    time_scale: float = 1.0


class AzureMonitor:
    """`add_to` adds what lies in Resource Manager to its application; `app` is the query API with the control doors."""

    def __init__(self, options: AzureMonitorOptions) -> None:
        door, clock = PublicationDoor(Publication()), options.clock
        gatehouse = Gatehouse(options.claims, options.roles, options.addresses)
        resources = Resources(options.state / "emulators" / "azure_monitor.db")
        measures = Measures(options.requests, door, clock)
        self._webhooks = Webhooks(clock, options.time_scale)
        groups = ActionGroups(resources, self._webhooks)
        self._alarms = Alarms(resources, measures, groups.notify)
        self._alert_doors = AlertDoors(gatehouse, self._alarms, groups, self._webhooks)
        self._diagnostic_doors = DiagnosticDoors(gatehouse, resources)
        self._metric_doors = MetricDoors(gatehouse, options.estate, measures, door)
        self._own_doors = (door, gatehouse, LogDoors(gatehouse, options.log_workspaces, options.requests, door, clock))

    def add_to(self, app: web.Application) -> None:
        self._metric_doors.add_to(app)
        self._diagnostic_doors.add_to(app)
        self._alert_doors.add_to(app)

    def app(self) -> web.Application:
        app = web.Application(middlewares=[refusal_middleware])
        for door in self._own_doors:
            door.add_to(app)
        self._alert_doors.add_controls_to(app)
        return app

    async def step(self) -> None:
        """Evaluate the rules and send the notifications that are due by the clock."""
        self._alarms.evaluate()
        await self._webhooks.deliver()

    async def run(self) -> None:
        """Step until cancelled."""
        while True:
            await self.step()
            await asyncio.sleep(_STEP_S)
