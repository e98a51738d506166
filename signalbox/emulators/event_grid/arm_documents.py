"""Event subscriptions as Resource Manager takes and shows them, and as the settings write them.

Shape: Microsoft.EventGrid/eventSubscriptions 2025-02-15. Destinations are webhooks, and functions of the local host.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from signalbox.emulators.azure_ml.doors import Refusal, bad

TYPE = "Microsoft.EventGrid/eventSubscriptions"
_NAME = re.compile(r"[A-Za-z0-9-]{3,64}")
_WORDS = {bool: "true or false", str: "a text", int: "a whole number", list: "a list", dict: "an object"}
_Value = TypeVar("_Value")
_NOTHING: dict[str, Any] = {}
# By name: the most that Azure takes, and what it has where nothing is given.
_BATCHES = {"maxEventsPerBatch": (5000, 1), "preferredBatchSizeInKilobytes": (1024, 64)}
_UNSERVED_DELIVERY = (
    "deliveryAttributeMappings",
    "azureActiveDirectoryTenantId",
    "azureActiveDirectoryApplicationIdOrUri",
)
_UNSERVED = ("expirationTimeUtc", "labels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """*topics*: names of topics by the id of what raises their events; *hub*: the id of the Data Hub's account;
    *functions*: where each function of the local host takes events."""

    topics: Mapping[str, str]
    hub: str
    functions: Mapping[str, str]

    def topic_of(self, source: str) -> str:
        """Raises 404 for a source that raises no events here."""
        for name, topic in self.topics.items():
            if name.lower() == source.lower():
                return topic
        raise Refusal(404, "ResourceNotFound", f"{source} raises no events in the local cloud")


def functions_of(urls: list[str]) -> dict[str, str]:
    """The functions that *urls* of the host's webhook call, by their names."""
    return {parse_qs(urlsplit(url).query)["functionName"][0]: url for url in urls if "functionName=" in url}


def read_row(name: str, source: str, properties: Mapping[str, Any], places: Places) -> dict[str, Any]:
    """The subscription as the settings write it. Raises 400, 404, and 501 for what is not served."""
    if not _NAME.fullmatch(name):
        raise bad(f"event subscription {name!r} needs a name of 3 to 64 letters, digits and hyphens")
    if unserved := [field for field in _UNSERVED if properties.get(field)]:
        raise _not_served(unserved[0])
    letters = _field(_field(properties, "deadLetterWithResourceIdentity", _NOTHING), "deadLetterDestination", _NOTHING)
    filters, retries = _field(properties, "filter", _NOTHING), _field(properties, "retryPolicy", _NOTHING)
    return {
        "name": name,
        "topic": places.topic_of(source),
        "url": _url(_destination(properties), places),
        "event_types": _field(filters, "includedEventTypes", []),
        "subject_begins_with": _field(filters, "subjectBeginsWith", ""),
        "subject_ends_with": _field(filters, "subjectEndsWith", ""),
        "is_subject_case_sensitive": _field(filters, "isSubjectCaseSensitive", default=False),
        "filters": _field(filters, "advancedFilters", []),
        "filters_look_into_arrays": _field(filters, "enableAdvancedFilteringOnArrays", default=False),
        "schema": _field(properties, "eventDeliverySchema", "EventGridSchema"),
        "max_attempts": _field(retries, "maxDeliveryAttempts", 30),
        "ttl_s": 60 * _field(retries, "eventTimeToLiveInMinutes", 1440),
        "dead_letter": _letters(name, _field(properties, "deadLetterDestination", _NOTHING) or letters, places),
    }


def queue_of(properties: Mapping[str, Any]) -> str:
    """The id of the queue of Service Bus that is the destination; empty where it is another."""
    destination = _destination(properties)
    is_queue = destination.get("endpointType") == "ServiceBusQueue"
    return str((destination.get("properties") or {}).get("resourceId", "")) if is_queue else ""


def _destination(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    delivery = _field(properties, "deliveryWithResourceIdentity", _NOTHING)
    return _field(properties, "destination", _NOTHING) or _field(delivery, "destination", _NOTHING)


def _field(section: Mapping[str, Any], name: str, default: _Value) -> _Value:
    """What *section* has under the *name*, the *default* where it has nothing. Raises 400 for another type of value."""
    value = section.get(name)
    if value is None:
        return default
    if type(value) is not type(default):
        raise bad(f"{name} is {value!r}; give {_WORDS[type(default)]}")
    return value


def document(source: str, row: Mapping[str, Any], hub: str) -> dict[str, Any]:
    """As Event Grid shows it: the address without its query, since that carries the key."""
    container, _, _ = str(row.get("dead_letter", "")).partition("/")
    letters = {"resourceId": hub, "blobContainerName": container}
    properties = {
        "topic": source,
        "provisioningState": "Succeeded",
        "destination": {
            "endpointType": "WebHook",
            "properties": {"endpointBaseUrl": urlsplit(str(row["url"]))._replace(query="").geturl()},
        },
        "filter": {
            "subjectBeginsWith": row.get("subject_begins_with", ""),
            "subjectEndsWith": row.get("subject_ends_with", ""),
            "isSubjectCaseSensitive": row.get("is_subject_case_sensitive", False),
            "includedEventTypes": list(row.get("event_types", ())),
            "advancedFilters": list(row.get("filters", ())),
            "enableAdvancedFilteringOnArrays": row.get("filters_look_into_arrays", False),
        },
        "eventDeliverySchema": row.get("schema", "EventGridSchema"),
        "retryPolicy": {
            "maxDeliveryAttempts": row.get("max_attempts", 30),
            "eventTimeToLiveInMinutes": row.get("ttl_s", 86400) // 60,
        },
        "deadLetterDestination": {"endpointType": "StorageBlob", "properties": letters} if container else None,
    }
    path = f"{source}/providers/{TYPE}/{row['name']}"
    return {"id": path, "name": row["name"], "type": TYPE, "properties": properties}


def _url(destination: Mapping[str, Any], places: Places) -> str:
    kind, properties = destination.get("endpointType"), _field(destination, "properties", _NOTHING)
    for name, (most, default) in _BATCHES.items():
        number = _field(properties, name, default)
        if not 1 <= number <= most:
            raise bad(f"destination.properties.{name} is {number}; give a number from 1 to {most}")
        if number != default:
            raise _not_served(f"batches ({name})")
    if unserved := [name for name in _UNSERVED_DELIVERY if properties.get(name)]:
        raise _not_served(unserved[0])
    match kind:
        case "WebHook":
            url = urlsplit(_field(properties, "endpointUrl", ""))
            if url.scheme not in ("http", "https") or not url.hostname:
                raise bad("destination.properties.endpointUrl is missing, or no address of a web hook")
            return str(properties["endpointUrl"])
        case "AzureFunction":
            name = str(properties.get("resourceId", "")).rpartition("/functions/")[2]
            if name not in places.functions:
                raise Refusal(400, "InvalidRequest", f"Destination endpoint not found: function {name!r} does not run.")
            return places.functions[name]
        case None:
            raise bad("an event subscription needs a destination")
    raise _not_served(f"destinations of the type {kind}")


def _letters(name: str, destination: Mapping[str, Any] | None, places: Places) -> str:
    if not destination:
        return ""
    properties = destination.get("properties") or {}
    if str(properties.get("resourceId", "")).lower() != places.hub.lower():
        raise _not_served("dead letters outside the Data Hub")
    if not properties.get("blobContainerName"):
        raise bad("deadLetterDestination.properties.blobContainerName is missing")
    return f"{properties['blobContainerName']}/{name}"


def _not_served(what: str) -> Refusal:
    message = f"The local Event Grid does not serve {what}; docs/local-cloud.md says what it does."
    return Refusal(501, "NotImplemented", message)
