"""What callers name: routes of the configuration, and files of the hub. A name that leads elsewhere is refused."""

from typing import Annotated, TypeAlias

from shared.clients import Clients
from shared.domain.inference.routes import Route
from shared.ports import Blob
from shared.validation.rules import Text
from triggers.http.exchange.problems import Problem

# The hub follows `.` and `..` in a path: a name with them would lead out of the container that it begins with.
_SEGMENT = r"(?!\.{1,2}(/|$))[^/\\\x00-\x1f\x7f]+"
_PLACE = rf"[a-z0-9](-?[a-z0-9]){{2,62}}(/{_SEGMENT})+"
HubPath: TypeAlias = Annotated[
    str,
    Text(longest=1024, pattern=_PLACE, means="container/path of a file in the hub, without . or .. on the way"),
]
Place: TypeAlias = Annotated[
    str,
    Text(
        longest=1024,
        pattern=rf"{_PLACE}/?",
        means="container/path of a file in the hub, or of a folder with / at its end",
    ),
]
OptionalPlace: TypeAlias = Annotated[
    str,
    Text(
        shortest=0,
        longest=1024,
        pattern=rf"({_PLACE}/?)?",
        means="container/path of a file in the hub, or of a folder with / at its end; empty for none",
    ),
]
FileName: TypeAlias = Annotated[str, Text(longest=1024, pattern=_SEGMENT, means="the name of a file, without a folder")]
LetterPath: TypeAlias = Annotated[
    str, Text(longest=1024, pattern=rf"{_SEGMENT}(/{_SEGMENT})*", means="a path that the list of dead letters says")
]

CHECK_FILES = "checks/"  # In staging: files that people put there to have them checked.


def find_route(clients: Clients, name: str) -> Route:
    """Raises Problem naming the routes there are."""
    try:
        return clients.configuration.route(name)
    except KeyError as error:
        raise Problem(404, "no such route", f"field 'route': {error.args[0]}") from error


def find_file(clients: Clients, location: str) -> Blob:
    """The file at *location* (container/path), whose shape `HubPath` has checked.

    It is a data file, or one that was put into staging for a check: the right to have data checked is no right to read
    what Signalbox keeps. Raises Problem.
    """
    container, _, path = location.partition("/")
    hub = clients.configuration.hub
    if container in hub.reserved and not (container == hub.staging and path.startswith(CHECK_FILES)):
        raise Problem(403, "not allowed", f"path {location!r} is Signalbox's own record; name a data file")
    blob = clients.hub.find(container, path)
    if blob is None:
        raise Problem(404, "no such file", f"path {location!r} is not in the hub; name it as container/path")
    return blob
