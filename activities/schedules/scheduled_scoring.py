"""Score by schedule: what waits on a route, group by group, or all that lies in a folder, as one run.

Files are claimed by a run before it starts, so that two schedules, or one that is repeated, never score a file twice.
"""

import asyncio
from itertools import count

from activities.effects import stamp
from activities.inference.members import groups
from activities.inference.windows import claim_window
from shared import contracts as c
from shared.application.inference.open_runs import start_inference
from shared.clients import Clients
from shared.domain import identity
from shared.domain.counts import counted
from shared.domain.inference.routes import Route
from shared.domain.paths.patterns import fixed_prefix, match
from shared.durable.starting import Client
from shared.records.inference import claim_files, claim_of


async def score(client: Client, clients: Clients, firing: c.ScheduleFiring) -> c.ScheduleFired:
    """Start what there is to be scored; nothing there is no failure."""
    route = clients.configuration.route(firing.schedule.of)
    if firing.schedule.input:
        runs = await _score_folder(client, clients, route, firing)
    else:
        runs = await _score_waiting(client, clients, route, firing.key)
    of_route = f"of route {route.name}"
    starts = counted(len(runs), f"run {of_route} was", f"runs {of_route} were")
    summary = f"{starts} started" if runs else "nothing was there to score"
    return c.ScheduleFired(at=stamp(clients), what=summary, started=tuple(runs))


async def _score_waiting(client: Client, clients: Clients, route: Route, key: str) -> list[str]:
    """A run for each group of files, and another one for every further thousand."""
    runs = []
    for group in await asyncio.to_thread(groups, clients, route):
        watch = c.WindowWatch(route=route, hub=clients.configuration.hub, group=group)
        for number in count():
            claim = c.WindowClaim(key=f"{key}-{number}", watch=watch)
            window_claim = await asyncio.to_thread(claim_window, clients, claim)
            if window_claim.inference is None:
                break
            await start_inference(client, clients.hub, window_claim.inference)
            runs.append(window_claim.inference.run)
    return runs


async def _score_folder(client: Client, clients: Clients, route: Route, firing: c.ScheduleFiring) -> list[str]:
    inference = await asyncio.to_thread(_claim_folder, clients, route, firing)
    if inference is None:
        return []
    await start_inference(client, clients.hub, inference)
    return [inference.run]


def _claim_folder(clients: Clients, route: Route, firing: c.ScheduleFiring) -> c.Inference | None:
    """The run over what lay in the folder when it was first looked at for this firing; None where nothing did."""
    hub, (container, _, pattern) = clients.configuration.hub, firing.schedule.input.partition("/")
    blobs = [
        blob
        for blob in clients.hub.list(container, fixed_prefix(pattern))
        if match(firing.schedule.input, f"{container}/{blob.path}") is not None and "signalbox_run" not in blob.metadata
    ]
    if not blobs:
        return None
    # By the firing and not by the files: the same folder, scored by each firing anew, must be a run each time.
    run = identity.run_id(route.name, [firing.key])
    inference = c.Inference(run=run, route=route, hub=hub, captures={}, date=firing.due.date().isoformat())
    claim_files(clients.hub, inference, blobs)
    return claim_of(clients.store, run).inference
