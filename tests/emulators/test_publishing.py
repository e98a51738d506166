"""What the topic of the local Event Grid refuses: what the service refuses, all events for one that is wrong."""

import json
from typing import Any

import pytest

from signalbox.emulators.event_grid.publishing import read_events

EVENT = {
    "id": "1",
    "subject": "s",
    "eventType": "T",
    "eventTime": "2026-12-01T00:00:00Z",
    "dataVersion": "1",
    "data": {},
}
CLOUD = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "time": "2026-12-01T00:00:00Z", "data": 1}


def without(event: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key != name}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "no events"),
        ("text", "no object"),
        ([EVENT, 7], "no object"),
        *((without(EVENT, name), name) for name in ("id", "subject", "eventType", "eventTime", "dataVersion")),
        (EVENT | {"id": 7}, "id of an event"),
        (EVENT | {"subject": ""}, "subject of an event"),
        (EVENT | {"eventTime": "yesterday"}, "no moment"),
        (EVENT | {"metadataVersion": "2"}, "metadataVersion"),
        (EVENT | {"topic": "/another"}, "names a topic"),
        *((without(CLOUD, name), name) for name in ("id", "source", "type")),
        (CLOUD | {"specversion": "0.3"}, "specversion"),
        (CLOUD | {"time": 5}, "no moment"),
        (CLOUD | {"Level": 5}, "small letters"),
        (CLOUD | {"data_base64": "AA=="}, "both data"),
    ],
)
def test_a_wrong_event_refuses_the_request(document: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_events(json.dumps(document).encode())


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="no JSON"):
        read_events(b"\xff{")


def test_events_of_either_schema_are_taken() -> None:
    assert read_events(json.dumps(EVENT | {"topic": ""}).encode()) == [EVENT | {"topic": ""}]
    assert read_events(json.dumps([CLOUD, CLOUD | {"level": 5}]).encode()) == [CLOUD, CLOUD | {"level": 5}]
