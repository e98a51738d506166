"""From a decision to a start: every event delivered ends as a run, a joined window, or a record that says why not."""

import asyncio
import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

from shared import contracts as c
from shared.application.inference.open_runs import start_inference
from shared.application.inference.result_requests import answer_late, note_askers
from shared.application.promotion.flag_starts import start_flagged
from shared.application.promotion.flags import sources, wanted, workspace_suffix
from shared.application.retraining.causes import record_cause
from shared.application.retraining.consideration import consider
from shared.clients import Clients
from shared.domain import identity
from shared.domain.drift.outside import cause_of
from shared.domain.events import AlertChanged, BlobArrived, Event, Irrelevant, ModelRegistered, MonitorBreached
from shared.domain.failures import Refused
from shared.durable.starting import Client, Start, start_once
from shared.records import paths as records
from shared.records.line_logs import append_line
from shared.routing import FOLDER_MARKER, Decision, Ignore, OpenWindow, StartRun, WatchTrainingData, route

_LONGEST_ID, _LONGEST_SUBJECT = 256, 1200  # Of what an event says: a subject has a container and a blob's name.


async def take_in(client: Client, clients: Clients, event: Event) -> tuple[str, ...]:
    """Act on one event; says what was done, a sentence for each decision. Raises Transient: deliver again."""
    if isinstance(event, Irrelevant):
        await _record_ignored(clients, event.event_id, event.subject, event.reason)
        return (event.reason,)
    if isinstance(event, ModelRegistered):
        return (await _take_model(client, clients, event),)
    if isinstance(event, MonitorBreached | AlertChanged):
        return (await _take_cause(client, clients, event),)
    arrived, decisions = await asyncio.to_thread(routed, clients, event)
    return tuple([await _act(client, clients, arrived, decision) for decision in decisions])


async def _take_model(client: Client, clients: Clients, event: ModelRegistered) -> str:
    """A registration starts something only where the version carries a flag: its tags decide, not the event's."""
    try:
        asked = await asyncio.to_thread(_flagged, clients, event)
    except Refused as refusal:
        await _record_ignored(clients, event.event_id, str(event.model), str(refusal))
        return str(refusal)
    if asked is None:
        reason = f"{event.model} carries no flag"
        await _record_ignored(clients, event.event_id, str(event.model), reason)
        return reason
    how = await start_flagged(client, clients.store, asked)
    return f"promotion {asked.id} {'started' if how is Start.STARTED else f'is {how.value}'}"


async def _take_cause(client: Client, clients: Clients, event: MonitorBreached | AlertChanged) -> str:
    """What another monitor found becomes a cause of retraining, or a record that says why not."""
    configured = clients.configuration
    workspaces = [workspace_suffix(each) for each in configured.workspaces]
    decided = cause_of(event, configured.drift, workspaces, clients.clock.now())
    if isinstance(decided, str):
        await _record_ignored(clients, event.event_id, event.because[:200], decided)
        return decided
    await asyncio.to_thread(record_cause, clients.store, decided)
    if configured.is_retrained(decided.model):
        await consider(client, clients.store, decided.model)
    return f"cause {decided.id} to retrain {decided.model}: {decided.because}"


def _flagged(clients: Clients, event: ModelRegistered) -> c.Promotion | c.PromotionSet | None:
    """What the version is flagged for. Refused where its workspace is no source of the ladder, or the flag is wrong."""
    for source in sources(clients.configuration):
        if event.workspace.endswith(workspace_suffix(source)):
            model = clients.models.find(source, event.model)
            return None if model is None else wanted(clients.models, clients.configuration, source, model)
    raise Refused(f"{event.workspace} is not an environment from which models climb")


def routed(clients: Clients, event: BlobArrived) -> tuple[BlobArrived, tuple[Decision, ...]]:
    """*event* with its eTag, and what is to be done: nothing where it only marks a folder.

    Not on the event loop: a long name meets the pattern of every route, and the hub may be asked.
    """
    event = _with_etag(clients, event)
    decisions = route(event, clients.configuration)
    arrival = event.arrival
    # Only a blob without content can be a marker, and only its metadata tells: one look, and only where it matters.
    routed_somewhere = not all(isinstance(decision, Ignore) for decision in decisions)
    if routed_somewhere and not arrival.size and clients.hub.is_folder(arrival.container, arrival.path):
        decisions = (Ignore(reason=FOLDER_MARKER.format(arrival.location)),)
    return event, decisions


def _with_etag(clients: Clients, event: BlobArrived) -> BlobArrived:
    """A rename says no eTag: the arrival is the content that lies there now, as a sweep would name it."""
    arrival = event.arrival
    there = None if arrival.etag else clients.hub.find(arrival.container, arrival.path)
    return replace(event, arrival=replace(arrival, etag=there.etag, size=there.size)) if there else event


async def dead_letter(clients: Clients, raw: Any, reason: str) -> str:
    """Store an event that cannot be understood, with the reason; returns where."""
    return await asyncio.to_thread(store_letter, clients, raw, reason)


def store_letter(clients: Clients, raw: Any, reason: str) -> str:
    """The same, for a caller that is in a thread of its own. What was stored today is not stored again."""
    content = json.dumps({"reason": reason, "stored": _now(clients), "event": raw}, default=str, indent=2)
    path = f"events/{_today(clients)}/{identity.digest(json.dumps(raw, default=str, sort_keys=True))}.json"
    container = clients.configuration.hub.dead_letters
    clients.hub.create(container, path, content.encode())
    return f"{container}/{path}"


async def _act(client: Client, clients: Clients, event: BlobArrived, decision: Decision) -> str:
    match decision:
        case Ignore(reason=reason):
            await _record_ignored(clients, event.event_id, event.arrival.location, reason)
            return reason
        case OpenWindow(route=taken, group=group):
            watch = c.WindowWatch(route=taken, hub=clients.configuration.hub, group=group)
            window = identity.window_id(taken.name, group)
            how = await start_once(client, c.COLLECT_WINDOW, window, watch, again=True)
            return f"window {window} {'opened' if how is Start.STARTED else 'joined'}"
        case WatchTrainingData(model=model):
            look = c.RetrainingWatch(model=model)
            how = await start_once(client, c.WATCH_TRAINING_DATA, identity.training_watch_id(model), look, again=True)
            return f"training data of {model}: a look {'started' if how is Start.STARTED else 'joined'}"
        case StartRun():
            return await _start(client, clients, event, decision)


async def _start(client: Client, clients: Clients, event: BlobArrived, decision: StartRun) -> str:
    hub = clients.configuration.hub
    inference = c.Inference.of(decision.route, hub, decision.arrival, decision.captures, _today(clients))
    if event.asker is not None:
        await asyncio.to_thread(note_askers, clients.hub, inference, [event.asker])
    how = await start_inference(client, clients.hub, inference)
    if event.asker is not None and how is not Start.STARTED:
        await answer_late(client, clients.hub, inference, event.asker.message)
    if how is Start.STARTED:
        return f"run {inference.run} started"
    reason = f"skipped: run {inference.run} is {how.value}"
    record = {"event": event.event_id[:_LONGEST_ID], "delivery": uuid4().hex, "at": _now(clients), "reason": reason}
    await _append(clients, records.duplicates(inference.run), record)
    return reason


async def _record_ignored(clients: Clients, event_id: str, subject: str, reason: str) -> None:
    record = {
        "event": event_id[:_LONGEST_ID],
        "subject": subject[:_LONGEST_SUBJECT],
        "at": _now(clients),
        "reason": reason[:_LONGEST_SUBJECT],
    }
    await _append(clients, records.ignored(_today(clients)), record)


async def _append(clients: Clients, path: str, record: dict[str, str]) -> None:
    line = json.dumps(record, sort_keys=True).encode()
    await asyncio.to_thread(append_line, clients.hub, clients.configuration.hub.state, path, line)


def _now(clients: Clients) -> str:
    return clients.clock.now().isoformat(timespec="milliseconds")


def _today(clients: Clients) -> str:
    return clients.clock.now().date().isoformat()
