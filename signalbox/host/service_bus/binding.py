"""A serviceBusTrigger binding, read once: where its messages come from, and the client that receives them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from signalbox.host.errors import HostError
from signalbox.host.functions import Function

if TYPE_CHECKING:
    from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver

_SETTING = re.compile(r"%([^%]+)%")
# How long the client waits for a frame before it looks again: by default 0.2 s, and each look costs processor time. One
# message or one session ends the wait at once. What asks for several waits this long for those that do not come.
_ONE_AWAITED_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The trigger of *function*: a queue, or a *topic*'s *subscription*; with *is_batch* a call takes many messages."""

    function: Function
    connection: str
    queue: str | None
    topic: str | None
    subscription: str | None
    sessions: bool
    is_batch: bool

    @property
    def address(self) -> str:
        return self.queue or f"{self.topic}/{self.subscription}"

    def receiver(self, client: ServiceBusClient, **options: Any) -> ServiceBusReceiver:
        if self.sessions and not self.is_batch:
            options["socket_timeout"] = _ONE_AWAITED_S
        if self.queue is not None:
            return client.get_queue_receiver(self.queue, **options)
        return client.get_subscription_receiver(str(self.topic), str(self.subscription), **options)


def source(function: Function, settings: Mapping[str, str]) -> Source:
    """Read the binding; `%NAME%` is an app setting. Raises HostError that names what is missing."""

    def named(key: str) -> str | None:
        value = function.trigger.get(key)
        return None if value is None else _SETTING.sub(lambda match: _setting(function, match[1], settings), str(value))

    connection = str(function.trigger["connection"])
    if not has_settings(connection, settings):
        raise HostError(
            f"function {function.name!r} receives from Service Bus, and neither {connection} (a connection string) nor "
            f"{connection}__fullyQualifiedNamespace is set: set one, or AzureWebJobs.{function.name}.Disabled=true"
        )
    return Source(
        function=function,
        connection=connection,
        queue=named("queueName"),
        topic=named("topicName"),
        subscription=named("subscriptionName"),
        sessions=bool(function.trigger.get("isSessionsEnabled")),
        is_batch=str(function.trigger.get("cardinality", "one")).lower() == "many",
    )


def has_settings(connection: str, settings: Mapping[str, str]) -> bool:
    """Whether the app settings say where the namespace of *connection* is."""
    return bool(settings.get(connection) or settings.get(f"{connection}__fullyQualifiedNamespace"))


@asynccontextmanager
async def connect(name: str, settings: Mapping[str, str]) -> AsyncIterator[ServiceBusClient]:
    """A client for the connection *name*: its connection string, or its namespace and the host's identity."""
    from azure.servicebus.aio import ServiceBusClient

    text = settings.get(name)
    if text:
        async with ServiceBusClient.from_connection_string(text) as client:
            yield client
        return
    from azure.identity.aio import DefaultAzureCredential

    client_id = settings.get(f"{name}__clientId")
    async with (
        DefaultAzureCredential(managed_identity_client_id=client_id) as credential,
        ServiceBusClient(settings[f"{name}__fullyQualifiedNamespace"], credential) as client,
    ):
        yield client


def _setting(function: Function, name: str, settings: Mapping[str, str]) -> str:
    if name not in settings:
        raise HostError(f"function {function.name!r} names the setting %{name}%, which is not set")
    return settings[name]
