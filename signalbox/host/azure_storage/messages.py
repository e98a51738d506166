"""Queue messages as the extension writes and reads them: Base64, unless `messageEncoding` of host.json is `none`."""

from __future__ import annotations

import base64
import binascii
import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from azure.functions.meta import Datum

if TYPE_CHECKING:
    from azure.storage.queue import QueueMessage
    from azure.storage.queue.aio import QueueClient


async def put(queue: QueueClient, text: str) -> None:
    """Add a message; the queue is made if it is missing."""
    from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

    try:
        await queue.send_message(text)
    except ResourceNotFoundError:
        with contextlib.suppress(ResourceExistsError):  # Another call was faster.
            await queue.create_queue()
        await queue.send_message(text)


def encoded(content: str | bytes, *, as_base64: bool) -> str:
    """*content* as the text of a message. Raises UnicodeDecodeError for bytes that only Base64 could carry."""
    data = content.encode() if isinstance(content, str) else content
    return base64.b64encode(data).decode() if as_base64 else data.decode()


def decoded(text: str, *, as_base64: bool) -> bytes:
    """The content of a message. Raises ValueError if it should be Base64 and is not."""
    if not as_base64:
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"it is not Base64 ({error})") from None


def datum(content: bytes) -> Datum:
    """Text where it is text, as the real host sends it to a worker."""
    try:
        return Datum(content.decode(), "string")
    except UnicodeDecodeError:
        return Datum(content, "bytes")


def metadata(message: QueueMessage, content: Datum) -> Mapping[str, Datum]:
    """The fields beside the content that the SDK's converter reads."""
    moments = {
        "InsertionTime": message.inserted_on,
        "ExpirationTime": message.expires_on,
        "NextVisibleTime": message.next_visible_on,
    }
    fields: dict[str, Any] = {
        "Id": message.id,
        "PopReceipt": message.pop_receipt,
        **{name: _moment(moment) for name, moment in moments.items() if moment is not None},
    }
    texts = {name: Datum(str(value), "string") for name, value in fields.items()}
    if content.type == "string":
        texts["QueueTrigger"] = content
    return {**texts, "DequeueCount": Datum(message.dequeue_count, "int")}


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
