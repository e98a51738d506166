"""Event Grid trigger."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from tests.conformance.client import Client, Reply

HOOK = "/runtime/webhooks/eventgrid"
CLOUD = {"Content-Type": "application/cloudevents+json"}


def grid_event(**changes: object) -> dict[str, Any]:
    event = {"id": str(uuid.uuid4()), "topic": "/t", "subject": "s", "eventType": "Made", "dataVersion": "1"}
    return {**event, "eventTime": "2026-01-01T00:00:00Z", "data": {"a": 1}, **changes}


def cloud_event(**changes: object) -> dict[str, Any]:
    event = {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "/t", "type": "Made", "subject": "s"}
    return {**event, "time": "2026-01-01T00:00:00Z", "data": {"a": 1}, **changes}


def send(host: Client, function: str, body: object, kind: str | None = "Notification", path: str = HOOK) -> Reply:
    headers = {} if kind is None else {"aeg-event-type": kind}
    return host.call("POST", f"{path}?functionName={function}", body, headers, key=host.key)


def seen(host: Client, function: str, event: Mapping[str, Any]) -> list[Any]:
    """What *function* has told of *event*: an entry for each time that it came."""
    return [fields[1:] for fields in host.get(f"/api/seen/{function}").json() if fields[0] == event["id"]]


@pytest.mark.parametrize("path", [HOOK, "/runtime/webhooks/EventGrid", "/RUNTIME/WEBHOOKS/EVENTGRID"])
def test_an_event_reaches_its_function(host: Client, path: str) -> None:
    event = grid_event()
    assert send(host, "typed_event", [event], path=path).status == 202
    assert seen(host, "typed_event", event) == [["Made", "s", "/t", {"a": 1}]]


def test_the_function_is_named_without_case(host: Client) -> None:
    event = grid_event()
    assert send(host, "TYPED_Event", [event]).status == 202
    assert seen(host, "typed_event", event)


def test_a_batch_reaches_the_function_one_by_one(host: Client) -> None:
    events = [grid_event(), grid_event(), grid_event()]
    assert send(host, "typed_event", events).status == 202
    assert [len(seen(host, "typed_event", event)) for event in events] == [1, 1, 1]


def test_an_event_that_fails_is_an_error(host: Client) -> None:
    assert send(host, "typed_event", [grid_event(subject="refused")]).status == 500


def test_a_cloud_event_reaches_its_function(host: Client) -> None:
    event = cloud_event()
    reply = host.call("POST", f"{HOOK}?functionName=cloud_event", json.dumps(event), CLOUD, key=host.key)
    assert reply.status == 202
    assert seen(host, "cloud_event", event) == [["Made", "s", "/t", {"a": 1}]]


def test_a_batch_of_cloud_events_reaches_the_function(host: Client) -> None:
    events = [cloud_event(), cloud_event()]
    kind = {"Content-Type": "application/cloudevents-batch+json"}
    assert host.call("POST", f"{HOOK}?functionName=cloud_event", json.dumps(events), kind, key=host.key).status == 202
    assert [len(seen(host, "cloud_event", event)) for event in events] == [1, 1]


@pytest.mark.parametrize("make", [grid_event, cloud_event], ids=["EventGridEvent", "CloudEvent"])
def test_a_parameter_without_a_type_takes_either_schema(host: Client, make: Any) -> None:
    event = make()
    if make is grid_event:
        send(host, "any_event", [event])
    else:
        host.call("POST", f"{HOOK}?functionName=any_event", json.dumps(event), CLOUD, key=host.key)
    assert seen(host, "any_event", event) == [["EventGridEvent" if make is grid_event else "CloudEvent"]]


def test_a_subscription_is_validated(host: Client) -> None:
    event = grid_event(eventType="Microsoft.EventGrid.SubscriptionValidationEvent", data={"validationCode": "512d"})
    reply = send(host, "typed_event", [event], "SubscriptionValidation")
    assert (reply.status, reply.json()) == (200, {"validationResponse": "512d"})


def test_an_origin_of_cloud_events_is_allowed(host: Client) -> None:
    asked = {"WebHook-Request-Origin": "eventgrid.azure.net", "WebHook-Request-Rate": "120"}
    reply = host.call("OPTIONS", f"{HOOK}?functionName=cloud_event", None, asked, key=host.key)
    assert reply.status == 200
    assert reply.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"


def test_an_unsubscription_is_accepted(host: Client) -> None:
    assert send(host, "typed_event", [grid_event()], "Unsubscribe").status == 202


@pytest.mark.parametrize("key", ["", "wrong"])
def test_a_delivery_needs_the_key(host: Client, key: str) -> None:
    assert host.call("POST", f"{HOOK}?functionName=typed_event", [grid_event()], key=key).status == 401


@pytest.mark.parametrize("function", ["unknown", "echo", ""])
def test_a_delivery_needs_a_function_with_this_trigger(host: Client, function: str) -> None:
    assert send(host, function, [grid_event()]).status == 404


@pytest.mark.parametrize("kind", ["Unknown", None])
def test_another_kind_of_call_is_refused(host: Client, kind: str | None) -> None:
    assert send(host, "typed_event", [grid_event()], kind).status == 400


def test_an_event_is_sent_by_hand(host: Client) -> None:
    event = grid_event()
    body = {"input": json.dumps(event)}
    assert host.call("POST", "/admin/functions/typed_event", body, key=host.key).status == 202
    host.until(lambda: seen(host, "typed_event", event), bool)
