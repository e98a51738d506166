"""A received message as the Functions host hands it to a worker: the body, and the trigger's metadata beside it.

Source: ServiceBusTriggerBindingStrategy of azure-functions-servicebus-extension, and the converters of the Python SDK.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from azure.functions.meta import Datum

if TYPE_CHECKING:
    from azure.servicebus import ServiceBusReceivedMessage

_TEXTS = ("MessageId", "SessionId", "CorrelationId", "ContentType", "Subject", "ReplyTo", "ReplyToSessionId", "To")
_DEAD_LETTERS = ("DeadLetterReason", "DeadLetterErrorDescription", "DeadLetterSource")
_JSON = ("ApplicationProperties", "UserProperties")


@dataclass(frozen=True, slots=True)
class _Bodies:
    """Stands in for the protocol's collection of bytes, which the SDK's converter reads."""

    bytes: Sequence[bytes]


def message_datum(message: ServiceBusReceivedMessage) -> tuple[Datum, Mapping[str, Datum]]:
    """The data of a trigger that takes one message at a time."""
    return Datum(_body(message), "bytes"), {name: _datum(value) for name, value in _fields(message).items()}


def batch_datum(messages: Sequence[ServiceBusReceivedMessage]) -> tuple[Datum, Mapping[str, Datum]]:
    """The data of a trigger that takes a batch: every field is an array with one place for each message."""
    fields_of_messages = [_fields(message) for message in messages]
    names = dict.fromkeys(name for fields in fields_of_messages for name in fields)
    arrays = {
        f"{name}Array": Datum(json.dumps([fields.get(name) for fields in fields_of_messages]), "json") for name in names
    }
    return Datum(_Bodies([_body(message) for message in messages]), "collection_bytes"), arrays


def _body(message: ServiceBusReceivedMessage) -> bytes:
    kind = message.body_type.value
    if kind == "data":
        return b"".join(message.body)
    return json.dumps(_plain(message.body if kind == "value" else list(message.body))).encode()


def _fields(message: ServiceBusReceivedMessage) -> dict[str, Any]:
    application = {str(_plain(key)): _plain(value) for key, value in (message.application_properties or {}).items()}
    texts = [message.message_id, message.session_id, message.correlation_id, message.content_type, message.subject]
    texts += [message.reply_to, message.reply_to_session_id, message.to]
    dead = [message.dead_letter_reason, message.dead_letter_error_description, message.dead_letter_source]
    moments = {
        "EnqueuedTimeUtc": message.enqueued_time_utc,
        "ExpiresAtUtc": message.expires_at_utc,
        "LockedUntil": message.locked_until_utc,
        "ScheduledEnqueueTimeUtc": message.scheduled_enqueue_time_utc,
    }
    all_fields: dict[str, Any] = {
        **dict(zip((*_TEXTS, *_DEAD_LETTERS), (*texts, *dead), strict=True)),
        **{name: None if moment is None else _moment(moment) for name, moment in moments.items()},
        "Label": message.subject,
        "LockToken": None if message.lock_token is None else str(message.lock_token),
        "PartitionKey": message.partition_key,
        "SequenceNumber": message.sequence_number,
        # AMQP counts the failed deliveries before this one; .NET, whose metadata a worker gets, counts this one too.
        "DeliveryCount": (message.delivery_count or 0) + 1,
        "TimeToLive": None if message.time_to_live is None else _span(message.time_to_live),
        **dict.fromkeys(_JSON, application),
    }
    return {name: value for name, value in all_fields.items() if value is not None}


def _datum(value: Any) -> Datum:
    if isinstance(value, dict):
        return Datum(json.dumps(value), "json")
    return Datum(value, "int") if isinstance(value, int) else Datum(str(value), "string")


def _plain(value: Any) -> Any:
    """What JSON can carry: AMQP's byte strings are text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _span(span: timedelta) -> str:
    """.NET's TimeSpan without days, which is what the SDK's converter reads."""
    seconds = int(span.total_seconds())
    return f"{seconds // 3600}:{seconds // 60 % 60}:{seconds % 60}"
