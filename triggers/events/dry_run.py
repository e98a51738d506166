"""What taking an event or a message in would do now, in words; nothing is done."""

from collections.abc import Iterator
from typing import Any

from shared.clients import Clients
from shared.domain.events import AlertChanged, BlobArrived, Irrelevant, MonitorBreached, UnreadableEvent
from shared.routing import Decision, Ignore, OpenWindow, StartRun, WatchTrainingData
from triggers.events.envelopes import read_event
from triggers.events.event_grid import WITHOUT
from triggers.events.intake import routed
from triggers.queues.data_checks import check_sent, is_check
from triggers.queues.message_files import arrivals, is_message
from triggers.queues.stream_records import is_records, would_keep


def foreseen(clients: Clients, raw: Any) -> Iterator[str]:
    if is_message(raw) or is_records(raw):
        raw = WITHOUT | raw
    if is_message(raw):
        yield from _would_start(clients, raw)
        return
    if is_records(raw):
        yield _would_keep(clients, raw)
        return
    try:
        event = read_event(raw, clients.configuration.hub.account)
    except UnreadableEvent as error:
        yield f"would be stored again: {error}"
        return
    match event:
        case Irrelevant(reason=reason):
            yield f"would be ignored: {reason}"
        case BlobArrived():
            yield from map(_told, routed(clients, event)[1])
        case MonitorBreached() | AlertChanged():
            yield "would become a cause of retraining, if a model names its source"
        case _:
            yield "would start the promotion of the model, if it carries a flag"


def _would_start(clients: Clients, raw: dict[str, Any]) -> Iterator[str]:
    try:
        if is_check(raw):
            yield f"would start data check {check_sent(clients, raw).id}, unless it has run"
            return
        events = arrivals(clients, raw)
    except UnreadableEvent as error:
        yield f"would be stored again: {error}"
        return
    for event in events:
        yield from map(_told, routed(clients, event)[1])


def _would_keep(clients: Clients, raw: dict[str, Any]) -> str:
    try:
        stream, sent = would_keep(clients, raw)
    except UnreadableEvent as error:
        return f"would be stored again: {error}"
    return f"would add {len(sent.records)} records to stream {stream.name}, unless a batch has them"


def _told(decision: Decision) -> str:
    match decision:
        case StartRun(route=taken):
            return f"would start a run of route {taken.name}, unless it has run"
        case OpenWindow(route=taken):
            return f"would open or join a window of route {taken.name}"
        case WatchTrainingData(model=model):
            return f"would look at the training data of {model}"
        case Ignore(reason=reason):
            return f"would be ignored: {reason}"
