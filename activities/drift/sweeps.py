"""Find the drift checks that no run brought: runs whose check was never made, and windows that are due by the clock."""

import asyncio
from datetime import timedelta

from activities.drift.windows import start_check
from activities.sweep_parts import Parts
from shared import contracts as c
from shared.clients import Clients
from shared.domain import identity
from shared.durable.starting import Client, Start, find_instance, start_once
from shared.records import paths
from shared.records.drift import read_window

_GRACE = timedelta(seconds=60)


async def sweep_drift(client: Client, clients: Clients, sweep: c.Sweep) -> c.Swept:
    del sweep  # Its key only makes the sweep an effect of its own.
    if not clients.configuration.drift:
        return c.Swept()
    parts, starts = Parts("drift"), 0
    for inference in await asyncio.to_thread(_unchecked, clients, parts):
        with parts.part(f"drift of run {inference.run}"):
            instance = await find_instance(client, identity.drift_check_id(inference.run))
            if instance is None or not instance.running:
                await start_check(client, inference, again=True)
                starts += 1
    for check, name in await asyncio.to_thread(_due, clients, parts):
        with parts.part(f"drift of {check.model}:{check.version}"):
            starts += await start_once(client, c.CHECK_DRIFT, name, check, again=True) is Start.STARTED
    return await parts.conclude(clients, c.Swept(started=starts))


def _unchecked(clients: Clients, parts: Parts) -> list[c.Inference]:
    """Runs that closed a while ago and are not counted."""
    # Absolute, since a clock may go back: a blob from the future would otherwise stay too young for as long as the
    # clock went back.
    unchecked_runs = parts.records(
        clients.store, c.Inference, paths.DRIFT_OPEN, lambda blob: blob.age(clients.clock.now()) >= _GRACE
    )
    return [stored.record for stored in unchecked_runs]


def _due(clients: Clients, parts: Parts) -> list[tuple[c.DriftCheck, str]]:
    """Every window that waits for a look, with the look's own instance."""
    store, now, due_checks = clients.store, clients.clock.now(), list[tuple[c.DriftCheck, str]]()
    for watch in clients.configuration.drift:
        folder = paths.drift_windows(watch.model)
        for blob in store.blobs(folder):
            with parts.part(f"record {store.container}/{blob.path}"):
                version = blob.path.removeprefix(folder).removesuffix(".json")
                window = read_window(store, watch.model, version)
                if window is not None and window[0].look_due(watch, now):
                    name = identity.drift_look_id(watch.model, version, window[0].number, window[0].looks)
                    due_checks.append((c.DriftCheck(model=watch.model, version=version), name))
    return due_checks
