"""The Event Grid webhook: handshakes, deliveries, and what a failure does to a batch."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import azure.functions as func
import pytest
import pytest_asyncio

from signalbox.host.errors import HostError
from signalbox.host.testing import LocalHost

APP = Path(__file__).parent / "apps" / "doors"
NOTIFICATION = {"aeg-event-type": "Notification"}
CLOUD = {"Content-Type": "application/cloudevents+json"}


@pytest_asyncio.fixture
async def host(tmp_path: Path) -> AsyncIterator[LocalHost]:
    async with LocalHost(APP, tmp_path) as running:
        await running.settle()
        arrived(running).clear()
        yield running


def arrived(host: LocalHost) -> list[Any]:
    seen: list[Any] = host.host.functions["tick"].code.__globals__["seen"]
    return seen


async def deliver(
    host: LocalHost, function: str, body: Any, headers: dict[str, str], method: str = "POST", key: str | None = None
) -> tuple[int, str]:
    code = host.host.keys.eventgrid_extension if key is None else key
    url = f"{host.url}/runtime/webhooks/EventGrid?functionName={function}&code={code}"
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, json=body, headers=headers) as response,
    ):
        return response.status, await response.text()


def grid(subject: str) -> dict[str, Any]:
    return {
        "id": subject,
        "topic": "t",
        "subject": subject,
        "eventType": "Made",
        "eventTime": "2026-01-01T00:00:00.1234567Z",
        "data": {"of": subject},
        "dataVersion": "1",
    }


def cloud(source: str) -> dict[str, Any]:
    return {"specversion": "1.0", "id": "1", "source": source, "type": "Made", "data": {"of": source}}


async def test_a_subscription_is_validated(host: LocalHost) -> None:
    body = [{"data": {"validationCode": "abc"}}]
    answer = await deliver(host, "typed", body, {"aeg-event-type": "SubscriptionValidation"})
    assert answer == (200, '{"validationResponse": "abc"}')


async def test_a_batch_reaches_the_function_once_per_event(host: LocalHost) -> None:
    assert (await deliver(host, "TYPED", [grid("a"), grid("b")], NOTIFICATION))[0] == 202
    assert sorted(arrived(host)) == [("Made", "a", {"of": "a"}), ("Made", "b", {"of": "b"})]


async def test_one_failure_fails_the_batch_but_not_its_neighbours(host: LocalHost) -> None:
    assert (await deliver(host, "typed", [grid("a"), grid("bad"), grid("b")], NOTIFICATION))[0] == 500
    assert len(arrived(host)) == 2


@pytest.mark.parametrize("body", [cloud("x"), [cloud("x")]])
async def test_cloud_events_come_alone_or_in_batches(host: LocalHost, body: Any) -> None:
    kind = "application/cloudevents-batch+json" if isinstance(body, list) else "application/cloudevents+json"
    assert (await deliver(host, "cloud", body, {"Content-Type": kind}))[0] == 202
    assert arrived(host) == [("Made", "x", {"of": "x"})]


async def test_an_unannotated_parameter_takes_either_schema(host: LocalHost) -> None:
    await deliver(host, "either", [grid("a")], NOTIFICATION)
    await deliver(host, "either", cloud("x"), CLOUD)
    assert arrived(host) == ["EventGridEvent", "CloudEvent"]


async def test_the_cloud_events_handshake(host: LocalHost) -> None:
    headers = {"WebHook-Request-Origin": "eventgrid.azure.net"}
    assert (await deliver(host, "cloud", None, headers, "OPTIONS"))[0] == 200
    assert (await deliver(host, "cloud", None, {}, "OPTIONS"))[0] == 400


@pytest.mark.parametrize(
    ("function", "headers", "key", "status"),
    [
        ("nobody", NOTIFICATION, None, 404),
        ("typed", {}, None, 400),
        ("typed", {"aeg-event-type": "Other"}, None, 400),
        ("typed", NOTIFICATION, "wrong", 401),
    ],
)
async def test_what_is_refused(
    host: LocalHost, function: str, headers: dict[str, str], key: str | None, status: int
) -> None:
    assert (await deliver(host, function, [grid("a")], headers, key=key))[0] == status


def test_an_annotation_the_sdk_does_not_convert_is_refused_at_start(tmp_path: Path) -> None:
    app = func.FunctionApp()

    @app.event_grid_trigger(arg_name="event")
    def raw(event: dict) -> None:  # type: ignore[type-arg]
        raise AssertionError(event)

    with pytest.raises(HostError, match="'raw': parameter 'event' is annotated"):
        LocalHost(app, tmp_path)


async def test_a_parameter_of_text_gets_the_event_as_json(tmp_path: Path) -> None:
    app, seen = func.FunctionApp(), list[str]()

    @app.event_grid_trigger(arg_name="event")
    def raw(event: str) -> None:
        seen.append(event)

    async with LocalHost(app, tmp_path) as host:
        assert (await deliver(host, "raw", [grid("a")], NOTIFICATION))[0] == 202
    assert [json.loads(text)["id"] for text in seen] == ["a"]


def test_a_trigger_that_is_not_served_names_its_function(tmp_path: Path) -> None:
    app = func.FunctionApp()

    @app.event_hub_message_trigger(arg_name="message", event_hub_name="h", connection="c")
    def queued(message: func.EventHubEvent) -> None:
        raise AssertionError(message)

    with pytest.raises(HostError, match="function 'queued' has trigger 'eventHubTrigger'"):
        LocalHost(app, tmp_path)
