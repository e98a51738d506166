"""Events by HTTP: for replays by hand and for sources without Event Grid. Dead letters are in a module of their own."""

from dataclasses import dataclass
from typing import Any

from triggers.events.dispatch import dispatch
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.problems import Problem

_MOST_EVENTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What was done with each event, a sentence for each decision."""

    events: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTaken:
    """A sentence for each decision."""

    done: tuple[str, ...]


async def receive_events(request: ApiRequest, body: Any) -> Delivered:
    """Events as they are on the wire, one or an array: for replayed dead letters and for sources without Event Grid."""
    events = body if isinstance(body, list) else [body]
    if len(events) > _MOST_EVENTS:
        raise Problem(413, "too many events", f"the body has {len(events)} events; send at most {_MOST_EVENTS} at once")
    return Delivered(events=tuple([await dispatch(request.client, request.clients, event) for event in events]))


async def receive_alert(request: ApiRequest, body: Any) -> AlertTaken:
    """An Azure Monitor alert in the common alert schema, as a webhook of an action group sends it."""
    return AlertTaken(done=await dispatch(request.client, request.clients, body))
