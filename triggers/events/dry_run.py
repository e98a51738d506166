"""What taking an event or a message in would do now, in words; nothing is done."""

from collections.abc import Iterator
from typing import Any, assert_never

from shared.application.events.intake import decide
from shared.application.rollout.alerts import watched_by
from shared.clients import Clients
from shared.domain.alerts import AlertChanged
from shared.domain.counts import counted
from shared.domain.events import BlobArrived, Irrelevant, ModelRegistered, MonitorBreached, UnreadableEvent
from shared.routing import Decision, Ignore, OpenWindow, StartRun, WatchTrainingData
from triggers.events.envelopes import read_event
from triggers.queues.data_checks import check_of_message, is_check
from triggers.queues.message_files import arrivals
from triggers.queues.queue_messages import RECORDS, QueueMessage, kept_message
from triggers.queues.stream_records import read_records


def foresee(clients: Clients, raw: Any) -> Iterator[str]:
    """A sentence for each decision that `triggers.events.dispatch` would take on *raw*."""
    message = kept_message(raw)
    if message is not None:
        yield from _foresee_records(clients, message) if message.kind == RECORDS else _foresee_files(clients, message)
        return
    try:
        event = read_event(raw, clients.configuration.hub.account, clients.configuration.accounts_elsewhere)
    except UnreadableEvent as error:
        yield f"would be stored again: {error}"
        return
    match event:
        case Irrelevant(reason=reason):
            yield f"would be ignored: {reason}"
        case BlobArrived():
            yield from map(_describe, decide(clients, event)[1])
        case AlertChanged():
            yield _foresee_alert(clients, event)
        case MonitorBreached():
            yield "would become a cause of retraining, if a model names its source"
        case ModelRegistered():
            yield "would start the promotion of the model, if it carries a flag"
        case _:
            assert_never(event)


def _foresee_alert(clients: Clients, event: AlertChanged) -> str:
    cause = "would become a cause of retraining, if a model names its source"
    watched = watched_by(clients.configuration.ladder, event)
    if isinstance(watched, str):
        return f"{cause}; {watched}" if watched else cause
    stage = watched.stage.name
    return f"would bring the version before back to {stage}, if it serves there and is within the window; else {cause}"


def _foresee_files(clients: Clients, message: QueueMessage) -> Iterator[str]:
    try:
        if is_check(message):
            yield f"would start data check {check_of_message(clients, message).id}, unless it has run"
            return
        events = arrivals(clients, message)
    except UnreadableEvent as error:
        yield f"would be stored again: {error}"
        return
    for event in events:
        yield from map(_describe, decide(clients, event)[1])


def _foresee_records(clients: Clients, message: QueueMessage) -> Iterator[str]:
    try:
        stream, delivery = read_records(clients, message)
    except UnreadableEvent as error:
        yield f"would be stored again: {error}"
        return
    yield f"would add {counted(len(delivery.records), 'record')} to stream {stream.name}, unless a batch has them"


def _describe(decision: Decision) -> str:
    match decision:
        case StartRun(route=route_of_run):
            return f"would start a run of route {route_of_run.name}, unless it has run"
        case OpenWindow(route=window_route):
            return f"would open or join a window of route {window_route.name}"
        case WatchTrainingData(model=model):
            return f"would look at the training data of {model}"
        case Ignore(reason=reason):
            return f"would be ignored: {reason}"
