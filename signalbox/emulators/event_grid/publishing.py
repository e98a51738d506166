"""What the topic takes: one event or several, of either schema. The service refuses all where one is wrong.

Contract: https://learn.microsoft.com/azure/event-grid/event-schema and https://github.com/cloudevents/spec, 1.0.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

MAX_BYTES = 1024 * 1024
_EVENT_GRID = ("id", "subject", "eventType", "eventTime")  # Each a text that is not empty.
_CLOUD = ("id", "source", "type")
_ATTRIBUTE = re.compile(r"[a-z0-9]{1,20}|data_base64")


def read_events(body: bytes) -> list[dict[str, Any]]:
    """The events in a request. Raises ValueError with the first thing that the service would refuse."""
    try:
        document = json.loads(body)
    except ValueError as error:
        raise ValueError("the body is no JSON") from error
    events = document if isinstance(document, list) else [document]
    if not events:
        raise ValueError("the request has no events")
    for event in events:
        if not isinstance(event, dict):
            raise ValueError(f"an event is {json.dumps(event)[:60]}, which is no object")
        if "specversion" in event:
            _check_cloud_event(event)
        else:
            _check_event(event)
    return events


def _check_event(event: Mapping[str, Any]) -> None:
    _check_texts(event, _EVENT_GRID)
    _check_moment(event, "eventTime")
    if not isinstance(event.get("dataVersion"), str):
        raise ValueError("dataVersion of an event is missing or no text")
    if event.get("metadataVersion", "1") != "1":
        raise ValueError(f"metadataVersion of an event is {event['metadataVersion']!r}; it is 1, or left out")
    if event.get("topic"):
        raise ValueError("an event names a topic, which the service does itself")


def _check_cloud_event(event: Mapping[str, Any]) -> None:
    if event["specversion"] != "1.0":
        raise ValueError(f"specversion of an event is {event['specversion']!r}; the service takes 1.0")
    _check_texts(event, _CLOUD)
    if event.get("time") is not None:
        _check_moment(event, "time")
    if wrong := [name for name in event if not _ATTRIBUTE.fullmatch(name)]:
        raise ValueError(f"the attribute {wrong[0]!r} of an event is not of 1 to 20 small letters and digits")
    if "data" in event and "data_base64" in event:
        raise ValueError("an event has both data and data_base64")


def _check_texts(event: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if not isinstance(event.get(name), str) or not event[name]:
            raise ValueError(f"{name} of an event is missing, empty or no text")


def _check_moment(event: Mapping[str, Any], name: str) -> None:
    try:
        datetime.fromisoformat(event[name])
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} of an event is {event[name]!r}, which is no moment") from error
