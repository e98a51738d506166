"""Every queueTrigger and blobTrigger of the app, between `start` and `stop`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from azure.functions.meta import Datum

from signalbox.host.azure_storage.accounts import HOST_ACCOUNT, StorageClients, find_account
from signalbox.host.azure_storage.blob_trigger import POISON_QUEUE, BlobTriggers
from signalbox.host.azure_storage.queue_listener import QueueListener
from signalbox.host.errors import HostError
from signalbox.host.functions import Function
from signalbox.host.invocation import Calls
from signalbox.host.settings import QueueSettings

_HOST_ID = "AzureFunctionsWebHost__hostid"


def check_trigger(function: Function, settings: Mapping[str, str]) -> None:
    """Refuse a trigger of Storage that cannot be served. Raises HostError that names the function."""
    trigger = function.trigger
    try:
        if function.kind == "queueTrigger":
            find_account(trigger.get("connection"), "queue", settings)
        elif function.kind == "blobTrigger":
            if str(trigger.get("source", "")).lower() != "eventgrid":
                raise HostError('this host does not poll containers: use source="EventGrid"')
            find_account(trigger.get("connection"), "blob", settings)
            find_account(HOST_ACCOUNT, "queue", settings)
    except HostError as error:
        raise HostError(f"function {function.name!r} has trigger {function.kind!r}: {error}") from None


def blob_queue(app: Path, settings: Mapping[str, str]) -> str:
    """The queue of the host's account in which the events of blob triggers wait. Its name holds the host's id."""
    default = f"local-{hashlib.sha256(str(app).encode()).hexdigest()[:12]}"
    return f"azure-webjobs-blobtrigger-{settings.get(_HOST_ID, default).lower()}"


class StorageTriggers:
    """A listener for each queue; blob triggers share one."""

    def __init__(
        self,
        queued: Sequence[Function],
        blobs: BlobTriggers | None,
        clients: StorageClients,
        calls: Calls,
        settings: QueueSettings,
    ) -> None:
        self._listeners = []
        for function in queued:
            connection, name = function.trigger.get("connection"), str(function.trigger["queueName"]).lower()
            queue, poison = clients.queue(connection, name), clients.queue(connection, f"{name}-poison")
            self._listeners.append(QueueListener(queue, poison, settings, partial(_answer, calls, function)))
        if blobs is not None:
            queue, poison = clients.queue(None, blobs.queue), clients.queue(None, POISON_QUEUE)
            self._listeners.append(QueueListener(queue, poison, replace(settings, base64=True), blobs.run))

    @property
    def idle(self) -> bool:
        """Whether no function runs because of a message."""
        return all(listener.idle for listener in self._listeners)

    def start(self) -> None:
        for listener in self._listeners:
            listener.start()

    async def stop(self, grace: float) -> None:
        for listener in self._listeners:
            await listener.stop(grace)


async def _answer(calls: Calls, function: Function, data: Datum, metadata: Mapping[str, Datum]) -> Any:
    return await calls.answer(function, data, metadata=metadata)
