"""Count what a run read and wrote into its model's window, once, against the reference that came with the model."""

import asyncio
from dataclasses import replace

from activities.effects import once, stamp
from activities.inference.files import output_folder
from shared import contracts as c
from shared.application.drift.watches import reference_of
from shared.clients import Clients
from shared.domain import identity
from shared.domain.drift.reference import ModelReference
from shared.domain.drift.watch import DriftWatch, DriftWindow
from shared.domain.drift.window import Counted
from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.domain.inference.runs import RunOutcome
from shared.domain.promotion.models import ModelVersion
from shared.durable.starting import Client, start_once
from shared.ports import HubFile
from shared.records import paths
from shared.records.drift import FailedCheck, Window, change_window, note_problem
from shared.records.inference import Manifest, arrival_places, members_of, store_of
from shared.records.store import RecordStore


def is_watched(clients: Clients, inference: c.Inference, outcome: RunOutcome) -> bool:
    """Whether the run's rows count: it was published, and a watch is kept on its model and route.

    Rows of a team's own hub never do: drift starts a training, which may ship.
    """
    watch = clients.configuration.watch(inference.route.score.model)
    is_published = outcome in (RunOutcome.COMPLETED, RunOutcome.PARTIAL)
    if not is_published or watch is None or not watch.watches(inference.route.name, inference.route.score.model):
        return False
    return _is_central(clients, inference)


def _is_central(clients: Clients, inference: c.Inference) -> bool:
    """Whether every file of the run is known to come from the Data Hub, whatever its route takes."""
    places, configuration = arrival_places(store_of(clients.hub, inference), inference), clients.configuration
    return bool(places) and not any(place.account or configuration.hub_of(place.container) for place in places)


def mark_open(clients: Clients, inference: c.Inference) -> None:
    """Before the check is started, so that a sweep finds a run whose check never was."""
    store_of(clients.hub, inference).create(paths.drift_open(inference.run), inference)


async def start_check(client: Client, inference: c.Inference, *, again: bool = False) -> None:
    score = inference.route.score
    check = c.DriftCheck(model=score.model, version=score.version, inference=inference)
    await start_once(client, c.CHECK_DRIFT, identity.drift_check_id(inference.run), check, again=again)


async def watch_run(client: Client, clients: Clients, closing: c.RunClosing) -> None:
    """Start the run's drift check, detached: the run is over, whatever becomes of it."""
    if not is_watched(clients, closing.inference, closing.result.outcome):
        return
    await asyncio.to_thread(mark_open, clients, closing.inference)
    await start_check(client, closing.inference)


def count_run(clients: Clients, counting: c.RunCounting) -> c.Done:
    """Add the run's rows to the window; a run that cannot be counted leaves a record that says why."""
    request, score = counting.inference, counting.inference.route.score
    store = store_of(clients.hub, request)

    def act() -> c.Done:
        try:
            model = ModelVersion(name=score.model, version=score.version)
            reference = kept_reference(clients, score.workspace, model, request.route.contract)
            counts = _count(clients, request, reference)
        except Refused as refusal:
            problem = FailedCheck(at=stamp(clients), because=f"run {request.run}: {refusal}")
            note_problem(clients.store, score.model, score.version, problem)
            raise
        add_counts(clients, model, request.run, reference, counts)
        return c.Done(at=stamp(clients))

    try:
        done = once(clients, counting.key, c.Done, act)
    except Refused:  # A fault that passes leaves it open, for a sweep to find where trying again did not help.
        store.delete(paths.drift_open(request.run))
        raise
    store.delete(paths.drift_open(request.run))
    return done


def _count(clients: Clients, request: c.Inference, reference: ModelReference) -> Counted:
    watch = clients.configuration.watch(request.route.score.model)
    files = [
        HubFile(name=f"{member.container}/{member.path}", blob=blob)
        for member in members_of(store_of(clients.hub, request), request.run)
        if (blob := clients.hub.find(request.hub.staging, member.pinned)) is not None
    ]
    if not files:
        raise Refused("its pinned files are gone from staging")
    output = watch.output if watch else None
    return clients.drift_files.count(request.route.contract, reference, files, _outputs(clients, request), output)


def _outputs(clients: Clients, request: c.Inference) -> list[HubFile]:
    """What the run published, as its manifest names it."""
    container, _, folder = output_folder(request).partition("/")
    manifest = RecordStore(clients.hub, container).get(Manifest, f"{folder}/_manifest.json")
    names = [f"{folder}/{file['name']}" for file in (manifest.files if manifest else ())]
    blobs = [(name, clients.hub.find(container, name)) for name in names]
    return [HubFile(name=f"{container}/{name}", blob=blob) for name, blob in blobs if blob is not None]


def add_counts(clients: Clients, model: ModelVersion, name: str, reference: ModelReference, counts: Counted) -> None:
    """Add *counts* of what *name* brought, a run or a part of collected answers, to the open window of *model*.

    What the window, or the one before it, has counted under that name is not added again.
    """
    watch = clients.configuration.watch(model.name)

    def added(window: Window | None) -> Window | None:
        now = clients.clock.now()
        first = DriftWindow(number=1, opened=now.isoformat(), reference=reference.digest)
        open_window, sums = window or (first, Counted())
        if open_window.has(name):
            return None
        # Each reference cuts the values into cells of its own: counts in other cells can be neither added nor compared.
        is_other_reference = open_window.reference != reference.digest
        if open_window.closed or is_other_reference or (watch is not None and open_window.expired(watch, now)):
            open_window, sums = replace(open_window.following(now), reference=reference.digest), Counted()
        sums = sums.merged(counts)
        return replace(open_window, runs=(*open_window.runs, name), rows=sums.rows), sums

    change_window(clients.store, model.name, model.version, added)


def kept_reference(clients: Clients, workspace: Workspace, model: ModelVersion, contract: str) -> ModelReference:
    """What recent rows of *model* are compared with. Raises Refused where there is nothing."""
    return reference_of(clients.store, clients.models, clients.bundles, clients.drift_files, workspace, model, contract)


def watch_of(clients: Clients, model: str) -> DriftWatch:
    """Raises Refused where nobody watches *model*."""
    watch = clients.configuration.watch(model)
    if watch is None:
        raise Refused(f"model {model!r} is not watched: add models.{model}.drift to the configuration")
    return watch
