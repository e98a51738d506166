"""Event Grid's events as they were sent.

The SDK's converter keeps only what it knows, spelled as it knows it, and raises for a time that it cannot read before
any code of the app runs: Event Grid would deliver such an event for a day, and drop it. The worker on Azure and the
local host both look for the converter by the binding's name, so it is the SDK's own that is extended, for all apps of
the process; what it makes of an event stays the same.
"""

import json
from typing import Any

from azure.functions import CloudEvent, EventGridEvent
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum

_SENT = "signalbox_sent"
_convert = EventGridEventInConverter.decode


def keep_events_as_sent() -> None:
    """From now on `event_as_sent` knows the events that triggers are given. Safe to repeat."""
    EventGridEventInConverter.decode = classmethod(_decode)  # type: ignore[assignment, method-assign]


def event_as_sent(event: EventGridEvent | CloudEvent) -> Any:
    """The JSON of *event*, which a trigger was given."""
    return getattr(event, _SENT)


def _decode(converter: type, data: Datum, *, trigger_metadata: Any) -> EventGridEvent | CloudEvent:
    del converter
    try:
        event = _convert(data, trigger_metadata=trigger_metadata)
    except (ValueError, TypeError, AttributeError):  # A time that is none, or no object at all.
        event = EventGridEvent(id="", topic="", subject="", event_type="", event_time=None, data={}, data_version="")
    setattr(event, _SENT, json.loads(data.value))
    return event
