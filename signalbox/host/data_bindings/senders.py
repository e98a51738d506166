"""Output bindings that send messages and events: Storage queues, Service Bus, Event Grid topics."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from azure.functions.meta import Datum

from signalbox.host.azure_storage import messages
from signalbox.host.azure_storage.accounts import StorageClients
from signalbox.host.data_bindings.expressions import TriggerValues
from signalbox.host.errors import HostError
from signalbox.host.service_bus.binding import connect

if TYPE_CHECKING:
    from azure.servicebus.aio import ServiceBusSender

_JSON, _TEXT, _BINARY = "application/json", "text/plain", "application/octet-stream"


def _items(output: Datum) -> list[Any]:
    """The messages that the data of an output stands for: an array is one message for each of its items."""
    value = output.value
    if output.type == "json" or (output.type == "string" and value.lstrip().startswith("[")):
        with contextlib.suppress(ValueError):
            parsed = json.loads(value)
            return parsed if isinstance(parsed, list) else [parsed]
    return [value]


def _content(item: Any) -> str | bytes:
    return item if isinstance(item, str | bytes) else json.dumps(item)


def _queue_content(item: Any) -> str | bytes:
    """The SDK writes `func.QueueMessage` as an object with these two fields."""
    is_message = isinstance(item, dict) and set(item) == {"id", "body"}
    return _content(item["body"] if is_message else item)


class QueueSender:
    """Puts messages into a Storage queue."""

    def __init__(self, clients: StorageClients, *, as_base64: bool) -> None:
        self._clients, self._as_base64 = clients, as_base64

    async def send(self, binding: Mapping[str, Any], values: TriggerValues, datum: Datum) -> None:
        queue = self._clients.queue(binding.get("connection"), values.fill(binding["queueName"]))
        for item in _items(datum):
            await messages.put(queue, messages.encoded(_queue_content(item), as_base64=self._as_base64))


class BusSender:
    """Sends messages to a queue or a topic of Service Bus; the connections stay open until `close`."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self._open: dict[tuple[str, str], tuple[AsyncExitStack, ServiceBusSender]] = {}
        self._lock = asyncio.Lock()  # The client's senders are not made for several tasks.

    async def send(self, binding: Mapping[str, Any], values: TriggerValues, datum: Datum) -> None:
        from azure.servicebus import ServiceBusMessage

        kind = _JSON if datum.type == "json" else _TEXT if datum.type == "string" else _BINARY
        batch = [ServiceBusMessage(_content(item), content_type=kind) for item in _items(datum)]
        entity = values.fill(binding.get("queueName") or binding["topicName"])
        key = (str(binding["connection"]), entity)
        async with self._lock:
            try:
                await (await self._sender(key, is_queue="queueName" in binding)).send_messages(batch)
            except Exception:
                if key in self._open:  # The next message gets a new connection.
                    await self._open.pop(key)[0].aclose()
                raise

    async def _sender(self, key: tuple[str, str], *, is_queue: bool) -> ServiceBusSender:
        if key not in self._open:
            async with AsyncExitStack() as stack:
                client = await stack.enter_async_context(connect(key[0], self._settings))
                sender = client.get_queue_sender(key[1]) if is_queue else client.get_topic_sender(key[1])
                await stack.enter_async_context(sender)
                self._open[key] = stack.pop_all(), sender
        return self._open[key][1]

    async def close(self) -> None:
        while self._open:
            await self._open.popitem()[1][0].aclose()


class GridSender:
    """Publishes events to a topic of Event Grid."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings

    async def send(self, binding: Mapping[str, Any], values: TriggerValues, datum: Datum) -> None:
        """Raises ValueError for what is no event."""
        from azure.core.credentials import AzureKeyCredential
        from azure.eventgrid.aio import EventGridPublisherClient

        del values
        events = [_event(item) for item in _items(datum)]
        endpoint, key = topic_of(binding, self._settings)
        async with AsyncExitStack() as stack:
            if key is None:
                from azure.identity.aio import DefaultAzureCredential

                credential: Any = await stack.enter_async_context(DefaultAzureCredential())
            else:
                credential = AzureKeyCredential(key)
            client = await stack.enter_async_context(EventGridPublisherClient(endpoint, credential))
            await client.send(events)


def _event(item: Any) -> dict[str, Any]:
    event = item
    if isinstance(item, str | bytes):
        with contextlib.suppress(ValueError):
            event = json.loads(item)
    if not isinstance(event, dict):
        raise ValueError("an output of Event Grid is neither an event nor an array of events")
    return event


def topic_of(binding: Mapping[str, Any], settings: Mapping[str, str]) -> tuple[str, str | None]:
    """The topic's address and its key, None for the host's identity. Raises HostError where a setting is missing."""
    if connection := binding.get("connection"):
        name = f"{connection}__topicEndpointUri"
        if not settings.get(name):
            raise HostError(f"{name} is not set: set it to the address of the topic")
        return settings[name], None
    for field in ("topicEndpointUri", "topicKeySetting"):
        if not settings.get(str(binding[field])):
            raise HostError(f"{field} names the app setting {binding[field]}, which is not set")
    return settings[binding["topicEndpointUri"]], settings[binding["topicKeySetting"]]
