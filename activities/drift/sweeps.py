"""Find the drift checks that no run brought: runs whose check was never made, and windows that are due by the clock."""

import asyncio
import json
from datetime import timedelta

from activities.drift.windows import start_check
from activities.sweep_parts import Parts
from shared import contracts as c
from shared.application.drift.watches import read_window
from shared.clients import Clients
from shared.codec import decode
from shared.domain import identity
from shared.durable.starting import Client, Start, find_instance, start_once
from shared.records import paths as records

_GRACE = timedelta(seconds=60)


async def sweep_drift(client: Client, clients: Clients, sweep: c.Sweep) -> c.Swept:
    del sweep  # Its key only makes the sweep an effect of its own.
    if not clients.configuration.drift:
        return c.Swept()
    parts, started = Parts("drift"), 0
    for inference in await asyncio.to_thread(_unchecked, clients, parts):
        with parts.part(f"drift of run {inference.run}"):
            found = await find_instance(client, identity.drift_check_id(inference.run))
            if found is None or not found.running:
                await start_check(client, inference, again=True)
                started += 1
    for check, name in await asyncio.to_thread(_due, clients, parts):
        with parts.part(f"drift of {check.model}:{check.version}"):
            started += await start_once(client, c.CHECK_DRIFT, name, check, again=True) is Start.STARTED
    return await parts.conclude(clients, c.Swept(started=started))


def _unchecked(clients: Clients, parts: Parts) -> list[c.Inference]:
    """Runs that closed a while ago and are not counted."""
    state, found = clients.configuration.hub.state, list[c.Inference]()
    for blob in clients.hub.list(state, records.DRIFT_OPEN):
        with parts.part(f"record {state}/{blob.path}"):
            raw = clients.hub.read(state, blob.path) if abs(clients.clock.now() - blob.modified) >= _GRACE else None
            if raw is not None:
                found.append(decode(c.Inference, json.loads(raw)))
    return found


def _due(clients: Clients, parts: Parts) -> list[tuple[c.DriftCheck, str]]:
    """Every window that waits for a look, with the look's own instance."""
    state, now, found = clients.configuration.hub.state, clients.clock.now(), list[tuple[c.DriftCheck, str]]()
    for watch in clients.configuration.drift:
        folder = records.drift_windows(watch.model)
        for blob in clients.hub.list(state, folder):
            with parts.part(f"record {state}/{blob.path}"):
                version = blob.path.removeprefix(folder).removesuffix(".json")
                window = read_window(clients, watch.model, version)
                if window is not None and window[0].look_due(watch, now):
                    name = identity.drift_look_id(watch.model, version, window[0].number, window[0].looks)
                    found.append((c.DriftCheck(model=watch.model, version=version), name))
    return found
