"""What callers name: routes of the configuration, and files of the hub. A name that leads elsewhere is refused."""

from shared.clients import Clients
from shared.domain.inference.routes import Route
from shared.ports import Blob
from triggers.http.problems import Problem

LENT = "checks/"  # In staging: files that people put there to have them looked at.


def find_route(clients: Clients, name: str) -> Route:
    """Raises Problem naming the routes there are."""
    try:
        return clients.configuration.route(name)
    except KeyError as error:
        raise Problem(404, "no such route", f"field 'route': {error.args[0]}") from error


def find_file(clients: Clients, location: str) -> Blob:
    """The file at *location* (container/path), whose shape `requests.HubPath` has checked: data, or what was lent.

    Whoever may have data checked may not thereby read what Signalbox keeps. Raises Problem.
    """
    container, _, path = location.partition("/")
    hub = clients.configuration.hub
    if container in hub.reserved and not (container == hub.staging and path.startswith(LENT)):
        raise Problem(403, "not allowed", f"path {location!r} is Signalbox's own record; name a data file")
    blob = clients.hub.find(container, path)
    if blob is None:
        raise Problem(404, "no such file", f"path {location!r} is not in the hub; name it as container/path")
    return blob
