"""Count what a run read and wrote into its model's window, once, against the reference that came with the model."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from activities.effects import once, stamp
from activities.inference.files import output_folder, read_members
from shared import contracts as c
from shared.application.drift.watches import Window, read_window, reference_of
from shared.clients import Clients
from shared.codec import encode
from shared.domain import identity
from shared.domain.drift.reference import ModelReference
from shared.domain.drift.watch import DriftWatch, DriftWindow
from shared.domain.drift.window import Counted
from shared.domain.failures import Refused, Transient
from shared.domain.inference.runs import RunOutcome
from shared.durable.starting import Client, start_once
from shared.ports import HubFile
from shared.records import paths as records

_TRIES = 20


def is_watched(clients: Clients, inference: c.Inference, outcome: RunOutcome) -> bool:
    """Whether the run's rows count: it was published, and a watch is kept on its model and route."""
    watch = clients.configuration.watch(inference.route.score.model)
    published = outcome in (RunOutcome.COMPLETED, RunOutcome.PARTIAL)
    return published and watch is not None and watch.watches(inference.route.name, inference.route.score.model)


def mark_open(clients: Clients, inference: c.Inference) -> None:
    """Before the check is started, so that a sweep finds a run whose check never was."""
    content = json.dumps(encode(inference)).encode()
    clients.hub.create(inference.hub.state, records.drift_open(inference.run), content)


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
    request = counting.inference
    score = request.route.score

    def act() -> c.Done:
        try:
            reference = reference_of(clients, score.workspace, score.model, score.version, request.route.contract)
            counted = _count(clients, request, reference)
        except Refused as refusal:
            note_problem(clients, score.model, score.version, f"run {request.run}: {refusal}")
            raise
        _add(clients, request, reference, counted)
        return c.Done(at=stamp(clients))

    try:
        done = once(clients, counting.key, c.Done, act)
    except Refused:  # A fault that passes leaves it open, for a sweep to find where trying again did not help.
        clients.hub.delete(request.hub.state, records.drift_open(request.run))
        raise
    clients.hub.delete(request.hub.state, records.drift_open(request.run))
    return done


def _count(clients: Clients, request: c.Inference, reference: ModelReference) -> Counted:
    watch = clients.configuration.watch(request.route.score.model)
    files = [
        HubFile(name=f"{member.container}/{member.path}", blob=blob)
        for member in read_members(clients, request)
        if (blob := clients.hub.find(request.hub.staging, member.pinned)) is not None
    ]
    if not files:
        raise Refused("its pinned files are gone from staging")
    output = watch.output if watch else None
    return clients.drift_files.count(request.route.contract, reference, files, _outputs(clients, request), output)


def _outputs(clients: Clients, request: c.Inference) -> list[HubFile]:
    """What the run published, as its manifest names it."""
    container, _, folder = output_folder(request).partition("/")
    manifest = json.loads(clients.hub.read(container, f"{folder}/_manifest.json") or b"{}")
    names = [f"{folder}/{file['name']}" for file in manifest.get("files", ())]
    found = [(name, clients.hub.find(container, name)) for name in names]
    return [HubFile(name=f"{container}/{name}", blob=blob) for name, blob in found if blob is not None]


def _add(clients: Clients, request: c.Inference, reference: ModelReference, counted: Counted) -> None:
    score = request.route.score
    watch = clients.configuration.watch(score.model)

    def added(window: Window | None) -> Window | None:
        now = clients.clock.now()
        known, sums = window or (DriftWindow(number=1, opened=now.isoformat(), reference=reference.digest), Counted())
        if known.has(request.run):
            return None
        other = known.reference != reference.digest  # Counts in other cells cannot be added, nor compared.
        if known.closed or other or (watch is not None and known.expired(watch, now)):
            known, sums = replace(known.following(now), reference=reference.digest), Counted()
        sums = sums.merged(counted)
        return replace(known, runs=(*known.runs, request.run), rows=sums.rows), sums

    change_window(clients, score.model, score.version, added)


def change_window(clients: Clients, model: str, version: str, change: Callable[[Window | None], Window | None]) -> None:
    """Write what *change* makes of the window, unless that is None; tried again where another was faster."""
    state, path = clients.configuration.hub.state, records.drift_window(model, version)
    for _ in range(_TRIES):
        there = clients.hub.find(state, path)
        changed = change(read_window(clients, model, version) if there else None)
        if changed is None or _written(clients, path, there.etag if there else "", changed):
            return
    raise Transient(f"the window of {model}:{version} changed {_TRIES} times while a run was being counted")


def _written(clients: Clients, path: str, etag: str, window: Window) -> bool:
    state = clients.configuration.hub.state
    content: dict[str, Any] = {"window": encode(window[0]), "counted": window[1].to_dict()}
    data = json.dumps(content).encode()
    return clients.hub.replace(state, path, data, etag) if etag else clients.hub.create(state, path, data)


def note_problem(clients: Clients, model: str, version: str, because: str) -> None:
    """The last reason why a check could not be made; losing one costs nothing."""
    state, path = clients.configuration.hub.state, records.drift_problem(model, version)
    content, there = json.dumps({"at": stamp(clients), "because": because}).encode(), clients.hub.find(state, path)
    if there is None:
        clients.hub.create(state, path, content)
    else:
        clients.hub.replace(state, path, content, there.etag)


def watch_of(clients: Clients, model: str) -> DriftWatch:
    """Raises Refused where nobody watches *model*."""
    watch = clients.configuration.watch(model)
    if watch is None:
        raise Refused(f"model {model!r} is not watched: add models.{model}.drift to the configuration")
    return watch
