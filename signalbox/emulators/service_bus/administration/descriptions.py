"""The descriptions of queues, topics and subscriptions: which values they have, which are taken, and what they mean.

Values are texts, as the ATOM documents have them. Contract: Microsoft.ServiceBus REST API, 2024-05; defaults and
sentences are those that the service answered to the client's own recorded tests.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from signalbox.emulators.service_bus.administration.durations import (
    FOREVER,
    FOREVER_S,
    duration_of,
    seconds_of,
    span_of,
)
from signalbox.emulators.service_bus.administration.refusals import bad, not_served, out_of_range
from signalbox.emulators.service_bus.entities import Entity, Status, Topic

Values = Mapping[str, str]
_DAY_S = 86400.0
_MOST_METADATA = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A value of a description: *check* raises AdministrationError; *is_fixed*: it never changes."""

    default: str | None
    check: Callable[[str, str], None]
    is_fixed: bool = False


def _flag(name: str, text: str) -> None:
    if text not in ("true", "false"):
        raise bad(f"The value '{text}' of {name} is neither true nor false.")


def _unserved_flag(name: str, text: str) -> None:
    _flag(name, text)
    if text == "true":
        raise not_served(name)


def _duration(shortest_s: float, longest_s: float = math.inf, too_long: str = "") -> Callable[[str, str], None]:
    def check(name: str, text: str) -> None:
        try:
            seconds = seconds_of(text)
        except ValueError as error:
            raise bad(f"{name}: {error}.") from error
        if seconds > longest_s:
            detail = too_long or f"The value is longer than the allowed maximum of '{span_of(longest_s)}'."
            raise out_of_range(detail, name, span_of(seconds))
        if seconds < shortest_s:
            raise out_of_range(f"The value is shorter than '{span_of(shortest_s)}'.", name, span_of(seconds))

    return check


def _number(least: int, most: int) -> Callable[[str, str], None]:
    def check(name: str, text: str) -> None:
        if not text.isascii() or not text.isdigit():
            raise bad(f"The value '{text}' of {name} is no whole number.")
        if not least <= int(text) <= most:
            raise out_of_range(f"The value must be between {least} and {most}.", name, text)

    return check


def _size(name: str, text: str) -> None:
    _number(1024, 5120)(name, text)
    if int(text) % 1024:
        raise out_of_range("The value must be one of 1024, 2048, 3072, 4096 and 5120.", name, text)


def _status(name: str, text: str) -> None:
    if text not in list(Status):
        raise bad(f"The value '{text}' of {name} is none of {', '.join(Status)}.")


def _metadata(name: str, text: str) -> None:
    if len(text) > _MOST_METADATA:
        raise out_of_range(f"The value is longer than {_MOST_METADATA} characters.", name, str(len(text)))


def _any(name: str, text: str) -> None:
    del name, text


_FLAG, _FIXED_FLAG = Field(default="false", check=_flag), Field(default="false", check=_flag, is_fixed=True)
_UNSERVED = Field(default="false", check=_unserved_flag)
_LIFE = Field(default=FOREVER, check=_duration(1))
_IDLE = Field(default=FOREVER, check=_duration(300))
_BATCHED = Field(default="true", check=_flag)
_STATUS = Field(default=Status.ACTIVE, check=_status)
_METADATA, _FORWARD = Field(default=None, check=_metadata), Field(default=None, check=_any)
_WINDOW = Field(default="PT10M", check=_duration(20, 7 * _DAY_S))
_TOO_LONG = "The supplied lock time exceeds the allowed maximum of '5' minutes."
_LOCK = Field(default="PT1M", check=_duration(5, 300, _TOO_LONG))
_SIZE = Field(default="1024", check=_size)
_DELIVERIES = Field(default="10", check=_number(1, 2000))

QUEUE: Mapping[str, Field] = {
    "LockDuration": _LOCK,
    "MaxSizeInMegabytes": _SIZE,
    "RequiresDuplicateDetection": _FIXED_FLAG,
    "RequiresSession": _FIXED_FLAG,
    "DefaultMessageTimeToLive": _LIFE,
    "DeadLetteringOnMessageExpiration": _FLAG,
    "DuplicateDetectionHistoryTimeWindow": _WINDOW,
    "MaxDeliveryCount": _DELIVERIES,
    "EnableBatchedOperations": _BATCHED,
    "IsAnonymousAccessible": _UNSERVED,
    "Status": _STATUS,
    "ForwardTo": _FORWARD,
    "UserMetadata": _METADATA,
    "SupportOrdering": Field(default="true", check=_flag),
    "AutoDeleteOnIdle": _IDLE,
    "EnablePartitioning": _UNSERVED,
    "EnableExpress": _UNSERVED,
    "ForwardDeadLetteredMessagesTo": _FORWARD,
}
TOPIC: Mapping[str, Field] = {
    "DefaultMessageTimeToLive": _LIFE,
    "MaxSizeInMegabytes": _SIZE,
    "RequiresDuplicateDetection": _FIXED_FLAG,
    "DuplicateDetectionHistoryTimeWindow": _WINDOW,
    "EnableBatchedOperations": _BATCHED,
    "FilteringMessagesBeforePublishing": _UNSERVED,
    "IsAnonymousAccessible": _UNSERVED,
    "Status": _STATUS,
    "UserMetadata": _METADATA,
    "SupportOrdering": Field(default="true", check=_flag),
    "AutoDeleteOnIdle": _IDLE,
    "EnablePartitioning": _UNSERVED,
    "EnableSubscriptionPartitioning": _UNSERVED,
    "EnableExpress": _UNSERVED,
}
SUBSCRIPTION: Mapping[str, Field] = {
    "LockDuration": _LOCK,
    "RequiresSession": _FIXED_FLAG,
    "DefaultMessageTimeToLive": _LIFE,
    "DeadLetteringOnMessageExpiration": _FLAG,
    "DeadLetteringOnFilterEvaluationExceptions": Field(default="true", check=_flag),
    "MaxDeliveryCount": _DELIVERIES,
    "EnableBatchedOperations": _BATCHED,
    "Status": _STATUS,
    "ForwardTo": _FORWARD,
    "UserMetadata": _METADATA,
    "ForwardDeadLetteredMessagesTo": _FORWARD,
    "AutoDeleteOnIdle": _IDLE,
    "IsClientAffine": _UNSERVED,
}
# What the service says of an entity, and takes back unread when a description that was read is written again.
ANSWERED = frozenset(
    {
        "SizeInBytes",
        "MessageCount",
        "CreatedAt",
        "UpdatedAt",
        "AccessedAt",
        "CountDetails",
        "EntityAvailabilityStatus",
        "SubscriptionCount",
    }
)


def checked(fields: Mapping[str, Field], given: Values, earlier: Values | None = None) -> dict[str, str]:
    """The whole description that *given* asks for, in the place of an *earlier* one. Raises AdministrationError."""
    unknown = sorted(given.keys() - fields.keys() - ANSWERED)
    if unknown:
        raise bad(f"The description has no {', '.join(unknown)}.")
    values = {}
    for name, field in fields.items():
        text = given.get(name, field.default)
        if text is None:
            continue
        field.check(name, text)
        if earlier is not None and field.is_fixed and text != earlier.get(name, field.default):
            raise bad(f"The value for the {name} property of an existing entity cannot be changed.")
        values[name] = text
    return values


def entity_of(path: str, values: Values) -> Entity:
    """The queue or the subscription that a description means."""
    detects = values.get("RequiresDuplicateDetection") == "true"
    return Entity(
        path=path,
        lock_s=seconds_of(values["LockDuration"]),
        max_deliveries=int(values["MaxDeliveryCount"]),
        sessions=values["RequiresSession"] == "true",
        time_to_live_s=_limited(values["DefaultMessageTimeToLive"]),
        dead_letter_expired=values["DeadLetteringOnMessageExpiration"] == "true",
        dead_letter_filter_errors=values.get("DeadLetteringOnFilterEvaluationExceptions", "true") == "true",
        duplicate_window_s=seconds_of(values["DuplicateDetectionHistoryTimeWindow"]) if detects else None,
        status=Status(values["Status"]),
        forward_to=path_of_address(values.get("ForwardTo", "")),
        forward_letters_to=path_of_address(values.get("ForwardDeadLetteredMessagesTo", "")),
        idle_s=_limited(values["AutoDeleteOnIdle"]),
    )


def topic_of(path: str, values: Values) -> Topic:
    detects = values["RequiresDuplicateDetection"] == "true"
    return Topic(
        path=path,
        duplicate_window_s=seconds_of(values["DuplicateDetectionHistoryTimeWindow"]) if detects else None,
        time_to_live_s=_limited(values["DefaultMessageTimeToLive"]),
        status=Status(values["Status"]),
        idle_s=_limited(values["AutoDeleteOnIdle"]),
    )


def values_of(entity: Entity | Topic, fields: Mapping[str, Field]) -> dict[str, str]:
    """The description of an entity of the settings."""
    values = {name: field.default for name, field in fields.items() if field.default is not None}
    own = {
        "DefaultMessageTimeToLive": duration_of(entity.time_to_live_s),
        "RequiresDuplicateDetection": _text(entity.duplicate_window_s is not None),
        "DuplicateDetectionHistoryTimeWindow": duration_of(entity.duplicate_window_s or 600.0),
    }
    if isinstance(entity, Entity):
        own |= {
            "LockDuration": duration_of(entity.lock_s),
            "MaxDeliveryCount": str(entity.max_deliveries),
            "RequiresSession": _text(entity.sessions),
            "DeadLetteringOnMessageExpiration": _text(entity.dead_letter_expired),
        }
    return values | {name: text for name, text in own.items() if name in fields}


def path_of_address(address: str) -> str:
    """The path of an entity that is named by its name or by its address, `sb://host/path`."""
    parts = urlsplit(address)
    return (parts.path if parts.scheme else address).strip("/").lower()


def _limited(text: str) -> float | None:
    seconds = seconds_of(text)
    return None if seconds >= FOREVER_S else seconds


def _text(flag: bool) -> str:
    return "true" if flag else "false"
