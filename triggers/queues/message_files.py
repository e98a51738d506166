"""A message of the Data Hub's queue to the files that it names; strictly read, all of it or nothing.

A file must lie in the hub, outside Signalbox's own containers, and some route (the named one, if any) must take it.
"""

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from urllib.parse import unquote, urlsplit

from shared.clients import Clients
from shared.domain.events import BlobArrived, UnreadableEvent
from shared.domain.inference.arrivals import Arrival
from shared.domain.inference.routes import Route
from shared.domain.messaging import Asker
from shared.validation.requests import BadRequest, requested
from shared.validation.rules import Many, Name, OptionalName
from triggers.events.envelopes import location_of

MESSAGE = "Signalbox.HubMessage"  # The type under which a message is kept, among events that could not be read.
MESSAGE_DEFAULTS = {"id": "", "session": "", "correlation": "", "sequence": 0, "data": None}  # Of a kept message.
_SUBJECT = "/blobServices/default/containers/{}/blobs/{}"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesNamed:
    """Either *paths* (container/path in the hub) or the *url* of one blob; *route* is one that must take them."""

    paths: Annotated[tuple[Name, ...], Many(most=100, different=True)] = ()
    url: OptionalName = ""
    route: OptionalName = ""


def is_message(raw: Any) -> bool:
    return isinstance(raw, dict) and raw.get("type") == MESSAGE


def envelope(message: str, session: str, correlation: str, data: Any) -> dict[str, Any]:
    """A message as it is kept: its data, and the names that its answer needs."""
    return {"type": MESSAGE, "id": message, "session": session, "correlation": correlation, "data": data}


def asker_of(raw: dict[str, Any]) -> Asker:
    """Who is to be answered. Raises UnreadableEvent."""
    refuse_nameless(raw)
    return Asker(message=str(raw["id"]), session=str(raw["session"]), correlation=str(raw["correlation"]))


def read_content(kind: type[T], data: Any) -> T:
    """What a message brings, as a *kind*. Raises UnreadableEvent with everything that is wrong with it."""
    try:
        return requested(kind, data)
    except BadRequest as error:
        raise UnreadableEvent(str(error)[:1000]) from error


def refuse_nameless(raw: dict[str, Any]) -> None:
    """Raises UnreadableEvent where nothing tells the message from another, or knows it when it comes again."""
    if not raw.get("id"):
        raise UnreadableEvent(
            "the message has no message id; give each message its own, and the same when it is resent"
        )


def arrivals(clients: Clients, raw: dict[str, Any]) -> tuple[BlobArrived, ...]:
    """An arrival for each file to be scored. Raises UnreadableEvent, and Transient where the hub does not answer."""
    files = read_content(FilesNamed, raw.get("data"))
    if bool(files.paths) == bool(files.url):
        raise UnreadableEvent("the message names no file, or both `paths` and `url`; give one of the two")
    asker = asker_of(raw)
    places = [path.partition("/") for path in files.paths] or [_inside_hub(clients, files.url)]
    return tuple(_arrival(clients, files, asker, container, path) for container, _, path in places)


def _inside_hub(clients: Clients, url: str) -> tuple[str, str, str]:
    hub = clients.settings.blob_service
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UnreadableEvent(f"url is {url[:160]!r}, which is not a URL") from error
    if not url.startswith(f"{hub}/") or parts.query or parts.fragment:
        raise UnreadableEvent(f"url does not name a blob of {hub}; name one, without a signature or anything after it")
    return unquote(url.removeprefix(f"{hub}/")).partition("/")


def _arrival(clients: Clients, files: FilesNamed, asker: Asker, container: str, path: str) -> BlobArrived:
    hub = clients.configuration.hub
    location = f"{container}/{path}"
    location_of(_SUBJECT.format(container, path))
    if container in hub.reserved:
        raise UnreadableEvent(f"{location!r} lies in Signalbox's own container; name a file of the hub's own")
    routes = [route for route in clients.configuration.routes if files.route in ("", route.name)]
    if not any(_takes(route, location) for route in routes):
        raise UnreadableEvent(f"{location!r} is taken by no route{f' called {files.route!r}' if files.route else ''}")
    blob = clients.hub.find(container, path)
    if blob is None:
        raise UnreadableEvent(f"{location!r} is not in the hub; send the message after the file")
    arrival = Arrival(account=hub.account, container=container, path=path, etag=blob.etag, size=blob.size)
    return BlobArrived(event_id=asker.message, arrival=arrival, asker=asker)


def _takes(route: Route, location: str) -> bool:
    return route.captures(location) is not None or route.marked(location)
