"""Calls with the bindings beside the trigger: inputs are fetched before the function runs, outputs sent after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from aiohttp import web
from azure.functions.meta import Datum

from signalbox.host.azure_storage.accounts import StorageClients, find_account
from signalbox.host.bindings import Beside, Results, Retry
from signalbox.host.containment import describe
from signalbox.host.data_bindings.blob_contents import Blobs
from signalbox.host.data_bindings.expressions import TriggerValues
from signalbox.host.data_bindings.senders import BusSender, GridSender, QueueSender, topic_of
from signalbox.host.errors import HostError
from signalbox.host.functions import Function
from signalbox.host.invocation import Calls
from signalbox.host.log import LOGGER
from signalbox.host.service_bus.binding import has_settings


class Sender(Protocol):
    """Sends what one kind of output binding holds."""

    async def send(self, binding: Mapping[str, Any], values: TriggerValues, datum: Datum) -> None: ...


class BoundCalls:
    """`Calls` for functions with such bindings; those of other functions go through unchanged."""

    def __init__(
        self, calls: Calls, clients: StorageClients, settings: Mapping[str, str], *, queues_hold_base64: bool
    ) -> None:
        self._calls = calls
        self._blobs, self._bus = Blobs(clients), BusSender(settings)
        self._senders: Mapping[str, Sender] = {
            "blob": self._blobs,
            "queue": QueueSender(clients, as_base64=queues_hold_base64),
            "serviceBus": self._bus,
            "eventGrid": GridSender(settings),
        }

    @property
    def crowded(self) -> bool:
        return self._calls.crowded

    async def answer(
        self,
        function: Function,
        data: Datum,
        headers: Mapping[str, str] | None = None,
        instance: str = "-",
        metadata: Mapping[str, Datum] | None = None,
        beside: Beside | None = None,
    ) -> Any:
        """What the function answers, once its outputs are sent. An output that cannot be sent fails the call."""
        if not (function.inputs or function.outputs):
            return await self._calls.answer(function, data, headers, instance, metadata, beside)
        try:
            values = TriggerValues(function, data, metadata or {})
            inputs = {binding["name"]: await self._blobs.fetch(binding, values) for binding in function.inputs}
        except Exception as error:
            LOGGER.error("function=%s does not run, an input cannot be read: %s", function.name, describe(error))
            raise
        given = Beside(inputs=inputs, retry=beside.retry if beside else Retry())
        results = await self._calls.answer(function, data, headers, instance, metadata, given)
        if not isinstance(results, Results):  # A function without outputs.
            return results
        await self._send(function, values, results)
        return results.answer

    async def stream(
        self, function: Function, request: web.Request, parameters: Mapping[str, str]
    ) -> web.StreamResponse:
        """Such a function has no bindings with data."""
        return await self._calls.stream(function, request, parameters)

    async def _send(self, function: Function, values: TriggerValues, results: Results) -> None:
        bindings = {str(binding["name"]): binding for binding in function.outputs}
        for name, datum in results.outputs.items():
            binding = bindings[name]
            try:
                await self._senders[binding["type"]].send(binding, values, datum)
            except Exception as error:
                LOGGER.error("function=%s output=%s is not sent: %s", function.name, name, describe(error))
                raise

    def stop(self) -> None:
        self._calls.stop()

    async def close(self) -> None:
        await self._bus.close()


def check_settings(function: Function, settings: Mapping[str, str]) -> None:
    """Refuse a binding whose connection has no settings. Raises HostError that names the function and the binding."""
    for binding in (*function.inputs, *function.outputs):
        try:
            _check(binding, settings)
        except HostError as error:
            raise HostError(f"function {function.name!r}, binding {binding['name']!r}: {error}") from None


def _check(binding: Mapping[str, Any], settings: Mapping[str, str]) -> None:
    match binding["type"]:
        case "blob" | "queue" as service:
            find_account(binding.get("connection"), service, settings)
        case "eventGrid":
            topic_of(binding, settings)
        case "serviceBus" if not has_settings(name := str(binding["connection"]), settings):
            raise HostError(f"neither {name} (a connection string) nor {name}__fullyQualifiedNamespace is set: set one")
