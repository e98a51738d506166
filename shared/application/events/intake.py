"""From an event to a start, or to a record that says why not.

An event starts a run, a window, a look at training data, a promotion, a rollback or a training.

`shared.routing` decides what a file's event starts; the starts themselves are in the application's other rooms.
"""

import asyncio
import json
from dataclasses import replace
from typing import Protocol, assert_never
from uuid import uuid4

from shared import contracts as c
from shared.application.events.dead_letters import LetterClients
from shared.application.inference.open_runs import start_inference
from shared.application.inference.result_requests import answer_late, note_askers
from shared.application.inference.starts import open_window
from shared.application.promotion.flags import asked_by_version, place_suffix, sources, workspace_suffix
from shared.application.promotion.starts import start_promotion
from shared.application.retraining.causes import raise_cause, watch_training_data
from shared.application.rollout.alerts import AlertClients, act_on_alert, serving_alert, watched_by
from shared.domain import identity
from shared.domain.alerts import AlertChanged
from shared.domain.azure import resources
from shared.domain.configuration import Configuration
from shared.domain.drift.outside import cause_of
from shared.domain.events import (
    BlobArrived,
    Event,
    EventOrigin,
    Irrelevant,
    ModelRegistered,
    MonitorBreached,
)
from shared.domain.failures import Refused
from shared.domain.promotion.models import ModelVersion
from shared.domain.retraining.causes import Cause
from shared.durable.starting import Client, Start
from shared.ports import AuditLog, Models
from shared.records import paths as records
from shared.records.line_logs import append_line
from shared.records.operations import IgnoredEvent, note_ignored
from shared.routing import FOLDER_MARKER, Decision, Ignore, OpenWindow, StartRun, WatchTrainingData, route

_LONGEST_ID = 256
UNKNOWN_ORIGIN = EventOrigin()


class EventClients(LetterClients, AlertClients, Protocol):
    """Where events are recorded, what judges alerts, and the models whose tags say what a registration starts."""

    @property
    def models(self) -> Models: ...
    @property
    def audit(self) -> AuditLog: ...


async def take_in(
    client: Client, clients: EventClients, event: Event, origin: EventOrigin = UNKNOWN_ORIGIN
) -> tuple[str, ...]:
    """Act on one event of *origin*; returns a sentence for each decision. Raises Transient: deliver the event again."""
    match event:
        case Irrelevant():
            await _record_ignored(clients, origin, event.event_id, event.subject, event.reason)
            return (event.reason,)
        case ModelRegistered():
            return (await _promote_flagged(client, clients, event, origin),)
        case AlertChanged():
            return await _take_alert(client, clients, event, origin)
        case MonitorBreached():
            return (await _raise_cause(client, clients, event, origin),)
        case BlobArrived():
            arrival, decisions = await asyncio.to_thread(decide, clients, event)
            return tuple([await _carry_out(client, clients, arrival, decision, origin) for decision in decisions])
        case _:
            assert_never(event)


async def _promote_flagged(client: Client, clients: EventClients, event: ModelRegistered, origin: EventOrigin) -> str:
    """A registration starts something only where the version carries a flag: its tags decide, not the event's."""
    try:
        promotion = await asyncio.to_thread(_flagged, clients, event)
    except Refused as refusal:
        await _record_ignored(clients, origin, event.event_id, str(event.model), str(refusal))
        return str(refusal)
    if promotion is None:
        reason = f"{event.model} carries no flag"
        await _record_ignored(clients, origin, event.event_id, str(event.model), reason)
        return reason
    start = await start_promotion(client, clients, promotion)
    return f"promotion {promotion.id} {'started' if start is Start.STARTED else f'is {start.value}'}"


async def _take_alert(
    client: Client, clients: EventClients, event: AlertChanged, origin: EventOrigin
) -> tuple[str, ...]:
    """An alert may bring a version back, may be a cause of retraining, and may be both; else a record says why not."""
    watched, rollback = watched_by(clients.configuration.ladder, event), ""
    if isinstance(watched, str):
        about_rollback = watched
    else:
        record = await act_on_alert(client, clients, watched, serving_alert(event), "pushed")
        rollback = record.rollback
        result = f"rollback {rollback} started" if rollback else "no rollback"
        about_rollback = f"{result}: {record.because}"
    configuration = clients.configuration
    cause = cause_of(event, configuration.drift, (), clients.clock.now(), resources.of_hubs(configuration))
    if isinstance(cause, str):
        reason = about_rollback or cause
        if not rollback:
            await _record_ignored(clients, origin, event.event_id, event.because[:200], reason)
        return (reason,)
    await raise_cause(client, clients.store, clients.configuration, cause)
    return (*([about_rollback] if about_rollback else []), _sentence(cause))


async def _raise_cause(client: Client, clients: EventClients, event: MonitorBreached, origin: EventOrigin) -> str:
    """What another monitor found becomes a cause of retraining, or a record that says why not."""
    configuration = clients.configuration
    workspaces = [workspace_suffix(workspace) for workspace in configuration.monitored]
    cause = cause_of(event, configuration.drift, workspaces, clients.clock.now())
    if isinstance(cause, str):
        await _record_ignored(clients, origin, event.event_id, event.because[:200], cause)
        return cause
    await raise_cause(client, clients.store, configuration, cause)
    return _sentence(cause)


def _sentence(cause: Cause) -> str:
    return f"cause {cause.id} to retrain {cause.model}: {cause.because}"


def _flagged(clients: EventClients, event: ModelRegistered) -> c.Promotion | c.PromotionSet | None:
    """What the version asks for. Refused where its place is no source of the ladder, or the flag is wrong."""
    places = sources(clients.configuration).items()
    matching = [(source, place) for source, place in places if event.workspace.endswith(place_suffix(place))]
    if not matching:
        raise Refused(f"{event.workspace} is not an environment from which models climb")
    name = _configured_model(clients.configuration, event.model)
    for source, place in matching:  # A registry is the source of each stage that enters it.
        model = clients.models.find(place, name)
        request = asked_by_version(clients, source, model) if model is not None else None
        if request is not None:
            return request
    return None


def _configured_model(configuration: Configuration, model: ModelVersion) -> ModelVersion:
    """*model* as the configuration spells it: ids in events of Resource Manager are cased anyhow."""
    names = (promotable.name for promotable in configuration.ladder.models)
    return replace(model, name=next((name for name in names if name.lower() == model.name.lower()), model.name))


def decide(clients: EventClients, event: BlobArrived) -> tuple[BlobArrived, tuple[Decision, ...]]:
    """*event* with its eTag, and what is to be done: nothing where it only marks a folder.

    Not on the event loop: a long name meets the pattern of every route, and the hub may be asked.
    """
    event = _with_etag(clients, event)
    decisions, arrival = route(event, clients.configuration), event.arrival
    # Only a blob without content can be a marker, and only its metadata tells: one look, and only where it matters.
    starts_something = not all(isinstance(decision, Ignore) for decision in decisions)
    if starts_something and not arrival.size and clients.hub.is_folder(arrival.container, arrival.path):
        decisions = (Ignore(reason=FOLDER_MARKER.format(arrival.location)),)
    return event, decisions


def _with_etag(clients: EventClients, event: BlobArrived) -> BlobArrived:
    """A rename says no eTag: the arrival is the content that lies there now, as a sweep would name it."""
    arrival = event.arrival
    blob = None if arrival.etag else clients.hub.find(arrival.container, arrival.path)
    return replace(event, arrival=replace(arrival, etag=blob.etag, size=blob.size)) if blob else event


async def _carry_out(
    client: Client, clients: EventClients, event: BlobArrived, decision: Decision, origin: EventOrigin
) -> str:
    match decision:
        case Ignore(reason=reason):
            await _record_ignored(clients, origin, event.event_id, event.arrival.location, reason)
            return reason
        case OpenWindow(route=window_route, group=group):
            watch = c.WindowWatch(route=window_route, hub=clients.configuration.hub, group=group)
            start = await open_window(client, watch)
            window = identity.window_id(window_route.name, group)
            return f"window {window} {'opened' if start is Start.STARTED else 'joined'}"
        case WatchTrainingData(model=model):
            start = await watch_training_data(client, model)
            return f"training data of {model}: a look {'started' if start is Start.STARTED else 'joined'}"
        case StartRun():
            return await _start_run(client, clients, event, decision)


async def _start_run(client: Client, clients: EventClients, event: BlobArrived, decision: StartRun) -> str:
    hub, today = clients.configuration.hub, clients.clock.now().date().isoformat()
    inference = c.Inference.of(decision.route, hub, decision.arrival, decision.captures, today)
    if event.asker is not None:
        await asyncio.to_thread(note_askers, clients.hub, inference, [event.asker])
    start = await start_inference(client, clients.hub, inference)
    if event.asker is not None and start is not Start.STARTED:
        await answer_late(client, clients.hub, inference, event.asker.message)
    if start is Start.STARTED:
        return f"run {inference.run} started"
    reason = f"skipped: run {inference.run} is {start.value}"
    record = {"event": event.event_id[:_LONGEST_ID], "delivery": uuid4().hex, "at": _now(clients), "reason": reason}
    line = json.dumps(record, sort_keys=True).encode()
    await asyncio.to_thread(append_line, clients.hub, hub.state, records.duplicates(inference.run), line)
    return reason


async def _record_ignored(clients: EventClients, origin: EventOrigin, event_id: str, subject: str, reason: str) -> None:
    ignored_event = IgnoredEvent(
        event=event_id, subject=subject, at=_now(clients), reason=reason, source=origin.source, type=origin.type
    )
    await asyncio.to_thread(note_ignored, clients.store, clients.clock.now().date(), ignored_event)


def _now(clients: EventClients) -> str:
    return clients.clock.now().isoformat(timespec="milliseconds")
