"""The blob binding: a blob is read for a call, or written with what the call has given."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from azure.functions.meta import Datum

from signalbox.host.azure_storage.accounts import StorageClients
from signalbox.host.data_bindings.expressions import TriggerValues


class Blobs:
    """Reads and writes the blobs that bindings name."""

    def __init__(self, clients: StorageClients) -> None:
        self._clients = clients

    async def fetch(self, binding: Mapping[str, Any], values: TriggerValues) -> Datum | None:
        """The blob's content, as text unless the binding's data type is binary; None where there is no blob."""
        from azure.core.exceptions import ResourceNotFoundError

        container, name = _place(values.fill(binding["path"]))
        async with self._clients.container(binding.get("connection"), container) as client:
            try:
                content = await (await client.download_blob(name)).readall()
            except ResourceNotFoundError:
                return None
        if str(binding.get("dataType", "")).upper() in ("BINARY", "STREAM"):
            return Datum(content, "bytes")
        # The real host reads it as text as well, whatever the parameter's type is.
        return Datum(content.decode("utf-8-sig", "replace"), "string")

    async def send(self, binding: Mapping[str, Any], values: TriggerValues, datum: Datum) -> None:
        """Write the blob over what is there; its container is made if it is missing."""
        from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

        container, name = _place(values.fill(binding["path"]))
        content = datum.value.encode() if isinstance(datum.value, str) else datum.value
        async with self._clients.container(binding.get("connection"), container) as client:
            try:
                await client.upload_blob(name, content, overwrite=True)
            except ResourceNotFoundError:
                with contextlib.suppress(ResourceExistsError):  # Another call was faster.
                    await client.create_container()
                await client.upload_blob(name, content, overwrite=True)


def _place(path: str) -> tuple[str, str]:
    """The container and the name in *path*, which may be a blob's address. Raises ValueError."""
    from azure.storage.blob import BlobClient

    if path.startswith(("https://", "http://")):
        blob = BlobClient.from_blob_url(path)
        return str(blob.container_name), str(blob.blob_name)
    container, _, name = path.lstrip("/").partition("/")
    if not name:
        raise ValueError(f"the blob path {path!r} is not CONTAINER/NAME")
    return container, name
