"""A message of the Data Hub's queue to the files that it names; strictly read, all of it or nothing.

A file must lie in the hub, outside Signalbox's own containers, and some route (the named one, if any) must take it.
"""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import unquote, urlsplit

from shared.clients import Clients
from shared.domain.events import BlobArrived, UnreadableEvent
from shared.domain.inference.routes import Route
from shared.domain.messaging import Asker
from shared.validation.rules import Many, Name, OptionalName
from triggers.events.envelopes import location_of
from triggers.queues.queue_messages import QueueMessage

_SUBJECT = "/blobServices/default/containers/{}/blobs/{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesNamed:
    """Either *paths* (container/path in the hub) or the *url* of one blob; *route* is one that must take them."""

    paths: Annotated[tuple[Name, ...], Many(most=100, different=True)] = ()
    url: OptionalName = ""
    route: OptionalName = ""


def arrivals(clients: Clients, message: QueueMessage) -> tuple[BlobArrived, ...]:
    """An arrival for each file to be scored. Raises UnreadableEvent, and Transient where the hub does not answer."""
    files = message.brings(FilesNamed)
    if bool(files.paths) == bool(files.url):
        raise UnreadableEvent("the message names no file, or both `paths` and `url`; give one of the two")
    asker = message.asker
    parts = [path.partition("/") for path in files.paths]
    places = [(container, path) for container, _, path in parts] or [_inside_hub(clients, files.url)]
    return tuple(_arrival(clients, files, asker, container, path) for container, path in places)


def _inside_hub(clients: Clients, url: str) -> tuple[str, str]:
    """The container and the path that *url* names in the account of a hub. Raises UnreadableEvent."""
    settings, configuration = clients.settings, clients.configuration
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UnreadableEvent(f"url is {url[:160]!r}, which is not a URL") from error
    services = {configuration.hub.account: settings.blob_service}
    services |= {hub.account: settings.storage_accounts.replace("{account}", hub.account) for hub in configuration.hubs}
    for account, service in services.items():
        container, _, path = unquote(url.removeprefix(f"{service}/")).partition("/")
        is_in_account = url.startswith(f"{service}/") and configuration.account_of(container) == account
        if is_in_account and not parts.query and not parts.fragment:
            return container, path
    names = " or ".join(services.values())
    raise UnreadableEvent(f"url does not name a blob of {names}; name one, without a signature or anything after it")


def _arrival(clients: Clients, files: FilesNamed, asker: Asker, container: str, path: str) -> BlobArrived:
    hub = clients.configuration.hub
    location = f"{container}/{path}"
    # Through the reader of events, so that a message can name no path that an event could not.
    location_of(_SUBJECT.format(container, path))
    if container in hub.reserved:
        raise UnreadableEvent(f"{location!r} lies in Signalbox's own container; name a file of the hub's own")
    routes = [route for route in clients.configuration.routes if files.route in ("", route.name)]
    if not any(_takes(route, location) for route in routes):
        raise UnreadableEvent(f"{location!r} is taken by no route{f' called {files.route!r}' if files.route else ''}")
    blob = clients.hub.find(container, path)
    if blob is None:
        raise UnreadableEvent(f"{location!r} is not in the hub; send the message after the file")
    return BlobArrived(
        event_id=asker.message, arrival=blob.arrival(clients.configuration.account_of(container)), asker=asker
    )


def _takes(route: Route, location: str) -> bool:
    return route.captures(location) is not None or route.marked(location)
