"""Event subscriptions as Resource Manager takes and shows them, and as the settings write them.

Shape: Microsoft.EventGrid/eventSubscriptions 2025-02-15. Destinations are webhooks, and functions of the local host.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from signalbox.emulators.azure_ml.doors import Refusal, bad

TYPE = "Microsoft.EventGrid/eventSubscriptions"
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
    if unserved := [field for field in _UNSERVED if properties.get(field)]:
        raise _not_served(unserved[0])
    delivery = properties.get("deliveryWithResourceIdentity") or {}
    letters = (properties.get("deadLetterWithResourceIdentity") or {}).get("deadLetterDestination")
    filters, retries = properties.get("filter") or {}, properties.get("retryPolicy") or {}
    return {
        "name": name,
        "topic": places.topic_of(source),
        "url": _url(properties.get("destination") or delivery.get("destination") or {}, places),
        "event_types": list(filters.get("includedEventTypes") or ()),
        "subject_begins_with": filters.get("subjectBeginsWith") or "",
        "subject_ends_with": filters.get("subjectEndsWith") or "",
        "is_subject_case_sensitive": bool(filters.get("isSubjectCaseSensitive")),
        "filters": list(filters.get("advancedFilters") or ()),
        "filters_look_into_arrays": bool(filters.get("enableAdvancedFilteringOnArrays")),
        "schema": properties.get("eventDeliverySchema") or "EventGridSchema",
        "max_attempts": retries.get("maxDeliveryAttempts") or 30,
        "ttl_s": 60 * (retries.get("eventTimeToLiveInMinutes") or 1440),
        "dead_letter": _letters(name, properties.get("deadLetterDestination") or letters, places),
    }


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
    kind, properties = destination.get("endpointType"), destination.get("properties") or {}
    match kind:
        case "WebHook":
            if not properties.get("endpointUrl"):
                raise bad("destination.properties.endpointUrl is missing")
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
    return f"{properties['blobContainerName']}/{name}"


def _not_served(what: str) -> Refusal:
    message = f"The local Event Grid does not serve {what}; docs/local-cloud.md says what it does."
    return Refusal(501, "NotImplemented", message)
