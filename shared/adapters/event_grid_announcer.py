"""Announcements as CloudEvents on an Event Grid custom topic."""

from collections.abc import Mapping
from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridPublisherClient
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.adapters.azure_faults import translated

_SOURCE = "/signalbox"
_W3C = TraceContextTextMapPropagator()


class EventGridAnnouncer:
    """Implements `shared.ports.Announcer`."""

    def __init__(self, endpoint: str, credential: TokenCredential) -> None:
        self._client = EventGridPublisherClient(endpoint, credential)

    def announce(self, event_id: str, kind: str, subject: str, data: Mapping[str, Any]) -> None:
        extensions: dict[str, str] = {}
        _W3C.inject(extensions)  # CloudEvents' distributed tracing extension lets the receiver join the trace.
        event = CloudEvent(
            source=_SOURCE, type=kind, subject=subject, data=dict(data), id=event_id, extensions=extensions or None
        )
        with translated(f"announce {kind} of {subject}"):
            self._client.send(event)
