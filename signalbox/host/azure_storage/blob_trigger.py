"""The blob trigger with Event Grid as its source: events become messages of a queue, and each of them one call.

Source: BlobsExtensionConfigProvider and BlobQueueTriggerExecutor of the storage extension. As there, neither the
webhook nor the path of the trigger filters events: the subscription does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from azure.functions.meta import Datum

from signalbox.host.azure_storage import messages
from signalbox.host.azure_storage.accounts import StorageClients
from signalbox.host.functions import Function
from signalbox.host.invocation import Calls
from signalbox.host.log import LOGGER
from signalbox.host.triggers.event_grid import answer_event_grid
from signalbox.host.web.access import Access

PATH = "/{runtime:(?i:runtime/webhooks/blobs)}"
POISON_QUEUE = "webjobs-blobtrigger-poison"
_PREFIX = "Host.Functions."
_PARAMETER = re.compile(r"\{([^{}]+)\}")


class BlobTriggers:
    """Takes events for every blobTrigger function, and calls it for what *queue* holds."""

    def __init__(
        self, functions: Mapping[str, Function], access: Access, clients: StorageClients, calls: Calls, queue: str
    ) -> None:
        self._functions = {name.lower(): function for name, function in functions.items()}
        self._access, self._clients, self._calls = access, clients, calls
        self.queue = queue

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request of Event Grid: 202 once the events are in the queue."""
        if not self._access.admits(request, self._access.keys.blobs_extension):
            return web.Response(status=401)
        function = request.query.get("functionName", "")
        return await answer_event_grid(request, lambda body: self._queue(function, body))

    async def _queue(self, function: str, body: Any) -> web.Response:
        for event in body if isinstance(body, list) else [body]:
            try:
                message = _message(event, function)
            except (LookupError, TypeError, ValueError) as error:
                return web.Response(status=500, text=f"the event names no blob: {error!r}")
            await messages.put(self._clients.queue(None, self.queue), messages.encoded(message, as_base64=True))
        return web.Response(status=202)

    async def run(self, data: Datum, metadata: Mapping[str, Datum]) -> None:
        """Call the function that one message of the queue names. Raises what the function raises."""
        del metadata
        message = json.loads(data.value)
        function = self._functions.get(str(message["FunctionId"]).lower().removeprefix(_PREFIX.lower()))
        if function is None:
            LOGGER.warning("there is no blob trigger %s for %s", message["FunctionId"], message["BlobName"])
            return
        await self.call(function, str(message["ContainerName"]), str(message["BlobName"]))

    async def call(self, function: Function, container: str, name: str) -> None:
        """Call *function* for a blob; it does not run where there is none."""
        from azure.core.exceptions import ResourceNotFoundError

        async with self._clients.container(function.trigger.get("connection"), container) as client:
            try:
                blob = await client.download_blob(name)
                content = await blob.readall()
            except ResourceNotFoundError:
                LOGGER.info("function=%s does not run, since %s/%s is gone", function.name, container, name)
                return
            address = client.get_blob_client(name).url
        fields = _fields(blob.properties, address, f"{container}/{name}")
        fields |= path_values(str(function.trigger["path"]), f"{container}/{name}")
        await self._calls.answer(function, Datum(content, "bytes"), metadata=fields)


def _message(event: Any, function: str) -> str:
    from azure.storage.blob import BlobClient

    data = event["data"]
    blob = BlobClient.from_blob_url(data["url"])
    fields = {
        "Type": "BlobTrigger",
        "FunctionId": function,
        "BlobType": data["blobType"],
        "ContainerName": blob.container_name,
        "BlobName": blob.blob_name,
        "ETag": f'"{data.get("eTag", "")}"',
    }
    return json.dumps(fields)


def _fields(properties: Any, address: str, path: str) -> dict[str, Datum]:
    """The metadata that the SDK's converter reads; the names are .NET's."""
    described = {
        "LastModified": _moment(properties.last_modified),
        "CreatedOn": _moment(properties.creation_time),
        "ContentLength": properties.size,
        "ContentType": properties.content_settings.content_type,
        "ETag": properties.etag,
        "BlobType": str(properties.blob_type).removesuffix("Blob"),
    }
    return {
        "BlobTrigger": Datum(path, "string"),
        "Uri": Datum(address, "string"),
        "Properties": Datum(json.dumps(described), "json"),
        "Metadata": Datum(json.dumps(properties.metadata or {}), "json"),
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def path_values(pattern: str, path: str) -> dict[str, Datum]:
    """The values that *path* gives the parameters of *pattern*; none where it does not fit."""
    parts = _PARAMETER.split(pattern)
    fitted = "".join(
        f"(?P<{part}>.*)" if number % 2 and part.isidentifier() else re.escape(part)
        for number, part in enumerate(parts)
    )
    match = re.fullmatch(fitted, path, re.DOTALL)
    return {name: Datum(value, "string") for name, value in match.groupdict().items()} if match else {}
